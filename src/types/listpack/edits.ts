/**
 * Changing a listpack in its memory. Bytes to be written must not lie in memory that resizing may move or give up: a
 * value that is taken from a collection is copied before (request bytes need not be).
 *
 * Callers that add first check whether the listpack may grow that much (isSafeToAdd, ElementValue.size).
 */
import { type PackedBytes, splice } from "../packed-bytes.ts";
import type { ElementValue } from "./element-value.ts";
import { END, elementEnd } from "./encoding.ts";
import {
  countElements,
  countRange,
  EMPTY_LISTPACK_BYTES,
  endOffset,
  HEADER_BYTES,
  headerCount,
  listpackBytes,
  previousElement,
  UNKNOWN_COUNT,
  writeHeader,
} from "./listpack.ts";

/** Makes an empty listpack there, whatever was there before. */
export function createListpack(into: PackedBytes): void {
  into.resize(EMPTY_LISTPACK_BYTES);
  writeHeader(into.buffer, into.start, EMPTY_LISTPACK_BYTES, 0);
  into.buffer[into.start + HEADER_BYTES] = END;
}

/** Puts an element before the one at `at`, or at the end if that is the end's offset. It lies at `at` then. Returns the
 * offset after it. */
export function insertElement(list: PackedBytes, at: number, value: ElementValue): number {
  splice(list, at, 0, value.size);
  value.write(list.buffer, list.start + at);
  addToHeader(list, value.size, 1);
  return at + value.size;
}

/** Puts an element behind all others. */
export function appendElement(list: PackedBytes, value: ElementValue): void {
  insertElement(list, endOffset(list.buffer, list.start), value);
}

/** Puts an element before all others. */
export function prependElement(list: PackedBytes, value: ElementValue): void {
  insertElement(list, HEADER_BYTES, value);
}

/** Puts another element in the place of the one at `at`. Returns the offset after it. */
export function replaceElement(list: PackedBytes, at: number, value: ElementValue): number {
  const position = list.start + at;
  const old = elementEnd(list.buffer, position) - position;
  splice(list, at, old, value.size);
  value.write(list.buffer, list.start + at);
  addToHeader(list, value.size - old, 0);
  return at + value.size;
}

/** Removes up to `count` elements, that at `at` and those after it; `at` may be the end's offset. Returns how many.
 * What followed them lies at `at` then. */
export function removeElements(list: PackedBytes, at: number, count: number): number {
  const { buffer, start } = list;
  let position = start + at;
  let removed = 0;
  for (; removed < count && buffer[position] !== END; removed++) position = elementEnd(buffer, position);
  cut(list, at, position - start, removed);
  return removed;
}

/** Removes up to `count` elements from the beginning. Returns how many. */
export function removeFirst(list: PackedBytes, count: number): number {
  return removeElements(list, HEADER_BYTES, count);
}

/** Removes up to `count` elements from the end. Returns how many. */
export function removeLast(list: PackedBytes, count: number): number {
  const { buffer, start } = list;
  const end = endOffset(buffer, start);
  let at = end;
  let removed = 0;
  for (; removed < count && at > HEADER_BYTES; removed++) at = previousElement(buffer, start, at);
  cut(list, at, end, removed);
  return removed;
}

/** Removes the `count` elements from `from` to before `to`. */
function cut(list: PackedBytes, from: number, to: number, count: number): void {
  if (count === 0) return;
  splice(list, from, to - from, 0);
  addToHeader(list, from - to, -count);
}

/** Puts copies of all elements of another listpack behind those of `list`. */
export function appendListpack(list: PackedBytes, bytes: Buffer, start: number): void {
  insertListpack(list, endOffset(list.buffer, list.start), bytes, start);
}

/** Puts copies of all elements of another listpack before those of `list`. */
export function prependListpack(list: PackedBytes, bytes: Buffer, start: number): void {
  insertListpack(list, HEADER_BYTES, bytes, start);
}

function insertListpack(list: PackedBytes, at: number, bytes: Buffer, start: number): void {
  const count = countElements(list.buffer, list.start) + countElements(bytes, start);
  const end = endOffset(bytes, start);
  splice(list, at, 0, end - HEADER_BYTES);
  bytes.copy(list.buffer, list.start + at, start + HEADER_BYTES, start + end);
  writeHeader(list.buffer, list.start, list.length, count);
}

/** Moves the elements from `at` on to `tail`, whatever was there before. `index` is that of the element at `at`, if the
 * caller knows it. */
export function splitListpack(list: PackedBytes, at: number, tail: PackedBytes, index?: number): void {
  const end = endOffset(list.buffer, list.start);
  const before = index ?? countRange(list.buffer, list.start, HEADER_BYTES, at);
  const after = countElements(list.buffer, list.start) - before;
  const length = EMPTY_LISTPACK_BYTES + end - at;
  tail.resize(length);
  list.buffer.copy(tail.buffer, tail.start + HEADER_BYTES, list.start + at, list.start + end + 1);
  writeHeader(tail.buffer, tail.start, length, after);
  splice(list, at, end - at, 0);
  writeHeader(list.buffer, list.start, list.length, before);
}

/** Counts the elements, and notes their number in the header if it fits there again (which removing does not do). */
export function updateCount(list: PackedBytes): number {
  const count = countElements(list.buffer, list.start);
  writeHeader(list.buffer, list.start, list.length, count);
  return count;
}

/** Adds to both numbers of the header; a number of elements that is unknown stays so. */
function addToHeader(list: PackedBytes, addedBytes: number, addedCount: number): void {
  const { buffer, start } = list;
  const count = headerCount(buffer, start);
  const length = listpackBytes(buffer, start) + addedBytes;
  writeHeader(buffer, start, length, count === UNKNOWN_COUNT ? count : count + addedCount);
}
