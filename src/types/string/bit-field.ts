/**
 * BITFIELD's arithmetic: integers of 1 to 64 bits at any bit of a string, highest bit first, negative ones as their
 * two's complement.
 *
 * An integer is a number wherever a double holds it exactly, and a bigint only beyond: so two are equal exactly if
 * `===` says so.
 */
import { byteOf } from "./bits.ts";

/** An integer of at most 65 bits: a number if it is a safe integer, else a bigint. */
export type Integer = number | bigint;

/** What becomes of a value that its field cannot hold: its lowest bits stay, the nearest limit, nothing. */
export type Overflow = "wrap" | "sat" | "fail";

const WORD_BITS = 32;
const TWO_32 = 2 ** 32;
const MAX_WIDTH = 64;
const MAX_INT64 = 2n ** 63n - 1n;

/** By width: the largest integer without sign, the largest and the least with a sign. */
const MAX_UNSIGNED = limits((width) => 2n ** BigInt(width) - 1n);
const MAX_SIGNED = limits((width) => 2n ** BigInt(width - 1) - 1n);
const MIN_SIGNED = limits((width) => -(2n ** BigInt(width - 1)));

function limits(limit: (width: number) => bigint): readonly Integer[] {
  return Array.from({ length: MAX_WIDTH + 1 }, (_, width) => (width === 0 ? 0 : integerOf(limit(width))));
}

/** The integer as a number, if it is a safe one. */
export function integerOf(value: bigint): Integer {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

export function sumOf(first: Integer, second: Integer): Integer {
  if (typeof first === "number" && typeof second === "number") {
    // A sum that is rounded is no safe integer either.
    const sum = first + second;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return integerOf(BigInt(first) + BigInt(second));
}

/**
 * What Redis takes a 64-bit integer for that a field is set to, before it looks whether it fits. A negative one is
 * far above the limit of a field without sign; and so is, where there is a sign, one so far below the limits that their
 * difference overflows. The lowest bits stay.
 */
export function settable(value: Integer, width: number, isSigned: boolean): Integer {
  if (value >= 0) return value;
  if (isSigned && (typeof value === "number" || width === MAX_WIDTH)) return value;
  const large = BigInt(value);
  if (isSigned && BigInt(MAX_SIGNED[width]) - large <= MAX_INT64) return value;
  return integerOf(BigInt.asUintN(MAX_WIDTH, large));
}

/** The value that a field of `width` bits gets for `value`; undefined if it must stay as it is. */
export function fitted(
  value: Integer,
  width: number,
  isSigned: boolean,
  overflow: Overflow,
): Integer | undefined {
  const max = isSigned ? MAX_SIGNED[width] : MAX_UNSIGNED[width];
  const min = isSigned ? MIN_SIGNED[width] : 0;
  if (value >= min && value <= max) return value;
  if (overflow === "fail") return undefined;
  if (overflow === "sat") return value > max ? max : min;
  return lowestBits(value, width, isSigned);
}

function lowestBits(value: Integer, width: number, isSigned: boolean): Integer {
  if (typeof value === "number" && width <= WORD_BITS) {
    const unused = WORD_BITS - width;
    return isSigned ? (value << unused) >> unused : (value << unused) >>> unused;
  }
  const large = BigInt(value);
  return integerOf(isSigned ? BigInt.asIntN(width, large) : BigInt.asUintN(width, large));
}

/**
 * The field of `width` bits at bit `offset` of the bitmap that lies in `bytes` from byte `at` to `end` - 1. Beyond its
 * end there are zeros. The width is 1 to 64 with a sign, to 63 without.
 */
export function readField(
  bytes: Uint8Array,
  at: number,
  end: number,
  offset: number,
  width: number,
  isSigned: boolean,
): Integer {
  if (width <= WORD_BITS) {
    const value = readBits(bytes, at, end, offset, width);
    return isSigned ? lowestBits(value, width, true) : value;
  }
  const highWidth = width - WORD_BITS;
  let high = readBits(bytes, at, end, offset, highWidth);
  if (isSigned) high = (high << (WORD_BITS - highWidth)) >> (WORD_BITS - highWidth);
  const low = readBits(bytes, at, end, offset + highWidth, WORD_BITS);
  const value = high * TWO_32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) + BigInt(low);
}

/** Writes the lowest `width` bits of `value` at bit `offset` of the bitmap that begins at byte `at` of `bytes`. */
export function writeField(
  bytes: Uint8Array,
  at: number,
  offset: number,
  width: number,
  value: Integer,
): void {
  const isNumber = typeof value === "number";
  const low = isNumber ? value >>> 0 : Number(BigInt.asUintN(WORD_BITS, value));
  if (width <= WORD_BITS) {
    writeBits(bytes, at, offset, width, low);
    return;
  }
  const high = isNumber ? Math.floor(value / TWO_32) >>> 0 : Number(BigInt.asUintN(WORD_BITS, value >> 32n));
  writeBits(bytes, at, offset, width - WORD_BITS, high);
  writeBits(bytes, at, offset + width - WORD_BITS, WORD_BITS, low);
}

/** As `readField`, without sign and up to 32 bits: they lie in at most five bytes, which a double holds. */
function readBits(bytes: Uint8Array, at: number, end: number, offset: number, width: number): number {
  let i = at + byteOf(offset);
  const skipped = offset & 7;
  let value = (i < end ? bytes[i] : 0) & (0xff >>> skipped);
  let bits = 8 - skipped;
  for (; bits < width; bits += 8) {
    i++;
    value = value * 256 + (i < end ? bytes[i] : 0);
  }
  return Math.floor(value / (1 << (bits - width)));
}

/** As `writeField`, up to 32 bits: byte by byte from the last. `value` has no more bits than the field, or its highest
 * are left out. */
function writeBits(bytes: Uint8Array, at: number, offset: number, width: number, value: number): void {
  let rest = value;
  let remaining = width;
  let end = offset + width;
  while (remaining > 0) {
    const last = end - 1;
    const i = at + byteOf(last);
    const used = (last & 7) + 1;
    const count = Math.min(used, remaining);
    const unused = 8 - used;
    const mask = (0xff >>> (8 - count)) << unused;
    bytes[i] = (bytes[i] & ~mask) | ((rest << unused) & mask);
    rest >>>= count;
    remaining -= count;
    end -= count;
  }
}
