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
 *
 * Of a large value the receiver makes an image (DataType.image), and owes what it has not taken of that: the entry
 * counts as visited, and may change. If the image takes several steps, the entry does not count as visited until the
 * last, nothing else of the walk is emitted, and whoever is about to change it has the rest made at once. Who can wait
 * should not ask for that: `hasten` has the walk take the value next, and tells when it has.
 * One that leaves its database as a whole (it is deleted, replaced, expires) needs no waiting: `takeOver` keeps the
 * entry until all of it has been taken, and only then is it freed.
 */
import { VISITED } from "../memory/entries.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import type { Database } from "./database.ts";
import { isLarge } from "./entry-size.ts";
import type { Keyspace } from "./keyspace.ts";

/** Receives the entries of a snapshot. Must copy what it needs before it returns. */
export interface SnapshotReceiver {
  /**
   * `index` is the database's number at the cut. Tombstones come too. `isWalking`: the walk has come to the entry;
   * otherwise it is about to change, or to leave memory. Only on the walk: true if the image of its value needs more
   * steps.
   */
  entry(index: number, database: Database, address: number, isWalking: boolean): boolean;
  readonly output: SnapshotOutput;
}

/** Where a receiver puts what it takes bit by bit. */
export interface SnapshotOutput {
  /** Goes on with the image of which `entry` said that it needs more steps, with `isAll` to its end; true if it needs
   * still more. If there is none, takes more of the oldest that is owed. */
  more(isAll: boolean): boolean;
  /** Whether there are images of which it has not taken all. The walk waits. */
  readonly owes: boolean;
  /** Whether the value with this root is one of them. */
  owesValue(root: number): boolean;
}

/** Takes nothing: of a snapshot that was given up. */
const NOBODY: SnapshotReceiver = {
  entry: () => false,
  output: { more: () => false, owes: false, owesValue: () => false },
};

/** Entries of a step that the processor gets at once, instead of waiting for each. */
const AHEAD = 64;
const HASH_SPACE = 0x1_0000_0000;

interface SnapshotDatabase {
  readonly database: Database;
  readonly index: number;
}

/** An entry that somebody is waiting for. It has not been visited: it must be captured before it is freed or moved. */
interface HastenedEntry {
  readonly database: Database;
  readonly address: number;
  readonly onVisited: () => void;
}

/** An entry that its database no longer has, and that has not been visited. */
interface DepartedEntry extends SnapshotDatabase {
  readonly address: number;
}

export class Snapshots {
  active = false;
  /** The value of VISITED that new entries carry. */
  newEntryFlag = 0;
  private receiver: SnapshotReceiver | undefined;
  private databases: SnapshotDatabase[] = [];
  private walking = 0;
  private hashPosition = 0;
  /** The entry of which a part of the image was made; 0 if there is none. */
  private partly = 0;
  private hastened: HastenedEntry[] = [];
  private readonly departed: DepartedEntry[] = [];
  /** Of the present step. */
  private readonly addresses: number[] = [];
  /** Those whose heads are read together; and what means nothing: see Entries.readHeads. */
  private readonly ahead = new Int32Array(AHEAD);
  private headsSeen = 0;
  private onEnd: (() => void)[] = [];
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Place in the list of databases as of the cut at which the walk is; their number at its end. */
  get databaseIndex(): number {
    return this.walking;
  }

  /** Up to which hash (exclusive) the walk has come in that database. */
  get position(): number {
    return this.hashPosition;
  }

  /** Whether an image was begun that is not made. */
  get isPartial(): boolean {
    return this.partly !== 0;
  }

  /** Makes the cut: from now on `receiver` gets the state of this instant. One snapshot at a time. */
  start(receiver: SnapshotReceiver): void {
    if (this.active) throw new Error("a snapshot is under way");
    this.active = true;
    this.newEntryFlag ^= VISITED;
    this.receiver = receiver;
    this.databases = this.keyspace.databases.map((database, index) => ({ database, index }));
    this.walking = 0;
    this.hashPosition = 0;
    this.partly = 0;
  }

  /** Emits the entry as it is now, unless it was emitted or is younger than the cut. */
  capture(database: Database, address: number): void {
    const { entries } = this.keyspace;
    if ((entries.head(address) & VISITED) === this.newEntryFlag) return;
    if (address === this.partly) {
      this.receiver!.output.more(true);
      this.partly = 0;
    } else {
      const held = this.databases.find((candidate) => candidate.database === database);
      // A database made by a flush after the cut holds only younger entries; any other is in the list.
      if (held !== undefined) this.receiver!.entry(held.index, database, address, false);
    }
    this.markVisited(address);
  }

  /** Whether the entry is one of the snapshot that the walk has yet to visit. */
  isAwaited(address: number): boolean {
    return this.active && (this.keyspace.entries.head(address) & VISITED) !== this.newEntryFlag;
  }

