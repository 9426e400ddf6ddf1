/**
 * Finding an element: what is sought is compared with strings as bytes, and with integers as an integer, so that
 * nothing is formatted or parsed on the way.
 */
import { sameBytes } from "../../base/byte-copy.ts";
import { readInt16, readInt24, readInt32 } from "../../base/little-endian.ts";
import type { ElementValue } from "./element-value.ts";
import {
  elementEnd,
  INTEGER_13,
  INTEGER_16,
  INTEGER_24,
  INTEGER_32,
  longLength,
  readInt13,
  STRING_6,
  STRING_6_LIMIT,
  STRING_12,
  STRING_32,
} from "./encoding.ts";
import { listpackBytes } from "./listpack.ts";

/** No first byte of an element. */
const NO_HEAD = -1;

/**
 * Offset of the first element equal to `value`, from that at `from` on (an element's offset, or that of the end byte:
 * so HEADER_BYTES means all elements, even if there is none); -1 if there is no such element. After each one compared,
 * `skip` are passed over: with 1, only fields of field-value pairs are compared.
 */
export function findElement(
  bytes: Buffer,
  start: number,
  value: ElementValue,
  from: number,
  skip: number,
): number {
  const end = start + listpackBytes(bytes, start) - 1;
  const position = value.isInteger
    ? findInteger(bytes, start + from, end, value, skip)
    : findText(bytes, start + from, end, value, skip);
  return position === -1 ? -1 : position - start;
}

/** Strings of up to 63 bytes, of which most listpacks consist, are told apart by their first and their last byte. */
function findText(bytes: Buffer, from: number, end: number, value: ElementValue, skip: number): number {
  const { length } = value;
  const isShort = length < STRING_6_LIMIT;
  const wantedHead = isShort ? STRING_6 | length : NO_HEAD;
  // Without any other byte, the first is the last too.
  const wantedLast = isShort && length > 0 ? value.buffer[value.start + length - 1] : wantedHead;
  let position = from;
  while (position < end) {
    const head = bytes[position];
    if (head === wantedHead ? bytes[position + length] === wantedLast : head >= STRING_12) {
      if (isEqual(bytes, position, value)) return position;
    }
    position = elementEnd(bytes, position);
    for (let i = 0; i < skip && position < end; i++) position = elementEnd(bytes, position);
  }
  return -1;
}

/** Integers of more than one byte have their lowest byte second, whatever their encoding. An integer may also lie there
 * as a string, if others than Redis made the listpack. */
function findInteger(bytes: Buffer, from: number, end: number, value: ElementValue, skip: number): number {
  const { high, low } = value.integer;
  const wantedHead = high === 0 && low < STRING_6 ? low : NO_HEAD;
  const wantedStringHead = STRING_6 | value.length;
  const wantedByte = low & 0xff;
  let position = from;
  while (position < end) {
    const head = bytes[position];
    if (head === wantedHead) return position;
    if (
      head >= INTEGER_13
        ? bytes[position + 1] === wantedByte || isLongString(head)
        : head === wantedStringHead
    ) {
      if (isEqual(bytes, position, value)) return position;
    }
    position = elementEnd(bytes, position);
    for (let i = 0; i < skip && position < end; i++) position = elementEnd(bytes, position);
  }
  return -1;
}

function isLongString(head: number): boolean {
  return head >= STRING_12 && head <= STRING_32;
}

/** Whether the element at `at` is equal to `value`. */
export function equalsElement(bytes: Buffer, start: number, at: number, value: ElementValue): boolean {
  return isEqual(bytes, start + at, value);
}

function isEqual(bytes: Buffer, position: number, value: ElementValue): boolean {
  const head = bytes[position];
  if (head < STRING_6) return isInteger(value, head);
  if (head < INTEGER_13) return isText(bytes, position + 1, head & 0x3f, value);
  if (head < STRING_12) return isInteger(value, readInt13(bytes, position));
  if (head < STRING_32) {
    return isText(bytes, position + 2, ((head & 0xf) << 8) | bytes[position + 1], value);
  }
  switch (head) {
    case STRING_32:
      return isText(bytes, position + 5, longLength(bytes, position), value);
    case INTEGER_16:
      return isInteger(value, readInt16(bytes, position + 1));
    case INTEGER_24:
      return isInteger(value, readInt24(bytes, position + 1));
    case INTEGER_32:
      return isInteger(value, readInt32(bytes, position + 1));
    default:
      return (
        value.isInteger &&
        value.integer.low === readInt32(bytes, position + 1) &&
        value.integer.high === readInt32(bytes, position + 5)
      );
  }
}

/** Whether it is this integer, of 32 bits. */
function isInteger(value: ElementValue, wanted: number): boolean {
  return value.isInteger && value.integer.low === wanted && value.integer.high === wanted >> 31;
}

function isText(bytes: Buffer, position: number, length: number, value: ElementValue): boolean {
  return (
    value.length === length && value.hasText && sameBytes(bytes, position, value.buffer, value.start, length)
  );
}
