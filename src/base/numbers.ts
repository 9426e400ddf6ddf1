/**
 * Numbers as Redis reads and prints them, on bytes: 64-bit integers (its string2ll), replies' integers, and doubles
 * (C's strtod and printf "%.17g"). Reading is strict, but for `leadingInt32`: nothing is skipped, trimmed or rounded to
 * fit.
 */

const ZERO = 0x30;
const MINUS = 0x2d;
const PLUS = 0x2b;
const SPACE = 0x20;
const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** Digits that always fit a double exactly; one more may, and is looked at. */
const SAFE_DIGITS = 15;
const MAX_SAFE_DIGITS = 16;
const MAX_INT64_DIGITS = 19;

/**
 * The integer that these bytes are, in the one way an integer is printed: no plus sign, no leading zeros, no "-0", no
 * blanks. NaN if they are none, and also if they are one outside the range that a double holds exactly (then
 * `parseInt64` tells).
 */
export function parseInteger(buf: Uint8Array, start: number, len: number): number {
  let position = start;
  const end = start + len;
  let negative = false;
  if (len > 1 && buf[position] === MINUS) {
    negative = true;
    position++;
  }
  const digits = end - position;
  if (digits === 0 || digits > MAX_SAFE_DIGITS) return Number.NaN;
  const first = buf[position] - ZERO;
  if (first === 0) return len === 1 ? 0 : Number.NaN;
  let value = 0;
  for (; position < end; position++) {
    const digit = buf[position] - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (digits > SAFE_DIGITS && value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative ? -value : value;
}

/** The integer that these bytes begin with, behind blanks, as C's atoi reads it where a long has 64 bits: 0 if there is
 * none, and of one that is too large the lower 32 bits. */
export function leadingInt32(buf: Uint8Array, start: number, len: number): number {
  const end = start + len;
  let position = start;
  while (position < end && isBlank(buf[position])) position++;
  const negative = position < end && buf[position] === MINUS;
  if (negative || (position < end && buf[position] === PLUS)) position++;
  let value = 0n;
  for (; position < end; position++) {
    const digit = buf[position] - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10n + BigInt(digit);
    if (value > MAX_INT64) return negative ? 0 : -1;
  }
  return Number(BigInt.asIntN(32, negative ? -value : value));
}

/** What C's isspace says. */
export function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}

/** As `parseInteger`, over the whole range of 64 bits; undefined if the bytes are no integer or exceed it. */
export function parseInt64(buf: Uint8Array, start: number, len: number): bigint | undefined {
  const small = parseInteger(buf, start, len);
  if (!Number.isNaN(small)) return BigInt(small);
  const negative = len > 1 && buf[start] === MINUS;
  const first = negative ? start + 1 : start;
  const end = start + len;
  if (end - first > MAX_INT64_DIGITS || end - first < MAX_SAFE_DIGITS || buf[first] === ZERO)
    return undefined;
  let text = negative ? "-" : "";
  for (let i = first; i < end; i++) {
    const digit = buf[i] - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    text += digit;
  }
  const value = BigInt(text);
  return value > MAX_INT64 || value < MIN_INT64 ? undefined : value;
}

/** Integers up to here are written with 32-bit arithmetic. */
const MAX_INT32 = 0x7fffffff;
const BILLION = 1e9;
const BILLION_DIGITS = 9;

/** How many bytes `writeInteger` writes. */
export function integerLength(value: number): number {
  return value < 0 ? 1 + digitCount(-value) : digitCount(value);
}

/** Writes the decimal digits of a safe integer at `position`; returns the position after them. */
export function writeInteger(buf: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  if (rest < 0) {
    buf[at++] = MINUS;
    rest = -rest;
  }
  if (rest < 10) {
    buf[at] = ZERO + rest;
    return at + 1;
  }
  const end = at + digitCount(rest);
  if (rest <= MAX_INT32) {
    writeDigits(buf, end, rest | 0);
    return end;
  }
  // Two parts of at most 9 digits each: division of doubles is exact, but slow, so only one is done.
  const high = Math.floor(rest / BILLION);
  const low = rest - high * BILLION;
  const middle = end - BILLION_DIGITS;
  buf.fill(ZERO, middle, end);
  writeDigits(buf, end, low | 0);
  writeDigits(buf, middle, high | 0);
  return end;
}

/** Writes the digits of a non-negative 32-bit integer so that they end before `end`. */
export function writeDigits(buf: Uint8Array, end: number, value: number): void {
  let rest = value;
  let at = end;
  while (rest >= 10) {
    const tenth = (rest / 10) | 0;
    buf[--at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  buf[--at] = ZERO + rest;
}

function digitCount(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  let count = 4;
  let power = 10_000;
  while (value >= power) {
    power *= 10;
    count++;
  }
  return count;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)(?:\.([\da-f]*))?|\.([\da-f]+))(?:p([+-]?\d+))?$/i;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;
const NOT_ZERO = /^[+-]?[0.]*[1-9]/;
const HEXADECIMAL_NOT_ZERO = /^[+-]?0x[0.]*[1-9a-f]/i;

/**
 * The double that the whole text is, as C's strtod reads it (decimal, hexadecimal, "inf", "infinity" in any case).
 * Undefined where Redis's string2d refuses: anything before or after the number, blanks included, "nan", and numbers
 * too large or too small for a double.
 */
export function parseDouble(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (value === 0 && NOT_ZERO.test(text)) return undefined;
    return Number.isFinite(value) ? value : undefined;
  }
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? -Infinity : Infinity;
  return parseHexadecimal(text);
}

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => 10 ** power);
const POINT = 0x2e;

