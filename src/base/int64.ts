/**
 * A signed 64-bit integer in two 32-bit words: every integer that a collection can hold, without a BigInt where a
 * double would not be exact. Objects of this class are made once and set again for each integer.
 */
import { integerLength, parseInteger, writeInteger } from "./numbers.ts";

const TWO_16 = 0x1_0000;
const TWO_31 = 0x8000_0000;
const TWO_32 = 0x1_0000_0000;
const BILLION = 1e9;
const BILLION_DIGITS = 9;
/** Fewer digits than these fit a double. */
const WIDE_DIGITS = 16;
const MAX_DIGITS = 19;
/** The high words of safe integers lie between minus this and this: 2^53 / 2^32. */
const SAFE_HIGH = 0x20_0000;
const ZERO = 0x30;
const MINUS = 0x2d;

/** The longest text of such an integer. */
export const MAX_INT64_TEXT = 20;

export class Int64 {
  /** The upper 32 bits, signed. */
  high = 0;
  /** The lower 32 bits; as a signed number, though they have no sign. */
  low = 0;

  /** Takes a safe integer. */
  setNumber(value: number): void {
    this.high = Math.floor(value / TWO_32) | 0;
    this.low = value | 0;
  }

  /** Takes the lowest 64 bits. */
  setBigInt(value: bigint): void {
    this.high = Number(BigInt.asIntN(32, value >> 32n));
    this.low = Number(BigInt.asIntN(32, value));
  }

  /** Takes both words; of each the lowest 32 bits. */
  setWords(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  /** Adds a safe integer; of the sum the lowest 64 bits stay. */
  add(value: number): void {
    const low = (this.low >>> 0) + (value >>> 0);
    this.high = (this.high + Math.floor(value / TWO_32) + (low >= TWO_32 ? 1 : 0)) | 0;
    this.low = low | 0;
  }

  /** Subtracts another one; of the difference the lowest 64 bits stay. */
  subtract(other: Int64): void {
    const low = (this.low >>> 0) - (other.low >>> 0);
    this.high = (this.high - other.high - (low < 0 ? 1 : 0)) | 0;
    this.low = low | 0;
  }

  /** Whether a double holds it exactly, and `parseInteger` would read its text. */
  get isSafe(): boolean {
    const { high } = this;
    return high < SAFE_HIGH && (high > -SAFE_HIGH || (high === -SAFE_HIGH && this.low !== 0));
  }

  /** The integer; rounded if it is not safe. */
  toNumber(): number {
    return this.high * TWO_32 + (this.low >>> 0);
  }

  toBigInt(): bigint {
    return (BigInt(this.high) << 32n) + BigInt(this.low >>> 0);
  }

  /** Less than, equal to or greater than 0, as this integer is to the other one. */
  compare(other: Int64): number {
    if (this.high !== other.high) return this.high < other.high ? -1 : 1;
    return (this.low >>> 0) - (other.low >>> 0);
  }

  equals(other: Int64): boolean {
    return this.low === other.low && this.high === other.high;
  }

  /**
   * Takes the integer that these bytes are, in the one way an integer is printed (as Redis's string2ll: no plus sign,
   * leading zeros, "-0" or blanks). Returns whether they are one in the range; if not, this integer means nothing.
   */
  parse(buf: Uint8Array, start: number, length: number): boolean {
    const small = parseInteger(buf, start, length);
    if (!Number.isNaN(small)) {
      this.setNumber(small);
      return true;
    }
    return length >= WIDE_DIGITS && length <= MAX_INT64_TEXT && this.parseWide(buf, start, length);
  }

  /** Of 16 to 19 digits, the last nine and the others are read apart. */
  private parseWide(buf: Uint8Array, start: number, length: number): boolean {
    const isNegative = buf[start] === MINUS;
    const first = isNegative ? start + 1 : start;
    const end = start + length;
    if (end - first > MAX_DIGITS || buf[first] === ZERO) return false;
    const middle = end - BILLION_DIGITS;
    const upper = digitsOf(buf, first, middle);
    if (upper < 0) return false;
    const lower = digitsOf(buf, middle, end);
    if (lower < 0) return false;
    // upper * 10^9 + lower, in two parts that are exact: the first counts 2^16.
    const coarse = Math.floor(upper / TWO_16) * BILLION;
    const fine = (upper % TWO_16) * BILLION + lower;
    const low = (coarse % TWO_16) * TWO_16 + (fine % TWO_32);
    const high = Math.floor(coarse / TWO_16) + Math.floor(fine / TWO_32) + Math.floor(low / TWO_32);
    if (high > TWO_31 || (high === TWO_31 && !(isNegative && low % TWO_32 === 0))) return false;
    this.setWords(high % TWO_32, low % TWO_32);
    if (isNegative) this.negate();
    return true;
  }

  private negate(): void {
    this.low = -this.low | 0;
    this.high = (this.low === 0 ? -this.high : ~this.high) | 0;
  }

  /** How many bytes `write` writes. */
  get textLength(): number {
    if (this.isSafe) return integerLength(this.toNumber());
    const { upper, isNegative } = this.decimal();
    return (isNegative ? 1 : 0) + integerLength(upper) + BILLION_DIGITS;
  }

  /** Writes the decimal text at `position`; returns the position after it. */
  write(buf: Uint8Array, position: number): number {
    if (this.isSafe) return writeInteger(buf, position, this.toNumber());
    const { upper, lower, isNegative } = this.decimal();
    let at = position;
    if (isNegative) buf[at++] = MINUS;
    at = writeInteger(buf, at, upper);
    let rest = lower;
    for (let i = at + BILLION_DIGITS - 1; i >= at; i--) {
      buf[i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return at + BILLION_DIGITS;
  }

  /** The magnitude, divided by 10^9: 16 bits at a time, since only then each step is exact. */
  private decimal(): { upper: number; lower: number; isNegative: boolean } {
    const isNegative = this.high < 0;
    if (isNegative) this.negate();
    // The least of all integers is its own negative: as words without sign it is right all the same.
    const high = this.high >>> 0;
    const low = this.low >>> 0;
    if (isNegative) this.negate();
    const first = Math.floor(high / BILLION);
    const middle = (high % BILLION) * TWO_16 + Math.floor(low / TWO_16);
    const second = Math.floor(middle / BILLION);
    const last = (middle % BILLION) * TWO_16 + (low % TWO_16);
    const upper = first * TWO_32 + second * TWO_16 + Math.floor(last / BILLION);
    return { upper, lower: last % BILLION, isNegative };
  }
}

/** What the digits from `first` to `end` - 1 say; negative if one is none. */
function digitsOf(buf: Uint8Array, first: number, end: number): number {
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = buf[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
