/**
 * Values that do not lie in their entry. A type whose large form is made of many blocks gives it an encoding number
 * with the bit ROOTED; then the entry's value is one 32-bit word, little-endian: the slab address of the form's root,
 * or 0 when the form was given away (RENAME) and nothing is to be freed. Strings have no such form.
 */
import { readInt32 } from "../base/little-endian.ts";
import type { Entries } from "../memory/entries.ts";
import { SLAB_SHIFT } from "../memory/slabs.ts";

/** The bit of an encoding number that says so. */
export const ROOTED = 8;
/** Bytes of the value of an entry with a root. */
export const ROOT_BYTES = 4;

const TYPE_MASK = 0xf;
const STRING_TYPE = 0;
const ROOTED_IN_HEAD = ROOTED << 4;

/** Whether the entry with this head (its word 0) refers to memory outside. */
export function isRooted(head: number): boolean {
  return (head & TYPE_MASK) !== STRING_TYPE && (head & ROOTED_IN_HEAD) !== 0;
}

export function rootOf(entries: Entries, address: number): number {
  // So short a value always lies in the entry's own object.
  return readInt32(entries.slabs.bytes[address >>> SLAB_SHIFT], entries.valueStart(address));
}

export function setRoot(entries: Entries, address: number, root: number): void {
  entries.valueBuffer(address).writeInt32LE(root, entries.valueStart(address));
}
