/**
 * All databases, and what they share: memory, the hash seed, the clock, statistics. Synchronous: whatever needs the
 * disk (warming, spilling, scanning records) is beside it in this folder and works on it.
 */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { Entries } from "../memory/entries.ts";
import { HugeValues } from "../memory/huge-values.ts";
import { KeyHash } from "../memory/key-hash.ts";
import { newSharedNumber, type SharedNumber } from "../memory/shared-number.ts";
import { Slabs } from "../memory/slabs.ts";
import { ValueMemory } from "../types/value-memory.ts";
import { AccessClock } from "./access-clock.ts";
import { Database } from "./database.ts";
import { DiscardedValues } from "./discarded-values.ts";
import type { KeyEvents } from "./key-events.ts";
import { type KeyWatchers, withoutWatcher, withWatcher } from "./key-watchers.ts";
import { Snapshots } from "./snapshot.ts";

/** What the keyspace must know of the cold tier; absent when it is off. */
export interface RecordCounts {
  /** Records in a namespace, those under hot entries included. */
  recordCount(namespace: number): number;
  allocateNamespace(): number;
  /** The namespace is no longer in use; its records may go once no checkpoint names it. */
  dropNamespace(namespace: number): void;
}

/** Told of keys that come and go while clients wait for some: see server/waiting-clients.ts. */
export interface KeyWaiters {
  /** The key was created, deleted, or has something new. `key` is valid only during the call. */
  keyReady(dbIndex: number, key: Buffer): void;
  /** The database has other contents now. */
  databaseReplaced(dbIndex: number): void;
  /** The database has no keys any more. */
  databaseEmptied(dbIndex: number): void;
}

/** Libraries of functions, which are saved with the data: see server/functions.ts. */
export interface SavedFunctions {
  sources(): Iterable<Buffer>;
  /** The error, if the library cannot be loaded; `mayReplace`: it may take the place of one of its name. */
  load(source: Buffer, mayReplace: boolean): string | undefined;
}

/** Why a key was removed other than by a command. */
export type RemovalReason = "expired" | "evicted";

/** Numbers of slabs and huge values that are shared with other threads: see handover.ts. */
export interface SharedNumbers {
  readonly slabs: SharedNumber;
  readonly huge: SharedNumber;
}

export interface KeyspaceOptions {
  readonly databases: number;
  readonly clock: Clock;
  readonly random: Random;
  /** At least 8 bytes; with a cold tier, the tier's own. */
  readonly hashSeed: Uint8Array;
  /** For a keyspace that is to be given to another thread. */
  readonly numbers?: SharedNumbers;
}

export class Keyspace {
  /** Set once by the server. */
  functions: SavedFunctions = { sources: () => [], load: () => "there are no functions here" };
  readonly entries: Entries;
  readonly hashSeed: Uint8Array;
  readonly keyHash: KeyHash;
  /** What values are kept in: the entries, and the blocks of large values. */
  readonly memory: ValueMemory;
  /** Large values that were deleted, to be freed bit by bit. */
  readonly discarded: DiscardedValues;
  readonly accessClock: AccessClock;
  readonly random: Random;
  readonly snapshots = new Snapshots(this);
  readonly databases: Database[] = [];
  readonly clock: Clock;

  hits = 0;
  misses = 0;
  expired = 0;
  /** Fields of hashes that expired. */
  expiredFields = 0;
  evicted = 0;
  /** How often an entry that was an unchanged copy of its record was changed. */
  outdatedRecords = 0;
  /** Keys of flushed databases, and large values, that were freed in the background. */
  lazyFreed = 0;
  /** False while data is loaded: then nothing expires, because the log says itself what did. */
  expiring = true;
  /** While clients are paused the data stands still: what is past its expiry counts as gone, and stays. */
  isStill = false;
  /** False while a command runs for a client with NO-TOUCH. */
  touching = true;
  /** Told of each key that expiry or eviction removed, to propagate the deletion. */
  onKeyRemoved: (database: Database, key: Buffer, reason: RemovalReason) => void = () => {};
  /** Told of fields of a hash that expiry removed, to propagate that. */
  onFieldsExpired: (database: Database, key: Buffer, fields: readonly Buffer[]) => void = () => {};
  /** Told of each new tombstone; `key` is valid only during the call. */
  onTombstone: ((database: Database, hash: number, key: Buffer) => void) | undefined;

  /** Present while clients wait for keys. */
  waiters: KeyWaiters | undefined;
  /** Present while somebody is to be told of changes to keys: see `watch`. */
  watchers: KeyWatchers | undefined;

  /** Present while events of keys are to be told: see commands/key-event.ts. */
  events: KeyEvents | undefined;

