/**
 * Growing and shrinking of an element table: which bucket a hash belongs to, when there are too few or too many
 * buckets, and how one is split or joined.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { BUCKET_HEADER_BYTES, elementsIn, lengthAt, setElementsIn, TableElement } from "./bucket.ts";
import { type BucketDirectory, MAX_BUCKETS } from "./bucket-directory.ts";
import { keepBucket } from "./frozen-buckets.ts";
import { BUCKETS, elementBytes, PAYLOAD_LENGTH, SIZE, wordIndex, wordsOf } from "./table-root.ts";

/**
 * Elements, and bytes of elements, that there may be for each bucket. Fewer are quicker to look through, and cost more
 * for directory and headers: with 16-byte keys, about 2 bytes for each element.
 */
const MAX_ELEMENTS = 12;
const MAX_BYTES = 256;
/** Removing an element leaves at most two buckets too many. */
const JOINS_AT_ONCE = 4;

/** The bucket, of `buckets`, that the elements with this hash are in. */
export function bucketOf(hash: number, buckets: number): number {
  const half = 1 << (31 - Math.clz32(buckets));
  const bucket = hash & (half - 1);
  return bucket < buckets - half ? hash & (2 * half - 1) : bucket;
}

/** How many bits of the hash tell the elements of bucket `bucket` from those of others. */
export function bitsOf(bucket: number, buckets: number): number {
  const level = 31 - Math.clz32(buckets);
  const half = 1 << level;
  return bucket >= half || bucket < buckets - half ? level + 1 : level;
}

/** Whether `buckets` are too few. `words[w]` is the root's first word. */
function areTooFew(buckets: number, words: Int32Array, w: number): boolean {
  const size = words[w + SIZE];
  if (buckets >= size || buckets === MAX_BUCKETS) return false;
  return size > buckets * MAX_ELEMENTS || elementBytes(words, w) > buckets * MAX_BYTES;
}

/** The number of buckets of a table of so many elements, which take so many bytes. */
export function bucketsFor(elements: number, bytes: number): number {
  const wanted = Math.max(Math.ceil(elements / MAX_ELEMENTS), Math.ceil(bytes / MAX_BYTES));
  return Math.min(wanted, elements, MAX_BUCKETS);
}

export class BucketSplitter {
  private readonly blocks: Blocks;
  private readonly keyHash: KeyHash;
  private readonly directory: BucketDirectory;
  private readonly element: TableElement;
  /** For each element of the bucket that is split: whether it goes to the new one. */
  private goes = new Uint8Array(256);

  constructor(blocks: Blocks, keyHash: KeyHash, directory: BucketDirectory) {
    this.blocks = blocks;
    this.keyHash = keyHash;
    this.directory = directory;
    this.element = new TableElement(blocks);
  }

  /**
   * Makes the number of buckets what the elements ask for; says whether it was another. It depends on the elements
   * alone, not on what was there before: so a table that is built again, from its elements in the order of its buckets,
   * has them in the same order.
   */
  fit(root: number): boolean {
    const words = wordsOf(this.blocks.slabs, root);
    const w = wordIndex(root);
    const before = words[w + BUCKETS];
    while (areTooFew(words[w + BUCKETS], words, w)) this.split(root);
    if (words[w + BUCKETS] !== before) return true;
    for (let joins = 0; joins < JOINS_AT_ONCE && words[w + BUCKETS] > 1; joins++) {
      if (areTooFew(words[w + BUCKETS] - 1, words, w)) break;
      this.join(root);
    }
    return words[w + BUCKETS] !== before;
  }

  /** Adds a bucket, and gives it those elements of an older one that now belong there. */
  private split(root: number): void {
    const { blocks, directory } = this;
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    const buckets = words[w + BUCKETS];
    const tablePayload = words[w + PAYLOAD_LENGTH];
    if (buckets === 0) {
      directory.append(root, 0);
      return;
    }
    const bit = 1 << (31 - Math.clz32(buckets));
    const old = directory.locate(root, buckets - bit);
    const goingBytes = old === 0 ? 0 : this.sort(old, bit, tablePayload);
    if (goingBytes === 0) {
      directory.append(root, 0);
      return;
    }
    const stayingBytes = blocks.length(old) - BUCKET_HEADER_BYTES - goingBytes;
    if (stayingBytes === 0) {
      directory.replaceLocated(0);
      directory.append(root, old);
      return;
    }
    if (blocks.frozen.count > 0) keepBucket(blocks, old, tablePayload);
    const staying = blocks.allocateLoosely(BUCKET_HEADER_BYTES + stayingBytes);
    const going = blocks.allocateLoosely(BUCKET_HEADER_BYTES + goingBytes);
    this.distribute(old, staying, going, tablePayload);
    blocks.free(old);
    directory.replaceLocated(staying);
    directory.append(root, going);
  }

