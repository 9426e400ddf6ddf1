/**
 * The string type: its encodings and how its bytes lie in an entry. A string's value is always its text, an integer's
 * too: copying eight digits costs less than formatting them, and every reader can treat all strings alike. The
 * encoding only records what OBJECT ENCODING must answer, and that INCR may trust the digits.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Entries } from "../../memory/entries.ts";

/** Entry type of strings; also their type in RDB. */
export const STRING = 0;

/** Redis's encoding numbers. */
export const RAW = 0;
export const INT = 1;
export const EMBSTR = 8;
/** Our own: an integer that COPY made. In Redis it is an object of its own, where SET takes a shared one. */
export const INT_COPY = 2;

/** The longest string there can be, whatever the configuration allows: an entry counts its bytes in 31 bits. */
export const MAX_STRING_BYTES = 0x7fff_ffff;

/** Longest string that Redis embeds in its object. */
const EMBSTR_MAX_BYTES = 44;
const MAX_INT64_DIGITS = 19;
const MAX_INT64 = Buffer.from("9223372036854775807");
const MIN_INT64 = Buffer.from("9223372036854775808");
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** The encoding that SET gives these bytes: int if they are a 64-bit integer exactly as it is printed. */
export function encodingOf(bytes: Buffer, start: number, length: number): number {
  if (length <= 20 && isCanonicalInt64(bytes, start, length)) return INT;
  return length <= EMBSTR_MAX_BYTES ? EMBSTR : RAW;
}

/** The encoding of a string that a command computed (no check for an integer, as in Redis). */
export function textEncoding(length: number): number {
  return length <= EMBSTR_MAX_BYTES ? EMBSTR : RAW;
}

export function encodingName(encoding: number): string {
  return encoding === INT || encoding === INT_COPY ? "int" : encoding === EMBSTR ? "embstr" : "raw";
}

/** The encoding of a string's copy. */
export function copiedEncoding(encoding: number): number {
  return encoding === INT ? INT_COPY : encoding;
}

function isCanonicalInt64(bytes: Buffer, start: number, length: number): boolean {
  if (length === 0) return false;
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const digits = negative ? length - 1 : length;
  if (digits === 0 || digits > MAX_INT64_DIGITS) return false;
  if (bytes[first] === ZERO) return digits === 1 && !negative;
  for (let i = first; i < first + digits; i++) {
    if (bytes[i] < ZERO || bytes[i] > NINE) return false;
  }
  if (digits < MAX_INT64_DIGITS) return true;
  const limit = negative ? MIN_INT64 : MAX_INT64;
  return limit.compare(bytes, first, first + digits) >= 0;
}

/** Copies bytes into the value of an entry that has the right length already. */
export function fillValue(
  entries: Entries,
  address: number,
  from: Buffer,
  start: number,
  length: number,
): void {
  writeBytes(entries, address, 0, from, start, length);
}

/** Copies bytes into the value from `offset` on; the value is long enough. */
export function writeBytes(
  entries: Entries,
  address: number,
  offset: number,
  from: Buffer,
  start: number,
  length: number,
): void {
  const target = entries.valueBuffer(address);
  const to = entries.valueStart(address) + offset;
  copyBytes(from, start, target, to, length);
}

/** Fills the value with zeros from `start` to `end`. */
export function zeroBytes(entries: Entries, address: number, start: number, end: number): void {
  const to = entries.valueStart(address);
  entries.valueBuffer(address).fill(0, to + start, to + end);
}
