/**
 * Hashes as listpacks with times: field, value, time, field, value, time ... A time is the Unix milliseconds at which
 * the field expires, or NO_TIME. Fields lie in the order of their times, those that do not expire behind all others; so
 * whatever is due lies at the beginning.
 */
import { insertElement, removeElements } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { END } from "../listpack/encoding.ts";
import {
  countElements,
  endOffset,
  HEADER_BYTES,
  listpackBytes,
  offsetAfter,
  writeHeader,
} from "../listpack/listpack.ts";
import { GrowingBytes, type PackedBytes, splice } from "../packed-bytes.ts";
import { fieldCount, insertField, PAIR, replaceValue, TRIPLET } from "./packed-hash.ts";

/** In place of a time: the field does not expire. */
export const NO_TIME = 0;

const view = new ElementView();
const timeValue = new ElementValue();
/** Holds elements while they move. */
const scratch = new GrowingBytes();

/** When the field at `at` expires. */
export function timeOf(list: PackedBytes, at: number): number {
  const { buffer, start } = list;
  return timeAt(list, offsetAfter(buffer, start, offsetAfter(buffer, start, at)));
}

/** The time that is the element at `at`. */
function timeAt(list: PackedBytes, at: number): number {
  view.readValue(list.buffer, list.start, at);
  return view.integer.toNumber();
}

/** When the first field expires, or NO_TIME if none does. */
export function earliestTime(list: PackedBytes): number {
  return fieldCount(list, TRIPLET) === 0 ? NO_TIME : timeOf(list, HEADER_BYTES);
}

/** Offset of the first field that does not expire before `time`: where one belongs that expires then. */
function placeFor(list: PackedBytes, time: number): number {
  const { buffer, start } = list;
  const end = endOffset(buffer, start);
  if (time === NO_TIME) return end;
  let at = HEADER_BYTES;
  while (at < end) {
    const timeOffset = offsetAfter(buffer, start, offsetAfter(buffer, start, at));
    const other = timeAt(list, timeOffset);
    if (other === NO_TIME || other >= time) return at;
    at = offsetAfter(buffer, start, timeOffset);
  }
  return end;
}

/** Adds a field that is not there. */
export function addTimedField(
  list: PackedBytes,
  field: ElementValue,
  value: ElementValue,
  time: number,
): void {
  const timeOffset = insertField(list, placeFor(list, time), field, value);
  insertElement(list, timeOffset, timeValue.setInteger(time));
}

/** Gives the field at `at` another value, and no time unless `keepsTime`. */
export function setTimedValue(list: PackedBytes, at: number, value: ElementValue, keepsTime: boolean): void {
  replaceValue(list, at, value);
  if (!keepsTime && timeOf(list, at) !== NO_TIME) setTime(list, at, NO_TIME);
}

/** Gives the field at `at` another time, and so another place. */
export function setTime(list: PackedBytes, at: number, time: number): void {
  const { buffer, start } = list;
  const size = offsetAfter(buffer, start, offsetAfter(buffer, start, at)) - at;
  scratch.resize(size);
  buffer.copy(scratch.buffer, 0, start + at, start + at + size);
  removeElements(list, at, TRIPLET);
  const place = placeFor(list, time);
  const count = countElements(list.buffer, list.start);
  splice(list, place, 0, size);
  scratch.buffer.copy(list.buffer, list.start + place, 0, size);
  writeHeader(list.buffer, list.start, listpackBytes(list.buffer, list.start) + size, count + PAIR);
  insertElement(list, place + size, timeValue.setInteger(time));
}

/** How many fields are due at `nowMs`. */
export function dueCount(list: PackedBytes, nowMs: number): number {
  const { buffer, start } = list;
  const end = endOffset(buffer, start);
  let due = 0;
  for (let at = HEADER_BYTES; at < end; due++) {
    const timeOffset = offsetAfter(buffer, start, offsetAfter(buffer, start, at));
    const time = timeAt(list, timeOffset);
    if (time === NO_TIME || time > nowMs) break;
    at = offsetAfter(buffer, start, timeOffset);
  }
  return due;
}

/** Gives each field of a listpack without times the time NO_TIME. */
export function addTimes(list: PackedBytes): void {
  timeValue.setInteger(NO_TIME);
  rebuild(list, PAIR, fieldCount(list, PAIR), timeValue.size);
}

/** Removes all times. */
export function removeTimes(list: PackedBytes): void {
  rebuild(list, TRIPLET, fieldCount(list, TRIPLET), 0);
}

/** Copies the fields with their values, each followed by `timeValue` if `timeSize` is not 0. */
function rebuild(list: PackedBytes, width: number, fields: number, timeSize: number): void {
  const { buffer, start } = list;
  scratch.resize(list.length + fields * timeSize);
  let at = HEADER_BYTES;
  let to = HEADER_BYTES;
  for (let i = 0; i < fields; i++) {
    const end = offsetAfter(buffer, start, offsetAfter(buffer, start, at));
    buffer.copy(scratch.buffer, to, start + at, start + end);
    to += end - at;
    if (timeSize > 0) to = timeValue.write(scratch.buffer, to);
    at = width === TRIPLET ? offsetAfter(buffer, start, end) : end;
  }
  scratch.buffer[to] = END;
  list.resize(to + 1);
  scratch.buffer.copy(list.buffer, list.start, 0, to + 1);
  writeHeader(list.buffer, list.start, to + 1, fields * (timeSize > 0 ? TRIPLET : PAIR));
}
