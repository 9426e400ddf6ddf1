/**
 * Walking through element tables: all of one, or a part from a cursor on.
 */
import type { Blocks } from "../../memory/blocks.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { BUCKET_HEADER_BYTES, TableElement } from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bitsOf, bucketOf } from "./bucket-splitter.ts";
import { BUCKETS, PAYLOAD_LENGTH, wordIndex, wordsOf } from "./table-root.ts";

const TWO_32 = 0x1_0000_0000;
/** A scan ends after this number of buckets for each element asked for, in case most of them are empty. */
const BUCKETS_FOR_EACH = 10;

/**
 * Visits all elements of a table, which must not change meanwhile:
 *   walk.begin(root); while (walk.next()) walk.element ...
 */
export class ElementWalk {
  readonly element: TableElement;
  /** Where it lies: its bucket, and the place in the bucket's buffer. */
  reference = 0;
  at = 0;
  private readonly blocks: Blocks;
  private readonly directory: BucketDirectory;
  private root = 0;
  private buckets = 0;
  private tablePayload = 0;
  /** The next bucket. */
  private bucket = 0;
  private bytes!: Buffer;
  private nextAt = 0;
  private end = 0;

  constructor(blocks: Blocks) {
    this.blocks = blocks;
    this.element = new TableElement(blocks);
    this.directory = new BucketDirectory(blocks.slabs);
  }

  begin(root: number): void {
    const words = wordsOf(this.blocks.slabs, root);
    const w = wordIndex(root);
    this.root = root;
    this.buckets = words[w + BUCKETS];
    this.tablePayload = words[w + PAYLOAD_LENGTH];
    this.bucket = 0;
    this.nextAt = 0;
    this.end = 0;
  }

  /** Turns `element` to the next; false at the end. */
  next(): boolean {
    while (this.nextAt === this.end) {
      if (this.bucket === this.buckets) return false;
      this.enter(this.bucket++);
    }
    this.at = this.nextAt;
    this.nextAt += this.element.read(this.bytes, this.at, this.tablePayload);
    return true;
  }

  private enter(bucket: number): void {
    const { blocks } = this;
    const reference = this.directory.locate(this.root, bucket);
    if (reference === 0) return;
    this.reference = reference;
    this.bytes = blocks.buffer(reference);
    const start = blocks.start(reference);
    this.nextAt = start + BUCKET_HEADER_BYTES;
    this.end = start + blocks.length(reference);
  }

  /**
   * Visits `count` elements or a few more from position `cursor` on, and returns the cursor to go on from, 0 at the
   * end. A scan begins at 0; from 2^32 on there is nothing. Whatever else happens to the table between two calls, even
   * if it is freed and built again: an element that is there all the time is visited exactly once.
   */
  scan(
    root: number,
    cursor: number,
    count: number,
    keyHash: KeyHash,
    visit: (element: TableElement) => void,
  ): number {
    this.begin(root);
    const { buckets, element } = this;
    if (buckets === 0 || cursor >= TWO_32) return 0;
    let position = cursor;
    let visited = 0;
    for (let entered = 0; visited < count && entered < count * BUCKETS_FOR_EACH; entered++) {
      const bucket = bucketOf(reversed(position), buckets);
      const width = 2 ** (32 - bitsOf(bucket, buckets));
      // The cursor may be in the middle of a bucket that was two when it was given out.
      const isWhole = position % width === 0;
      this.enter(bucket);
      while (this.nextAt < this.end) {
        this.nextAt += element.read(this.bytes, this.nextAt, this.tablePayload);
        if (!isWhole && positionOf(keyHash, element) < position) continue;
        visit(element);
        visited++;
      }
      position = (Math.floor(position / width) + 1) * width;
      if (position >= TWO_32) return 0;
    }
    return position;
  }
}

/** The element's position in the order of scans. */
function positionOf(keyHash: KeyHash, element: TableElement): number {
  return reversed(keyHash.of(element.buffer, element.keyStart, element.keyLength)) >>> 0;
}

/** A 32-bit number with the order of its bits reversed. */
function reversed(bits: number): number {
  let x = bits | 0;
  x = ((x >>> 1) & 0x5555_5555) | ((x & 0x5555_5555) << 1);
  x = ((x >>> 2) & 0x3333_3333) | ((x & 0x3333_3333) << 2);
  x = ((x >>> 4) & 0x0f0f_0f0f) | ((x & 0x0f0f_0f0f) << 4);
  x = ((x >>> 8) & 0x00ff_00ff) | ((x & 0x00ff_00ff) << 8);
  return (x >>> 16) | (x << 16);
}