  /** Finds out which elements have `bit` in their hashes; returns the bytes that these take. */
  private sort(bucket: number, bit: number, tablePayload: number): number {
    const { blocks, element, keyHash } = this;
    const bytes = blocks.buffer(bucket);
    const start = blocks.start(bucket);
    const end = start + blocks.length(bucket);
    const elements = elementsIn(bytes, start);
    if (elements > this.goes.length) this.goes = new Uint8Array(2 * elements);
    const { goes } = this;
    let goingBytes = 0;
    let i = 0;
    for (let at = start + BUCKET_HEADER_BYTES; at < end; i++) {
      const length = element.read(bytes, at, tablePayload);
      const hash = keyHash.of(element.buffer, element.keyStart, element.keyLength);
      goes[i] = (hash & bit) === 0 ? 0 : 1;
      if (goes[i] === 1) goingBytes += length;
      at += length;
    }
    return goingBytes;
  }

  private distribute(from: number, staying: number, going: number, tablePayload: number): void {
    const { blocks, goes } = this;
    const bytes = blocks.buffer(from);
    const start = blocks.start(from);
    const end = start + blocks.length(from);
    const stayingBytes = blocks.buffer(staying);
    const goingBytes = blocks.buffer(going);
    let stays = blocks.start(staying) + BUCKET_HEADER_BYTES;
    let leaves = blocks.start(going) + BUCKET_HEADER_BYTES;
    let gone = 0;
    let i = 0;
    for (let at = start + BUCKET_HEADER_BYTES; at < end; i++) {
      const length = lengthAt(bytes, at, tablePayload);
      if (goes[i] === 0) {
        copyBytes(bytes, at, stayingBytes, stays, length);
        stays += length;
      } else {
        copyBytes(bytes, at, goingBytes, leaves, length);
        leaves += length;
        gone++;
      }
      at += length;
    }
    setElementsIn(stayingBytes, blocks.start(staying), i - gone);
    setElementsIn(goingBytes, blocks.start(going), gone);
  }

  /** Takes the last bucket away; its elements go back to the one that it was split from. */
  private join(root: number): void {
    const { blocks, directory } = this;
    const last = directory.removeLast(root);
    if (last === 0) return;
    const buckets = wordsOf(blocks.slabs, root)[wordIndex(root) + BUCKETS];
    const partner = directory.locate(root, buckets - (1 << (31 - Math.clz32(buckets))));
    if (partner === 0) {
      directory.replaceLocated(last);
      return;
    }
    if (blocks.frozen.count > 0) {
      const tablePayload = wordsOf(blocks.slabs, root)[wordIndex(root) + PAYLOAD_LENGTH];
      keepBucket(blocks, partner, tablePayload);
      keepBucket(blocks, last, tablePayload);
    }
    const length = blocks.length(partner);
    const added = blocks.length(last) - BUCKET_HEADER_BYTES;
    const joined = blocks.resize(partner, length + added);
    const bytes = blocks.buffer(joined);
    const start = blocks.start(joined);
    const lastBytes = blocks.buffer(last);
    const lastStart = blocks.start(last);
    copyBytes(lastBytes, lastStart + BUCKET_HEADER_BYTES, bytes, start + length, added);
    setElementsIn(bytes, start, elementsIn(bytes, start) + elementsIn(lastBytes, lastStart));
    blocks.free(last);
    directory.replaceLocated(joined);
  }

  /** Gives an empty table the least number of buckets that so many elements ask for, as more would not be right. */
  reserve(root: number, elements: number): void {
    const words = wordsOf(this.blocks.slabs, root);
    const wanted = Math.min(Math.ceil(elements / MAX_ELEMENTS), MAX_BUCKETS);
    while (words[wordIndex(root) + BUCKETS] < wanted) this.directory.append(root, 0);
  }
}
