/**
 * Being told of changes to keys: for clients that watch keys (server/watched-keys.ts) and for those that cache them
 * (server/tracking). The keyspace knows one watcher, or none, so that a write asks no more than one field; where there
 * are two, that one is both.
 */
import type { Database } from "./database.ts";

/** Told of changes to keys. Not told of what only moves between memory and disk. */
export interface KeyWatchers {
  /** An entry is about to change. If in the end the command changes nothing, that is its business (`settle`). */
  changing(database: Database, address: number): void;
  /** The key of an entry counts as changed, whatever the command does further. */
  changed(database: Database, key: Buffer): void;
  /** The database is about to lose all that it holds. */
  emptying(database: Database): void;
  /** Two databases are about to exchange their contents. */
  swapping(first: Database, second: Database): void;
  /** A command is done: what it was about to change it has changed if it had effects. */
  settle(): void;
}

/** `added` and those that there were. */
export function withWatcher(present: KeyWatchers | undefined, added: KeyWatchers): KeyWatchers {
  return present === undefined ? added : new Several([...membersOf(present), added]);
}

/** Those that are left without `removed`. */
export function withoutWatcher(
  present: KeyWatchers | undefined,
  removed: KeyWatchers,
): KeyWatchers | undefined {
  const left = membersOf(present).filter((member) => member !== removed);
  return left.length > 1 ? new Several(left) : left[0];
}

function membersOf(watchers: KeyWatchers | undefined): readonly KeyWatchers[] {
  if (watchers === undefined) return [];
  return watchers instanceof Several ? watchers.members : [watchers];
}

class Several implements KeyWatchers {
  readonly members: readonly KeyWatchers[];

  constructor(members: readonly KeyWatchers[]) {
    this.members = members;
  }

  changing(database: Database, address: number): void {
    for (const member of this.members) member.changing(database, address);
  }

  changed(database: Database, key: Buffer): void {
    for (const member of this.members) member.changed(database, key);
  }

  emptying(database: Database): void {
    for (const member of this.members) member.emptying(database);
  }

  swapping(first: Database, second: Database): void {
    for (const member of this.members) member.swapping(first, second);
  }

  settle(): void {
    for (const member of this.members) member.settle();
  }
}
