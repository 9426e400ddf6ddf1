/**
 * A hash table of elements in slab memory: the members of a set, fields and values of a hash, members and scores of a
 * sorted set. An element is a key of any bytes and a payload (table-root.ts says of what length). One object of this
 * class works on all tables, each known by the address of its root; nothing is allocated on the JavaScript heap.
 *
 * How to use it:
 *   root = table.create(VARIABLE_PAYLOAD)
 *   if (table.find(root, buf, start, length)) table.element ...   // where key and payload lie
 *   else table.add(payloadLength)                                 // the key that was not found; then fill the payload
 *   after a find that succeeded: table.resizePayload(length), table.remove()
 *   table.set(root, key..., payload...), table.delete(root, key...)    // both at once
 * `element`, and what `add`, `resizePayload` and `remove` refer to, is what the last find (or add, open, resizePayload)
 * ended at, and ends with the next change of that table. The key's bytes must not change or move between find and add;
 * they may lie in another table. Who looks into two tables by turns takes two objects.
 * element-walk.ts walks through tables, random-elements.ts picks from them.
 *
 * Structure: linear hashing (W. Litwin, "Linear hashing: a new tool for file and table addressing", 1980). There are
 * N buckets (bucket.ts); with 2^level <= N < 2^(level+1), bucket i holds the elements whose hashes end with the `level`
 * bits of i, or `level` + 1 bits if i is among the first N - 2^level or the last N - 2^level. When all buckets together
 * are too full, the next one in turn is split in two, whether it is full itself or not: the new half becomes bucket N.
 * So the table grows by one bucket at a time, and no insertion takes longer than another; it shrinks the same way. The
 * directory (bucket-directory.ts) never grows beyond the number of buckets, whatever the elements' sizes.
 *
 * The order of the elements is that of their hashes with all bits reversed: bucket i is an interval in it, which only
 * ever splits and joins. That is what cursors of scans are positions in.
 */
import { copyBytes, sameBytes } from "../../base/byte-copy.ts";
import { type BlockPlace, type Blocks, OpenBlock } from "../../memory/blocks.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { splice } from "../packed-bytes.ts";
import {
  BLOCK_HEADER_BYTES,
  BUCKET_HEADER_BYTES,
  elementsIn,
  isOutside,
  lengthAt,
  OUTSIDE,
  OUTSIDE_BYTES,
  packedLength,
  REFERENCE_AT,
  readLines,
  referenceAt,
  setElementsIn,
  TAG_SHIFT,
  TableElement,
  writeElement,
} from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { BucketSplitter, bucketOf } from "./bucket-splitter.ts";
import { keepBucket } from "./frozen-buckets.ts";
import type { LookAhead } from "./look-ahead.ts";
import { TableBuilder } from "./table-builder.ts";
import {
  BUCKETS,
  createRoot,
  elementBytes,
  PAYLOAD_LENGTH,
  SIZE,
  setElementBytes,
  VARIABLE_PAYLOAD,
  wordIndex,
  wordsOf,
} from "./table-root.ts";

const NOT_FOUND = -1;

