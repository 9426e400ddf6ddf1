/**
 * Changes that nobody else sees: those of a script that is debugged on a copy of the data, where Redis forks.
 *
 * There is one keyspace. So of each key that is changed there are two values from then on, its own and that of the
 * others: one is in its place in the databases, the other lies aside, in databases that no client can select. While it
 * is *entered* its own are in place, else those of the others. It must not stay so beyond a turn of the event loop.
 * Nobody is told of what changes meanwhile: no watcher, no waiting client, no subscriber; nor do the statistics count.
 *
 * A key that is changed for the first time is put aside as it is, and a copy takes its place. What lies aside
 * stays in memory. Keys are told apart by the number of their database.
 */

import { Database } from "./database.ts";
import { nameOf } from "./key-name.ts";
import type { KeyWatchers } from "./key-watchers.ts";
import type { Keyspace } from "./keyspace.ts";
import { copyEntry, moveEntry } from "./transfer.ts";

/** No records of the cold tier lie under it. */
const NO_NAMESPACE = -1;

interface PrivateKey {
  readonly dbIndex: number;
  readonly key: Buffer;
}

/** Fields of the keyspace that are set aside while it is entered. */
type Outside = Pick<
  Keyspace,
  "watchers" | "waiters" | "events" | "isStill" | "hits" | "misses" | "expired" | "expiredFields"
>;

export class PrivateChanges implements KeyWatchers {
  private readonly keyspace: Keyspace;
  /** Has a key in memory, if it is in the cold tier; false if it cannot be read. */
  private readonly fetch: (database: Database, key: Buffer) => boolean;
  private readonly keys = new Map<string, PrivateKey>();
  /** What is not in place, by the number of the database. */
  private readonly ownAside = new Map<number, Database>();
  private readonly othersAside = new Map<number, Database>();
  private outside: Outside | undefined;
  /** Values change places: that is no change. */
  private isMoving = false;

  constructor(keyspace: Keyspace, fetch: (database: Database, key: Buffer) => boolean) {
    this.keyspace = keyspace;
    this.fetch = fetch;
  }

  /** Puts its own values in place. False if a key cannot be read from the disk, and nothing has happened. */
  enter(): boolean {
    const { keyspace } = this;
    for (const { dbIndex, key } of this.keys.values()) {
      if (!this.fetch(keyspace.databases[dbIndex], key)) return false;
    }
    const { watchers, waiters, events, isStill, hits, misses, expired, expiredFields } = keyspace;
    this.outside = { watchers, waiters, events, isStill, hits, misses, expired, expiredFields };
    keyspace.watchers = this;
    keyspace.waiters = undefined;
    keyspace.events = undefined;
    keyspace.isStill = false;
    this.exchange(this.othersAside, this.ownAside);
    return true;
  }

  /** Puts the values of the others in place again. */
  leave(): void {
    this.exchange(this.ownAside, this.othersAside);
    Object.assign(this.keyspace, this.outside);
    this.outside = undefined;
  }

  /** Forgets all changes. Not while it is entered. */
  discard(): void {
    for (const database of [...this.ownAside.values(), ...this.othersAside.values()]) database.dispose();
    this.ownAside.clear();
    this.othersAside.clear();
    this.keys.clear();
  }

  /** A key is about to be changed: there are two values of it from now on. False if it cannot be read. */
  own(dbIndex: number, key: Uint8Array): boolean {
    const { keyspace } = this;
    const database = keyspace.databases[dbIndex];
    const known = this.add(dbIndex, Buffer.from(key));
    if (known === undefined) return true;
    if (!this.fetch(database, known)) {
      this.keys.delete(nameOf(dbIndex, known));
      return false;
    }
    this.isMoving = true;
    const aside = this.move(this.othersAside, dbIndex, known, true);
    if (aside !== 0) this.copy(aside, database, known);
    this.isMoving = false;
    return true;
  }

  /** A key changes that no command has named: its time has come. */
  changing(database: Database, address: number): void {
    if (this.isMoving) return;
    const { keyspace } = this;
    const dbIndex = database.index;
    const key = this.add(dbIndex, Buffer.from(keyspace.entries.key(address)));
    if (key === undefined) return;
    this.isMoving = true;
    this.copy(address, this.asideOf(this.othersAside, dbIndex), key);
    this.isMoving = false;
  }

  changed(): void {}
  emptying(): void {}
  swapping(): void {}
  settle(): void {}

  /** Undefined if the key is one already. */
  private add(dbIndex: number, key: Buffer): Buffer | undefined {
    const name = nameOf(dbIndex, key);
    if (this.keys.has(name)) return undefined;
    this.keys.set(name, { dbIndex, key });
    return key;
  }

  /** Puts what is in place into `to`, and what lies in `from` in place. */
  private exchange(to: Map<number, Database>, from: Map<number, Database>): void {
    this.isMoving = true;
    for (const { dbIndex, key } of this.keys.values()) {
      this.move(to, dbIndex, key, true);
      this.move(from, dbIndex, key, false);
    }
    this.isMoving = false;
  }

  /** Moves a key's value aside, or back; the address of the moved entry, 0 if there is none. */
  private move(where: Map<number, Database>, dbIndex: number, key: Buffer, isAway: boolean): number {
    const { keyspace } = this;
    const place = keyspace.databases[dbIndex];
    const aside = this.asideOf(where, dbIndex);
    const [from, to] = isAway ? [place, aside] : [aside, place];
    const address = from.find(key, 0, key.length);
    if (address === 0 || from.isTombstone(address)) return 0;
    return moveEntry(keyspace, from, address, to, key, 0, key.length);
  }

  /** An entry that is the same in every respect, which those that COPY makes are not. */
  private copy(address: number, to: Database, key: Buffer): void {
    const { entries } = this.keyspace;
    const copy = copyEntry(this.keyspace, address, to, key, 0, key.length);
    to.setEncoding(copy, entries.encoding(address));
    entries.setAccess(copy, entries.access(address));
  }

  private asideOf(where: Map<number, Database>, dbIndex: number): Database {
    let database = where.get(dbIndex);
    if (database === undefined) {
      database = new Database(this.keyspace, dbIndex, NO_NAMESPACE);
      where.set(dbIndex, database);
    }
    return database;
  }
}
