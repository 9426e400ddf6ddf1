/**
 * The two building blocks of every value in an RDB file, a DUMP payload and a cold record: lengths and strings.
 *
 * Length, by its first byte:
 *     00xxxxxx                          0..63
 *     01xxxxxx xxxxxxxx                 0..16383
 *     10000000 + 4 bytes, big-endian    to 2^32 - 1
 *     10000001 + 8 bytes, big-endian    to 2^64 - 1
 *     11eeeeee                          no length: a string in encoding e
 *
 * String: a length and as many bytes, or one of the encodings
 *     0, 1, 2    the decimal text of a signed integer of 1, 2, 4 bytes, little-endian
 *     3          LZF: length of the compressed data, length of the string, compressed data
 */
import { copyBytes, VIEW, type ViewedBuffer } from "../base/byte-copy.ts";
import type { Int64 } from "../base/int64.ts";
import { lzfCompress, lzfDecompress, newRoom } from "../base/lzf.ts";

/** The version of RDB that tsredis writes: the one of Redis 7.0. */
export const RDB_VERSION_WRITTEN = 10;

const LENGTH_32 = 0x80;
const LENGTH_64 = 0x81;
const ENCODED = 0xc0;
const ENCODING_INT8 = 0;
const ENCODING_INT16 = 1;
const ENCODING_INT32 = 2;
export const ENCODING_LZF = 3;
/** The first byte of a compressed string. */
export const COMPRESSED: number = ENCODED | ENCODING_LZF;

/** The most that `encodeString` writes beyond the string's own bytes. */
export const STRING_OVERHEAD_BYTES = 32;
/** Strings up to this length are never compressed: LZF could not shorten them. */
export const COMPRESSION_MIN_BYTES = 20;
/** Up to this length a loop is faster than a native copy, which needs a view of the source (measured on Node 20: level
 * at about 50). */
const SHORT_COPY_BYTES = 48;
/** An integer of 32 bits has at most this many characters. */
const INTEGER_TEXT_MAX_BYTES = 11;

/** No value holds a longer string, and no compressed one may promise to become one. */
const STRING_MAX_BYTES = 0x7fff_ffff;

/** Bytes that cannot be a length or string. */
export class RdbEncodingError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "RdbEncodingError";
  }
}

/** Bytes being decoded: `next` advances, up to `end`. */
export interface RdbBytes {
  readonly buffer: Buffer;
  next: number;
  readonly end: number;
}

/** A decoded length: filled by `decodeLength`, so that decoding allocates nothing. */
export class RdbLength {
  /** The length; beyond 2^53 rounded. With `isEncoding`: the number of a string encoding. */
  value = 0;
  isEncoding = false;
}

/**
 * Decodes a length and advances over it.
 * @returns false, with nothing changed, if the bytes end before it does
 * @throws RdbEncodingError
 */
export function decodeLength(bytes: RdbBytes, into: RdbLength): boolean {
  const { buffer, next } = bytes;
  const available = bytes.end - next;
  if (available < 1) return false;
  const first = buffer[next];
  into.isEncoding = first >= ENCODED;
  if (first < 0x40 || first >= ENCODED) {
    into.value = first & 0x3f;
    bytes.next = next + 1;
  } else if (first < 0x80) {
    if (available < 2) return false;
    into.value = ((first & 0x3f) << 8) | buffer[next + 1];
    bytes.next = next + 2;
  } else if (first === LENGTH_32) {
    if (available < 5) return false;
    into.value = buffer.readUInt32BE(next + 1);
    bytes.next = next + 5;
  } else if (first === LENGTH_64) {
    if (available < 9) return false;
    into.value = buffer.readUInt32BE(next + 1) * 0x100000000 + buffer.readUInt32BE(next + 5);
    bytes.next = next + 9;
  } else {
    throw new RdbEncodingError(`Unknown length encoding 0x${first.toString(16)}`);
  }
  return true;
}

/** Writes a length at `position`; returns the position after it. At most 9 bytes. */
export function encodeLength(target: Buffer, position: number, length: number): number {
  if (length < 64) {
    target[position] = length;
    return position + 1;
  }
  if (length < 16384) {
    target[position] = 0x40 | (length >> 8);
    target[position + 1] = length & 0xff;
    return position + 2;
  }
  if (length <= 0xffffffff) {
    target[position] = LENGTH_32;
    return target.writeUInt32BE(length, position + 1);
  }
  target[position] = LENGTH_64;
  target.writeUInt32BE(Math.floor(length / 0x100000000), position + 1);
  return target.writeUInt32BE(length % 0x100000000, position + 5);
}

/** Writes an unsigned integer of 64 bits, in two words, as a length. At most 9 bytes. */
export function encodeLength64(target: Buffer, position: number, high: number, low: number): number {
  if (high === 0) return encodeLength(target, position, low >>> 0);
  target[position] = LENGTH_64;
  target.writeInt32BE(high, position + 1);
  return target.writeInt32BE(low, position + 5);
}

const scratchLength = new RdbLength();

/** As `decodePlainLength`, exact to the last of 64 bits: those above 2^63 become negative. */
export function decodeLength64(bytes: RdbBytes, into: Int64): boolean {
  const { buffer, next } = bytes;
  if (buffer[next] !== LENGTH_64) {
    if (!decodePlainLength(bytes, scratchLength)) return false;
    into.setNumber(scratchLength.value);
    return true;
  }
  if (bytes.end - next < 9) return false;
  into.setWords(buffer.readInt32BE(next + 1), buffer.readInt32BE(next + 5));
  bytes.next = next + 9;
  return true;
}

