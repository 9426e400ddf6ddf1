/**
 * What the tier knows about itself: its stamp, its last released checkpoint and its hash seed, each one meta
 * record.
 *
 *   "mstamp", "mcheckpoint"   version u8 (1) | generation u64 | batch u64 | undo u64 | checksum u32
 *   "mseed"                   16 bytes | checksum u32
 *
 * The checksum is the CRC-32C of the key and of the value before it.
 *
 * The stamp is written by every batch, together with that batch's marker: it tells how far the tier has come.
 * The checkpoint is what recovery can still go back to; undo blocks and markers from before it are garbage.
 */
import { createHash } from "node:crypto";
import { crc32c } from "../base/checksum.ts";
import { StorageError } from "../base/storage-error.ts";
import type { KeyValueStore, StoreChange } from "./key-value-store.ts";
import { CHECKPOINT_KEY, NAMESPACE_LIMIT, readUint64, SEED_KEY, STAMP_KEY, writeUint64 } from "./keys.ts";

/** A point in the tier's history. */
export interface TierPoint {
  /** Number of the last cut; 0 before the first one. */
  readonly generation: number;
  /** Number of the last batch written. */
  readonly batch: number;
  /** Sequence of the next undo block. */
  readonly undo: number;
}

/** The tier's state at a cut, to be kept in the base file: recovery rolls back to it. */
export interface TierCheckpoint extends TierPoint {
  /** Tells this tier from any other, without telling its seed. */
  readonly identity: string;
  /** A copy of the hash seed, 32 hexadecimal digits: the store holds it in one place only, and no record can be found
   * without it. Who knows it can choose keys that collide, so tools do not print it. Absent in files of before. */
  readonly seed?: string;
  /** Namespaces from this number on did not exist. */
  readonly nextNamespace: number;
  /** Every namespace there was, with its number of records. */
  readonly counts: readonly (readonly [namespace: number, records: number])[];
}

const SEED_BYTES = 16;

const FORMAT_VERSION = 1;
const POINT_BYTES = 25;
const CHECKSUM_BYTES = 4;

export function stampChange(point: TierPoint): StoreChange {
  return pointChange(STAMP_KEY, point);
}

export function checkpointChange(point: TierPoint): StoreChange {
  return pointChange(CHECKPOINT_KEY, point);
}

export function seedChange(seed: Buffer): StoreChange {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`a hash seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  return sealed(SEED_KEY, Buffer.concat([seed, Buffer.alloc(CHECKSUM_BYTES)]));
}

/** Undefined where nothing was ever written. Throws StorageError "corrupt". */
export function readStamp(store: KeyValueStore): TierPoint | undefined {
  return readPoint(store, STAMP_KEY, "stamp");
}

/** The point of the checkpoint released last. Throws StorageError "corrupt", also when there is none. */
export function readReleased(store: KeyValueStore): TierPoint {
  const point = readPoint(store, CHECKPOINT_KEY, "checkpoint");
  if (point === undefined) throw corrupt("the cold tier has a stamp but no checkpoint record");
  return point;
}

/** The seed that the store holds, and whether it can be trusted. Throws StorageError "corrupt" when there is none. */
export function readSeed(store: KeyValueStore): { readonly seed: Buffer; readonly isIntact: boolean } {
  const value = store.getSync(SEED_KEY);
  if (value === undefined) throw corrupt("the cold tier has lost its hash seed");
  const seed = Buffer.from(value.subarray(0, SEED_BYTES));
  return { seed, isIntact: isSealed(SEED_KEY, value, SEED_BYTES + CHECKSUM_BYTES) };
}

/** The base file's copy of the seed; undefined if it has none. */
export function seedCopyOf({ identity, seed }: TierCheckpoint): Buffer | undefined {
  if (seed === undefined) return undefined;
  const copy = Buffer.from(seed, "hex");
  return identityOf(copy) === identity ? copy : undefined;
}

export function identityOf(seed: Buffer): string {
  return createHash("sha256").update("tsredis tier").update(seed).digest("hex").slice(0, 16);
}

/** Refuses what cannot be a checkpoint: it comes from a file. Throws StorageError "corrupt". */
export function verifyCheckpoint(checkpoint: TierCheckpoint): void {
  const { generation, batch, undo, nextNamespace, counts } = checkpoint;
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (![generation, batch, undo, nextNamespace].every(isCount) || nextNamespace > NAMESPACE_LIMIT) {
    throw corrupt("the base file's description of the cold tier makes no sense");
  }
  const seen = new Set<number>();
  for (const [namespace, records] of counts) {
    if (!isCount(namespace) || !isCount(records) || namespace >= nextNamespace || seen.has(namespace)) {
      throw corrupt(`the base file's record count of namespace ${namespace} makes no sense`);
    }
    seen.add(namespace);
  }
}

function pointChange(key: Buffer, point: TierPoint): StoreChange {
  const value = Buffer.allocUnsafe(POINT_BYTES + CHECKSUM_BYTES);
  value[0] = FORMAT_VERSION;
  writeUint64(value, point.generation, 1);
  writeUint64(value, point.batch, 9);
  writeUint64(value, point.undo, 17);
  return sealed(key, value);
}

function readPoint(store: KeyValueStore, key: Buffer, what: string): TierPoint | undefined {
  const value = store.getSync(key);
  if (value === undefined) return undefined;
  if (value.length > 0 && value[0] !== FORMAT_VERSION) {
    throw corrupt(
      `the cold tier has format version ${value[0]}; this program knows version ${FORMAT_VERSION}`,
    );
  }
  verify(key, value, POINT_BYTES + CHECKSUM_BYTES, what);
  return { generation: readUint64(value, 1), batch: readUint64(value, 9), undo: readUint64(value, 17) };
}

function sealed(key: Buffer, value: Buffer): StoreChange {
  value.writeUInt32BE(checksumOf(key, value), value.length - CHECKSUM_BYTES);
  return { key, value };
}

function verify(key: Buffer, value: Buffer, sizeBytes: number, what: string): void {
  if (!isSealed(key, value, sizeBytes))
    throw corrupt(`the cold tier's ${what} is damaged: its checksum does not match`);
}

function isSealed(key: Buffer, value: Buffer, sizeBytes: number): boolean {
  if (value.length !== sizeBytes) return false;
  return value.readUInt32BE(sizeBytes - CHECKSUM_BYTES) === checksumOf(key, value);
}

function checksumOf(key: Buffer, value: Buffer): number {
  return crc32c(value.subarray(0, value.length - CHECKSUM_BYTES), crc32c(key));
}

function corrupt(message: string): StorageError {
  return new StorageError("corrupt", message);
}
