/**
 * Ids of stream entries: two unsigned 64-bit numbers, milliseconds and a sequence number, in four 32-bit words, so
 * that all of them are exact and none needs a BigInt. The words are kept as signed integers (`| 0`), though they have
 * no sign.
 *
 * Objects of this class are made once and set again for each id. In memory an id is its words, the highest first; on
 * disk (RDB) it is 16 bytes, big-endian.
 */
import { writeInteger } from "../../base/numbers.ts";

/** Bytes and words of an id in memory. */
export const ID_BYTES = 16;
export const ID_WORDS = 4;
/** The longest text: two numbers of 20 digits, and the dash. */
export const MAX_ID_TEXT = 41;

const TWO_32 = 0x1_0000_0000;
const ONES = -1;
/** High words below belong to safe integers. */
const SAFE_HIGH = 0x20_0000;
const ZERO = 0x30;
const DASH = 0x2d;

/** Whether the word `a`, taken without sign, is less than `b`. */
function isBelow(a: number, b: number): boolean {
  return a >>> 0 < b >>> 0;
}

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  /** Takes another id. Returns itself, as all setters do. */
  set(other: StreamId): this {
    return this.setWords(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  /** Takes the lowest 32 bits of each word. */
  setWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh | 0;
    this.msLow = msLow | 0;
    this.seqHigh = seqHigh | 0;
    this.seqLow = seqLow | 0;
    return this;
  }

  /** 0-0, the least id; no entry has it. */
  setMin(): this {
    return this.setWords(0, 0, 0, 0);
  }

  /** The greatest id. */
  setMax(): this {
    return this.setWords(ONES, ONES, ONES, ONES);
  }

  /** `ms`-0, of milliseconds that a double holds exactly. */
  setMs(ms: number): this {
    return this.setWords(Math.floor(ms / TWO_32), ms, 0, 0);
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === ONES;
  }

  /** Whether no greater sequence number exists. */
  get hasLastSequence(): boolean {
    return (this.seqHigh & this.seqLow) === ONES;
  }

  /** Whether both have the same milliseconds. */
  isOfSameMs(other: StreamId): boolean {
    return this.msLow === other.msLow && this.msHigh === other.msHigh;
  }

  /** Less than, equal to or greater than 0, as this id is to the other. */
  compare(other: StreamId): number {
    return this.compareWords(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  /** As `compare`, with an id given by its words. */
  compareWords(msHigh: number, msLow: number, seqHigh: number, seqLow: number): number {
    if (this.msHigh !== msHigh) return isBelow(this.msHigh, msHigh) ? -1 : 1;
    if (this.msLow !== msLow) return isBelow(this.msLow, msLow) ? -1 : 1;
    if (this.seqHigh !== seqHigh) return isBelow(this.seqHigh, seqHigh) ? -1 : 1;
    if (this.seqLow !== seqLow) return isBelow(this.seqLow, seqLow) ? -1 : 1;
    return 0;
  }

  /** Becomes the next id; the greatest becomes 0-0 and false is returned. */
  increment(): boolean {
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow !== 0) return true;
    this.msHigh = (this.msHigh + 1) | 0;
    return this.msHigh !== 0;
  }

  /** Becomes the id before; 0-0 becomes the greatest and false is returned. */
  decrement(): boolean {
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== ONES) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== ONES) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow !== ONES) return true;
    this.msHigh = (this.msHigh - 1) | 0;
    return this.msHigh !== ONES;
  }

  /** Reads an id from its words in memory. */
  readWords(words: Int32Array, at: number): this {
    this.msHigh = words[at];
    this.msLow = words[at + 1];
    this.seqHigh = words[at + 2];
    this.seqLow = words[at + 3];
    return this;
  }

  writeWords(words: Int32Array, at: number): void {
    words[at] = this.msHigh;
    words[at + 1] = this.msLow;
    words[at + 2] = this.seqHigh;
    words[at + 3] = this.seqLow;
  }

  /** Reads an id from RDB's 16 bytes. */
  readBytes(bytes: Uint8Array, position: number): this {
    return this.setWords(
      readBigEndian(bytes, position),
      readBigEndian(bytes, position + 4),
      readBigEndian(bytes, position + 8),
      readBigEndian(bytes, position + 12),
    );
  }

  /** Writes RDB's 16 bytes; returns the position after them. */
  writeBytes(bytes: Uint8Array, position: number): number {
    writeBigEndian(bytes, position, this.msHigh);
    writeBigEndian(bytes, position + 4, this.msLow);
    writeBigEndian(bytes, position + 8, this.seqHigh);
    writeBigEndian(bytes, position + 12, this.seqLow);
    return position + ID_BYTES;
  }

  /** Writes the text "ms-seq", up to MAX_ID_TEXT bytes; returns the position after it. */
  write(bytes: Uint8Array, position: number): number {
    const dash = writeUint64(bytes, position, this.msHigh, this.msLow);
    bytes[dash] = DASH;
    return writeUint64(bytes, dash + 1, this.seqHigh, this.seqLow);
  }

  toString(): string {
    return `${uint64Text(this.msHigh, this.msLow)}-${uint64Text(this.seqHigh, this.seqLow)}`;
  }
}

