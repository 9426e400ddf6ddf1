/**
 * How one element lies in a listpack: [encoding, with a length or an integer][bytes of a string][backlen].
 *
 * Encodings, by the first byte (integers little-endian, two's complement):
 *     0xxxxxxx                       integer 0..127
 *     10llllll                       string up to 63 bytes
 *     110xxxxx xxxxxxxx              integer of 13 bits (big-endian)
 *     1110llll llllllll              string up to 4095 bytes (big-endian)
 *     11110000 + 4 bytes length      longer string (little-endian)
 *     11110001 .. 11110100           integer of 2, 3, 4, 8 bytes
 *     11111111                       end of the listpack
 *
 * Backlen: the size of all before it in the element, so that the listpack can be walked from its end: 7 bits a byte,
 * the highest first; all bytes but the first have their top bit set. (As in Redis, the largest sizes that 2, 3 and 4
 * bytes could tell take one byte more.)
 *
 * Positions are those in the buffer.
 */
import { readUint32 } from "../../base/little-endian.ts";

/** The first byte of encodings. */
export const STRING_6 = 0x80;
export const INTEGER_13 = 0xc0;
export const STRING_12 = 0xe0;
export const STRING_32 = 0xf0;
export const INTEGER_16 = 0xf1;
export const INTEGER_24 = 0xf2;
export const INTEGER_32 = 0xf3;
export const INTEGER_64 = 0xf4;
/** The byte that ends a listpack. */
export const END = 0xff;

/** Strings of fewer bytes have an encoding of one byte; of two bytes. */
export const STRING_6_LIMIT = 64;
export const STRING_12_LIMIT = 4096;

/** The longest backlen. */
export const MAX_BACKLEN_BYTES = 5;

/** Sizes below have a backlen of 1, 2, 3, 4 bytes. */
const BACKLEN_1_LIMIT = 128;
const BACKLEN_2_LIMIT = 16_383;
const BACKLEN_3_LIMIT = 2_097_151;
const BACKLEN_4_LIMIT = 268_435_455;

/** Sizes of the integer encodings from INTEGER_16 on. */
const INTEGER_SIZES = [3, 4, 5, 9] as const;

/** Size of the element without its backlen; 0 if its first byte is no encoding. */
export function encodedSize(bytes: Uint8Array, position: number): number {
  const head = bytes[position];
  if (head < STRING_6) return 1;
  if (head < INTEGER_13) return 1 + (head & 0x3f);
  if (head < STRING_12) return 2;
  if (head < STRING_32) return 2 + (((head & 0xf) << 8) | bytes[position + 1]);
  if (head === STRING_32) return 5 + longLength(bytes, position);
  return head <= INTEGER_64 ? INTEGER_SIZES[head - INTEGER_16] : 0;
}

/** Length of a string with the encoding STRING_32. */
export function longLength(bytes: Uint8Array, position: number): number {
  return readUint32(bytes, position + 1);
}

/** The integer in an element with the encoding INTEGER_13. */
export function readInt13(bytes: Uint8Array, position: number): number {
  return ((bytes[position] << 27) >> 19) | bytes[position + 1];
}

/** Bytes of the backlen that tells `size`. */
export function backlenBytes(size: number): number {
  if (size < BACKLEN_1_LIMIT) return 1;
  if (size < BACKLEN_2_LIMIT) return 2;
  if (size < BACKLEN_3_LIMIT) return 3;
  return size < BACKLEN_4_LIMIT ? 4 : MAX_BACKLEN_BYTES;
}

/** Whole size of an element by its first byte, with a backlen of one byte; 0 if the first byte does not tell it. */
const SHORT_ELEMENT_BYTES = shortElementBytes();

function shortElementBytes(): Uint8Array {
  const sizes = new Uint8Array(256);
  for (let head = 0; head < sizes.length; head++) {
    const isLong = head >= STRING_12 && head <= STRING_32;
    const size = isLong ? 0 : encodedSize(Uint8Array.of(head), 0);
    sizes[head] = size === 0 ? 0 : size + 1;
  }
  return sizes;
}

/**
 * Position after the element if it is one of the usual short ones, lies wholly before `end`, and has the right backlen;
 * else 0.
 */
export function endOfShort(bytes: Uint8Array, position: number, end: number): number {
  const size = SHORT_ELEMENT_BYTES[bytes[position]];
  const after = position + size;
  return size !== 0 && after <= end && bytes[after - 1] === size - 1 ? after : 0;
}

/** Position after the element. */
export function elementEnd(bytes: Uint8Array, position: number): number {
  const size = SHORT_ELEMENT_BYTES[bytes[position]];
  return size !== 0 ? position + size : longElementEnd(bytes, position);
}

function longElementEnd(bytes: Uint8Array, position: number): number {
  const size = encodedSize(bytes, position);
  return position + size + backlenBytes(size);
}

/** The size that the backlen before `position` tells; -1 if it has more bytes than there may be. */
export function readBacklen(bytes: Uint8Array, position: number): number {
  let at = position - 1;
  let size = bytes[at] & 0x7f;
  let factor = 1;
  while ((bytes[at] & 0x80) !== 0) {
    at--;
    factor *= 0x80;
    if (at < position - MAX_BACKLEN_BYTES) return -1;
    size += (bytes[at] & 0x7f) * factor;
  }
  return size;
}

/** Writes the backlen that tells `size`; returns the position after it. */
export function writeBacklen(bytes: Uint8Array, position: number, size: number): number {
  const end = position + backlenBytes(size);
  let rest = size;
  for (let i = end - 1; i > position; i--) {
    bytes[i] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[position] = rest;
  return end;
}
