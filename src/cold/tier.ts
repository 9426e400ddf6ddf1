/**
 * The cold tier: records on disk, by namespace and key, and the checkpoints they can be rolled back to. The
 * rest of the program knows only this file (and the types it names). Owns the store it is given.
 *
 * Invariants:
 * - every write is one synced batch, so what survives a crash is the tier as it was after some batch;
 * - together with its undo blocks, that state leads back to every cut not yet given up by `release`;
 * - record counts are exact, provided that callers tell truly whether a record lies under the key they
 * change.
 */
import { releaseMemory } from "../base/release-memory.ts";
import { StorageError } from "../base/storage-error.ts";
import type { BatchLog } from "./batch-log.ts";
import { type ExpiredRef, ExpiryIndex } from "./expiry-index.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import { addFirstKeys, type KeyVisitor, KeyWalk, type WalkedRange } from "./key-walk.ts";
import { HASH_SPACE, type RecordRef, recordKey } from "./keys.ts";
import { DUE_ENTRIES_MAXIMUM, DUE_ENTRIES_MINIMUM } from "./limits.ts";
import type { Namespaces } from "./namespaces.ts";
import { readValues } from "./read.ts";
import {
  type ColdRecord,
  decodeRecord,
  giveUpRecord,
  type PackedRecord,
  RECORD_MARGINS,
  readHeader,
  readPayload,
} from "./record.ts";
import { createParts, recoverParts, type TierParts, wipe } from "./recovery.ts";
import { ScanCursor, type ScannedRecord, type ScanOptions } from "./scan.ts";
import { type DamagedRecord, type ScrubbedPart, scrubRecords } from "./scrub.ts";
import { checkpointChange, identityOf, type TierCheckpoint, type TierPoint } from "./stamp.ts";
import type { Sweeper } from "./sweeper.ts";
import { UndoPacker } from "./undo.ts";
import { type TierChange, WriteBatch } from "./write-batch.ts";

/** LevelDB's. */
const LEVELS = 7;

export type {
  ColdRecord,
  DamagedRecord,
  ExpiredRef,
  KeyVisitor,
  KeyWalk,
  PackedRecord,
  RecordRef,
  ScanCursor,
  ScannedRecord,
  ScrubbedPart,
  TierChange,
  TierCheckpoint,
  WalkedRange,
};

export { giveUpRecord, RECORD_MARGINS };

/** The records of one moment. */
export interface TierSnapshot {
  /** Those of a namespace, with their values, in the order of their hashes. */
  scan(namespace: number): ScanCursor;
  /** To be called when nobody reads from it any more. */
  close(): Promise<void>;
}

export interface TierOptions {
  /** The hash seed of a tier that is newly made: 16 random bytes. One that is found keeps its own. */
  readonly seed: Buffer;
  /** Compress values with LZ4 where that makes them smaller (default true). */
  readonly compression?: boolean;
}

/** A record without its value. */
export interface RecordFacts extends Omit<ColdRecord, "payload"> {
  readonly isCompressed: boolean;
  /** Of the value in RDB's form, not compressed. */
  readonly payloadBytes: number;
  /** Of all that is stored for the key. */
  readonly recordBytes: number;
}

/** Figures for INFO; counts are since the start of the process unless they say otherwise. */
export interface TierStatistics {
  readonly generation: number;
  readonly namespaces: number;
  /** Records on disk now. */
  readonly records: number;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  readonly recordsDeleted: number;
  /** Records that could not be read because they are damaged. */
  readonly recordsDamaged: number;
  /** Records that were said to be there and were not. */
  readonly recordsMissing: number;
  readonly batches: number;
  readonly batchBytes: number;
  readonly batchFailures: number;
  /** Undo blocks that lead back to the released checkpoint. */
  readonly undoBlocks: number;
  /** How far LevelDB has fallen behind with compaction: it slows writes down from 8 on, and stops them at 12. */
  readonly levelZeroFiles: number;
  /** Table files of each of LevelDB's levels. */
  readonly levelFiles: readonly number[];
  /** Bytes of these files. What was written last is not yet in any. */
  readonly fileBytes: number;
}

export class ColdTier {
  readonly hashSeed: Buffer;
  readonly #store: KeyValueStore;
  readonly #identity: string;
  readonly #compression: boolean;
  readonly #log: BatchLog;
  readonly #namespaces: Namespaces;
  readonly #sweeper: Sweeper;
  readonly #expiry: ExpiryIndex;
  readonly #packer = new UndoPacker();
  /** Cuts not yet given up, oldest first. The first is the released one. */
  #cuts: TierPoint[];
  #isWriting = false;
  #recordsRead = 0;
  #recordsWritten = 0;
  #recordsDeleted = 0;
  #recordsDamaged = 0;
  #recordsMissing = 0;
  #writtenBytes = 0;

