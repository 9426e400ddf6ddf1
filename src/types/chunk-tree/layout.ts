/**
 * How a chunk tree lies in slab memory (32-bit words).
 *
 *     root    [0] elements   [1] leaves   [2] levels of nodes   [3] the top node; with no levels a leaf, or 0
 *             [4] the first leaf, or 0, and [5] its elements    [6] the last leaf, or 0, and [7] its elements
 *     node    [0] children   [1..63] their references           [64..126] the elements below each
 *             [127..252] only with separators, and only in the lowest nodes: those of the children, doubles
 *
 * The first and the last leaf are known to the root alone (a leaf that is both is the first), so that who works at the
 * ends need not look at nodes. Below the top are all others: the children of the lowest nodes.
 *
 * The object of a root may be longer: words from ROOT_WORDS on are the user's. Elements are counted as unsigned
 * integers, so a tree has up to 2^32 - 1.
 */
import { VIEW, type ViewedBuffer } from "../../base/byte-copy.ts";
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";

export const ROOT_WORDS = 8;
export const ELEMENTS = 0;
export const LEAVES = 1;
export const LEVELS = 2;
export const TOP = 3;
export const FIRST = 4;
export const FIRST_ELEMENTS = 5;
export const LAST = 6;
export const LAST_ELEMENTS = 7;

/** One more, and a node would take the next larger size of slab objects. */
export const MAX_CHILDREN = 63;
export const REFERENCES = 1;
export const COUNTS: number = REFERENCES + MAX_CHILDREN;
export const SEPARATORS: number = COUNTS + MAX_CHILDREN;
export const NODE_BYTES: number = SEPARATORS * 4;
const SEPARATOR_WORDS = 2;
export const NODE_WITH_SEPARATORS_BYTES: number = (SEPARATORS + MAX_CHILDREN * SEPARATOR_WORDS) * 4;

/** Even if all nodes had two children, this many levels would hold more leaves than there are references. */
export const MAX_LEVELS = 32;

/** The words of the slab in which an object lies. */
export function wordsOf(slabs: Slabs, address: number): Int32Array {
  return slabs.words[address >>> SLAB_SHIFT];
}

/** Where the object begins in them. */
export function wordAt(address: number): number {
  return (address & SLAB_MASK) << 2;
}

/** The separator of a node's child. */
export function separatorAt(slabs: Slabs, node: number, place: number): number {
  const view = (slabs.bytes[node >>> SLAB_SHIFT] as ViewedBuffer)[VIEW];
  return view!.getFloat64((wordAt(node) + SEPARATORS + place * SEPARATOR_WORDS) << 2, true);
}

export function setSeparatorAt(slabs: Slabs, node: number, place: number, separator: number): void {
  const view = (slabs.bytes[node >>> SLAB_SHIFT] as ViewedBuffer)[VIEW];
  view!.setFloat64((wordAt(node) + SEPARATORS + place * SEPARATOR_WORDS) << 2, separator, true);
}

/** Moves the separators of `count` children, within a node or to another one. */
export function moveSeparators(
  slabs: Slabs,
  from: number,
  place: number,
  to: number,
  newPlace: number,
  count: number,
): void {
  const source = wordsOf(slabs, from);
  const target = wordsOf(slabs, to);
  const start = wordAt(from) + SEPARATORS + place * SEPARATOR_WORDS;
  const end = start + count * SEPARATOR_WORDS;
  const at = wordAt(to) + SEPARATORS + newPlace * SEPARATOR_WORDS;
  if (source === target) target.copyWithin(at, start, end);
  else target.set(source.subarray(start, end), at);
}
