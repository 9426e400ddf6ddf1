/**
 * Keys that clients watch (WATCH): which client watches which, and whose watch was lost because a key has changed.
 *
 * The keyspace says before each change of an entry that it may come (KeyWatchers.changing). Whether it did come is
 * known when the command is done: if it had effects. Until then the key is only noted. So what changes nothing costs
 * nobody his transaction, and while nobody watches a write costs one comparison.
 *
 * As in Redis, a key that was past its expiry when it was watched may be deleted for that, and keys are told apart by
 * the number of their database: after SWAPDB the watch is on what is now there. That a value moves between memory and
 * disk is no change.
 */

import type { Database } from "../keyspace/database.ts";
import { nameOf } from "../keyspace/key-name.ts";
import type { KeyWatchers } from "../keyspace/key-watchers.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Warmer } from "../keyspace/warmer.ts";

/** A client that watches. */
export interface Watcher {
  /** Managed here. */
  readonly watches: Watch[];
  /** A watched key was changed: the next EXEC fails. */
  hasLostWatch: boolean;
}

/** One key that one client watches. */
export interface Watch {
  readonly watcher: Watcher;
  readonly dbIndex: number;
  readonly key: Buffer;
  readonly name: string;
  /** The key's expiry (0: none, or there is no key). It cannot change unnoticed. */
  expireMs: number;
  /** The key was past its expiry when it was watched, and has not been deleted since. */
  wasExpired: boolean;
}

export class WatchedKeys implements KeyWatchers {
  private readonly keyspace: Keyspace;
  private readonly warmer: Warmer | undefined;
  /** How many effects commands have had so far. */
  private readonly countEffects: () => number;
  /** By database number and key. */
  private readonly watches = new Map<string, Watch[]>();
  /** Watched keys that the present command is about to change. */
  private readonly pending = new Set<string>();
  /** Of `countEffects`, when the last command was done. */
  private effectsBefore = 0;

  constructor(keyspace: Keyspace, warmer: Warmer | undefined, countEffects: () => number) {
    this.keyspace = keyspace;
    this.warmer = warmer;
    this.countEffects = countEffects;
  }

  /** Makes `watcher` watch a key, which must be in memory or absent. */
  add(watcher: Watcher, database: Database, key: Buffer): void {
    const name = nameOf(database.index, key);
    if (watcher.watches.some((watch) => watch.name === name)) return;
    const address = this.find(database, key);
    const watch: Watch = {
      watcher,
      dbIndex: database.index,
      key: Buffer.from(key),
      name,
      expireMs: address === 0 ? 0 : this.keyspace.entries.expireMs(address),
      wasExpired: address !== 0 && database.isExpired(address),
    };
    watcher.watches.push(watch);
    const others = this.watches.get(name);
    if (others === undefined) this.watches.set(name, [watch]);
    else others.push(watch);
    if (this.watches.size > 1 || others !== undefined) return;
    this.keyspace.watch(this);
    this.effectsBefore = this.countEffects();
  }

  /** Ends all watches of a client. */
  removeAll(watcher: Watcher): void {
    if (watcher.watches.length === 0) return;
    for (const watch of watcher.watches.splice(0)) {
      const all = this.watches.get(watch.name)!;
      all.splice(all.indexOf(watch), 1);
      if (all.length === 0) this.watches.delete(watch.name);
    }
    if (this.watches.size > 0) return;
    this.keyspace.unwatch(this);
    this.pending.clear();
  }

  /** Whether the time of a watched key has come since it was watched. */
  hasExpired({ watches }: Watcher): boolean {
    const { expiring, nowMs } = this.keyspace;
    return (
      expiring && watches.some((each) => !each.wasExpired && each.expireMs !== 0 && each.expireMs <= nowMs)
    );
  }

  changing(database: Database, address: number): void {
    const name = nameOf(database.index, this.keyspace.entries.key(address));
    if (this.watches.has(name)) this.pending.add(name);
  }

  changed(database: Database, key: Buffer): void {
    const name = nameOf(database.index, key);
    this.pending.delete(name);
    this.touch(name);
  }

  settle(): void {
    const effects = this.countEffects();
    const hadEffects = effects !== this.effectsBefore;
    this.effectsBefore = effects;
    if (this.pending.size === 0) return;
    const names = [...this.pending];
    this.pending.clear();
    if (hadEffects) for (const name of names) this.touch(name);
  }

  emptying(database: Database): void {
    for (const watch of this.watchesIn(database)) {
      if (this.find(database, watch.key) === 0) continue;
      if (watch.wasExpired) staleKeyIsGone(watch);
      else this.lose(watch.watcher);
    }
  }

  swapping(first: Database, second: Database): void {
    this.replacing(first, second);
    this.replacing(second, first);
  }

  /** What watches on keys of `present` are on is about to be what lies in `next`. */
  private replacing(present: Database, next: Database): void {
    for (const watch of this.watchesIn(present)) {
      const isThere = this.find(present, watch.key) !== 0;
      const successor = this.find(next, watch.key);
      if (!isThere && successor === 0) continue;
      const isSuccessorExpired = successor !== 0 && next.isExpired(successor);
      if (watch.wasExpired && successor === 0) staleKeyIsGone(watch);
      else if (watch.wasExpired && isSuccessorExpired) continue;
      else if (!watch.wasExpired && !isThere && isSuccessorExpired) watch.wasExpired = true;
      else this.lose(watch.watcher);
    }
  }

  private touch(name: string): void {
    for (const watch of this.watches.get(name)?.slice() ?? []) {
      if (!watch.wasExpired) {
        this.lose(watch.watcher);
      } else if (this.find(this.keyspace.databases[watch.dbIndex], watch.key) === 0) {
        staleKeyIsGone(watch);
      } else {
        // The same key as before: Redis, too, passes over everyone who came later.
        return;
      }
    }
  }

  private lose(watcher: Watcher): void {
    watcher.hasLostWatch = true;
    this.removeAll(watcher);
  }

  private watchesIn(database: Database): Watch[] {
    return [...this.watches.values()].flat().filter((watch) => watch.dbIndex === database.index);
  }

  /** The entry of a key that exists, expired or not, and be it on disk; 0 if there is none. */
  private find(database: Database, key: Buffer): number {
    this.warmer?.fetchNow(database, key, 0, key.length);
    const address = database.find(key, 0, key.length);
    return address === 0 || database.isTombstone(address) ? 0 : address;
  }
}

/** A key past its expiry was deleted: it was as good as gone before. */
function staleKeyIsGone(watch: Watch): void {
  watch.wasExpired = false;
  watch.expireMs = 0;
}
