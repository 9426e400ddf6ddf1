/**
 * The exact state of all hot entries at one instant (the cut), read bit by bit while commands go on: what Redis gets
 * from fork. The walk visits entries in hash order in small slices; whoever is about to change an entry that was not
 * yet visited has it emitted first (`capture`).
 *
 * Whether an entry was visited is one bit, VISITED, whose meaning flips with every snapshot: entries created during
 * a snapshot, and those visited, carry the new value, so at its end all do, and nothing has to be reset.
 *
 * The receiver gets each entry once, in any order, databases mixed. Databases that a flush replaces meanwhile are
 * kept alive until the walk is done.
 */
import { VISITED } from "../memory/entries.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** Receives the entries of a snapshot. Must copy what it needs before it returns. */
export interface SnapshotReceiver {
  /** `index` is the database's number at the cut. Tombstones come too. */
  entry(index: number, database: Database, address: number): void;
}

interface SnapshotDatabase {
  readonly database: Database;
  readonly index: number;
}

export class Snapshots {
  active = false;
  /** The value of VISITED that new entries carry. */
  newEntryFlag = 0;
  private receiver: SnapshotReceiver | undefined;
  private databases: SnapshotDatabase[] = [];
  private walking = 0;
  private position = 0;
  private onEnd: (() => void)[] = [];
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Makes the cut: from now on `receiver` gets the state of this instant. One snapshot at a time. */
  start(receiver: SnapshotReceiver): void {
    if (this.active) throw new Error("a snapshot is under way");
    this.active = true;
    this.newEntryFlag ^= VISITED;
    this.receiver = receiver;
    this.databases = this.keyspace.databases.map((database, index) => ({ database, index }));
    this.walking = 0;
    this.position = 0;
  }

  /** Emits the entry as it is now, unless it was emitted or is younger than the cut. */
  capture(database: Database, address: number): void {
    const { entries } = this.keyspace;
    if ((entries.head(address) & VISITED) === this.newEntryFlag) return;
    const held = this.databases.find((candidate) => candidate.database === database);
    // A database made by a flush after the cut holds only younger entries; any other is in the list.
    if (held !== undefined) this.receiver!.entry(held.index, database, address);
    this.markVisited(address);
  }

  /** Visits about `limit` more entries; true when the walk is done (and the snapshot over). */
  step(limit: number): boolean {
    const { entries } = this.keyspace;
    const addresses: number[] = [];
    while (this.walking < this.databases.length) {
      const { database, index } = this.databases[this.walking];
      this.position = database.table.collect(
        this.position,
        0x1_0000_0000,
        limit - addresses.length,
        addresses,
      );
      for (const address of addresses) {
        if ((entries.head(address) & VISITED) === this.newEntryFlag) continue;
        this.receiver!.entry(index, database, address);
        this.markVisited(address);
      }
      if (this.position < 0x1_0000_0000) return false;
      this.walking++;
      this.position = 0;
      if (addresses.length >= limit) break;
      addresses.length = 0;
    }
    if (this.walking < this.databases.length) return false;
    this.finish();
    return true;
  }

  /** Gives up: the receiver gets nothing more. Entries not visited must still get the new bit, or the next
   * snapshot would miss them; so the walk goes on without a receiver. */
  abandon(): void {
    if (this.active) this.receiver = { entry() {} };
  }

  /** Runs `action` when no snapshot needs the present databases any more: now, or at the end of this one. */
  whenUnused(action: () => void): void {
    if (this.active) this.onEnd.push(action);
    else action();
  }

  private markVisited(address: number): void {
    this.keyspace.entries.mark(address, this.newEntryFlag, VISITED ^ this.newEntryFlag);
  }

  private finish(): void {
    this.active = false;
    this.receiver = undefined;
    this.databases = [];
    const actions = this.onEnd;
    this.onEnd = [];
    for (const action of actions) action();
  }
}
