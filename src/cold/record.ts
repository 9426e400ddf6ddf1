/**
 * The codec of a cold record's value. Knows nothing but bytes: what a payload means is its type's business.
 *
 *   flags      u8    bit 0: payload is LZ4, bit 1: has an expiry, bit 2: holds a long key; others zero
 *   type       u8    the payload's RDB type
 *   lru        u32   last access, as the keyspace counts it
 *   generation u48   the checkpoint generation in which the record was written
 *   [expireMs  u64]  Unix time in milliseconds, 1 ... 2^53 - 1
 *   [key       u32 length, bytes]   only under a digest key (keys.ts)
 *   payload          the RDB encoding of the value; as LZ4: raw length u32 little-endian, then one LZ4 block
 *   checksum   u32   CRC-32C of the record key and of everything above
 *
 * Integers are big-endian unless said otherwise. The checksum includes the record key, so that a value found
 * under a key it was not written for is noticed; LevelDB does not verify its blocks when it reads them.
 */
import { compressSync, uncompressSync } from "lz4-napi";
import { crc32c } from "../base/checksum.ts";
import { RELEASED_FROM_BYTES, releaseMemory } from "../base/release-memory.ts";
import { StorageError } from "../base/storage-error.ts";
import {
  inlineKeyOf,
  isDigestKey,
  isRecordKey,
  namespaceOf,
  type RecordRef,
  readUint64,
  writeUint64,
} from "./keys.ts";
import { COMPRESSION_MINIMUM_BYTES, COMPRESSION_SAMPLE_BYTES, COMPRESSION_SAMPLES } from "./limits.ts";

export interface ColdRecord {
  /** RDB type of the payload. */
  readonly type: number;
  /** Last access, opaque here; an unsigned 32-bit integer. */
  readonly lru: number;
  /** Unix time in milliseconds, 0 for a key that does not expire. */
  readonly expireMs: number;
  /** The value's RDB encoding. */
  readonly payload: Buffer;
}

/** A record to be written. */
export interface PackedRecord extends ColdRecord {
  /** There are RECORD_MARGINS around the payload, for what else is stored: then it need not be copied. */
  readonly hasMargins?: boolean;
  /** Called when the payload is no longer needed, which may be soon. Without it, it must stay as it is until the record
   * is written. */
  readonly giveUp?: (() => void) | undefined;
}

/** A record's verified header. */
export interface RecordHeader {
  readonly type: number;
  readonly lru: number;
  readonly generation: number;
  readonly expireMs: number;
  /** Under a digest key the full key: a view. Otherwise it is in the record key: see `keyOf`. */
  readonly longKey: Buffer | undefined;
  readonly isCompressed: boolean;
  /** Where in the value the payload begins. */
  readonly payloadAt: number;
}

const COMPRESSED_FLAG = 1;
const EXPIRY_FLAG = 2;
const LONG_KEY_FLAG = 4;
const KNOWN_FLAGS = COMPRESSED_FLAG | EXPIRY_FLAG | LONG_KEY_FLAG;

const TYPE_AT = 1;
const LRU_AT = 2;
const GENERATION_AT = 6;
const FIXED_HEADER_BYTES = 12;
const EXPIRY_BYTES = 8;
export const CHECKSUM_BYTES = 4;

/** Room before and behind a payload for the rest of its record, but for a long key. */
export const RECORD_MARGINS = { before: FIXED_HEADER_BYTES + EXPIRY_BYTES, after: CHECKSUM_BYTES } as const;

/** The stored value of `record`; `recordKey` is made from `ref`. Takes the payload's memory if it can: then both have
 * the same ArrayBuffer. */
export function encodeRecord(
  recordKey: Buffer,
  ref: RecordRef,
  record: PackedRecord,
  generation: number,
  compression: boolean,
): Buffer {
  const compressed = compression ? compressedIfSmaller(record.payload) : undefined;
  const payload = compressed ?? record.payload;
  let flags = compressed === undefined ? 0 : COMPRESSED_FLAG;
  let headerBytes = FIXED_HEADER_BYTES;
  if (record.expireMs !== 0) {
    flags |= EXPIRY_FLAG;
    headerBytes += EXPIRY_BYTES;
  }
  if (isDigestKey(recordKey)) {
    flags |= LONG_KEY_FLAG;
    headerBytes += 4 + ref.key.length;
  }
  const size = headerBytes + payload.length + CHECKSUM_BYTES;
  const isInPlace =
    record.hasMargins === true && payload === record.payload && headerBytes <= RECORD_MARGINS.before;
  const value = isInPlace
    ? Buffer.from(payload.buffer, payload.byteOffset - headerBytes, size)
    : Buffer.allocUnsafe(size);
  value[0] = flags;
  value[TYPE_AT] = record.type;
  value.writeUInt32BE(record.lru, LRU_AT);
  value.writeUIntBE(generation, GENERATION_AT, 6);
  let at = FIXED_HEADER_BYTES;
  if ((flags & EXPIRY_FLAG) !== 0) {
    writeUint64(value, record.expireMs, at);
    at += EXPIRY_BYTES;
  }
  if ((flags & LONG_KEY_FLAG) !== 0) {
    value.writeUInt32BE(ref.key.length, at);
    value.set(ref.key, at + 4);
    at += 4 + ref.key.length;
  }
  if (!isInPlace) value.set(payload, at);
  if (compressed !== undefined) releaseMemory(compressed);
  value.writeUInt32BE(checksumOf(recordKey, value), size - CHECKSUM_BYTES);
  return value;
}

