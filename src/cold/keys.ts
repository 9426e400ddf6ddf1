/**
 * Keys of the cold tier's key spaces in the store. All integers are big-endian, so that byte order is numeric
 * order.
 *
 *   'd' | namespace u32 | hash u32 | form u8 | key     a record (record.ts)
 *         form 0x00: the key itself, up to 1000 bytes
 *         form 0xFF: the SHA-256 of a longer key, which is kept in the value
 *   'x' | expireMs u64 | a record key without its 'd'  the expiry index; the value is empty
 *   'u' | sequence u64                                 an undo block (undo.ts)
 *   'b' | batch number u64                             a batch marker; the value is empty
 *   'm' | name                                         meta: "stamp", "checkpoint", "seed" (stamp.ts)
 *
 * The form byte keeps a short key from ever being taken for the digest of a long one, whatever its bytes.
 * Records are in the order of (namespace, hash), the order in which the hot table is walked.
 */
import { createHash } from "node:crypto";
import { MAXIMUM_INLINE_KEY_BYTES } from "./limits.ts";

/** A key and where it belongs. `hash` is the key's hash under the tier's seed, an unsigned 32-bit integer. */
export interface RecordRef {
  readonly namespace: number;
  readonly hash: number;
  readonly key: Buffer;
}

export interface KeyRange {
  /** Inclusive. */
  readonly from: Buffer;
  /** Exclusive. */
  readonly to: Buffer;
}

/** One past the largest hash, the end of a walk over all of them. */
export const HASH_SPACE = 2 ** 32;

/** Namespaces are below this, so that the end of a namespace's range is always another namespace's start. */
export const NAMESPACE_LIMIT = 2 ** 32 - 1;

const DATA_SPACE = 0x64;
const EXPIRY_SPACE = 0x78;
const UNDO_SPACE = 0x75;
const MARKER_SPACE = 0x62;

/** Where in a record key that is not a digest the key begins. */
export const RECORD_PREFIX_BYTES = 10;
const FORM_AT = 9;
const INLINE_FORM = 0x00;
const DIGEST_FORM = 0xff;

export const STAMP_KEY = Buffer.from("mstamp");
export const CHECKPOINT_KEY = Buffer.from("mcheckpoint");
export const SEED_KEY = Buffer.from("mseed");

/** Everything this tier may ever have written. */
export const WHOLE_RANGE: KeyRange = { from: Buffer.from([0x00]), to: Buffer.from([0xff]) };

/** Writes an unsigned integer below 2^53 as u64. */
export function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / HASH_SPACE), offset);
  target.writeUInt32BE(value % HASH_SPACE, offset + 4);
}

/** Reads a u64; values from 2^53 on lose precision, and are never written. */
export function readUint64(source: Buffer, offset: number): number {
  return source.readUInt32BE(offset) * HASH_SPACE + source.readUInt32BE(offset + 4);
}

export function recordKey(ref: RecordRef): Buffer {
  const { key } = ref;
  const isLong = key.length > MAXIMUM_INLINE_KEY_BYTES;
  const tail = isLong ? createHash("sha256").update(key).digest() : key;
  const bytes = Buffer.allocUnsafe(RECORD_PREFIX_BYTES + tail.length);
  bytes[0] = DATA_SPACE;
  bytes.writeUInt32BE(ref.namespace, 1);
  bytes.writeUInt32BE(ref.hash, 5);
  bytes[FORM_AT] = isLong ? DIGEST_FORM : INLINE_FORM;
  bytes.set(tail, RECORD_PREFIX_BYTES);
  return bytes;
}

export function namespaceOf(bytes: Buffer): number {
  return bytes.readUInt32BE(1);
}

export function hashOf(bytes: Buffer): number {
  return bytes.readUInt32BE(5);
}

/** True when the record's value holds the key, because the record key holds only its digest. */
export function isDigestKey(bytes: Buffer): boolean {
  return bytes[FORM_AT] === DIGEST_FORM;
}

/** The key within a record key that is not a digest: a view. */
export function inlineKeyOf(bytes: Buffer): Buffer {
  return bytes.subarray(RECORD_PREFIX_BYTES);
}

/** True when `bytes` can be a record key, for those read from where damage is possible. */
export function isRecordKey(bytes: Buffer): boolean {
  if (bytes.length < RECORD_PREFIX_BYTES || bytes[0] !== DATA_SPACE) return false;
  if (bytes[FORM_AT] === DIGEST_FORM) return bytes.length === RECORD_PREFIX_BYTES + 32;
  return bytes[FORM_AT] === INLINE_FORM && bytes.length <= RECORD_PREFIX_BYTES + MAXIMUM_INLINE_KEY_BYTES;
}

/** All records from `namespace` on up to the end of the data. */
export function dataFrom(namespace: number): KeyRange {
  return { from: dataPrefix(namespace, 0), to: Buffer.from([DATA_SPACE + 1]) };
}

/** The records of one namespace whose hash is in [fromHash, toHash); `toHash` may be 2^32. */
export function hashRange(namespace: number, fromHash: number, toHash: number): KeyRange {
  const to = toHash >= HASH_SPACE ? dataPrefix(namespace + 1, 0) : dataPrefix(namespace, toHash);
  return { from: dataPrefix(namespace, fromHash), to };
}

function dataPrefix(namespace: number, hash: number): Buffer {
  const bytes = Buffer.allocUnsafe(FORM_AT);
  bytes[0] = DATA_SPACE;
  bytes.writeUInt32BE(namespace, 1);
  bytes.writeUInt32BE(hash, 5);
  return bytes;
}

/** The expiry index entry of the record at `record`. */
export function expiryKey(expireMs: number, record: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(8 + record.length);
  bytes[0] = EXPIRY_SPACE;
  writeUint64(bytes, expireMs, 1);
  bytes.set(record.subarray(1), 9);
  return bytes;
}

/** The first index entry that can expire at `expireMs`. */
export function expiryStart(expireMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = EXPIRY_SPACE;
  writeUint64(bytes, expireMs, 1);
  return bytes;
}

/** The end of the expiry index, exclusive. */
export const EXPIRY_END: Buffer = Buffer.from([EXPIRY_SPACE + 1]);

export function expiryOf(index: Buffer): number {
  return readUint64(index, 1);
}

/** The record key that an expiry index entry points to. */
export function indexedRecordKey(index: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(index.length - 8);
  bytes[0] = DATA_SPACE;
  bytes.set(index.subarray(9), 1);
  return bytes;
}

export function undoKey(sequence: number): Buffer {
  return numbered(UNDO_SPACE, sequence);
}

export function markerKey(batch: number): Buffer {
  return numbered(MARKER_SPACE, batch);
}

/** The number in an undo or marker key. */
export function numberOf(bytes: Buffer): number {
  return readUint64(bytes, 1);
}

/** Undo blocks from `sequence` on. */
export function undoFrom(sequence: number): KeyRange {
  return { from: undoKey(sequence), to: Buffer.from([UNDO_SPACE + 1]) };
}

/** Batch markers from `batch` on. */
export function markersFrom(batch: number): KeyRange {
  return { from: markerKey(batch), to: Buffer.from([MARKER_SPACE + 1]) };
}

function numbered(space: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = space;
  writeUint64(bytes, value, 1);
  return bytes;
}
