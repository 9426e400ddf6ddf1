/**
 * Moves the coldest entries to the cold tier until memory is within its budget, and deletes the records of deleted
 * keys. One batch is written at a time; while it is, changes collect for the next.
 *
 * An entry leaves memory only after the batch that holds it is on disk, and only if it was not changed meanwhile.
 * An unchanged copy of its record leaves at once: reads must not cause writes.
 */
import type { Log } from "../base/log.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier, TierChange } from "../cold/tier.ts";
import { DIRTY, PINNED, RECORD, SPILLING } from "../memory/entries.ts";
import { newRecordArena, packEntry } from "./cold-records.ts";
import type { Database } from "./database.ts";
import { entryBytes } from "./entry-size.ts";
import type { Keyspace } from "./keyspace.ts";
import { ValuesInUse } from "./values-in-use.ts";
import { Victims } from "./victims.ts";
import type { Warmer } from "./warmer.ts";

/** A batch ends at this many entries: packing one takes some microseconds, and the loop must not be held for long. */
const BATCH_ENTRIES = 128;
/** While data is loaded nobody waits, and fewer batches mean fewer syncs. */
const LOADING_BATCH_ENTRIES = 4096;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Elements looked at to estimate how much a large value frees. */
const SIZE_SAMPLES = 5;
/** Rounds of sampling without a single victim after which memory counts as unspillable. */
const FRUITLESS_ROUNDS = 4;
/** Blocks of deleted values, or entries of flushed databases, freed before memory is looked at again. */
const FREED_AT_ONCE = 1000;
/** So many are freed in one turn while memory is within its limit: some milliseconds. */
const FREED_PER_TURN = 20_000;
/** Deleted keys that wait before a batch is written for their sake alone. */
const DELETES_PER_BATCH = 256;

/** Between two looks whether a checkpoint or snapshot that holds batches up is over. */
const DEMOTION_PAUSE_MS = 10;
/** While a batch is being written, what reads bring into memory may exceed the limit by this share of it; and if
 * nothing can leave then, by as much more until the next look. */
const READ_SHARE = 1 / 32;
/** A string of more than this share of the limit waits for the append-only file to be synced, if that holds as much:
 * each of the copies on its way to the disk is as large, and one less is there at a time. */
const HUGE_SHARE = 1 / 4;
/** From a failed batch to the next attempt. */
const RETRY_AFTER_MS = 500;

/** LevelDB merges its tables, and takes no writes from then on if it cannot read one. */
const DAMAGE_ADVICE =
  "The tier takes no writes any more: what is changed stays in memory, and no rewrite succeeds. " +
  "Stop the server, make a backup, and use tsredis-check-tier --fix";

interface PendingDelete {
  readonly database: Database;
  readonly hash: number;
  readonly key: Buffer;
}

/** Memory in use, and between which figures spilling works, all in bytes. */
export interface SpillBudget {
  /** What counts against the limit: `exemptBytes` do not. */
  readonly chargedBytes: number;
  readonly exemptBytes: number;
  readonly limitBytes: number;
  readonly spillFromBytes: number;
  readonly spillToBytes: number;
  /** So many bytes do not count from now on. */
  exempt(bytes: number): void;
}

export interface SpillerOptions {
  readonly keyspace: Keyspace;
  readonly tier: ColdTier;
  readonly warmer: Warmer;
  readonly log: Log;
  readonly budget: SpillBudget;
  readonly samplesPerVictim: () => number;
  /** Bytes that memory holds for the append-only file, and will not for long: `run` is called then. */
  readonly logBytes: () => number;
  /** Called after each batch, when memory may have become free. */
  readonly onBatch: () => void;
}

