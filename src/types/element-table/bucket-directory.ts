/**
 * The directory of an element table: an array of references to buckets (0: the bucket is empty), to which one is
 * appended or from which the last is taken at a time. It is a tree of nodes with up to 1024 references, so that it
 * grows to any size without ever being copied. Number of buckets and top are words of the table's root.
 *
 *   1 bucket          the top is its reference
 *   to 1024           the top is a node of references
 *   to 1024 * 1024    the top is a node of such nodes; and so on once more
 *
 * The top node has room for a power of two, as many as it needs; all others are full-sized.
 */
import type { Slabs } from "../../memory/slabs.ts";
import { BUCKETS, TOP, wordIndex, wordsOf } from "./table-root.ts";

const NODE_BITS = 10;
const NODE_PLACES = 1 << NODE_BITS;
const NODE_MASK = NODE_PLACES - 1;
const NODE_BYTES = NODE_PLACES * 4;
const MIN_NODE_BYTES = 16;

/** The most buckets there can be. */
export const MAX_BUCKETS = 1 << (3 * NODE_BITS);

export class BucketDirectory {
  // The place that was located last, until the directory grows or shrinks.
  private words: Int32Array = new Int32Array(0);
  private index = 0;
  private readonly slabs: Slabs;

  constructor(slabs: Slabs) {
    this.slabs = slabs;
  }

  /** Turns to the place of bucket `bucket`, which must exist; returns the reference in it. */
  locate(root: number, bucket: number): number {
    const { slabs } = this;
    let words = wordsOf(slabs, root);
    let index = wordIndex(root) + TOP;
    const buckets = words[index - TOP + BUCKETS];
    for (let depth = depthFor(buckets); depth > 0; depth--) {
      const node = words[index];
      words = wordsOf(slabs, node);
      index = wordIndex(node) + ((bucket >>> ((depth - 1) * NODE_BITS)) & NODE_MASK);
    }
    this.words = words;
    this.index = index;
    return words[index];
  }

  /** Puts another reference in the place located last. */
  replaceLocated(reference: number): void {
    this.words[this.index] = reference;
  }

  /** Appends a bucket. */
  append(root: number, reference: number): void {
    const { slabs } = this;
    const words = wordsOf(slabs, root);
    const w = wordIndex(root);
    const bucket = words[w + BUCKETS]++;
    const depth = depthFor(bucket + 1);
    if (depth > depthFor(bucket) && bucket > 0) {
      const top = slabs.allocate(MIN_NODE_BYTES);
      wordsOf(slabs, top)[wordIndex(top)] = words[w + TOP];
      words[w + TOP] = top;
    }
    if (depth > 0) this.makeRoom(words, w + TOP, bucket, depth);
    this.locate(root, bucket);
    this.replaceLocated(reference);
  }

  /** Takes the last bucket out of the directory, and returns its reference. */
  removeLast(root: number): number {
    const { slabs } = this;
    const words = wordsOf(slabs, root);
    const w = wordIndex(root);
    const bucket = words[w + BUCKETS] - 1;
    const reference = this.locate(root, bucket);
    const depth = depthFor(bucket + 1);
    words[w + BUCKETS] = bucket;
    if (bucket === 0) words[w + TOP] = 0;
    if (depth > 1) this.freeEmptied(words[w + TOP], bucket, depth);
    if (depth === depthFor(bucket)) {
      if (depth > 0) this.shrinkTop(words, w + TOP, bucket, depth);
    } else if (bucket > 0) {
      const top = words[w + TOP];
      words[w + TOP] = wordsOf(slabs, top)[wordIndex(top)];
      slabs.free(top);
    }
    return reference;
  }

  /** Bytes of all nodes. */
  sizeBytes(root: number): number {
    const w = wordIndex(root);
    const words = wordsOf(this.slabs, root);
    const buckets = words[w + BUCKETS];
    const depth = depthFor(buckets);
    if (depth === 0) return 0;
    let bytes = this.slabs.capacity(words[w + TOP]);
    for (let level = 1; level < depth; level++)
      bytes += Math.ceil(buckets / 2 ** (level * NODE_BITS)) * NODE_BYTES;
    return bytes;
  }

  /** Sees to it that all nodes on the way to the new last bucket exist. `at` is where the top stands. */
  private makeRoom(words: Int32Array, at: number, bucket: number, depth: number): void {
    const { slabs } = this;
    let node = words[at];
    const topPlace = bucket >>> ((depth - 1) * NODE_BITS);
    const capacity = slabs.capacity(node);
    if (topPlace * 4 >= capacity) {
      node = this.resizedNode(node, capacity * 2, topPlace);
      words[at] = node;
    }
    for (let level = depth - 1; level > 0; level--) {
      const shift = level * NODE_BITS;
      const place = wordIndex(node) + ((bucket >>> shift) & NODE_MASK);
      const nodeWords = wordsOf(slabs, node);
      if ((bucket & ((1 << shift) - 1)) === 0) nodeWords[place] = slabs.allocate(NODE_BYTES);
      node = nodeWords[place];
    }
  }

  /** Frees the nodes below the top whose first place was the one that `bucket` had. */
  private freeEmptied(top: number, bucket: number, depth: number): void {
    let node = top;
    for (let level = depth - 1; level > 0; level--) {
      const shift = level * NODE_BITS;
      const child = wordsOf(this.slabs, node)[wordIndex(node) + ((bucket >>> shift) & NODE_MASK)];
      if (node !== top && (bucket & ((1 << (shift + NODE_BITS)) - 1)) === 0) this.slabs.free(node);
      node = child;
    }
    if ((bucket & NODE_MASK) === 0) this.slabs.free(node);
  }

  /** A top node of which three quarters are free becomes half as large. */
  private shrinkTop(words: Int32Array, at: number, buckets: number, depth: number): void {
    const top = words[at];
    const used = ((buckets - 1) >>> ((depth - 1) * NODE_BITS)) + 1;
    const capacity = this.slabs.capacity(top);
    if (used * 16 > capacity || capacity === MIN_NODE_BYTES) return;
    words[at] = this.resizedNode(top, capacity / 2, used);
  }

  private resizedNode(node: number, bytes: number, used: number): number {
    const { slabs } = this;
    const resized = slabs.allocate(bytes);
    const from = wordsOf(slabs, node);
    const to = wordsOf(slabs, resized);
    for (let i = 0; i < used; i++) to[wordIndex(resized) + i] = from[wordIndex(node) + i];
    slabs.free(node);
    return resized;
  }
}

/** Levels of nodes above that number of buckets. */
function depthFor(buckets: number): number {
  if (buckets <= 1) return 0;
  if (buckets <= NODE_PLACES) return 1;
  return buckets <= NODE_PLACES * NODE_PLACES ? 2 : 3;
}
