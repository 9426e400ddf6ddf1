/**
 * Asks memory for the buckets of keys that will be looked up soon, for all of them at once: in a table larger than the
 * processor's caches each look waits for memory several times, and one after the other these waits add up. What
 * server/prefetch.ts is for keys, this is for elements. ElementTable.findAhead is for their turn.
 */
import type { Slabs } from "../../memory/slabs.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bucketOf } from "./bucket-splitter.ts";
import { BUCKETS, SIZE, wordIndex, wordsOf } from "./table-root.ts";

/** About so many reads the processor has under way at a time. */
const KEYS_AHEAD = 8;
/** Longer keys take more time to hash than the reading can save. */
const MAX_KEY_BYTES = 256;
/** Smaller tables are in the processor's caches anyway. */
const MIN_ELEMENTS = 10_000;
/** Of a line of the processor's cache. */
const LINE_WORDS = 16;
/** Most buckets are no longer: see bucket-splitter.ts. */
const BUCKET_WORDS = 5 * LINE_WORDS;

export class LookAhead {
  /** Takes what was read for the sake of reading. */
  seen = 0;
  private readonly slabs: Slabs;
  private readonly directory: BucketDirectory;
  private readonly hashes = new Int32Array(KEYS_AHEAD);
  private readonly references = new Int32Array(KEYS_AHEAD);
  private noted = 0;
  /** Those before it have had their turn. */
  private next = 0;

  constructor(slabs: Slabs) {
    this.slabs = slabs;
    this.directory = new BucketDirectory(slabs);
  }

  /** Whether no hash is left, and it would gain something to note keys of the table with this root. */
  isWanted(root: number): boolean {
    if (this.next < this.noted) return false;
    return wordsOf(this.slabs, root)[wordIndex(root) + SIZE] >= MIN_ELEMENTS;
  }

  /** Forgets the hashes that are left. */
  clear(): void {
    this.noted = 0;
    this.next = 0;
  }

  /** Whether a key of that length can be noted. */
  hasRoom(length: number): boolean {
    return this.noted < KEYS_AHEAD && length <= MAX_KEY_BYTES;
  }

  /** Notes the hash of the key that comes next. */
  note(hash: number): void {
    this.hashes[this.noted++] = hash;
  }

  /** Reads the buckets, in the table with this root, of all keys that were noted. */
  load(root: number): void {
    const { slabs, directory, hashes, references, noted } = this;
    const buckets = wordsOf(slabs, root)[wordIndex(root) + BUCKETS];
    for (let i = 0; i < noted; i++) references[i] = directory.locate(root, bucketOf(hashes[i], buckets));
    let seen = 0;
    for (let i = 0; i < noted; i++) {
      const words = wordsOf(slabs, references[i]);
      const first = wordIndex(references[i]);
      const end = Math.min(first + BUCKET_WORDS, words.length);
      for (let w = first; w < end; w += LINE_WORDS) seen |= words[w];
    }
    this.seen = seen;
  }

  get hasNext(): boolean {
    return this.next < this.noted;
  }

  takeHash(): number {
    return this.hashes[this.next++];
  }
}