export class Spiller {
  spilledEntries = 0;
  spilledBytes = 0;
  droppedEntries = 0;
  /** Reason of the last failed batch; "" after a good one. */
  failure = "";
  /** True when memory is over its limit and nothing in it can go. */
  stuck = false;
  /** The batch that was collected last left out what waits for the append-only file. */
  private isAwaitingLog = false;
  /** While a checkpoint makes its cut, no batch may begin. */
  private held = false;
  /** How many have paused it. */
  private pauses = 0;
  /** After a failed batch the next attempt waits until then. */
  private retryAtMs = 0;
  private inFlight: Promise<void> | undefined;
  /** While a batch is being written: from here on memory is looked through for what may leave without. */
  private dropFromBytes = 0;
  private deletes: PendingDelete[] = [];
  private demotions: { readonly database: Database; readonly key: Buffer }[] = [];
  /** The payloads of the batch that is being written. */
  private readonly arena = newRecordArena();
  private readonly victims: Victims;
  /** Large values that stay while they are in use. */
  readonly inUse: ValuesInUse;
  private readonly options: SpillerOptions;
  private readonly budget: SpillBudget;

  constructor(options: SpillerOptions) {
    this.options = options;
    this.budget = options.budget;
    this.victims = new Victims(options.keyspace);
    this.inUse = new ValuesInUse(options.keyspace, options.budget);
    options.keyspace.onTombstone = (database, hash, key) => {
      this.deletes.push({ database, hash, key: Buffer.from(key) });
    };
  }

  get writing(): boolean {
    return this.inFlight !== undefined;
  }

  get pendingDeletes(): number {
    return this.deletes.length;
  }

  private get batchEntries(): number {
    return this.options.keyspace.expiring ? BATCH_ENTRIES : LOADING_BATCH_ENTRIES;
  }

  /** Memory is over its limit, and some of it is about to be freed: worth waiting for. */
  get isMakingRoom(): boolean {
    return this.budget.chargedBytes > this.budget.limitBytes && !this.stuck && this.failure === "";
  }

  private get shouldRun(): boolean {
    return this.budget.chargedBytes > this.budget.spillFromBytes || this.deletes.length >= DELETES_PER_BATCH;
  }

  /** Starts a batch if memory asks for one and none is under way. `deletesToo`: also for few deleted keys. */
  run(deletesToo = false): void {
    if (this.inUse.count > 0) this.inUse.refresh();
    this.freeDeleted();
    if (this.inFlight !== undefined) {
      this.dropWhatReadsBring();
      return;
    }
    if (this.held || this.pauses > 0) return;
    const isFailing = this.failure !== "";
    if (isFailing && this.options.keyspace.clock.monotonicMs() < this.retryAtMs) {
      this.dropUnchanged(this.budget.spillToBytes);
      return;
    }
    const hasDeletes = deletesToo && this.deletes.length > 0;
    if (!this.shouldRun && !hasDeletes && this.demotions.length === 0 && !isFailing) return;
    const changes: TierChange[] = [];
    const databases: Database[] = [];
    this.collectDeletes(changes, databases);
    if (this.demotions.length > 0) this.collectDemotions(changes, databases);
    this.collectVictims(changes, databases);
    if (isFailing && changes.length === 0) this.collectProbe(changes, databases);
    if (changes.length === 0) return;
    this.dropFromBytes = this.budget.limitBytes * (1 + READ_SHARE);
    this.inFlight = this.write(changes, databases);
  }

  /** When memory is needed, what is deleted does not wait for cron to free it: values would leave for its sake, and
   * where one is replaced again and again, there would be more and more of it. */
  private freeDeleted(): void {
    const { budget, options } = this;
    let freed = 0;
    while (budget.chargedBytes > budget.spillFromBytes && options.keyspace.isFreeing) {
      if (freed >= FREED_PER_TURN && budget.chargedBytes <= budget.limitBytes) return;
      options.keyspace.freeRetired(FREED_AT_ONCE);
      freed += FREED_AT_ONCE;
    }
  }

  /** Resolves when no batch is being written; none begins until `resume`. */
  async hold(): Promise<void> {
    this.held = true;
    while (this.inFlight !== undefined) await this.inFlight;
  }

