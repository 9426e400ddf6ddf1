/**
 * Goes through one element table and says of each element whether another table has the same key: for intersections
 * and differences of large values. No key is hashed for that, as the elements of both tables are in the same order,
 * the one of their hashes (element-table.ts).
 *
 * With 2^g buckets in the table that has fewer, or up to twice as many, buckets i, i + 2^g, i + 2 * 2^g ... of either
 * table hold the elements whose hashes end with the g bits of i: group i. The elements of the other table's group are
 * noted by their tags; then those of this table's are looked up among them. Two buckets are mostly a group, so that
 * memory is waited for twice for a dozen elements.
 *
 *   join.begin(root, other)
 *   while (join.next()) join.element, join.isMatched, join.match ...
 *
 * Neither table may change meanwhile.
 */
import { sameBytes } from "../../base/byte-copy.ts";
import { grown } from "../../base/grown-array.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { BUCKET_HEADER_BYTES, lengthAt, readLines, TAG_SHIFT, TableElement } from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { BUCKETS, PAYLOAD_LENGTH, SIZE, wordIndex, wordsOf } from "./table-root.ts";

/** Noting so many elements of the other table costs no more than to look one up by its hash. */
const NOTED_FOR_A_LOOKUP = 16;
const TAGS = 2 ** (32 - TAG_SHIFT);
/** Most groups have fewer elements. */
const USUAL_GROUP = 64;
const NONE = -1;

export class TableJoin {
  /** The present element. */
  readonly element: TableElement;
  /** Whether the other table has its key. Then `match` is the element there. */
  isMatched = false;
  readonly match: TableElement;
  /** Where the present element lies: its bucket, and the place in the bucket's buffer. */
  reference = 0;
  at = 0;
  private readonly blocks: Blocks;
  private readonly directory: BucketDirectory;
  private root = 0;
  private buckets = 0;
  private tablePayload = 0;
  private otherRoot = 0;
  private otherBuckets = 0;
  private otherPayload = 0;
  private groups = 0;
  /** The bucket that is entered next; it belongs to group `group`, or else that has come to its end. */
  private group = 0;
  private bucket = 0;
  // What is left of the bucket.
  private bytes!: Buffer;
  private nextAt = 0;
  private end = 0;
  /**
   * Elements of the other table are numbered as they are noted, all those of the group from `first` on. Of each tag:
   * the last element; of each element of the group: where it lies, and the last one before it with the same tag. What
   * is before the group does not count, so nothing has to be cleared.
   */
  private first = 0;
  private noted = 0;
  private readonly lastOf = new Int32Array(TAGS);
  private references = new Int32Array(USUAL_GROUP);
  private places = new Int32Array(USUAL_GROUP);
  private earlier = new Int32Array(USUAL_GROUP);
  /** Takes what was read for the sake of reading. */
  seen = 0;

  constructor(blocks: Blocks) {
    this.blocks = blocks;
    this.element = new TableElement(blocks);
    this.match = new TableElement(blocks);
    this.directory = new BucketDirectory(blocks.slabs);
  }

  /** Whether going through both tables costs less than looking up each element of the first in the other. */
  isCheaper(root: number, otherRoot: number): boolean {
    const { slabs } = this.blocks;
    const size = wordsOf(slabs, root)[wordIndex(root) + SIZE];
    return wordsOf(slabs, otherRoot)[wordIndex(otherRoot) + SIZE] <= size * NOTED_FOR_A_LOOKUP;
  }

  /** Goes to before the first element. */
  begin(root: number, otherRoot: number): void {
    const { slabs } = this.blocks;
    const words = wordsOf(slabs, root);
    const otherWords = wordsOf(slabs, otherRoot);
    this.root = root;
    this.buckets = words[wordIndex(root) + BUCKETS];
    this.tablePayload = words[wordIndex(root) + PAYLOAD_LENGTH];
    this.otherRoot = otherRoot;
    this.otherBuckets = otherWords[wordIndex(otherRoot) + BUCKETS];
    this.otherPayload = otherWords[wordIndex(otherRoot) + PAYLOAD_LENGTH];
    const fewer = Math.max(1, Math.min(this.buckets, this.otherBuckets));
    this.groups = 1 << (31 - Math.clz32(fewer));
    this.group = NONE;
    this.bucket = this.buckets;
    this.nextAt = 0;
    this.end = 0;
    this.noted = 0;
    this.lastOf.fill(NONE);
  }

  /** Turns to the next element; false at the end. */
  next(): boolean {
    while (this.nextAt === this.end) if (!this.enterBucket()) return false;
    this.at = this.nextAt;
    this.nextAt += this.element.read(this.bytes, this.at, this.tablePayload);
    this.isMatched = this.find(this.bytes[this.at]);
    return true;
  }

  /** Goes to the next bucket, which may be empty; false if there is none. */
  private enterBucket(): boolean {
    if (this.bucket >= this.buckets) {
      if (++this.group >= Math.min(this.groups, this.buckets)) return false;
      this.bucket = this.group;
      this.noteGroup();
    }
    const { blocks } = this;
    this.reference = this.directory.locate(this.root, this.bucket);
    this.bucket += this.groups;
    if (this.reference === 0) return true;
    this.bytes = blocks.buffer(this.reference);
    const start = blocks.start(this.reference);
    this.nextAt = start + BUCKET_HEADER_BYTES;
    this.end = start + blocks.length(this.reference);
    this.seen = readLines(this.bytes, start, this.end);
    return true;
  }

  private noteGroup(): void {
    const { blocks, directory, groups, otherBuckets, otherPayload, otherRoot } = this;
    this.first = this.noted;
    for (let bucket = this.group; bucket < otherBuckets; bucket += groups) {
      const reference = directory.locate(otherRoot, bucket);
      if (reference === 0) continue;
      const bytes = blocks.buffer(reference);
      const start = blocks.start(reference);
      const end = start + blocks.length(reference);
      this.seen = readLines(bytes, start, end);
      for (let at = start + BUCKET_HEADER_BYTES; at < end; at += lengthAt(bytes, at, otherPayload))
        this.note(bytes[at], reference, at);
    }
  }

  private note(tag: number, reference: number, at: number): void {
    const { lastOf } = this;
    const i = this.noted - this.first;
    if (i === this.places.length) this.growGroup();
    this.references[i] = reference;
    this.places[i] = at;
    this.earlier[i] = lastOf[tag];
    lastOf[tag] = this.noted++;
  }

  private growGroup(): void {
    const elements = 2 * this.places.length;
    this.references = grown(this.references, new Int32Array(elements));
    this.places = grown(this.places, new Int32Array(elements));
    this.earlier = grown(this.earlier, new Int32Array(elements));
  }

  /** Looks for the present element's key in the other table's group. */
  private find(tag: number): boolean {
    const { blocks, element, first, match } = this;
    for (let number = this.lastOf[tag]; number >= first; number = this.earlier[number - first]) {
      const reference = this.references[number - first];
      match.read(blocks.buffer(reference), this.places[number - first], this.otherPayload);
      if (
        match.keyLength === element.keyLength &&
        sameBytes(match.buffer, match.keyStart, element.buffer, element.keyStart, element.keyLength)
      )
        return true;
    }
    return false;
  }
}