/**
 * Decodes a string and advances over it. A plain string is a view on the bytes.
 * @returns undefined, with nothing changed, if the bytes end before it does
 * @throws RdbEncodingError
 */
export function decodeString(bytes: RdbBytes): Buffer | undefined {
  const start = bytes.next;
  if (!decodeLength(bytes, scratchLength)) return undefined;
  const length = scratchLength.value;
  const result = scratchLength.isEncoding ? decodeSpecial(bytes, length) : take(bytes, length);
  if (result === undefined) bytes.next = start;
  return result;
}

function take(bytes: RdbBytes, length: number): Buffer | undefined {
  const start = bytes.next;
  if (bytes.end - start < length) return undefined;
  bytes.next = start + length;
  return bytes.buffer.subarray(start, start + length);
}

function decodeSpecial(bytes: RdbBytes, encoding: number): Buffer | undefined {
  if (encoding === ENCODING_LZF) return decodeCompressed(bytes, scratchLength, newRoom);
  if (encoding > ENCODING_INT32) throw new RdbEncodingError(`Unknown RDB string encoding type ${encoding}`);
  const size = encoding === ENCODING_INT8 ? 1 : encoding === ENCODING_INT16 ? 2 : 4;
  if (bytes.end - bytes.next < size) return undefined;
  const value = bytes.buffer.readIntLE(bytes.next, size);
  bytes.next += size;
  return Buffer.from(String(value), "latin1");
}

/**
 * Decodes what follows the first byte of a compressed string, and advances over it.
 * @param room gives a buffer of at least the given number of bytes; the text begins where it does, and `into` has its
 * length
 * @returns that buffer, or undefined if the bytes end too early
 * @throws RdbEncodingError
 */
export function decodeCompressed(
  bytes: RdbBytes,
  into: RdbLength,
  room: (length: number) => Buffer,
): Buffer | undefined {
  if (!decodePlainLength(bytes, into)) return undefined;
  const packedLength = into.value;
  if (!decodePlainLength(bytes, into)) return undefined;
  const length = into.value;
  const start = bytes.next;
  const end = start + packedLength;
  if (end > bytes.end) return undefined;
  bytes.next = end;
  const value = length > STRING_MAX_BYTES ? undefined : lzfDecompress(bytes.buffer, length, start, end, room);
  if (value === undefined) throw new RdbEncodingError("Invalid LZF compressed string");
  return value;
}

/** A length where no string encoding may stand. */
export function decodePlainLength(bytes: RdbBytes, into: RdbLength): boolean {
  if (!decodeLength(bytes, into)) return false;
  if (into.isEncoding) throw new RdbEncodingError("A string encoding stands where a length belongs");
  return true;
}

/**
 * Writes source[start, start + length) as Redis would: as an integer if it is the text of one of at most 32 bits,
 * compressed if `compress` and that is smaller, else plain. `target` must have room for `length` +
 * STRING_OVERHEAD_BYTES at `position`.
 * @returns the position after it
 */
export function encodeString(
  target: Buffer,
  position: number,
  source: Uint8Array,
  start: number,
  length: number,
  compress: boolean,
): number {
  if (length <= INTEGER_TEXT_MAX_BYTES) {
    const value = integerText(source, start, length);
    if (!Number.isNaN(value)) return encodeInteger(target, position, value);
  } else if (compress && length > COMPRESSION_MIN_BYTES) {
    const end = encodeCompressed(target, position, source, start, length);
    if (end !== 0) return end;
  }
  const data = encodeLength(target, position, length);
  if ((target as ViewedBuffer)[VIEW] !== undefined) copyBytes(source, start, target, data, length);
  else if (length > SHORT_COPY_BYTES) target.set(source.subarray(start, start + length), data);
  else for (let i = 0; i < length; i++) target[data + i] = source[start + i];
  return data + length;
}

function encodeInteger(target: Buffer, position: number, value: number): number {
  if (value >= -128 && value <= 127) {
    target[position] = ENCODED | ENCODING_INT8;
    return target.writeInt8(value, position + 1);
  }
  if (value >= -32768 && value <= 32767) {
    target[position] = ENCODED | ENCODING_INT16;
    return target.writeInt16LE(value, position + 1);
  }
  target[position] = ENCODED | ENCODING_INT32;
  return target.writeInt32LE(value, position + 1);
}

/** 0 if compression gains less than four bytes (Redis's rule). */
function encodeCompressed(
  target: Buffer,
  position: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  // Compressed behind the place where it belongs, because the header's size depends on the outcome.
  const behind = position + 19;
  const size = lzfCompress(source, start, length, target, behind, length - 4);
  if (size === 0) return 0;
  target[position] = COMPRESSED;
  let data = encodeLength(target, position + 1, size);
  data = encodeLength(target, data, length);
  target.copyWithin(data, behind, behind + size);
  return data + size;
}

/** The value of a canonical decimal text of at most 32 bits; NaN for anything else ("+1", "01", "-0", ""). */
function integerText(source: Uint8Array, start: number, length: number): number {
  const isNegative = length > 0 && source[start] === 0x2d;
  const first = isNegative ? start + 1 : start;
  const end = start + length;
  const digits = end - first;
  if (digits < 1 || digits > 10) return Number.NaN;
  if (source[first] === 0x30) return digits === 1 && !isNegative ? 0 : Number.NaN;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = source[i] - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (isNegative) value = -value;
  return value >= -0x80000000 && value <= 0x7fffffff ? value : Number.NaN;
}