  private constructor(parts: TierParts, compression: boolean) {
    this.hashSeed = parts.seed;
    this.#store = parts.log.store;
    this.#identity = identityOf(parts.seed);
    this.#compression = compression;
    this.#log = parts.log;
    this.#namespaces = parts.namespaces;
    this.#sweeper = parts.sweeper;
    this.#cuts = [parts.cut];
    this.#expiry = new ExpiryIndex(this.#log.view, (namespace) => this.#namespaces.isAlive(namespace));
  }

  /** Bytes of memory that the store may take for what is not in table files yet. */
  get memtableBytes(): number {
    return this.#store.memtableBytes;
  }

  /** Makes a new tier in a store that holds none. Throws StorageError. */
  static async create(store: KeyValueStore, options: TierOptions): Promise<ColdTier> {
    return new ColdTier(await createParts(store, options.seed), options.compression ?? true);
  }

  /**
   * Opens the tier in the state of `checkpoint`, the one that the manifest's base file holds. Without a
   * checkpoint nothing on disk is relied upon: everything is deleted (emptying the folder beforehand is
   * quicker). A crash at any moment leaves a tier that can be recovered again. Throws StorageError "corrupt"
   * when the tier cannot be what the checkpoint describes; nothing but undo steps that succeeded has been
   * changed then.
   */
  static async recover(
    store: KeyValueStore,
    checkpoint: TierCheckpoint | undefined,
    options: TierOptions,
  ): Promise<ColdTier> {
    if (checkpoint !== undefined) {
      return new ColdTier(await recoverParts(store, checkpoint), options.compression ?? true);
    }
    await wipe(store);
    return ColdTier.create(store, options);
  }

  /** Number of the last cut; 0 before the first. */
  get generation(): number {
    return this.#log.point.generation;
  }

  /** Bytes of all batches of records since the tier was opened, with their undo blocks. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Records of all namespaces. */
  get records(): number {
    return this.#namespaces.total;
  }

  /** Records in a namespace; 0 for one that was dropped. */
  recordCount(namespace: number): number {
    return this.#namespaces.count(namespace);
  }