  resume(): void {
    this.held = false;
  }

  /** As `hold`, until `unpause` is called as often as this: records stay as they are meanwhile. */
  async pause(): Promise<void> {
    this.pauses++;
    while (this.inFlight !== undefined) await this.inFlight;
  }

  unpause(): void {
    this.pauses--;
  }

  private collectDeletes(changes: TierChange[], databases: Database[]): void {
    const { keyspace } = this.options;
    const { entries } = keyspace;
    let taken = 0;
    for (; taken < this.deletes.length && changes.length < this.batchEntries; taken++) {
      const { database, hash, key } = this.deletes[taken];
      if (keyspace.databases[database.index] !== database) continue;
      const address = database.find(key, 0, key.length);
      // Only a tombstone over a record has something to delete; the key may have been set again since.
      if (address === 0 || !database.isTombstone(address)) continue;
      if ((entries.head(address) & (RECORD | SPILLING)) !== RECORD) continue;
      entries.mark(address, SPILLING, DIRTY);
      changes.push({
        namespace: database.namespace,
        hash: hash >>> 0,
        key,
        hasRecord: true,
        value: undefined,
      });
      databases.push(database);
    }
    this.deletes = this.deletes.slice(taken);
  }

  /**
   * Has values leave memory whatever is free, with the next batches. Resolves when they have, or were found to be in
   * use or gone; rejects if the tier takes no writes.
   */
  async demote(keys: readonly { readonly database: Database; readonly key: Buffer }[]): Promise<void> {
    this.demotions.push(...keys);
    while (this.demotions.length > 0 || this.inFlight !== undefined) {
      if (this.failure !== "") {
        this.demotions = [];
        throw new StorageError("io", this.failure);
      }
      this.run();
      await (this.inFlight ?? new Promise((resolve) => setTimeout(resolve, DEMOTION_PAUSE_MS)));
    }
  }

  private collectDemotions(changes: TierChange[], databases: Database[]): void {
    const { keyspace } = this.options;
    const { entries } = keyspace;
    let taken = 0;
    let batchBytes = 0;
    for (; taken < this.demotions.length && changes.length < this.batchEntries; taken++) {
      if (batchBytes >= BATCH_BYTES) break;
      const { database, key } = this.demotions[taken];
      if (keyspace.databases[database.index] !== database) continue;
      const address = database.peek(key, 0, key.length);
      if (address === 0 || (entries.head(address) & (SPILLING | PINNED)) !== 0) continue;
      if (!database.isPinned(address)) batchBytes += this.take(database, address, changes, databases);
    }
    this.demotions = this.demotions.slice(taken);
  }

  private collectVictims(changes: TierChange[], databases: Database[]): void {
    const { keyspace, budget, warmer } = this.options;
    this.isAwaitingLog = false;
    let isFruitless = this.takeColdest(changes, databases);
    if (isFruitless && !this.isAwaitingLog && this.inUse.count > 0 && this.inUse.standAlone()) {
      isFruitless = this.takeColdest(changes, databases);
    }
    // What is pinned now can go soon, and so will what was flushed.
    const isPassing =
      warmer.isHolding || keyspace.isFreeing || keyspace.snapshots.active || this.isAwaitingLog;
    const isOver = budget.chargedBytes > budget.limitBytes;
    this.stuck = isFruitless && isOver && changes.length === 0 && !isPassing;
  }