/** The payload as LZ4, if that is worth it. */
function compressedIfSmaller(payload: Buffer): Buffer | undefined {
  if (payload.length < COMPRESSION_MINIMUM_BYTES || !looksCompressible(payload)) return undefined;
  const compressed = compressSync(payload);
  if (compressed.length < payload.length) return compressed;
  releaseMemory(compressed);
  return undefined;
}

/** Of a long payload a few parts are tried: to compress all of it in vain takes as much memory again, and a second for
 * 200 MB. */
function looksCompressible(payload: Buffer): boolean {
  const sampledBytes = COMPRESSION_SAMPLES * COMPRESSION_SAMPLE_BYTES;
  if (payload.length < 2 * sampledBytes) return true;
  const step = Math.floor((payload.length - COMPRESSION_SAMPLE_BYTES) / (COMPRESSION_SAMPLES - 1));
  let compressedBytes = 0;
  for (let i = 0; i < COMPRESSION_SAMPLES; i += 1) {
    const from = i * step;
    compressedBytes += compressSync(payload.subarray(from, from + COMPRESSION_SAMPLE_BYTES)).length;
  }
  return compressedBytes < sampledBytes;
}

/** Verifies the checksum and reads the header. Throws StorageError "corrupt". */
export function readHeader(recordKey: Buffer, value: Buffer): RecordHeader {
  const end = value.length - CHECKSUM_BYTES;
  if (end < FIXED_HEADER_BYTES) throw damaged(recordKey, `only ${value.length} bytes are left of it`);
  if (value.readUInt32BE(end) !== checksumOf(recordKey, value))
    throw damaged(recordKey, "its checksum does not match");
  const flags = value[0];
  if ((flags & ~KNOWN_FLAGS) !== 0 || ((flags & LONG_KEY_FLAG) !== 0) !== isDigestKey(recordKey)) {
    throw damaged(recordKey, `flags ${flags} make no sense`);
  }
  let at = FIXED_HEADER_BYTES;
  let expireMs = 0;
  if ((flags & EXPIRY_FLAG) !== 0) {
    if (at + EXPIRY_BYTES > end) throw damaged(recordKey, "its expiry is cut off");
    expireMs = readUint64(value, at);
    at += EXPIRY_BYTES;
  }
  let longKey: Buffer | undefined;
  if ((flags & LONG_KEY_FLAG) !== 0) {
    const keyEnd = at + 4 <= end ? at + 4 + value.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (keyEnd > end) throw damaged(recordKey, "its key is cut off");
    longKey = value.subarray(at + 4, keyEnd);
    at = keyEnd;
  }
  return {
    type: value[TYPE_AT],
    lru: value.readUInt32BE(LRU_AT),
    generation: value.readUIntBE(GENERATION_AT, 6),
    expireMs,
    longKey,
    isCompressed: (flags & COMPRESSED_FLAG) !== 0,
    payloadAt: at,
  };
}

/**
 * The payload behind a verified header: a view of `value`, or decompressed. Throws StorageError "corrupt".
 */
export function readPayload(recordKey: Buffer, value: Buffer, header: RecordHeader): Buffer {
  const stored = value.subarray(header.payloadAt, value.length - CHECKSUM_BYTES);
  if (!header.isCompressed) return stored;
  try {
    return uncompressSync(stored);
  } catch (cause) {
    throw damaged(recordKey, "its value cannot be decompressed", cause);
  }
}

/** Gives back the memory of a record that was read, and is no longer needed. */
export function giveUpRecord({ payload }: ColdRecord): void {
  if (payload.length >= RELEASED_FROM_BYTES) releaseMemory(new Uint8Array(payload.buffer));
}

/** The full key of a record: a view. */
export function keyOf(recordKey: Buffer, header: RecordHeader): Buffer {
  return header.longKey ?? inlineKeyOf(recordKey);
}

/** Reads a whole record; verifies it unless its header is there already. Throws StorageError "corrupt". */
export function decodeRecord(
  recordKey: Buffer,
  value: Buffer,
  header = readHeader(recordKey, value),
): ColdRecord {
  const { type, lru, expireMs } = header;
  return { type, lru, expireMs, payload: readPayload(recordKey, value, header) };
}

/** The header, or undefined where the record is damaged, for those who only replace or delete it. */
export function readableHeader(recordKey: Buffer, value: Buffer): RecordHeader | undefined {
  try {
    return readHeader(recordKey, value);
  } catch {
    return undefined;
  }
}

/** The checksum of a record before any byte of its value, for those who go through a long one piece by piece. */
export function checksumStart(recordKey: Buffer): number {
  return crc32c(recordKey);
}

function checksumOf(recordKey: Buffer, value: Buffer): number {
  return crc32c(value.subarray(0, value.length - CHECKSUM_BYTES), checksumStart(recordKey));
}

function damaged(recordKey: Buffer, reason: string, cause?: unknown): StorageError {
  return new StorageError(
    "corrupt",
    `the cold record of ${describeRecordKey(recordKey)} is damaged: ${reason}`,
    {
      cause,
    },
  );
}

/** A record key in words, for messages: printable, and never longer than a line. */
function describeRecordKey(recordKey: Buffer): string {
  if (!isRecordKey(recordKey)) return `an unreadable record key (${recordKey.length} bytes)`;
  const name = isDigestKey(recordKey)
    ? `a long key with SHA-256 ${inlineKeyOf(recordKey).toString("hex")}`
    : `key ${printable(inlineKeyOf(recordKey))}`;
  return `${name} in namespace ${namespaceOf(recordKey)}`;
}

const PRINTABLE_BYTES = 64;

function printable(key: Buffer): string {
  let text = "";
  for (const byte of key.subarray(0, PRINTABLE_BYTES)) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return key.length > PRINTABLE_BYTES ? `"${text}"...` : `"${text}"`;
}
