/**
 * Listpacks, byte for byte those of Redis 7.0: many small elements one after the other in one piece of memory. Here:
 * reading. The rest is in
 *     element-view.ts     ElementView: what an element holds
 *     element-value.ts    ElementValue: what is sought or written, and how large it would be
 *     search.ts           findElement, equalsElement
 *     edits.ts            createListpack, insert, append, replace, remove, join, split (on PackedBytes)
 *     appender.ts         ListpackAppender: many elements at once
 *     validation.ts       checkListpack: bytes from outside
 *
 *     [bytes in all: 4][number of elements: 2][element]...[0xff]        both numbers little-endian
 *
 * The number of elements is 65535 if there are that many or more: then they must be counted. Elements: see encoding.ts.
 *
 * A listpack is where it lies: `bytes` and the `start` of its header in them. An element is its offset `at` from there;
 * offsets stay right when the listpack moves, until it is edited before them. All bytes were made here or checked.
 */
import { readUint16, readUint32, writeInt16, writeInt32 } from "../../base/little-endian.ts";
import { backlenBytes, END, elementEnd, readBacklen } from "./encoding.ts";

export const HEADER_BYTES = 6;
export const EMPTY_LISTPACK_BYTES = HEADER_BYTES + 1;
/** Number of elements in the header that means: count them. */
export const UNKNOWN_COUNT = 0xffff;
/** No listpack may grow beyond, as in Redis. */
export const MAX_LISTPACK_BYTES = 2 ** 30;

const COUNT_AT = 4;

/** Its length, header and end byte included. */
export function listpackBytes(bytes: Buffer, start: number): number {
  return readUint32(bytes, start);
}

/** The number of elements in the header: UNKNOWN_COUNT if they must be counted. */
export function headerCount(bytes: Buffer, start: number): number {
  return readUint16(bytes, start + COUNT_AT);
}

/** Writes both numbers of the header; a count that does not fit becomes UNKNOWN_COUNT. */
export function writeHeader(bytes: Buffer, start: number, length: number, count: number): void {
  writeInt32(bytes, start, length);
  writeInt16(bytes, start + COUNT_AT, Math.min(count, UNKNOWN_COUNT));
}

/** Number of elements. Takes time in proportion to it if there are 65535 or more. */
export function countElements(bytes: Buffer, start: number): number {
  const count = headerCount(bytes, start);
  return count !== UNKNOWN_COUNT ? count : countRange(bytes, start, HEADER_BYTES, endOffset(bytes, start));
}

/** Number of elements from offset `from` to before `to`. */
export function countRange(bytes: Buffer, start: number, from: number, to: number): number {
  let count = 0;
  for (let position = start + from; position < start + to; position = elementEnd(bytes, position)) count++;
  return count;
}

/** Whether it may grow by that number of bytes. (Redis asks this with the plain bytes of what is to be added.) */
export function isSafeToAdd(bytes: Buffer, start: number, added: number): boolean {
  return listpackBytes(bytes, start) + added <= MAX_LISTPACK_BYTES;
}

/** Offset of the end byte: where an element is appended. */
export function endOffset(bytes: Buffer, start: number): number {
  return listpackBytes(bytes, start) - 1;
}

/** Offset of the first element; -1 if there is none. */
export function firstElement(bytes: Buffer, start: number): number {
  return bytes[start + HEADER_BYTES] === END ? -1 : HEADER_BYTES;
}

/** Offset of the last element; -1 if there is none. */
export function lastElement(bytes: Buffer, start: number): number {
  return previousElement(bytes, start, endOffset(bytes, start));
}

/** Offset of the element after the one at `at`; -1 if that is the last. */
export function nextElement(bytes: Buffer, start: number, at: number): number {
  const position = elementEnd(bytes, start + at);
  return bytes[position] === END ? -1 : position - start;
}

/** Offset of the element before `at` (an element's, or that of the end byte); -1 if there is none. */
export function previousElement(bytes: Buffer, start: number, at: number): number {
  if (at <= HEADER_BYTES) return -1;
  const size = readBacklen(bytes, start + at);
  return at - size - backlenBytes(size);
}

/** Offset after the element at `at`: the next one's, or that of the end byte. */
export function offsetAfter(bytes: Buffer, start: number, at: number): number {
  return elementEnd(bytes, start + at) - start;
}

/** Offset of the element with this index, from the end (-1: the last) if it is negative; -1 if there is none. Walks
 * from the nearer end. */
export function seekElement(bytes: Buffer, start: number, index: number): number {
  const count = headerCount(bytes, start);
  let forward = index;
  let backward = index;
  if (count !== UNKNOWN_COUNT) {
    forward = index < 0 ? count + index : index;
    if (forward < 0 || forward >= count) return -1;
    backward = forward - count;
    if (forward > count >> 1) return seekBackward(bytes, start, backward);
    return seekForward(bytes, start, forward);
  }
  return index < 0 ? seekBackward(bytes, start, backward) : seekForward(bytes, start, forward);
}

function seekForward(bytes: Buffer, start: number, index: number): number {
  let position = start + HEADER_BYTES;
  for (let i = 0; i < index && bytes[position] !== END; i++) position = elementEnd(bytes, position);
  return bytes[position] === END ? -1 : position - start;
}

function seekBackward(bytes: Buffer, start: number, index: number): number {
  let at = endOffset(bytes, start);
  for (let i = 0; i > index && at !== -1; i--) at = previousElement(bytes, start, at);
  return at;
}
