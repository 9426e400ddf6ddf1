/**
 * Hashes as listpacks: field, value, field, value ... `width` is the number of elements to a field: 2, or 3 if each
 * value is followed by the time at which the field expires (timed-listpack.ts). A field is known by its offset.
 */
import { removeElements, replaceElement } from "../listpack/edits.ts";
import type { ElementValue } from "../listpack/element-value.ts";
import {
  countElements,
  endOffset,
  HEADER_BYTES,
  headerCount,
  offsetAfter,
  UNKNOWN_COUNT,
  writeHeader,
} from "../listpack/listpack.ts";
import { findElement } from "../listpack/search.ts";
import { type PackedBytes, splice } from "../packed-bytes.ts";

/** Elements to a field, without and with times. */
export const PAIR = 2;
export const TRIPLET = 3;

/** Offset of the field; -1 if there is none of that name. */
export function findField(list: PackedBytes, width: number, field: ElementValue): number {
  return findElement(list.buffer, list.start, field, HEADER_BYTES, width - 1);
}

/** Number of fields. */
export function fieldCount(list: PackedBytes, width: number): number {
  return countElements(list.buffer, list.start) / width;
}

/** Puts another value in the place of that of the field at `at`. */
export function replaceValue(list: PackedBytes, at: number, value: ElementValue): void {
  replaceElement(list, offsetAfter(list.buffer, list.start, at), value);
}

/** Removes the field at `at`. The next one lies there then. */
export function removeField(list: PackedBytes, width: number, at: number): void {
  removeElements(list, at, width);
}

/** Adds a field that is not there, behind all others (of a listpack without times). */
export function appendField(list: PackedBytes, field: ElementValue, value: ElementValue): void {
  insertField(list, endOffset(list.buffer, list.start), field, value);
}

/** Puts field and value before what lies at `at`. Returns the offset after them. */
export function insertField(list: PackedBytes, at: number, field: ElementValue, value: ElementValue): number {
  const size = field.size + value.size;
  const length = endOffset(list.buffer, list.start) + 1 + size;
  const count = headerCount(list.buffer, list.start);
  splice(list, at, 0, size);
  const { buffer, start } = list;
  value.write(buffer, field.write(buffer, start + at));
  writeHeader(buffer, start, length, count === UNKNOWN_COUNT ? count : count + PAIR);
  return at + size;
}
