/**
 * The string type: its encodings and how its bytes lie in an entry. A string's value is always its text, an integer's
 * too: copying eight digits costs less than formatting them, and every reader can treat all strings alike. The
 * encoding only records what OBJECT ENCODING must answer, and that INCR may trust the digits.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
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
const integer = new Int64();

/** The encoding that SET gives these bytes: int if they are a 64-bit integer exactly as it is printed. */
export function encodingOf(bytes: Buffer, start: number, length: number): number {
  if (length <= MAX_INT64_TEXT && integer.parse(bytes, start, length)) return INT;
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

/** Copies bytes into the value of an entry that has the right length already. */
export function fillValue(
  entries: Entries,
  address: number,
  from: Buffer,
  start: number,
  length: number,
): void {
  if (entries.huge.frozenCount > 0) entries.beforeReplacing(address);
  copyBytes(from, start, entries.valueBuffer(address), entries.valueStart(address), length);
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
  if (entries.huge.frozenCount > 0) entries.beforeChange(address, offset, offset + length);
  const target = entries.valueBuffer(address);
  const to = entries.valueStart(address) + offset;
  copyBytes(from, start, target, to, length);
}

/** Fills the value with zeros from `start` to `end`. */
export function zeroBytes(entries: Entries, address: number, start: number, end: number): void {
  if (entries.huge.frozenCount > 0) entries.beforeChange(address, start, end);
  const to = entries.valueStart(address);
  entries.valueBuffer(address).fill(0, to + start, to + end);
}