export class ElementTable {
  /** Where the element lies that was found or added last. */
  readonly element: TableElement;
  /** Makes tables of elements that are all known. */
  readonly builder: TableBuilder;
  /** Takes what was read for the sake of reading. */
  seen = 0;
  private readonly blocks: Blocks;
  private readonly keyHash: KeyHash;
  private readonly directory: BucketDirectory;
  private readonly splitter: BucketSplitter;
  private readonly bucket: OpenBlock;
  private readonly place: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };

  // What was searched last, and where the search ended.
  private root = 0;
  private key!: Buffer;
  private keyStart = 0;
  private keyLength = 0;
  private hash = 0;
  private reference = 0;
  /** Place of the element in its bucket's buffer. */
  private at = NOT_FOUND;

  constructor(blocks: Blocks, keyHash: KeyHash) {
    this.blocks = blocks;
    this.keyHash = keyHash;
    this.element = new TableElement(blocks);
    this.builder = new TableBuilder(blocks);
    this.directory = new BucketDirectory(blocks.slabs);
    this.splitter = new BucketSplitter(blocks, keyHash, this.directory);
    this.bucket = new OpenBlock(blocks, true);
  }

  /**
   * Root of a new, empty table. `payloadLength` is that of each element (0 to 254: 0 for sets), or VARIABLE_PAYLOAD.
   * Freed by disposeStep.
   */
  create(payloadLength: number): number {
    return createRoot(this.blocks.slabs, payloadLength);
  }

  /** Number of elements. */
  size(root: number): number {
    return wordsOf(this.blocks.slabs, root)[wordIndex(root) + SIZE];
  }

  /** Whether the key is there; then `element` is turned to it. */
  find(root: number, key: Buffer, start: number, length: number): boolean {
    return this.findHashed(root, this.keyHash.of(key, start, length), key, start, length);
  }

  /** The same for a key that is probably the one of which `ahead` has the next hash: to read or to remove it. */
  findAhead(root: number, ahead: LookAhead, key: Buffer, start: number, length: number): boolean {
    // In the bucket of another key's hash it is hardly found, and never another one in its place.
    if (ahead.hasNext) {
      if (this.findHashed(root, ahead.takeHash(), key, start, length)) return true;
      ahead.clear();
    }
    return this.find(root, key, start, length);
  }

  private findHashed(root: number, hash: number, key: Buffer, start: number, length: number): boolean {
    this.root = root;
    this.key = key;
    this.keyStart = start;
    this.keyLength = length;
    this.hash = hash;
    const words = wordsOf(this.blocks.slabs, root);
    const w = wordIndex(root);
    const buckets = words[w + BUCKETS];
    this.at = NOT_FOUND;
    this.reference = buckets === 0 ? 0 : this.directory.locate(root, bucketOf(hash, buckets));
    if (this.reference === 0) return false;
    return this.search(words[w + PAYLOAD_LENGTH]);
  }

  /** Looks through the bucket for the key. */
  private search(tablePayload: number): boolean {
    const { blocks, reference, key, keyStart, keyLength } = this;
    const tag = this.hash >>> TAG_SHIFT;
    const bytes = blocks.buffer(reference);
    const start = blocks.start(reference);
    const end = start + blocks.length(reference);
    const header = tablePayload === VARIABLE_PAYLOAD ? 3 : 2;
    this.seen = readLines(bytes, start, end);
    let at = start + BUCKET_HEADER_BYTES;
    while (at < end) {
      const length = bytes[at + 1];
      if (bytes[at] === tag) {
        const isSame =
          length === OUTSIDE
            ? this.isKeyOfBlock(referenceAt(bytes, at))
            : length === keyLength && sameBytes(bytes, at + header, key, keyStart, keyLength);
        if (isSame) {
          this.at = at;
          this.element.read(bytes, at, tablePayload);
          return true;
        }
      }
      if (length === OUTSIDE) at += OUTSIDE_BYTES;
      else at += header + length + (tablePayload === VARIABLE_PAYLOAD ? bytes[at + 2] : tablePayload);
    }
    return false;
  }

  private isKeyOfBlock(reference: number): boolean {
    const { blocks, key, keyStart, keyLength } = this;
    const bytes = blocks.buffer(reference);
    const start = blocks.start(reference);
    if (bytes.readInt32LE(start) !== keyLength) return false;
    const from = start + BLOCK_HEADER_BYTES;
    return bytes.compare(key, keyStart, keyStart + keyLength, from, from + keyLength) === 0;
  }

  /**
   * Adds the key that the last find has not found, with a payload of `payloadLength` bytes (which must be the table's,
   * if it has one). `element` is turned to it, and the payload is to be filled.
   */
  add(payloadLength: number): void {
    const { root, keyLength, blocks, bucket } = this;
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    const tablePayload = words[w + PAYLOAD_LENGTH];
    const length = packedLength(keyLength, payloadLength, tablePayload);
    words[w + SIZE]++;
    this.count(words, w, length);
    // Before the place is used, as the key's bucket may be the one that is split.
    if (this.splitter.fit(root))
      this.reference = this.directory.locate(root, bucketOf(this.hash, words[w + BUCKETS]));
    let at: number = BUCKET_HEADER_BYTES;
    if (this.reference === 0) {
      bucket.open(blocks.allocate(BUCKET_HEADER_BYTES + length));
      setElementsIn(bucket.buffer, bucket.start, 1);
    } else {
      if (blocks.frozen.count > 0) keepBucket(blocks, this.reference, tablePayload);
      bucket.open(this.reference);
      at = bucket.length;
      bucket.resize(at + length);
      setElementsIn(bucket.buffer, bucket.start, elementsIn(bucket.buffer, bucket.start) + 1);
    }
    this.putBucket();
    this.at = bucket.start + at;
    this.place.buffer = bucket.buffer;
    const { key, keyStart } = this;
    writeElement(
      blocks,
      this.place,
      this.at,
      this.hash,
      key,
      keyStart,
      keyLength,
      payloadLength,
      tablePayload,
    );
    this.element.read(bucket.buffer, this.at, tablePayload);
  }

  /** Gives the payload of the element that was found another length; its bytes are to be filled anew. */
  resizePayload(payloadLength: number): void {
    const { element, blocks, bucket, keyLength } = this;
    const before = element.payloadLength;
    if (blocks.frozen.count > 0) this.keepFound(isOutside(keyLength, before));
    if (before === payloadLength) return;
    const isNowOutside = isOutside(keyLength, payloadLength);
    if (isOutside(keyLength, before) !== isNowOutside) {
      // The key's bytes that were given to find lie outside the table: see above.
      this.remove();
      this.find(this.root, this.key, this.keyStart, keyLength);
      this.add(payloadLength);
      return;
    }
    bucket.open(this.reference);
    if (isNowOutside) {
      const block = referenceAt(bucket.buffer, this.at);
      const resized = blocks.resize(block, BLOCK_HEADER_BYTES + keyLength + payloadLength);
      if (resized !== block) bucket.buffer.writeInt32LE(resized, this.at + REFERENCE_AT);
    } else {
      const offset = this.at - bucket.start;
      splice(bucket, offset + 3 + keyLength, before, payloadLength);
      this.putBucket();
      this.at = bucket.start + offset;
      bucket.buffer[this.at + 2] = payloadLength;
      this.count(wordsOf(blocks.slabs, this.root), wordIndex(this.root), payloadLength - before);
      if (this.splitter.fit(this.root)) {
        this.find(this.root, this.key, this.keyStart, keyLength);
        return;
      }
    }
    element.read(bucket.buffer, this.at, VARIABLE_PAYLOAD);
  }

  /** Before the element that was found changes: see frozen-buckets.ts. */
  private keepFound(isInBlock: boolean): void {
    const { blocks, reference, root } = this;
    keepBucket(blocks, reference, wordsOf(blocks.slabs, root)[wordIndex(root) + PAYLOAD_LENGTH]);
    if (isInBlock) blocks.frozen.beforeChange(referenceAt(blocks.buffer(reference), this.at));
  }

  /** Removes the element that was found. */
  remove(): void {
    const { root, blocks, bucket } = this;
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    if (blocks.frozen.count > 0) keepBucket(blocks, this.reference, words[w + PAYLOAD_LENGTH]);
    bucket.open(this.reference);
    const length = lengthAt(bucket.buffer, this.at, words[w + PAYLOAD_LENGTH]);
    if (bucket.buffer[this.at + 1] === OUTSIDE) blocks.free(referenceAt(bucket.buffer, this.at));
    const left = elementsIn(bucket.buffer, bucket.start) - 1;
    if (left === 0) {
      blocks.free(this.reference);
      this.directory.replaceLocated(0);
    } else {
      setElementsIn(bucket.buffer, bucket.start, left);
      splice(bucket, this.at - bucket.start, length, 0);
      this.putBucket();
    }
    this.at = NOT_FOUND;
    words[w + SIZE]--;
    this.count(words, w, -length);
    this.splitter.fit(root);
  }

  /** Sets a key's payload, and adds the key if it is not there; says whether it was added. */
  set(
    root: number,
    key: Buffer,
    start: number,
    length: number,
    payload: Buffer,
    payloadStart: number,
    payloadLength: number,
  ): boolean {
    const isNew = !this.find(root, key, start, length);
    if (isNew) this.add(payloadLength);
    else this.resizePayload(payloadLength);
    const { element } = this;
    copyBytes(payload, payloadStart, element.buffer, element.payloadStart, payloadLength);
    return isNew;
  }

  /** Removes a key; says whether it was there. */
  delete(root: number, key: Buffer, start: number, length: number): boolean {
    if (!this.find(root, key, start, length)) return false;
    this.remove();
    return true;
  }

  /** Number of buckets; elements are numbered within theirs. */
  buckets(root: number): number {
    return wordsOf(this.blocks.slabs, root)[wordIndex(root) + BUCKETS];
  }

  /** Number of elements in a bucket. */
  elementsOf(root: number, bucket: number): number {
    const reference = this.directory.locate(root, bucket);
    if (reference === 0) return 0;
    return elementsIn(this.blocks.buffer(reference), this.blocks.start(reference));
  }

  /** Turns to the `index`th element of a bucket, as if it had just been found: only `remove` may follow. */
  open(root: number, bucket: number, index: number): void {
    const { blocks } = this;
    const tablePayload = wordsOf(blocks.slabs, root)[wordIndex(root) + PAYLOAD_LENGTH];
    this.root = root;
    this.reference = this.directory.locate(root, bucket);
    const bytes = blocks.buffer(this.reference);
    let at = blocks.start(this.reference) + BUCKET_HEADER_BYTES;
    for (let i = 0; i < index; i++) at += lengthAt(bytes, at, tablePayload);
    this.at = at;
    this.element.read(bytes, at, tablePayload);
  }

  /** Prepares an empty table for that number of elements: with fewer it would be too large. */
  reserve(root: number, elements: number): void {
    this.splitter.reserve(root, elements);
  }

  /** Frees about `limit` blocks; true when all of the table is freed, the root too. */
  disposeStep(root: number, limit: number): boolean {
    const { blocks } = this;
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    for (let freed = 0; words[w + BUCKETS] > 0; freed++) {
      if (freed >= limit) return false;
      const reference = this.directory.removeLast(root);
      if (reference !== 0) freed += this.freeBucket(reference, words[w + PAYLOAD_LENGTH]);
    }
    blocks.slabs.free(root);
    return true;
  }

  /** Frees a bucket and the blocks it refers to; returns how many these were. */
  private freeBucket(reference: number, tablePayload: number): number {
    const { blocks } = this;
    if (blocks.frozen.count > 0) keepBucket(blocks, reference, tablePayload);
    const bytes = blocks.buffer(reference);
    const start = blocks.start(reference);
    const end = start + blocks.length(reference);
    let freed = 0;
    for (let at = start + BUCKET_HEADER_BYTES; at < end; at += lengthAt(bytes, at, tablePayload)) {
      if (bytes[at + 1] !== OUTSIDE) continue;
      blocks.free(referenceAt(bytes, at));
      freed++;
    }
    blocks.free(reference);
    return freed;
  }

  /** Root of a copy. */
  copy(root: number): number {
    const { slabs } = this.blocks;
    const words = wordsOf(slabs, root);
    const w = wordIndex(root);
    const tablePayload = words[w + PAYLOAD_LENGTH];
    const copy = this.create(tablePayload);
    for (let bucket = 0; bucket < words[w + BUCKETS]; bucket++) {
      const reference = this.directory.locate(root, bucket);
      this.directory.append(copy, reference === 0 ? 0 : this.copyBucket(reference, tablePayload));
    }
    const copyWords = wordsOf(slabs, copy);
    copyWords[wordIndex(copy) + SIZE] = words[w + SIZE];
    setElementBytes(copyWords, wordIndex(copy), elementBytes(words, w));
    return copy;
  }

  private copyBucket(reference: number, tablePayload: number): number {
    const copy = this.copyBlock(reference);
    const bytes = this.blocks.buffer(copy);
    const start = this.blocks.start(copy);
    const end = start + this.blocks.length(copy);
    for (let at = start + BUCKET_HEADER_BYTES; at < end; at += lengthAt(bytes, at, tablePayload)) {
      if (bytes[at + 1] !== OUTSIDE) continue;
      bytes.writeInt32LE(this.copyBlock(referenceAt(bytes, at)), at + REFERENCE_AT);
    }
    return copy;
  }

  private copyBlock(reference: number): number {
    const { blocks } = this;
    const length = blocks.length(reference);
    const copy = blocks.allocate(length);
    copyBytes(
      blocks.buffer(reference),
      blocks.start(reference),
      blocks.buffer(copy),
      blocks.start(copy),
      length,
    );
    return copy;
  }

  /** Bytes of memory that the table takes, by the sizes of about `samples` elements (0: of all). */
  sizeBytes(root: number, samples: number): number {
    const { slabs } = this.blocks;
    const buckets = this.buckets(root);
    let bytes = 0;
    let looked = 0;
    let bucket = 0;
    for (; bucket < buckets && (samples === 0 || looked < samples); bucket++) {
      const reference = this.directory.locate(root, bucket);
      if (reference === 0) continue;
      bytes += this.bucketSizeBytes(reference, wordsOf(slabs, root)[wordIndex(root) + PAYLOAD_LENGTH]);
      looked += elementsIn(this.blocks.buffer(reference), this.blocks.start(reference));
    }
    const perElement = looked === 0 ? 0 : bytes / looked;
    const elements = bucket < buckets ? Math.round(perElement * this.size(root)) : bytes;
    return slabs.capacity(root) + this.directory.sizeBytes(root) + elements;
  }

  private bucketSizeBytes(reference: number, tablePayload: number): number {
    const { blocks } = this;
    const bytes = blocks.buffer(reference);
    const start = blocks.start(reference);
    const end = start + blocks.length(reference);
    let size = blocks.sizeBytes(reference);
    for (let at = start + BUCKET_HEADER_BYTES; at < end; at += lengthAt(bytes, at, tablePayload))
      if (bytes[at + 1] === OUTSIDE) size += blocks.sizeBytes(referenceAt(bytes, at));
    return size;
  }

  /** Puts the open bucket's reference where the search ended. */
  private putBucket(): void {
    if (this.bucket.reference === this.reference) return;
    this.reference = this.bucket.reference;
    this.directory.replaceLocated(this.reference);
  }

  private count(words: Int32Array, w: number, bytes: number): void {
    setElementBytes(words, w, elementBytes(words, w) + bytes);
  }
}