/**
 * `parseDouble` on bytes; NaN where it is undefined. The usual forms, up to 15 digits with or without a decimal point,
 * are read without making a text of them.
 */
export function parseDoubleBytes(buf: Buffer, start: number, length: number): number {
  const first = start + (length > 0 && buf[start] === MINUS ? 1 : 0);
  const end = start + length;
  let digits = 0;
  let decimals = -1;
  let value = 0;
  let i = first;
  for (; i < end; i++) {
    const digit = buf[i] - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
      if (decimals >= 0) decimals++;
    } else if (buf[i] === POINT && decimals < 0) {
      decimals = 0;
    } else {
      break;
    }
  }
  if (i < end || digits === 0 || digits > SAFE_DIGITS)
    return parseDouble(buf.toString("latin1", start, end)) ?? Number.NaN;
  // Both are exact, so the division rounds but once, as reading the text does.
  if (decimals > 0) value /= EXACT_POWERS_OF_TEN[decimals];
  return first === start ? value : -value;
}

const BLANKS_BEFORE = /^[ \t-\r]+/;

/**
 * The double that C's strtod makes of a text that it takes to be a number as a whole: as `parseDouble`, and also blanks
 * before it, nothing at all (0), and numbers beyond the range of doubles (infinite or 0). The text ends at its first
 * NUL. NaN for "nan" and for anything else.
 */
export function parseDoubleLeniently(text: string): number {
  const nul = text.indexOf("\0");
  const whole = nul < 0 ? text : text.slice(0, nul);
  if (whole === "") return 0;
  const number = whole.replace(BLANKS_BEFORE, "");
  const value = parseDouble(number);
  if (value !== undefined) return value;
  if (DECIMAL.test(number)) return Number(number);
  const match = HEXADECIMAL.exec(number);
  if (match === null) return Number.NaN;
  const magnitude = hexadecimalMagnitude(match);
  return match[1] === "-" ? -magnitude : magnitude;
}

/** Bits of a double's significand, and the exponents (of the lowest bit) of the smallest and the largest double. */
const SIGNIFICAND_BITS = 53;
const MIN_EXPONENT = -1074;
const MAX_EXPONENT = 971;

function parseHexadecimal(text: string): number | undefined {
  const match = HEXADECIMAL.exec(text);
  if (match === null) return undefined;
  const value = hexadecimalMagnitude(match);
  const isRounded = value === Infinity || (value === 0 && HEXADECIMAL_NOT_ZERO.test(text));
  if (isRounded) return undefined;
  return match[1] === "-" ? -value : value;
}

/** The number in a match of HEXADECIMAL, without its sign; infinite or 0 if it is beyond the range of doubles. */
function hexadecimalMagnitude(match: RegExpExecArray): number {
  const [, , whole = "", wholeFraction = "", onlyFraction = "", power = "0"] = match;
  const fraction = wholeFraction + onlyFraction;
  const significand = BigInt(`0x${whole}${fraction}`);
  return significand === 0n ? 0 : scaleByPowerOfTwo(significand, Number(power) - 4 * fraction.length);
}

/** significand * 2^exponent, rounded once, half to even. */
function scaleByPowerOfTwo(significand: bigint, exponent: number): number {
  const bits = significand.toString(2).length;
  if (bits + exponent > SIGNIFICAND_BITS + MAX_EXPONENT) return Infinity;
  // The lowest bit kept: by precision, or, among the smallest doubles, by the least exponent there is.
  const lowest = Math.max(exponent + bits - SIGNIFICAND_BITS, MIN_EXPONENT);
  const dropped = lowest - exponent;
  if (dropped > bits + 1) return 0;
  let kept = significand;
  if (dropped > 0) {
    const shift = BigInt(dropped);
    kept = significand >> shift;
    const rest = significand - (kept << shift);
    const half = 1n << (shift - 1n);
    if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
  } else {
    kept = significand << BigInt(-dropped);
  }
  // Exact: the product of at most 53 bits and a power of two from 2^-1074 to 2^971.
  return Number(kept) * 2 ** lowest;
}

const PRECISION = 17;
/** As many digits as JavaScript gives. */
const MOST_DIGITS = 100;

/** A double as C's printf prints it with "%.17g": how Redis 7.0 replies doubles. "inf", "-inf", "nan". */
export function formatDouble(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < Number.MAX_SAFE_INTEGER) {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  const sign = value < 0 ? "-" : "";
  const plain = shortDigits(Math.abs(value)) || plainDigits(Math.abs(value));
  if (plain !== "") return sign + plain;
  return general(sign, Math.abs(value), PRECISION);
}