  /**
   * Reads records, in the order of `refs`; undefined where there is none. A damaged record is the
   * StorageError that tells which, in its place. Rejects with StorageError when the store cannot read at all.
   */
  async fetch(refs: readonly RecordRef[]): Promise<(ColdRecord | StorageError | undefined)[]> {
    const keys = refs.map(recordKey);
    const values = await readValues(this.#log.view, keys);
    return values.map((value, index) => this.#decode(refs[index], keys[index], value));
  }

  /** What is known of a record but its value; undefined if there is none. Throws StorageError. */
  async describe(ref: RecordRef): Promise<RecordFacts | undefined> {
    const key = recordKey(ref);
    const [value] = await readValues(this.#log.view, [key]);
    if (value === undefined) return undefined;
    if (value instanceof StorageError) throw value;
    const header = readHeader(key, value);
    if (header.longKey !== undefined && !header.longKey.equals(ref.key)) return undefined;
    const { type, lru, expireMs, isCompressed } = header;
    const payloadBytes = readPayload(key, value, header).length;
    return { type, lru, expireMs, isCompressed, payloadBytes, recordBytes: key.length + value.length };
  }

  /** Reads one record at once, for those who cannot wait. Throws StorageError. */
  fetchSync(ref: RecordRef): ColdRecord | undefined {
    const key = recordKey(ref);
    const record = this.#decode(ref, key, this.#log.view.getSync(key));
    if (record instanceof StorageError) throw record;
    return record;
  }

  #decode(
    ref: RecordRef,
    key: Buffer,
    value: Buffer | StorageError | undefined,
  ): ColdRecord | StorageError | undefined {
    if (value === undefined) return undefined;
    try {
      if (value instanceof StorageError) throw value;
      const header = readHeader(key, value);
      if (header.longKey !== undefined && !header.longKey.equals(ref.key)) return undefined;
      this.#recordsRead += 1;
      const record = decodeRecord(key, value, header);
      if (header.isCompressed) releaseMemory(value);
      return record;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#recordsDamaged += 1;
      return error;
    }
  }

  /**
   * Writes and deletes records as one batch: all or, on failure, none. A key appears at most once. Payloads
   * (see PackedRecord) and keys must stay as they are until the promise settles. Changes in a namespace dropped
   * meanwhile are left out. One write at a time. Rejects with StorageError; counts are then unchanged and the same
   * write may be repeated, unless payloads were given up.
   * @param onWritten called in the very moment in which the counts change, so that nobody sees the new counts
   * with the old state of memory
   */
  async write(changes: readonly TierChange[], onWritten?: () => void): Promise<void> {
    if (this.#isWriting) throw new Error("a write to the cold tier is under way already");
    if (changes.length === 0) return;
    this.#isWriting = true;
    try {
      await this.#log.exclusive(() => this.#write(changes, onWritten));
    } finally {
      this.#isWriting = false;
    }
  }

  async #write(changes: readonly TierChange[], onWritten?: () => void): Promise<void> {
    const stale = this.#expiry.takeStale();
    try {
      const { generation, undo } = this.#log.point;
      const batch = await WriteBatch.build(
        {
          store: this.#store,
          namespaces: this.#namespaces,
          packer: this.#packer,
          generation,
          undo,
          compression: this.#compression,
          stale,
        },
        changes,
      );
      const bytesBefore = this.#log.bytesWritten;
      await this.#log.commit(batch.changes, { undo: undo + batch.undoBlocks }, () => batch.inverse());
      this.#writtenBytes += this.#log.bytesWritten - bytesBefore;
      for (const [namespace, difference] of batch.countDifferences) {
        this.#namespaces.add(namespace, difference);
      }
      batch.giveUpOld();
      onWritten?.();
      this.#expiry.written(batch.earliestExpiryMs);
      this.#recordsWritten += batch.puts;
      this.#recordsDeleted += batch.deletes;
      this.#recordsDamaged += batch.damaged;
      this.#recordsMissing += batch.missing;
    } catch (error) {
      this.#expiry.failed(stale);
      throw error;
    }
  }

  /**
   * Cold keys whose expiry is before `nowMs`, from where the last call ended; examines at most `limit` index
   * entries. Memory may know better (a hot key shadows its record): what the caller leaves is not given again
   * before the next start, unless an earlier expiry is written. An empty answer does not prove that there are
   * none. One call at a time.
   */
  expired(nowMs: number, limit: number): Promise<ExpiredRef[]> {
    return this.#expiry.expired(nowMs, limit);
  }

  /**
   * Walks the records of a namespace whose hash is in [fromHash, toHash), as they are at this very moment.
   */
  scan(namespace: number, fromHash: number, toHash: number, options?: ScanOptions): ScanCursor {
    return new ScanCursor(this.#log.view, namespace, fromHash, toHash, options);
  }

  /** Verifies about `limitBytes` of a namespace's records where they lie, from `from` on: see scrub.ts. */
  scrub(
    namespace: number,
    from: Buffer | undefined,
    limitBytes: number,
    pause: () => Promise<void>,
  ): Promise<ScrubbedPart> {
    return scrubRecords(this.#log.view, namespace, from, limitBytes, pause);
  }

  /** All records as they are at this very moment, until it is closed. Throws StorageError when the store cannot be read
   * now. */
  snapshot(): TierSnapshot {
    const reads = this.#log.view.snapshot();
    return {
      scan: (namespace) => new ScanCursor(reads, namespace, 0, HASH_SPACE, { withPayloads: true }),
      close: () => reads.close(),
    };
  }

  /**
   * Walks keys as they are at this very moment, and reads as few values as it can. Keys that a write under way
   * changes may show as before or after it. Throws StorageError when the store cannot be read now.
   */
  keys(range: WalkedRange): KeyWalk {
    const { namespace, fromHash, toHash } = range;
    // To look at more entries of the expiry index than there are values to read would gain nothing.
    const expected = Math.ceil(this.recordCount(namespace) * ((toHash - fromHash) / HASH_SPACE));
    return this.#keyWalk(range, Math.min(Math.max(expected, DUE_ENTRIES_MINIMUM), DUE_ENTRIES_MAXIMUM));
  }

  /**
   * `count` keys that are not past their expiry: the first at or after `hash`, from the beginning again at the
   * end of the namespace, each once. Fewer if there are no more, or many of those that were looked at have expired.
   * Rejects with StorageError, also where only damaged records of long keys are found.
   */
  async keysFrom(namespace: number, hash: number, nowMs: number, count: number): Promise<Buffer[]> {
    const found: Buffer[] = [];
    let damage: StorageError | undefined;
    for (const [fromHash, toHash] of [
      [hash, HASH_SPACE],
      [0, hash],
    ]) {
      if (found.length >= count) break;
      const walk = this.#keyWalk({ namespace, fromHash, toHash, nowMs }, DUE_ENTRIES_MINIMUM);
      damage = (await addFirstKeys(walk, count - found.length, found)) ?? damage;
    }
    if (found.length === 0 && damage !== undefined) throw damage;
    return found;
  }

  #keyWalk(range: WalkedRange, dueLimit: number): KeyWalk {
    return new KeyWalk(this.#log.view.snapshot(), this.#expiry, range, dueLimit);
  }

  /** A number for a new, empty namespace. */
  allocateNamespace(): number {
    return this.#namespaces.allocate();
  }

  /** Forgets a namespace. Its records are deleted by `sweep` once no checkpoint names it. */
  dropNamespace(namespace: number): void {
    const isUnnamed = this.#namespaces.drop(namespace, this.generation);
    if (isUnnamed) this.#sweeper.addNamespace(namespace);
  }

  /**
   * Marks this moment as one that the tier can be rolled back to, and begins a generation. No write may be
   * under way. The result belongs into the base file; it counts once `barrier` has resolved and the manifest
   * names that file.
   */
  cut(): TierCheckpoint {
    if (this.#isWriting) throw new Error("a write to the cold tier is under way at a cut");
    const point = this.#log.cut();
    this.#cuts.push(point);
    const seed = this.hashSeed.toString("hex");
    return { ...point, identity: this.#identity, seed, ...this.#namespaces.cut() };
  }

  /** Resolves when all written so far, and the present generation, are in synced table files. */
  async barrier(): Promise<void> {
    await this.#log.exclusive(async () => {
      await this.#log.commit([]);
      await this.#store.flush();
    });
  }

  /**
   * To be called when the manifest durably names the base file of `generation`: what leads back to earlier
   * cuts is given up at once, and deleted by `sweep`. Rejects with StorageError; it may then be repeated.
   */
  async release(generation: number): Promise<void> {
    const cut = this.#cuts.find((point) => point.generation === generation);
    if (cut === undefined) throw new RangeError(`generation ${generation} was given up or never cut`);
    if (cut === this.#cuts[0]) return;
    await this.#log.exclusive(() => this.#log.commit([checkpointChange(cut)]));
    this.#cuts = this.#cuts.filter((point) => point.generation >= generation);
    this.#sweeper.addNumbersBefore(cut.undo, cut.batch + 1);
    for (const namespace of this.#namespaces.released(generation)) this.#sweeper.addNamespace(namespace);
  }

  /** Deletes about `limit` entries that nothing needs any more, in one batch. True when there are more. */
  async sweep(limit: number): Promise<boolean> {
    if (this.#sweeper.isClean) return false;
    return this.#log.exclusive(() => this.#sweeper.step(limit));
  }

  /** Asks LevelDB too, and may wait for its lock: not to be called for every command or batch. */
  statistics(): TierStatistics {
    const levelFiles = Array.from(
      { length: LEVELS },
      (_, level) => Number(this.#store.property(`leveldb.num-files-at-level${level}`)) || 0,
    );
    return {
      generation: this.generation,
      namespaces: this.#namespaces.size,
      records: this.#namespaces.total,
      recordsRead: this.#recordsRead,
      recordsWritten: this.#recordsWritten,
      recordsDeleted: this.#recordsDeleted,
      recordsDamaged: this.#recordsDamaged,
      recordsMissing: this.#recordsMissing,
      batches: this.#log.batchesWritten,
      batchBytes: this.#log.bytesWritten,
      batchFailures: this.#log.failures,
      undoBlocks: this.#log.point.undo - this.#cuts[0].undo,
      levelZeroFiles: levelFiles[0],
      levelFiles,
      fileBytes: this.#fileBytes(),
    };
  }

  /** Out of a list for people: a line for each file, with its number, size and keys. */
  #fileBytes(): number {
    let bytes = 0;
    for (const [, size] of this.#store.property("leveldb.sstables").matchAll(/^ \d+:(\d+)\[/gm))
      bytes += Number(size);
    return bytes;
  }

  /** Waits for the batch under way and closes the store. */
  async close(): Promise<void> {
    await this.#log.idle();
    await this.#store.close();
  }
}
