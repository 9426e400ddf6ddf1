/**
 * A complete stock RDB of both tiers as of one instant (the cut), written while commands go on:
 *
 *   1. wait until no batch is being written to the tier, and let none begin
 *   2. the cut, within one turn: a snapshot of the hot entries begins, and one of the tier's records
 *   3. the walk goes through both in the order of their hashes. A record is passed over if an entry lay over it at the
 *      cut; an entry whose record held the same is written from either
 *   4. the file is made durable, and read back as a whole
 *   5. only then does it replace the one before; its name is made durable
 *
 * What must be remembered of entries that change before the walk comes to them is only the names of those with another
 * value than their record, so that the record is passed over: the values themselves go into the file at once.
 */
import type { FileHandle, Files } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier, ScanCursor, ScannedRecord, TierSnapshot } from "../cold/tier.ts";
import type { Database } from "../keyspace/database.ts";
import type { SnapshotReceiver } from "../keyspace/snapshot.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import { DIRTY, RECORD, SPILLING } from "../memory/entries.ts";
import { decodeString, RDB_VERSION_WRITTEN } from "../types/rdb-encoding.ts";
import type { DumpVerifier } from "./dump-verifier.ts";
import type { RdbWriter } from "./rdb/writer.ts";
import { RdbSnapshotFile, type RdbSnapshotOptions } from "./rdb-snapshot-file.ts";
import { ShadowedKeys } from "./shadowed-keys.ts";
import { MIDWAY_MS, type SnapshotFileParts, SYNC_EVERY_BYTES, type WalkStep } from "./snapshot-file.ts";

/** Of Redis 7.4, for hashes with fields that expire. (Where only cold ones have some, the version is the usual one:
 * what is on disk is not known beforehand.) */
const VERSION_WITH_TIMES = 12;
/** Records read from the tier at once. */
const RECORDS_AT_ONCE = 128;
/** And written before the clock is looked at. */
const RECORDS_PER_STEP = 16;
const ACCESS_MASK = 0xff_ffff;
/** RDB types whose payload is one string: LZF may make it shorter. */
const ONE_STRING_TYPES: ReadonlySet<number> = new Set([0, 11, 16, 17]);
/** Longer ones are left as they are: it would take too long. */
const COMPRESSED_MAX_BYTES = 512 * 1024;

export interface DumpParts extends SnapshotFileParts {
  readonly files: Files;
  readonly folder: string;
  /** Name of the file that is replaced. */
  readonly name: string;
  readonly tier: ColdTier | undefined;
  readonly spiller: Spiller | undefined;
  readonly verifier: DumpVerifier;
  readonly options: DumpOptions;
  /** What is left out; by default nothing. */
  readonly filter?: DumpFilter;
}

export interface DumpFilter {
  readonly withoutData: boolean;
  readonly withoutFunctions: boolean;
}

export interface DumpOptions {
  readonly rdbcompression: boolean;
  readonly rdbchecksum: boolean;
  readonly incrementalFsync: boolean;
  readonly maxBytesPerSecond: () => number;
  /** Whether nobody waits for it: BGSAVE. */
  readonly isBackground: boolean;
  /** Whether entries carry how long they were idle, or how often they were used; as the policy asks for. */
  readonly withAccess: boolean;
  /** rdb-key-save-delay: microseconds after each key; negative: one microsecond after so many keys. */
  readonly keyDelay: () => number;
}

/** A dump was stopped on purpose. */
export class DumpAborted extends Error {
  override readonly name = "DumpAborted";
}

/** A dump under way. */
export class Dump {
  /** Keys as of the cut, and those that are in the file. */
  keysTotal = 0;
  keysDone = 0;
  isAborted = false;
  private readonly parts: DumpParts;

  constructor(parts: DumpParts) {
    this.parts = parts;
  }

  /** Has `run` reject with DumpAborted soon, unless the new file is in place already. */
  abort(): void {
    this.isAborted = true;
    this.parts.verifier.cancel();
  }