/**
 * A double as C's printf prints it with "%.<precision>g", precision from 1 to 17: "inf", "-inf", "nan".
 */
export function formatGeneral(value: number, precision: number): string {
  if (!Number.isFinite(value)) return formatDouble(value);
  const magnitude = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (magnitude === 0) return `${sign}0`;
  if (magnitude >= LEAST_PLAIN && magnitude < 10 ** precision) {
    // The shortest digits that tell the number from others, if they are not too many.
    const text = String(magnitude);
    if (text.length <= precision) return sign + text;
  }
  return general(sign, magnitude, precision);
}

/** `magnitude` is positive. */
function general(sign: string, magnitude: number, precision: number): string {
  const { digits, exponent } = significantDigits(magnitude, precision);
  if (exponent < -4 || exponent >= precision) {
    const power = Math.abs(exponent);
    const mark = exponent < 0 ? "-" : "+";
    return `${sign}${withPoint(digits, 1)}e${mark}${power < 10 ? "0" : ""}${power}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${withoutZeros(digits)}`;
  return sign + withPoint(digits, exponent + 1);
}

const LEAST_PLAIN = 1e-4;
const PLAIN_LIMIT = 1e16;
const CODE_OF_ZERO = 0x30;
/** Fractions of at most 20 bits. */
const SHORT_DYADIC = 2 ** 20;
/** Fifteen digits and a point. */
const SHORT_TEXT = 16;

/**
 * As `formatDouble`, for halves, quarters and so on that are exact in few decimals: then they are the digits that
 * JavaScript prints, because no two numbers of at most 15 digits are the same double. "" for others.
 */
function shortDigits(value: number): string {
  if (value < LEAST_PLAIN || value >= PLAIN_LIMIT || !Number.isInteger(value * SHORT_DYADIC)) return "";
  const text = String(value);
  const decimals = text.length - text.indexOf(".") - 1;
  return text.length <= SHORT_TEXT && Number.isInteger(value * 2 ** decimals) ? text : "";
}

/**
 * As `formatDouble`, for the usual sizes, in a sixth of the time: JavaScript's own 17 digits, without trailing zeros.
 * Its rounding differs from C's only in a tie, where 18 digits are exact; these have at most as many bits behind the
 * point as decimals. "" for such numbers and other sizes.
 */
function plainDigits(value: number): string {
  if (value < LEAST_PLAIN || value >= PLAIN_LIMIT) return "";
  const text = value.toPrecision(PRECISION);
  const decimals = text.length - text.indexOf(".");
  if (Number.isInteger(value * 2 ** decimals)) return "";
  let end = text.length;
  while (text.charCodeAt(end - 1) === CODE_OF_ZERO) end--;
  return text.slice(0, end);
}

/** The significant digits of a positive double, rounded half to even as C does, and the decimal exponent. */
function significantDigits(value: number, precision: number): { digits: string; exponent: number } {
  const rounded = splitExponential(value.toExponential(precision - 1));
  const longer = splitExponential(value.toExponential(precision));
  if (!longer.digits.endsWith("5")) return rounded;
  // JavaScript rounds a tie up. It is one if all further digits (83 of them can be had) are zero.
  const exact = splitExponential(value.toExponential(MOST_DIGITS));
  if (!/^0*$/.test(exact.digits.slice(precision + 1))) return rounded;
  const down = longer.digits.slice(0, precision);
  return Number(down[precision - 1]) % 2 === 0 ? { digits: down, exponent: longer.exponent } : rounded;
}

function splitExponential(text: string): { digits: string; exponent: number } {
  const [digits, exponent] = text.replace(".", "").split("e");
  return { digits, exponent: Number(exponent) };
}

/** Digits with a decimal point after the first `whole`; no trailing zeros behind it. */
function withPoint(digits: string, whole: number): string {
  const fraction = withoutZeros(digits.slice(whole));
  return fraction === "" ? digits.slice(0, whole) : `${digits.slice(0, whole)}.${fraction}`;
}

function withoutZeros(digits: string): string {
  return digits.replace(/0+$/, "");
}

const MAX_FIXED = 1e21;

/** A double as C's printf prints it with "%.<digits>f", digits from 1 to 60: "inf", "-inf", "nan". */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatDouble(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  if (magnitude >= MAX_FIXED) return `${sign}${BigInt(magnitude)}.${"0".repeat(digits)}`;
  const rounded = magnitude.toFixed(digits);
  // JavaScript rounds a tie up, C to even. It is one if what follows is a 5, and then only zeros.
  const exact = magnitude.toFixed(MOST_DIGITS);
  const cut = exact.length - MOST_DIGITS + digits;
  const isTie = /^50*$/.test(exact.slice(cut));
  const down = exact.slice(0, cut);
  return sign + (isTie && Number(down[cut - 1]) % 2 === 0 ? down : rounded);
}
