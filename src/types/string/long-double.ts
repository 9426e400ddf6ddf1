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
  return rounded(sum, 1n, exponent);
}

/** Decimal digits without an exponent: at most 17 after the point, rounded, no zeros at the end, and never "-0". */
export function formatLongDouble(value: FiniteLongDouble): string {
  const { significand, exponent } = value;
  if (significand === 0n) return "0";
  const magnitude = significand < 0n ? -significand : significand;
  const sign = significand < 0n ? "-" : "";
  if (exponent >= 0) return sign + (magnitude << BigInt(exponent)).toString();
  const scaled = divideToEven(magnitude * 10n ** BigInt(FRACTION_DIGITS), 1n << BigInt(-exponent));
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, "0");
  const point = digits.length - FRACTION_DIGITS;
  const fraction = digits.slice(point).replace(/0+$/, "");
  const integer = sign + digits.slice(0, point);
  return fraction === "" ? integer : `${integer}.${fraction}`;
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
      ? rounded(value * 10n ** BigInt(exponent), 1n, 0)
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
  return refusedIfLost(rounded(value, 1n, exponent));
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
  if (numerator === 0n) return LONG_DOUBLE_ZERO;
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  // The quotient has this many bits or one more. Scaled by 2^-lastBit it has 64 or 65, hence the second try.
  const bits = bitLength(magnitude) - bitLength(denominator);
  let lastBit = Math.max(bits - SIGNIFICAND_BITS, MIN_EXPONENT - exponent);
  let quotient = scaledQuotient(magnitude, denominator, lastBit);
  if (bitLength(quotient) > SIGNIFICAND_BITS) {
    lastBit++;
    quotient = scaledQuotient(magnitude, denominator, lastBit);
    // All ones rounded up to the next power of two: exact, so halving it loses nothing.
    if (bitLength(quotient) > SIGNIFICAND_BITS) {
      lastBit++;
      quotient >>= 1n;
    }
  }
  if (quotient === 0n) return LONG_DOUBLE_ZERO;
  if (lastBit + exponent > MAX_EXPONENT) return undefined;
  return { significand: negative ? -quotient : quotient, exponent: lastBit + exponent };
}

/** numerator / denominator / 2^lastBit, rounded to an integer. */
function scaledQuotient(numerator: bigint, denominator: bigint, lastBit: number): bigint {
  return lastBit >= 0
    ? divideToEven(numerator, denominator << BigInt(lastBit))
    : divideToEven(numerator << BigInt(-lastBit), denominator);
}

/** Quotient of two positive integers, rounded to nearest, ties to even. */
function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator - quotient * denominator) << 1n;
  if (twice > denominator) return quotient + 1n;
  if (twice === denominator) return quotient + (quotient & 1n);
  return quotient;
}

function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return (digits.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(digits[0], 16)));
}
