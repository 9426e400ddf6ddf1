/**
 * Listpacks from outside (files, RESTORE): nothing else here looks whether bytes are one.
 */
import { backlenBytes, END, encodedSize, endOfShort, readBacklen, STRING_12, STRING_32 } from "./encoding.ts";
import { EMPTY_LISTPACK_BYTES, HEADER_BYTES, headerCount, listpackBytes, UNKNOWN_COUNT } from "./listpack.ts";

/** Is shown each element by its offset, and the number of elements in the header; says whether it may be there. */
export type ElementCheck = (at: number, headerCount: number) => boolean;

/**
 * Whether the `length` bytes from `start` on are a listpack: returns its number of elements, or -1. Without `deep` only
 * the header and the end are looked at, and the number is the header's (65535: unknown).
 */
export function checkListpack(
  bytes: Buffer,
  start: number,
  length: number,
  deep: boolean,
  check?: ElementCheck,
): number {
  if (length < EMPTY_LISTPACK_BYTES || start < 0 || start + length > bytes.length) return -1;
  if (listpackBytes(bytes, start) !== length || bytes[start + length - 1] !== END) return -1;
  const noted = headerCount(bytes, start);
  if (!deep) return noted;
  const end = start + length - 1;
  let position = start + HEADER_BYTES;
  let count = 0;
  while (position < end) {
    const after = endOfShort(bytes, position, end) || endOfValid(bytes, position, end);
    if (after === -1 || (check !== undefined && !check(position - start, noted))) return -1;
    position = after;
    count++;
  }
  return noted === UNKNOWN_COUNT || noted === count ? count : -1;
}

/** Position after the element, if there is one that lies wholly before `end`; else -1. */
function endOfValid(bytes: Buffer, position: number, end: number): number {
  const head = bytes[position];
  const headBytes = head < STRING_12 || head > STRING_32 ? 1 : head === STRING_32 ? 5 : 2;
  if (position + headBytes > end) return -1;
  const size = encodedSize(bytes, position);
  if (size === 0) return -1;
  const after = position + size + backlenBytes(size);
  return after <= end && readBacklen(bytes, after) === size ? after : -1;
}