  private tier: RecordCounts | undefined;
  private nextNamespace = 0;
  private readonly retired: Database[] = [];

  constructor(options: KeyspaceOptions) {
    this.clock = options.clock;
    this.random = options.random;
    const { numbers } = options;
    this.entries = new Entries(new Slabs(numbers?.slabs), new HugeValues(numbers?.huge));
    this.hashSeed = options.hashSeed;
    this.keyHash = new KeyHash(options.hashSeed);
    this.memory = new ValueMemory(this.entries, this.keyHash);
    this.discarded = new DiscardedValues(this.memory);
    this.accessClock = new AccessClock(options.random, options.clock.nowMs);
    for (let i = 0; i < options.databases; i++)
      this.databases.push(new Database(this, i, this.nextNamespace++));
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** Bytes of slab objects, huge values and table directories. */
  get usedBytes(): number {
    let bytes = this.entries.allocatedBytes;
    for (const database of this.databases) bytes += database.directoryBytes;
    return bytes;
  }

  /** From now on `watcher` is told of changes, besides others; until `unwatch`. */
  watch(watcher: KeyWatchers): void {
    this.watchers = withWatcher(this.watchers, watcher);
  }

  unwatch(watcher: KeyWatchers): void {
    this.watchers = withoutWatcher(this.watchers, watcher);
  }

  /** Connects the tier. `namespaces` gives the namespace of each database. The databases must be empty. */
  attachTier(tier: RecordCounts, namespaces: readonly number[]): void {
    this.tier = tier;
    for (let i = 0; i < this.databases.length; i++) {
      this.databases[i].dispose();
      this.databases[i] = new Database(this, i, namespaces[i]);
      // The base file tells which.
      this.databases[i].coldKeys.isComplete = tier.recordCount(namespaces[i]) === 0;
    }
  }

  get hasTier(): boolean {
    return this.tier !== undefined;
  }

  recordCount(namespace: number): number {
    return this.tier === undefined ? 0 : this.tier.recordCount(namespace);
  }

  /** From now on other threads may fill keyspaces that are to be taken over, with numbers out of these. */
  shareNumbers(): SharedNumbers {
    const numbers = { slabs: newSharedNumber(), huge: newSharedNumber() };
    this.entries.slabs.shareNumbers(numbers.slabs);
    this.entries.huge.shareNumbers(numbers.huge);
    return numbers;
  }

  /** Nothing more will be taken over. */
  unshareNumbers(): void {
    this.entries.slabs.unshareNumbers();
    this.entries.huge.unshareNumbers();
  }

  /** Reads the clock for this turn of the event loop. */
  refreshClock(): void {
    this.accessClock.refresh(this.clock.refresh());
  }

  /** Empties a database at once; its memory is freed at once too, or in steps by `freeRetired`. */
  flush(index: number, inBackground: boolean): number {
    const old = this.databases[index];
    this.watchers?.emptying(old);
    const removed = old.size;
    const namespace = this.tier === undefined ? this.nextNamespace++ : this.tier.allocateNamespace();
    this.databases[index] = new Database(this, index, namespace);
    this.tier?.dropNamespace(old.namespace);
    // While data is loaded nobody waits for anything but the end of it, and the memory is needed.
    const isForLater = (inBackground && this.expiring) || this.snapshots.active;
    if (isForLater) this.snapshots.whenUnused(() => this.retired.push(old));
    else old.dispose();
    this.waiters?.databaseEmptied(index);
    return removed;
  }

  swap(first: number, second: number): void {
    const { databases } = this;
    if (first !== second) this.watchers?.swapping(databases[first], databases[second]);
    [databases[first], databases[second]] = [databases[second], databases[first]];
    databases[first].index = first;
    databases[second].index = second;
    this.waiters?.databaseReplaced(first);
    this.waiters?.databaseReplaced(second);
  }

  /** Those that wait to be. */
  get lazyPending(): number {
    return this.discarded.count + this.retired.reduce((sum, database) => sum + database.table.size, 0);
  }

  /** Whether there is memory of flushed databases or deleted values that `freeRetired` will free. */
  get isFreeing(): boolean {
    return this.retired.length > 0 || this.discarded.count > 0;
  }

  /** Frees some memory of deleted values and flushed databases; true if there is more to free. */
  freeRetired(limit: number): boolean {
    if (this.discarded.count > 0) {
      if (this.discarded.freeStep(limit)) this.lazyFreed++;
      return this.isFreeing;
    }
    const database = this.retired[0];
    if (database === undefined) return false;
    const { size } = database.table;
    if (database.disposeStep(limit)) {
      this.retired.shift();
      this.lazyFreed += size;
    }
    return this.isFreeing;
  }
}