function readBigEndian(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position] << 24) | (bytes[position + 1] << 16) | (bytes[position + 2] << 8) | bytes[position + 3]
  );
}

function writeBigEndian(bytes: Uint8Array, position: number, word: number): void {
  bytes[position] = word >> 24;
  bytes[position + 1] = word >> 16;
  bytes[position + 2] = word >> 8;
  bytes[position + 3] = word;
}

function uint64Text(high: number, low: number): string {
  if (high >>> 0 < SAFE_HIGH) return String(high * TWO_32 + (low >>> 0));
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

/** Writes the decimal text of an unsigned integer; returns the position after it. */
function writeUint64(bytes: Uint8Array, position: number, high: number, low: number): number {
  if (high >>> 0 < SAFE_HIGH) return writeInteger(bytes, position, high * TWO_32 + (low >>> 0));
  const text = uint64Text(high, low);
  for (let i = 0; i < text.length; i++) bytes[position + i] = text.charCodeAt(i);
  return position + text.length;
}

/** The text of digits as bytes is no id. */
export const NO_ID = 0;
/** An id was read. */
export const WHOLE_ID = 1;
/** "ms-*" was read: the sequence number, set to 0, is to be chosen. */
export const OPEN_ID = 2;

/** Longer texts are no ids, as in Redis. */
const MAX_PARSED_BYTES = 127;
const STAR = 0x2a;
/** So many digits fit a double, and one more may. */
const SAFE_DIGITS = 16;

/** The words of the number that was parsed last. */
let parsedHigh = 0;
let parsedLow = 0;

/**
 * Reads "ms-seq" or "ms" (then the sequence number is 0, or with `toLast` the greatest) into `id`. With `allowsOpen`
 * also "ms-*". Takes what Redis takes: each number may stand as C's strtoull accepts it.
 * @returns NO_ID (then `id` means nothing), WHOLE_ID or OPEN_ID
 */
export function parseStreamId(
  id: StreamId,
  buf: Uint8Array,
  start: number,
  length: number,
  toLast: boolean,
  allowsOpen: boolean,
): number {
  if (length > MAX_PARSED_BYTES) return NO_ID;
  const end = textEnd(buf, start, length);
  let dash = start;
  while (dash < end && buf[dash] !== DASH) dash++;
  if (!parseUint64(buf, start, dash)) return NO_ID;
  id.msHigh = parsedHigh;
  id.msLow = parsedLow;
  if (dash === end) {
    id.seqHigh = toLast ? ONES : 0;
    id.seqLow = id.seqHigh;
    return WHOLE_ID;
  }
  if (allowsOpen && end - dash === 2 && buf[dash + 1] === STAR) {
    id.seqHigh = 0;
    id.seqLow = 0;
    return OPEN_ID;
  }
  if (!parseUint64(buf, dash + 1, end)) return NO_ID;
  id.seqHigh = parsedHigh;
  id.seqLow = parsedLow;
  return WHOLE_ID;
}

/** Where C's string would end: at the first NUL. */
function textEnd(buf: Uint8Array, start: number, length: number): number {
  let end = start;
  while (end < start + length && buf[end] !== 0) end++;
  return end;
}

/** Whether the bytes from `start` to `end` - 1 are an unsigned integer: sets parsedHigh and parsedLow. */
function parseUint64(buf: Uint8Array, start: number, end: number): boolean {
  let value = 0;
  let at = start;
  for (; at < end; at++) {
    const digit = buf[at] - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at < end || at - start > SAFE_DIGITS || value > Number.MAX_SAFE_INTEGER)
    return parseOddUint64(Buffer.from(buf.subarray(start, end)).toString("latin1"));
  parsedHigh = Math.floor(value / TWO_32) | 0;
  parsedLow = value | 0;
  return end > start;
}

const STRTOULL = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/;
const NEGATIVE = /^-[1-9]\d*$/;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * What is not simply digits that a double holds. Redis reads a number as a signed one first, and refuses it if it is
 * negative; then as strtoull does, which passes over blanks and takes signs: of a negative number the lowest 64 bits.
 */
function parseOddUint64(text: string): boolean {
  const match = STRTOULL.exec(text);
  if (match === null) return false;
  const magnitude = BigInt(match[2]);
  if (magnitude > MAX_UINT64) return false;
  const isNegative = match[1] === "-";
  if (NEGATIVE.test(text) && magnitude <= 2n ** 63n) return false;
  const value = BigInt.asUintN(64, isNegative ? -magnitude : magnitude);
  parsedHigh = Number(value >> 32n) | 0;
  parsedLow = Number(BigInt.asIntN(32, value));
  return true;
}
