/**
 * The 80-bit floating point numbers in which Redis computes INCRBYFLOAT on x86-64: a significand of 64 bits, a binary
 * exponent, rounding to nearest with ties to even. Exact integer arithmetic, because a client (and a replica, and a
 * log written by Redis) must see the same digits whichever server computed them.
 *
 * A finite number is significand * 2^exponent. Canonical: zero has exponent 0; otherwise the significand has exactly
 * 64 bits, or fewer at the smallest exponent (a subnormal number). The sign of zero is not kept: neither a sum that
 * is printed nor any check depends on it.
 */

/** A number, or one of the two infinities, which can be read but are no valid result. */
export type LongDouble = FiniteLongDouble | typeof INFINITE | typeof NEGATIVE_INFINITE;

export interface FiniteLongDouble {
  /** Carries the sign. */
  readonly significand: bigint;
  readonly exponent: number;
}

export const INFINITE = "inf";
export const NEGATIVE_INFINITE = "-inf";

const SIGNIFICAND_BITS = 64;
const TOO_LARGE = 1n << 64n;
/** A quotient is computed to so many bits at least before it is rounded. */
const QUOTIENT_BITS = SIGNIFICAND_BITS + 1;
/** Exponent of the last bit of subnormal numbers and of the largest numbers. */
const MIN_EXPONENT = -16445;
const MAX_EXPONENT = 16383 - 63;
/** Redis reads numbers through a buffer of 5 KB; a text that does not fit with its final NUL is no number. */
const MAX_TEXT_BYTES = 5 * 1024 - 1;
/** A number of magnitude 10^n is infinite for n above, and zero for n below these bounds. */
const MAX_DECIMAL_MAGNITUDE = 4940;
const MIN_DECIMAL_MAGNITUDE = -4960;
/** Written exponents stop counting here: far beyond both bounds, whatever digits come with them. */
const EXPONENT_LIMIT = 1_000_000;
/** INCRBYFLOAT's digits after the point. */
const FRACTION_DIGITS = 17;
/** A number written with so few digits is an integer of JavaScript, but for its point. */
const SHORT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: FRACTION_DIGITS + 1 }, (_, n) => 10n ** BigInt(n));
const DOUBLE_BIAS = 1022;
const DOUBLE_BITS = 53;
/** The inverse of such a power of two is a double, too. */
const LEAST_SCALABLE = -1022;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

export const LONG_DOUBLE_ZERO: FiniteLongDouble = { significand: 0n, exponent: 0 };
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;

/**
 * Reads a number as C's strtold does, under Redis's conditions: nothing before or after it, not NaN, and neither so
 * large nor so small that it can only be rounded to infinity or zero. "inf" written as such is accepted.
 * Returns undefined for anything else.
 */
export function parseLongDouble(bytes: Buffer, start: number, length: number): LongDouble | undefined {
  if (length === 0 || length > MAX_TEXT_BYTES) return undefined;
  if (length <= SHORT_DIGITS + 2) {
    const short = parseShortDecimal(bytes, start, length);
    if (short !== undefined) return short;
  }
  const text = bytes.toString("latin1", start, start + length);
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromDecimal(decimal[1], decimal[2], decimal[3] ?? "", decimal[4]);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) {
    return fromHexadecimal(hexadecimal[1], hexadecimal[2], hexadecimal[3] ?? "", hexadecimal[4]);
  }
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? NEGATIVE_INFINITE : INFINITE;
  return undefined;
}

/** The rounded sum; undefined if it is infinite or not a number. */
export function addLongDoubles(left: LongDouble, right: LongDouble): FiniteLongDouble | undefined {
  if (typeof left === "string" || typeof right === "string") return undefined;
  const exponent = Math.min(left.exponent, right.exponent);
  const sum =
    (left.significand << BigInt(left.exponent - exponent)) +
    (right.significand << BigInt(right.exponent - exponent));
  return roundedInteger(sum, exponent);
}

/** A finite double as `formatLongDouble` prints it. */
export function formatAsLongDouble(value: number): string {
  double[0] = value;
  const exponent = ((doubleWords[1] >>> 20) & 0x7ff) - DOUBLE_BIAS - DOUBLE_BITS;
  // Of a subnormal number no digit is left.
  if (exponent < LEAST_SCALABLE) return "0";
  const significand = BigInt(exponent < 0 ? value * 2 ** -exponent : value / 2 ** exponent);
  return formatLongDouble({ significand, exponent });
}

/** Decimal digits without an exponent: at most 17 after the point, rounded, no zeros at the end, and never "-0". */
export function formatLongDouble(value: FiniteLongDouble): string {
  const { significand, exponent } = value;
  if (significand === 0n) return "0";
  const magnitude = significand < 0n ? -significand : significand;
  const sign = significand < 0n ? "-" : "";
  if (exponent >= 0) return sign + (magnitude << BigInt(exponent)).toString();
  const scaled = halvedToEven(magnitude * POWERS_OF_TEN[FRACTION_DIGITS], -exponent);
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, "0");
  const point = digits.length - FRACTION_DIGITS;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO) end--;
  const integer = sign + digits.slice(0, point);
  return end === point ? integer : `${integer}.${digits.slice(point, end)}`;
}