  /** Whether the entry is one of those, and too large to be emitted in one go. */
  isAwaitedLarge(address: number): boolean {
    return this.isAwaited(address) && isLarge(this.keyspace.memory, address);
  }

  /** Whether the entry, if it left its database, would take memory until the snapshot has taken all of its value. */
  isNeeded(address: number): boolean {
    if (!this.active || this.receiver === NOBODY) return false;
    if (this.isAwaited(address)) return isLarge(this.keyspace.memory, address);
    const { entries } = this.keyspace;
    return isRooted(entries.head(address))
      ? this.receiver!.output.owesValue(rootOf(entries, address))
      : entries.isFrozen(address);
  }

  /**
   * For an entry that leaves its database: true if what is needed of it is to be taken later, and it is freed then.
   * Then the caller must not free it, and nobody may change it any more. False if it is small, or was taken; see
   * `capture`.
   */
  takeOver(database: Database, address: number): boolean {
    if (!this.isNeeded(address)) return false;
    const held = this.databases.find((candidate) => candidate.database === database);
    if (held === undefined) return false;
    this.departed.push({ ...held, address });
    this.endWaits(address);
    return true;
  }

  /** Whether entries that left their databases still take memory. */
  get hasDeparted(): boolean {
    return this.departed.length > 0;
  }

  /** Whether somebody waits for an entry, or memory for being freed. */
  get isHastened(): boolean {
    return this.hastened.length > 0 || this.departed.length > 0;
  }

  /** Has an entry that is awaited visited next; calls `onVisited` in a later turn, when it has been. */
  hasten(database: Database, address: number, onVisited: () => void): void {
    this.hastened.push({ database, address, onVisited });
  }

  /** Visits about `limit` more entries, all of one database; true when the walk is done (and the snapshot over). */
  step(limit: number): boolean {
    if (this.partly !== 0) {
      if (this.receiver!.output.more(false)) return false;
      this.markVisited(this.partly);
      this.partly = 0;
      return false;
    }
    const hastened = this.hastened.at(0);
    if (hastened !== undefined) {
      this.visit(hastened.database, hastened.address);
      return false;
    }
    if (this.receiver!.output.owes) {
      this.receiver!.output.more(false);
      return false;
    }
    if (this.departed.length > 0) {
      this.visitDeparted();
      return false;
    }
    const { entries } = this.keyspace;
    const { database, index } = this.databases[this.walking];
    const { addresses } = this;
    addresses.length = 0;
    const end = database.table.collect(this.hashPosition, HASH_SPACE, limit, addresses);
    const ahead = Math.min(addresses.length, AHEAD);
    for (let i = 0; i < ahead; i++) this.ahead[i] = addresses[i];
    this.headsSeen ^= entries.readHeads(this.ahead, ahead);
    for (const address of addresses) {
      if ((entries.head(address) & VISITED) === this.newEntryFlag) continue;
      if (this.receiver!.entry(index, database, address, true)) {
        this.partly = address;
        this.hashPosition = database.hashOf(address) >>> 0;
        return false;
      }
      this.markVisited(address);
      if (this.receiver!.output.owes) {
        this.hashPosition = database.hashOf(address) >>> 0;
        return false;
      }
    }
    this.hashPosition = end;
    if (end < HASH_SPACE) return false;
    this.walking++;
    this.hashPosition = 0;
    if (this.walking < this.databases.length) return false;
    this.finish();
    return true;
  }

  /** Gives up: the receiver gets nothing more. Entries not visited must still get the new bit, or the next
   * snapshot would miss them; so the walk goes on without a receiver. */
  abandon(): void {
    if (this.active) this.receiver = NOBODY;
  }

  /** Runs `action` when no snapshot needs the present databases: now, or at the end of this one. */
  whenUnused(action: () => void): void {
    if (this.active) this.onEnd.push(action);
    else action();
  }

  private visit(database: Database, address: number): void {
    const held = this.databases.find((candidate) => candidate.database === database);
    if (held !== undefined && this.receiver!.entry(held.index, database, address, true))
      this.partly = address;
    else this.markVisited(address);
  }

  /** The oldest of them is emitted, or freed if it has been. */
  private visitDeparted(): void {
    const [{ address, database, index }] = this.departed;
    if (this.isAwaited(address)) {
      if (this.receiver!.entry(index, database, address, true)) {
        this.partly = address;
        return;
      }
      this.markVisited(address);
    }
    this.departed.shift();
    database.freeDeparted(address);
  }

  private markVisited(address: number): void {
    this.keyspace.entries.mark(address, this.newEntryFlag, VISITED ^ this.newEntryFlag);
    this.endWaits(address);
  }

  private endWaits(address: number): void {
    if (this.hastened.length === 0) return;
    for (const each of this.hastened) if (each.address === address) setImmediate(each.onVisited);
    this.hastened = this.hastened.filter((each) => each.address !== address);
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
