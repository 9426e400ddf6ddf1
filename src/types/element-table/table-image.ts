/**
 * The elements of a table as they are when the image is made, read bucket by bucket while the table changes:
 *
 *     const image = new TableImage(blocks, root);
 *     while (!image.freezeStep());                               the table may change then
 *     while (image.nextBucket()) while (image.next()) image.element ...
 *
 * No command may run between two elements of a bucket. All buckets must be read, or all frozen blocks be given up.
 */
import type { BlockPlace, Blocks } from "../../memory/blocks.ts";
import { FrozenRun } from "../../memory/frozen-blocks.ts";
import { BLOCKS_PER_STEP } from "../packed-parts.ts";
import { BUCKET_HEADER_BYTES, OUTSIDE, OUTSIDE_BYTES, referenceAt, TableElement } from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { outsideOf } from "./frozen-buckets.ts";
import { BUCKETS, PAYLOAD_LENGTH, SIZE, wordIndex, wordsOf } from "./table-root.ts";

/** How many blocks an image freezes at most: the buckets. */
export function bucketsOf({ slabs }: Blocks, root: number): number {
  return wordsOf(slabs, root)[wordIndex(root) + BUCKETS];
}

export class TableImage {
  /** Number of elements. */
  readonly size: number;
  readonly element: TableElement;
  private readonly blocks: Blocks;
  private readonly tablePayload: number;
  private readonly root: number;
  private readonly buckets: number;
  private readonly directory: BucketDirectory;
  /** The next that is to be frozen. */
  private bucket = 0;
  private readonly run: FrozenRun;
  private readonly place: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };
  private at = 0;
  private end = 0;

  constructor(blocks: Blocks, root: number) {
    const words = wordsOf(blocks.slabs, root);
    const w = wordIndex(root);
    this.size = words[w + SIZE];
    this.element = new TableElement(blocks);
    this.blocks = blocks;
    this.tablePayload = words[w + PAYLOAD_LENGTH];
    this.root = root;
    this.buckets = words[w + BUCKETS];
    this.directory = new BucketDirectory(blocks.slabs);
    this.run = new FrozenRun(blocks.frozen, this.buckets);
  }

  /** Freezes some buckets; true when that was all. The table must not change before. */
  freezeStep(): boolean {
    const { buckets, directory, root, run } = this;
    const end = Math.min(buckets, this.bucket + BLOCKS_PER_STEP);
    for (; this.bucket < end; this.bucket++) {
      const reference = directory.locate(root, this.bucket);
      if (reference !== 0) run.add(reference);
    }
    return end === buckets;
  }

  /** Turns to the next bucket that is not empty; false at the end. */
  nextBucket(): boolean {
    const { run } = this;
    this.releaseOutside();
    if (!run.next()) return false;
    this.at = run.start + BUCKET_HEADER_BYTES;
    this.end = run.start + run.length;
    return true;
  }

  /** What is frozen because the present bucket was kept, be it after it was read. */
  private releaseOutside(): void {
    const { place, run, tablePayload } = this;
    const { frozen } = this.blocks;
    if (run.reference === 0 || !frozen.isKept(run.reference)) return;
    const length = frozen.locate(run.reference, place);
    for (const reference of outsideOf(place.buffer, place.start, length, tablePayload))
      frozen.release(reference);
  }

  /** Turns to the next element of the bucket; false at its end. */
  next(): boolean {
    const { at, element, end, place, tablePayload } = this;
    if (at === end) return false;
    const { buffer } = this.run;
    if (buffer[at + 1] === OUTSIDE) {
      const length = this.blocks.frozen.locate(referenceAt(buffer, at), place);
      element.readOutside(place.buffer, place.start, length);
      this.at += OUTSIDE_BYTES;
    } else {
      this.at += element.read(buffer, at, tablePayload);
    }
    return true;
  }
}
