/**
 * A table as it is when all of it is frozen: its elements are found by their keys, and walked through, while it
 * changes. Unlike those of a TableImage its blocks stay frozen until the end:
 *
 *     const table = new FrozenTable(blocks, keyHash, root);
 *     while (!table.freezeStep());                               the table may change then
 *     if (table.find(...)) table.element ...                      until a command runs
 *     yield* table.release();                                     or all frozen blocks must be given up
 */
import { sameBytes } from "../../base/byte-copy.ts";
import type { BlockPlace, Blocks } from "../../memory/blocks.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { BLOCKS_PER_STEP } from "../packed-parts.ts";
import { BUCKET_HEADER_BYTES, lengthAt, OUTSIDE, referenceAt, TAG_SHIFT, TableElement } from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bucketOf } from "./bucket-splitter.ts";
import { outsideOf } from "./frozen-buckets.ts";
import { BUCKETS, PAYLOAD_LENGTH, wordIndex, wordsOf } from "./table-root.ts";

/** Buckets that are walked through in one step. */
const BUCKETS_PER_STEP = 32;

export class FrozenTable {
  readonly element: TableElement;
  private readonly blocks: Blocks;
  private readonly keyHash: KeyHash;
  private readonly root: number;
  private readonly tablePayload: number;
  private readonly directory: BucketDirectory;
  /** By bucket; 0 if it is empty. */
  private readonly references: Int32Array;
  private frozen = 0;
  private readonly bucket: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };
  private readonly outside: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };

  constructor(blocks: Blocks, keyHash: KeyHash, root: number) {
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    this.element = new TableElement(blocks);
    this.blocks = blocks;
    this.keyHash = keyHash;
    this.root = root;
    this.tablePayload = words[w + PAYLOAD_LENGTH];
    this.directory = new BucketDirectory(blocks.slabs);
    this.references = new Int32Array(words[w + BUCKETS]);
  }

  /** Freezes some buckets; true when that was all. The table must not change before. */
  freezeStep(): boolean {
    const { blocks, directory, references, root } = this;
    const end = Math.min(references.length, this.frozen + BLOCKS_PER_STEP);
    for (; this.frozen < end; this.frozen++) {
      const reference = directory.locate(root, this.frozen);
      references[this.frozen] = reference;
      if (reference !== 0) blocks.frozen.freeze(reference);
    }
    return end === references.length;
  }

  /** Whether the key was there; then `element` is turned to it. */
  find(key: Buffer, start: number, length: number): boolean {
    const { bucket, element, references, tablePayload } = this;
    if (references.length === 0) return false;
    const hash = this.keyHash.of(key, start, length);
    const tag = hash >>> TAG_SHIFT;
    const end = this.open(references[bucketOf(hash, references.length)]);
    const { buffer: bytes } = bucket;
    for (let at = bucket.start; at < end; at += lengthAt(bytes, at, tablePayload)) {
      if (bytes[at] !== tag) continue;
      this.turnTo(at);
      const { buffer, keyLength, keyStart } = element;
      if (keyLength === length && sameBytes(buffer, keyStart, key, start, length)) return true;
    }
    return false;
  }

  /** Turns `element` to each element, and calls `look`; some with each step. */
  *walk(look: () => void): Generator<void, void> {
    const { bucket, references, tablePayload } = this;
    for (const [i, reference] of references.entries()) {
      const end = this.open(reference);
      for (let at = bucket.start; at < end; at += lengthAt(bucket.buffer, at, tablePayload)) {
        this.turnTo(at);
        look();
      }
      if (i % BUCKETS_PER_STEP === BUCKETS_PER_STEP - 1) yield;
    }
  }

  /** Nobody will look at it any more; some blocks are let go with each step. */
  *release(): Generator<void, void> {
    const { bucket, references, tablePayload } = this;
    const { frozen } = this.blocks;
    for (const [i, reference] of references.entries()) {
      if (reference === 0) continue;
      if (frozen.isKept(reference)) {
        const length = frozen.locate(reference, bucket);
        for (const block of outsideOf(bucket.buffer, bucket.start, length, tablePayload))
          frozen.release(block);
      }
      frozen.release(reference);
      if (i % BLOCKS_PER_STEP === BLOCKS_PER_STEP - 1) yield;
    }
  }

  /** Turns to the elements of a bucket, from `bucket.start` on; returns where they end. */
  private open(reference: number): number {
    const { bucket } = this;
    if (reference === 0) return bucket.start;
    const length = this.blocks.frozen.locate(reference, bucket);
    const end = bucket.start + length;
    bucket.start += BUCKET_HEADER_BYTES;
    return end;
  }

  private turnTo(at: number): void {
    const { buffer } = this.bucket;
    if (buffer[at + 1] !== OUTSIDE) {
      this.element.read(buffer, at, this.tablePayload);
      return;
    }
    const { outside } = this;
    const length = this.blocks.frozen.locate(referenceAt(buffer, at), outside);
    this.element.readOutside(outside.buffer, outside.start, length);
  }
}
