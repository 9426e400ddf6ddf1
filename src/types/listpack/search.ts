/**
 * Finding an element: what is sought is compared with strings as bytes, and with integers as an integer, so that
 * nothing is formatted or parsed on the way.
 */
import { sameBytes } from "../../base/byte-copy.ts";
import { Int64 } from "../../base/int64.ts";
import type { ElementValue } from "./element-value.ts";
import { readWideInteger } from "./element-view.ts";
import { elementEnd, INTEGER_13, longLength, STRING_6, STRING_12, STRING_32 } from "./encoding.ts";
import { listpackBytes } from "./listpack.ts";

const integer = new Int64();

/**
 * Offset of the first element equal to `value`, from that at `from` on (an element's offset, or that of the end byte);
 * -1 if there is none. After each one compared, `skip` are passed over: with 1, only fields of field-value pairs are
 * compared.
 */
export function findElement(
  bytes: Buffer,
  start: number,
  value: ElementValue,
  from: number,
  skip: number,
): number {
  const end = start + listpackBytes(bytes, start) - 1;
  let position = start + from;
  while (position < end) {
    if (isEqual(bytes, position, value)) return position - start;
    position = elementEnd(bytes, position);
    for (let i = 0; i < skip && position < end; i++) position = elementEnd(bytes, position);
  }
  return -1;
}

/** Whether the element at `at` is equal to `value`. */
export function equalsElement(bytes: Buffer, start: number, at: number, value: ElementValue): boolean {
  return isEqual(bytes, start + at, value);
}

function isEqual(bytes: Buffer, position: number, value: ElementValue): boolean {
  const head = bytes[position];
  if (head < STRING_6) {
    return value.isInteger && value.integer.low === head && value.integer.high === 0;
  }
  if (head < INTEGER_13) return isSameText(bytes, position + 1, head & 0x3f, value);
  if (head < STRING_12) {
    if (!value.isInteger) return false;
    const low = (((head & 0x1f) << 27) >> 19) | bytes[position + 1];
    return value.integer.low === low && value.integer.high === low >> 31;
  }
  if (head < STRING_32) {
    return isSameText(bytes, position + 2, ((head & 0xf) << 8) | bytes[position + 1], value);
  }
  if (head === STRING_32) return isSameText(bytes, position + 5, longLength(bytes, position), value);
  if (!value.isInteger) return false;
  readWideInteger(bytes, position, integer);
  return integer.equals(value.integer);
}

function isSameText(bytes: Buffer, position: number, length: number, value: ElementValue): boolean {
  return (
    value.length === length && value.hasText && sameBytes(bytes, position, value.buffer, value.start, length)
  );
}
