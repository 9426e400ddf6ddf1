/**
 * Chunk trees as wholes: making, copying, freeing, measuring. The object of the root is the caller's: `createTree`
 * makes one, or a longer object of the caller's own becomes one by `clearTree`.
 */
import type { Slabs } from "../../memory/slabs.ts";
import {
  ELEMENTS,
  FIRST,
  LAST,
  LEAVES,
  LEVELS,
  REFERENCES,
  ROOT_WORDS,
  TOP,
  wordAt,
  wordsOf,
} from "./layout.ts";

/** The root of an empty tree, in an object of its own. */
export function createTree(slabs: Slabs): number {
  const root = slabs.allocate(ROOT_WORDS * 4);
  clearTree(slabs, root);
  return root;
}

/** Makes the first words of a slab object the root of an empty tree, whatever they were before. */
export function clearTree(slabs: Slabs, root: number): void {
  const w = wordAt(root);
  wordsOf(slabs, root).fill(0, w, w + ROOT_WORDS);
}

/** Elements in the whole tree. */
export function treeSize(slabs: Slabs, root: number): number {
  return wordsOf(slabs, root)[wordAt(root) + ELEMENTS] >>> 0;
}

/** Number of leaves. */
export function leavesOf(slabs: Slabs, root: number): number {
  return wordsOf(slabs, root)[wordAt(root) + LEAVES] >>> 0;
}

/** Makes `into`, the root of an empty tree, one of copies of all leaves, in nodes of the same shape. */
export function copyTree(slabs: Slabs, from: number, into: number, copyLeaf: (leaf: number) => number): void {
  const fromWords = wordsOf(slabs, from);
  const w = wordAt(from);
  const levels = fromWords[w + LEVELS];
  const top = fromWords[w + TOP];
  const copied = top === 0 ? 0 : copyBelow(slabs, top, levels, copyLeaf);
  const words = wordsOf(slabs, into);
  const at = wordAt(into);
  for (let i = 0; i < ROOT_WORDS; i++) words[at + i] = fromWords[w + i];
  words[at + TOP] = copied;
  for (const end of [FIRST, LAST]) if (words[at + end] !== 0) words[at + end] = copyLeaf(words[at + end]);
}

function copyBelow(
  slabs: Slabs,
  reference: number,
  levels: number,
  copyLeaf: (leaf: number) => number,
): number {
  if (levels === 0) return copyLeaf(reference);
  const from = wordsOf(slabs, reference);
  const w = wordAt(reference);
  const bytes = slabs.capacity(reference);
  const copy = slabs.allocate(bytes);
  const words = wordsOf(slabs, copy);
  const at = wordAt(copy);
  for (let i = 0; i < bytes / 4; i++) words[at + i] = from[w + i];
  const children = from[w];
  for (let i = 0; i < children; i++)
    words[at + REFERENCES + i] = copyBelow(slabs, from[w + REFERENCES + i], levels - 1, copyLeaf);
  return copy;
}

/**
 * Frees about `limit` leaves and nodes; true when none are left, and then the root is that of an empty tree. Until then
 * the tree is good for nothing but the next step.
 */
export function disposeStep(
  slabs: Slabs,
  root: number,
  limit: number,
  freeLeaf: (leaf: number) => void,
): boolean {
  const words = wordsOf(slabs, root);
  const w = wordAt(root);
  const top = words[w + TOP];
  if (top !== 0 && freeBelow(slabs, top, words[w + LEVELS], limit, freeLeaf) === UNFINISHED) return false;
  for (const end of [FIRST, LAST]) if (words[w + end] !== 0) freeLeaf(words[w + end]);
  clearTree(slabs, root);
  return true;
}

const UNFINISHED = -1;

/** Frees all below, if the limit allows, and returns what it still allows; else UNFINISHED. */
function freeBelow(
  slabs: Slabs,
  reference: number,
  levels: number,
  limit: number,
  freeLeaf: (leaf: number) => void,
): number {
  if (levels === 0) {
    freeLeaf(reference);
    return Math.max(0, limit - 1);
  }
  const words = wordsOf(slabs, reference);
  const w = wordAt(reference);
  let allowed = limit;
  while (words[w] > 0) {
    if (allowed <= 0) return UNFINISHED;
    allowed = freeBelow(slabs, words[w + REFERENCES + words[w] - 1], levels - 1, allowed, freeLeaf);
    if (allowed === UNFINISHED) return UNFINISHED;
    words[w]--;
  }
  slabs.free(reference);
  return Math.max(0, allowed - 1);
}

/** Bytes that root and nodes take; the leaves are the caller's to add. */
export function treeBytes(slabs: Slabs, root: number): number {
  const words = wordsOf(slabs, root);
  const w = wordAt(root);
  return slabs.capacity(root) + nodeBytes(slabs, words[w + TOP], words[w + LEVELS]);
}

function nodeBytes(slabs: Slabs, reference: number, levels: number): number {
  if (levels === 0) return 0;
  const words = wordsOf(slabs, reference);
  const w = wordAt(reference);
  let bytes = slabs.capacity(reference);
  for (let i = 0; levels > 1 && i < words[w]; i++)
    bytes += nodeBytes(slabs, words[w + REFERENCES + i], levels - 1);
  return bytes;
}
