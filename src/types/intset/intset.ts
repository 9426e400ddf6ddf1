/**
 * Intsets, byte for byte those of Redis 7.0: sorted 64-bit integers in one piece of memory, each in as many bytes as
 * the largest needs.
 *
 *     [bytes of a member, 2, 4 or 8: 4][number of members: 4][member]...     all little-endian, members ascending
 *
 * Members come and go as Int64 (base/int64.ts), which parses and writes texts. Reading takes `bytes` and the `start` of
 * the header in them; editing takes PackedBytes. All bytes were made here or were checked (checkIntset).
 */
import type { Int64 } from "../../base/int64.ts";
import { readInt16, readInt32, readUint32, writeInt16, writeInt32 } from "../../base/little-endian.ts";
import { type PackedBytes, splice } from "../packed-bytes.ts";

export const INTSET_HEADER_BYTES = 8;

const LENGTH_AT = 4;
const WIDTHS: readonly number[] = [2, 4, 8];

/** Makes an empty intset there, whatever was there before. */
export function createIntset(into: PackedBytes): void {
  into.resize(INTSET_HEADER_BYTES);
  writeInt32(into.buffer, into.start, 2);
  writeInt32(into.buffer, into.start + LENGTH_AT, 0);
}

/** Number of members. */
export function intsetLength(bytes: Buffer, start: number): number {
  return readUint32(bytes, start + LENGTH_AT);
}

/** Bytes of each member: 2, 4 or 8. */
export function intsetWidth(bytes: Buffer, start: number): number {
  return bytes[start];
}

/** Bytes that a member needs: 2, 4 or 8. */
export function widthOf(value: Int64): number {
  const { high, low } = value;
  if (high !== low >> 31) return 8;
  return low >= -0x8000 && low < 0x8000 ? 2 : 4;
}

/** Reads the member with this index, from 0 (the least) to length - 1 (the largest). */
export function readMember(bytes: Buffer, start: number, index: number, into: Int64): void {
  const width = intsetWidth(bytes, start);
  readAt(bytes, start + INTSET_HEADER_BYTES + index * width, width, into);
}

/** Index of a member; if it is none, -1 - the index where it would be inserted. */
export function findMember(bytes: Buffer, start: number, value: Int64): number {
  const width = intsetWidth(bytes, start);
  const length = intsetLength(bytes, start);
  if (widthOf(value) > width) return value.high < 0 ? -1 : -1 - length;
  const first = start + INTSET_HEADER_BYTES;
  // Members are often added in their order.
  if (length === 0 || compareAt(bytes, first + (length - 1) * width, width, value) < 0) return -1 - length;
  let low = 0;
  let high = length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(bytes, first + middle * width, width, value);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

/** Adds a member; returns whether it was none before. */
export function addMember(set: PackedBytes, value: Int64): boolean {
  const found = findMember(set.buffer, set.start, value);
  if (found >= 0) return false;
  const index = -1 - found;
  const needed = widthOf(value);
  if (needed > intsetWidth(set.buffer, set.start)) widen(set, needed);
  const width = intsetWidth(set.buffer, set.start);
  const offset = INTSET_HEADER_BYTES + index * width;
  splice(set, offset, 0, width);
  writeAt(set.buffer, set.start + offset, width, value.high, value.low);
  writeInt32(set.buffer, set.start + LENGTH_AT, intsetLength(set.buffer, set.start) + 1);
  return true;
}

/** Removes a member; returns whether it was one. Members keep their width, as in Redis. */
export function removeMember(set: PackedBytes, value: Int64): boolean {
  const index = findMember(set.buffer, set.start, value);
  if (index < 0) return false;
  removeMembers(set, index, 1);
  return true;
}

/** Removes the `count` members from `index` on; there must be that many. */
export function removeMembers(set: PackedBytes, index: number, count: number): void {
  const width = intsetWidth(set.buffer, set.start);
  const length = intsetLength(set.buffer, set.start);
  splice(set, INTSET_HEADER_BYTES + index * width, count * width, 0);
  writeInt32(set.buffer, set.start + LENGTH_AT, length - count);
}

/**
 * Whether the `length` bytes from `start` on are an intset with members: returns their number, or -1. Without `deep`
 * their order is not looked at.
 */
export function checkIntset(bytes: Buffer, start: number, length: number, deep: boolean): number {
  if (length < INTSET_HEADER_BYTES || start < 0 || start + length > bytes.length) return -1;
  const width = readUint32(bytes, start);
  const count = intsetLength(bytes, start);
  if (!WIDTHS.includes(width) || count === 0) return -1;
  if (INTSET_HEADER_BYTES + count * width !== length) return -1;
  return !deep || isAscending(bytes, start + INTSET_HEADER_BYTES, width, count) ? count : -1;
}

function isAscending(bytes: Buffer, first: number, width: number, count: number): boolean {
  for (let i = 1; i < count; i++) {
    const position = first + i * width;
    const before = position - width;
    if (width === 2) {
      if (readInt16(bytes, before) >= readInt16(bytes, position)) return false;
    } else if (width === 4) {
      if (readInt32(bytes, before) >= readInt32(bytes, position)) return false;
    } else {
      const order = compareWide(bytes, before, readInt32(bytes, position + 4), readInt32(bytes, position));
      if (order >= 0) return false;
    }
  }
  return true;
}

/** Gives all members another, larger width: from the last on, as each then takes more room. */
function widen(set: PackedBytes, width: number): void {
  const old = intsetWidth(set.buffer, set.start);
  const length = intsetLength(set.buffer, set.start);
  set.resize(INTSET_HEADER_BYTES + length * width);
  const { buffer, start } = set;
  const first = start + INTSET_HEADER_BYTES;
  for (let i = length - 1; i >= 0; i--) {
    const value = old === 2 ? readInt16(buffer, first + i * old) : readInt32(buffer, first + i * old);
    writeAt(buffer, first + i * width, width, value >> 31, value);
  }
  writeInt32(buffer, start, width);
}

/** Less than, equal to or greater than 0, as the member at the position is to the value, whose width is not larger. */
function compareAt(bytes: Buffer, position: number, width: number, value: Int64): number {
  if (width === 2) return readInt16(bytes, position) - value.low;
  if (width === 4) return readInt32(bytes, position) - value.low;
  return compareWide(bytes, position, value.high, value.low);
}

function compareWide(bytes: Buffer, position: number, high: number, low: number): number {
  const ownHigh = readInt32(bytes, position + 4);
  if (ownHigh !== high) return ownHigh < high ? -1 : 1;
  return (readInt32(bytes, position) >>> 0) - (low >>> 0);
}

function readAt(bytes: Buffer, position: number, width: number, into: Int64): void {
  if (width === 8) {
    into.setWords(readInt32(bytes, position + 4), readInt32(bytes, position));
    return;
  }
  const value = width === 2 ? readInt16(bytes, position) : readInt32(bytes, position);
  into.setWords(value >> 31, value);
}

function writeAt(bytes: Buffer, position: number, width: number, high: number, low: number): void {
  if (width === 2) {
    writeInt16(bytes, position, low);
    return;
  }
  writeInt32(bytes, position, low);
  if (width === 8) writeInt32(bytes, position + 4, high);
}
