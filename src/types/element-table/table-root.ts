/**
 * The root of an element table: one slab object, by whose address the table is known.
 *
 * Layout (32-bit words):
 *   [0]    elements
 *   [1]    buckets
 *   [2]    top of the directory: see bucket-directory.ts
 *   [3]    length of each payload, or VARIABLE_PAYLOAD
 *   [4,5]  bytes of all elements in buckets: low, high part
 */
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";

export const SIZE = 0;
export const BUCKETS = 1;
export const TOP = 2;
export const PAYLOAD_LENGTH = 3;
const BYTES_LOW = 4;
const BYTES_HIGH = 5;
export const ROOT_BYTES = 24;

/** In place of a payload length: each element has a payload of its own length. */
export const VARIABLE_PAYLOAD = -1;

const TWO_32 = 0x1_0000_0000;

/** The words among which those of the object at `address` lie, from `wordIndex` on. */
export function wordsOf(slabs: Slabs, address: number): Int32Array {
  return slabs.words[address >>> SLAB_SHIFT];
}

export function wordIndex(address: number): number {
  return (address & SLAB_MASK) << 2;
}

/** A table without elements and buckets. */
export function createRoot(slabs: Slabs, payloadLength: number): number {
  const root = slabs.allocate(ROOT_BYTES);
  const w = wordIndex(root);
  const words = wordsOf(slabs, root);
  words.fill(0, w, w + ROOT_BYTES / 4);
  words[w + PAYLOAD_LENGTH] = payloadLength;
  return root;
}

/** Bytes of the elements in buckets. */
export function elementBytes(words: Int32Array, w: number): number {
  return words[w + BYTES_HIGH] * TWO_32 + (words[w + BYTES_LOW] >>> 0);
}

export function setElementBytes(words: Int32Array, w: number, bytes: number): void {
  words[w + BYTES_LOW] = bytes | 0;
  words[w + BYTES_HIGH] = Math.floor(bytes / TWO_32);
}