  /** Takes the coldest entries, as many as a batch may have or memory asks for; says whether it asks
   * and there are none. */
  private takeColdest(changes: TierChange[], databases: Database[]): boolean {
    const { keyspace, budget, logBytes, samplesPerVictim } = this.options;
    // While data is loaded all of it is about as old, and looking for the oldest would be a good part of the work.
    const samples = keyspace.expiring ? samplesPerVictim() : 1;
    const target = budget.spillToBytes;
    const hugeShare = budget.limitBytes * HUGE_SHARE;
    const hugeBytes = logBytes() > hugeShare ? hugeShare : 0;
    let batchBytes = 0;
    let fruitlessRounds = 0;
    let taken = 0;
    const isEnough = () => budget.chargedBytes - batchBytes <= target || batchBytes >= BATCH_BYTES;
    while (!isEnough() && changes.length < this.batchEntries) {
      const takenBefore = taken;
      this.victims.choose(SPILLING | PINNED, 0, false, samples, this.coldness);
      for (let i = 0; i < this.victims.count && changes.length < this.batchEntries; i++) {
        if (this.inUse.keeps(this.victims.databases[i], this.victims.addresses[i])) continue;
        if (hugeBytes > 0 && this.awaitsLog(this.victims.addresses[i], hugeBytes)) continue;
        batchBytes += this.take(this.victims.databases[i], this.victims.addresses[i], changes, databases);
        taken++;
        if (isEnough()) break;
      }
      if (taken > takenBefore) fruitlessRounds = 0;
      else if (++fruitlessRounds === FRUITLESS_ROUNDS) return taken === 0;
    }
    return false;
  }

  /** Whether it is a huge string, and has to be written. */
  private awaitsLog(address: number, hugeBytes: number): boolean {
    const { entries } = this.options.keyspace;
    const isClean = (entries.head(address) & (RECORD | DIRTY)) === RECORD;
    if (isClean || entries.valueLength(address) <= hugeBytes) return false;
    this.isAwaitingLog = true;
    return true;
  }

  /** One changed entry, to find out whether the tier can be written again though memory does not ask for it. */
  private collectProbe(changes: TierChange[], databases: Database[]): void {
    this.victims.choose(SPILLING | PINNED | DIRTY, DIRTY, false, 1, () => 0);
    if (this.victims.count > 0)
      this.take(this.victims.databases[0], this.victims.addresses[0], changes, databases);
    // Nothing waits to be written: what follows will show.
    else this.failure = "";
  }

  /** Writers wait until there is room; readers do not, and a slow disk may take long for a batch. */
  private dropWhatReadsBring(): void {
    const { chargedBytes, limitBytes } = this.budget;
    if (chargedBytes <= this.dropFromBytes) return;
    this.dropUnchanged(limitBytes);
    this.dropFromBytes = Math.max(limitBytes, this.budget.chargedBytes) + limitBytes * READ_SHARE;
  }

  /** While nothing can be written: what reads brought into memory leaves it again, or reads would fill it. */
  private dropUnchanged(targetBytes: number): void {
    const { samplesPerVictim } = this.options;
    let fruitless = 0;
    const { snapshots } = this.options.keyspace;
    const isFull = () => this.budget.chargedBytes > targetBytes;
    while (isFull() && fruitless < FRUITLESS_ROUNDS && !snapshots.hasDeparted) {
      this.victims.choose(
        SPILLING | PINNED | RECORD | DIRTY,
        RECORD,
        false,
        samplesPerVictim(),
        this.coldness,
      );
      let taken = 0;
      for (let i = 0; i < this.victims.count; i++) {
        if (this.inUse.keeps(this.victims.databases[i], this.victims.addresses[i])) continue;
        this.victims.databases[i].drop(this.victims.addresses[i]);
        this.droppedEntries++;
        taken++;
      }
      if (taken === 0) fruitless++;
    }
  }

  private readonly coldness = (address: number): number => {
    const { accessClock, entries } = this.options.keyspace;
    return accessClock.coldness(entries.access(address));
  };