  /**
   * Writes all keys, and replaces the file of before when the new one is whole, durable and verified. Rejects, with
   * the old file in place and the new one gone, if anything fails. `onCut` is called at the instant that the file
   * holds.
   */
  async run(onCut: () => void): Promise<void> {
    const { files, folder, name, spiller, verifier } = this.parts;
    const temporary = `${folder}/temp-${process.pid}.rdb`;
    const file = await files.open(temporary, "create");
    try {
      verifier.begin(temporary);
      const walk = new DumpWalk(this.parts, this, file);
      try {
        await spiller?.hold();
        while (this.parts.isMidway()) await this.parts.sleep(MIDWAY_MS);
        this.throwIfAborted();
        walk.cut();
        onCut();
      } finally {
        spiller?.resume();
      }
      const bytes = await walk.writeAll();
      await verifier.finish(bytes, this.keysDone);
      await file.close();
      this.throwIfAborted();
      await files.rename(temporary, `${folder}/${name}`);
      await files.syncDirectory(folder);
    } catch (error) {
      verifier.cancel();
      await file.close().catch(() => undefined);
      await files.unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  throwIfAborted(): void {
    if (this.isAborted) throw new DumpAborted("The save was stopped");
  }
}

interface DumpedDatabase {
  readonly index: number;
  readonly namespace: number;
  readonly keys: number;
  readonly expires: number;
  /** Records in the tier at the cut, those under entries included. */
  readonly records: number;
  /** Names of entries that have left the walk's way, with records that must not be written. */
  readonly shadowed: ShadowedKeys;
}

class DumpWalk implements SnapshotReceiver {
  private readonly parts: DumpParts;
  private readonly dump: Dump;
  readonly output: RdbSnapshotFile;
  private databases: readonly DumpedDatabase[] = [];
  /** The databases whose size hint is written. */
  private readonly sized = new Set<number>();
  private cold: TierSnapshot | undefined;
  private cursor: ScanCursor | undefined;
  private isCursorAtEnd = false;
  /** Records read and not yet written, and the place in them. */
  private records: readonly (ScannedRecord | StorageError)[] = [];
  private nextRecord = 0;
  private delayedKeys = 0;

  constructor(parts: DumpParts, dump: Dump, file: FileHandle) {
    const { options, verifier } = parts;
    this.parts = parts;
    this.dump = dump;
    const output: RdbSnapshotOptions = {
      compress: options.rdbcompression,
      checksum: options.rdbchecksum,
      syncEveryBytes: options.incrementalFsync ? SYNC_EVERY_BYTES : 0,
      maxBytesPerSecond: options.maxBytesPerSecond,
      isBackground: options.isBackground,
      onWritten: (bytes, isBusy) => verifier.written(bytes, isBusy),
    };
    this.output = new RdbSnapshotFile(parts, file, output);
  }

  /** The instant that the file holds. Synchronous. */
  cut(): void {
    const { filter, keyspace, tier } = this.parts;
    const hasTimes = keyspace.databases.some(({ timedHashes }) => timedHashes.size > 0);
    this.output.appendHead(false, hasTimes ? VERSION_WITH_TIMES : RDB_VERSION_WRITTEN);
    if (filter?.withoutFunctions !== true) {
      for (const source of keyspace.functions.sources()) this.output.writer.appendFunction(source);
    }
    if (filter?.withoutData === true) return;
    this.databases = keyspace.databases.map((database) => ({
      index: database.index,
      namespace: database.namespace,
      keys: database.size,
      expires: database.volatile.size,
      records: tier?.recordCount(database.namespace) ?? 0,
      shadowed: new ShadowedKeys(),
    }));
    for (const { keys } of this.databases) this.dump.keysTotal += keys;
    // Last: if it fails, nothing has begun.
    if (this.databases.some(({ records }) => records > 0)) this.cold = tier!.snapshot();
    keyspace.snapshots.start(this);
  }

  /** Walks to the end of both tiers; resolves to the size of the file, which is durable then. */
  async writeAll(): Promise<number> {
    try {
      await this.output.inSlices(this.steps());
      return await this.output.finish();
    } catch (error) {
      await this.output.abandon();
      throw error;
    } finally {
      await this.cursor?.close();
      await this.cold?.close();
    }
  }

  private *steps(): Generator<WalkStep, void> {
    for (const step of this.allSteps()) {
      // What it waits for has ended then: nobody else would be told that it fails.
      yield step;
      this.dump.throwIfAborted();
      const delay = this.keyDelay();
      if (delay !== undefined) yield delay;
    }
  }

  private *allSteps(): Generator<WalkStep, void> {
    const { snapshots } = this.parts.keyspace;
    for (const [place, database] of this.databases.entries()) {
      const isLeft = () => !snapshots.active || snapshots.databaseIndex !== place;
      if (database.records === 0) {
        yield* this.output.hotSteps(isLeft, this.entriesPerStep);
        continue;
      }
      this.cursor = this.cold!.scan(database.namespace);
      this.isCursorAtEnd = false;
      while (!isLeft()) {
        const from = snapshots.position;
        const hasMoved = () => snapshots.position !== from && !snapshots.isPartial;
        yield* this.output.hotSteps(() => isLeft() || hasMoved(), this.entriesPerStep);
        yield* this.recordSteps(database, isLeft() ? Number.POSITIVE_INFINITY : snapshots.position);
      }
      const { cursor } = this;
      this.cursor = undefined;
      yield cursor.close();
    }
  }

  /** The records whose hash is below `end`, to which the hot walk has come. */
  private *recordSteps(database: DumpedDatabase, end: number): Generator<WalkStep, void> {
    for (;;) {
      for (; this.nextRecord < this.records.length; this.nextRecord++) {
        const record = this.records[this.nextRecord];
        if (this.output.owes) yield* this.output.owedSteps();
        if (record instanceof StorageError) throw record;
        if (record.hash >= end) {
          database.shadowed.forgetBelow(end);
          return;
        }
        this.record(database, record);
        if (this.nextRecord % RECORDS_PER_STEP === RECORDS_PER_STEP - 1) yield;
      }
      if (this.isCursorAtEnd) return;
      yield this.cursor!.next(RECORDS_AT_ONCE).then((records) => {
        this.records = records;
        this.nextRecord = 0;
        this.isCursorAtEnd = records.length === 0;
      });
    }
  }

  entry(index: number, database: Database, address: number, isWalking: boolean): boolean {
    const { entries, keyHash } = this.parts.keyspace;
    const dumped = this.databases[index];
    const head = entries.head(address);
    if ((head & RECORD) !== 0) {
      // The record holds the same value, and the walk has not come to its hash: it will come to the record.
      if (!isWalking && (head & (DIRTY | SPILLING)) === 0) return false;
      const key = entries.keyBuffer(address);
      const start = entries.keyStart(address);
      const length = entries.keyLength(address);
      dumped.shadowed.add(keyHash.of(key, start, length) >>> 0, key, start, length);
    }
    if (database.isTombstone(address)) return false;
    const target = this.begin(dumped);
    const expireMs = entries.expireMs(address);
    if (expireMs !== 0) target.appendExpire(expireMs);
    if (this.parts.options.withAccess) this.appendAccess(target, entries.access(address));
    return this.output.appendEntry(target, address, isWalking);
  }

  private record(database: DumpedDatabase, record: ScannedRecord): void {
    const { key, hash, expireMs, type } = record;
    if (database.shadowed.has(hash, key, 0, key.length)) return;
    const payload = record.payload!;
    const target = this.begin(database);
    if (expireMs !== 0) target.appendExpire(expireMs);
    if (this.parts.options.withAccess) this.appendAccess(target, record.lru & ACCESS_MASK);
    if (
      this.parts.options.rdbcompression &&
      payload.length <= COMPRESSED_MAX_BYTES &&
      ONE_STRING_TYPES.has(type)
    ) {
      target.appendEntryHead(type, key);
      const text = decodeString({ buffer: payload, next: 0, end: payload.length });
      if (text === undefined) throw new StorageError("corrupt", "a cold record's value is cut off");
      target.appendText(text);
      return;
    }
    target.appendPayload(type, key, 0, key.length, payload);
  }

  /** Where an entry of this database goes. The first of it tells how many there are. */
  private begin({ index, keys, expires }: DumpedDatabase): RdbWriter {
    this.dump.keysDone++;
    const target = this.output.targetOf(index);
    if (!this.sized.has(index)) {
      this.sized.add(index);
      target.appendResizeDb(keys, Math.min(keys, expires));
    }
    return target;
  }

  private appendAccess(target: RdbWriter, access: number): void {
    const { accessClock } = this.parts.keyspace;
    if (accessClock.lfu) target.appendFrequency(accessClock.frequency(access));
    else target.appendIdle(accessClock.idleSeconds(access));
  }

  private get entriesPerStep(): number | undefined {
    return this.parts.options.keyDelay() === 0 ? undefined : 1;
  }

  /** The pause that rdb-key-save-delay asks for after the keys written since the last one. */
  private keyDelay(): WalkStep {
    const { options, sleep } = this.parts;
    const keyDelay = options.keyDelay();
    const keys = this.dump.keysDone - this.delayedKeys;
    if (keys < Math.max(1, -keyDelay)) return undefined;
    this.delayedKeys = this.dump.keysDone;
    if (keyDelay === 0) return undefined;
    return this.sleepInParts(keyDelay > 0 ? (keys * keyDelay) / 1000 : 0.001, sleep);
  }

  private async sleepInParts(milliseconds: number, sleep: DumpParts["sleep"]): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 50) {
      this.dump.throwIfAborted();
      await sleep(Math.min(50, left));
    }
  }
}