/** Reads the usual form: a sign or none, few digits, a point between them or none. Undefined for any other. */
function parseShortDecimal(bytes: Buffer, start: number, length: number): FiniteLongDouble | undefined {
  const end = start + length;
  const sign = bytes[start];
  let at = sign === MINUS || sign === PLUS ? start + 1 : start;
  let value = 0;
  let digits = 0;
  let pointAt = -1;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
    } else if (bytes[at] === POINT && pointAt < 0) pointAt = at;
    else return undefined;
  }
  if (digits === 0 || digits > SHORT_DIGITS) return undefined;
  const integer = BigInt(sign === MINUS ? -value : value);
  const fractionDigits = pointAt < 0 ? 0 : end - pointAt - 1;
  if (fractionDigits === 0) return roundedInteger(integer, 0);
  return value === 0 ? LONG_DOUBLE_ZERO : rounded(integer, POWERS_OF_TEN[fractionDigits], 0);
}

function fromDecimal(
  sign: string,
  integer: string,
  fraction: string,
  power?: string,
): FiniteLongDouble | undefined {
  const digits = integer + fraction;
  if (digits === "") return undefined;
  const significant = digits.replace(/^0+/, "");
  if (significant === "") return LONG_DOUBLE_ZERO;
  const exponent = clampedExponent(power) - fraction.length;
  const magnitude = exponent + significant.length;
  if (magnitude > MAX_DECIMAL_MAGNITUDE || magnitude < MIN_DECIMAL_MAGNITUDE) return undefined;
  const value = BigInt(sign === "-" ? `-${significant}` : significant);
  const number =
    exponent >= 0
      ? roundedInteger(value * 10n ** BigInt(exponent), 0)
      : rounded(value, 10n ** BigInt(-exponent), 0);
  return refusedIfLost(number);
}

function fromHexadecimal(
  sign: string,
  integer: string,
  fraction: string,
  power?: string,
): FiniteLongDouble | undefined {
  const digits = integer + fraction;
  if (digits === "") return undefined;
  const magnitude = BigInt(`0x${digits}`);
  if (magnitude === 0n) return LONG_DOUBLE_ZERO;
  const exponent = clampedExponent(power) - 4 * fraction.length;
  const top = exponent + bitLength(magnitude);
  if (top > MAX_EXPONENT + SIGNIFICAND_BITS || top < MIN_EXPONENT) return undefined;
  const value = sign === "-" ? -magnitude : magnitude;
  return refusedIfLost(roundedInteger(value, exponent));
}

/** A number other than zero that became zero or infinite is out of range. */
function refusedIfLost(number: FiniteLongDouble | undefined): FiniteLongDouble | undefined {
  return number === undefined || number.significand === 0n ? undefined : number;
}

function clampedExponent(power: string | undefined): number {
  if (power === undefined) return 0;
  return Math.max(-EXPONENT_LIMIT, Math.min(EXPONENT_LIMIT, Number(power)));
}

/**
 * The nearest number to numerator / denominator * 2^exponent; undefined if that is infinite. The denominator is
 * positive.
 */
function rounded(numerator: bigint, denominator: bigint, exponent: number): FiniteLongDouble | undefined {
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  const shift = Math.max(0, QUOTIENT_BITS + bitLength(denominator) - bitLength(magnitude));
  const dividend = magnitude << BigInt(shift);
  const quotient = dividend / denominator;
  // One bit more stands for all those behind: whether anything is there decides what is half, and what is above.
  const rest = quotient * denominator === dividend ? 0n : 1n;
  const doubled = (quotient << 1n) | rest;
  return roundedInteger(negative ? -doubled : doubled, exponent - shift - 1);
}

/** The nearest number to integer * 2^exponent; undefined if that is infinite. */
function roundedInteger(integer: bigint, exponent: number): FiniteLongDouble | undefined {
  if (integer === 0n) return LONG_DOUBLE_ZERO;
  const magnitude = integer < 0n ? -integer : integer;
  let lastBit = Math.max(bitLength(magnitude) - SIGNIFICAND_BITS, MIN_EXPONENT - exponent);
  let significand = lastBit <= 0 ? magnitude << BigInt(-lastBit) : halvedToEven(magnitude, lastBit);
  if (significand === TOO_LARGE) {
    significand >>= 1n;
    lastBit++;
  }
  if (significand === 0n) return LONG_DOUBLE_ZERO;
  if (lastBit + exponent > MAX_EXPONENT) return undefined;
  return { significand: integer < 0n ? -significand : significand, exponent: lastBit + exponent };
}

/** A positive integer divided by 2^times, rounded to nearest, ties to even. */
function halvedToEven(value: bigint, times: number): bigint {
  const twice = value >> BigInt(times - 1);
  const quotient = twice >> 1n;
  if ((twice & 1n) === 0n) return quotient;
  const isTie = twice << BigInt(times - 1) === value;
  return isTie ? quotient + (quotient & 1n) : quotient + 1n;
}

/** Bits of a positive integer. Mostly told by the exponent of the double next to it: quicker than its digits. */
function bitLength(value: bigint): number {
  double[0] = Number(value);
  const bits = (doubleWords[1] >>> 20) - DOUBLE_BIAS;
  const isPowerOfTwo = doubleWords[0] === 0 && (doubleWords[1] & 0xfffff) === 0;
  if (!isPowerOfTwo) return bits;
  if (double[0] === Number.POSITIVE_INFINITY) return value.toString(2).length;
  // It may have been rounded up.
  return value >> BigInt(bits - 1) === 0n ? bits - 1 : bits;
}