  /** Drops a clean entry, or adds a changed one to the batch; returns the bytes that the batch will free. */
  private take(database: Database, address: number, changes: TierChange[], databases: Database[]): number {
    const { keyspace } = this.options;
    const { entries } = keyspace;
    const head = entries.head(address);
    if ((head & (RECORD | DIRTY)) === RECORD) {
      // A snapshot may keep it for a moment.
      const laterBytes = keyspace.snapshots.isNeeded(address)
        ? entryBytes(keyspace.memory, address, SIZE_SAMPLES)
        : 0;
      database.drop(address);
      this.droppedEntries++;
      return laterBytes;
    }
    const key = Buffer.from(entries.key(address));
    const size = entryBytes(keyspace.memory, address, SIZE_SAMPLES);
    changes.push({
      namespace: database.namespace,
      hash: keyspace.keyHash.of(key, 0, key.length) >>> 0,
      key,
      hasRecord: (head & RECORD) !== 0,
      value: packEntry(keyspace, address, this.arena),
    });
    databases.push(database);
    entries.mark(address, SPILLING, DIRTY);
    return size;
  }

  private async write(changes: TierChange[], databases: Database[]): Promise<void> {
    const { keyspace, log, tier, onBatch } = this.options;
    // A flush may have retired a database meanwhile; its namespace is garbage then, whatever was written.
    const forEachChange = (action: (database: Database, change: TierChange) => void): void => {
      for (let i = 0; i < changes.length; i++) {
        if (keyspace.databases[databases[i].index] === databases[i]) action(databases[i], changes[i]);
      }
    };
    const packedBytes = changes.reduce((sum, { value }) => sum + (value?.payload.length ?? 0), 0);
    try {
      // The size of a database is made of what the tier counts and what the entries say: both change at once.
      await tier.write(changes, () => forEachChange((database, change) => this.settle(database, change)));
      this.spilledBytes += packedBytes;
      if (this.failure !== "") log.notice("The cold tier accepts writes again.");
      this.failure = "";
    } catch (error) {
      const reason = error instanceof StorageError ? error.message : String(error);
      const isDamaged = error instanceof StorageError && error.code === "corrupt";
      const advice = isDamaged ? `. ${DAMAGE_ADVICE}` : "";
      if (this.failure === "") log.warning(`Writing to the cold tier failed: ${reason}${advice}`);
      this.failure = reason;
      this.retryAtMs = keyspace.clock.monotonicMs() + RETRY_AFTER_MS;
      forEachChange((database, change) => this.revert(database, change));
    }
    this.arena.reset();
    this.inFlight = undefined;
    onBatch();
  }

  /** The change is on disk: what is unchanged since leaves memory. */
  private settle(database: Database, change: TierChange): void {
    const { entries } = this.options.keyspace;
    const address = database.find(change.key, 0, change.key.length);
    if (address === 0) throw new Error("an entry left memory while its record was being written");
    database.beforeRecordChange(address);
    if (change.value === undefined) database.unmarkRecord(address);
    else database.markRecord(address);
    if (change.value !== undefined && !change.hasRecord) database.coldKeys.add(change.hash);
    if (change.value === undefined && change.hasRecord) database.coldKeys.remove(change.hash);
    entries.mark(address, 0, SPILLING);
    const head = entries.head(address);
    const gone = database.isTombstone(address)
      ? (head & RECORD) === 0
      : change.value !== undefined && (head & (DIRTY | PINNED)) === 0 && !database.isPinned(address);
    if (change.value !== undefined) this.spilledEntries++;
    if (gone) {
      database.drop(address);
      this.options.warmer.recordChanged(database, change.key);
    } else if (database.isTombstone(address)) {
      this.deletes.push({ database, hash: change.hash, key: change.key });
    }
  }

  /** The change was not written: all is as before. */
  private revert(database: Database, change: TierChange): void {
    const { entries } = this.options.keyspace;
    const address = database.find(change.key, 0, change.key.length);
    if (address === 0) throw new Error("an entry left memory while its record was being written");
    database.beforeRecordChange(address);
    entries.mark(address, DIRTY, SPILLING);
    if (!database.isTombstone(address)) return;
    if ((entries.head(address) & RECORD) === 0) database.drop(address);
    else this.deletes.push({ database, hash: change.hash, key: change.key });
  }
}
