/**
 * Makes an element table of elements that are all known: each bucket is allocated once, as long as it has to be, and
 * nothing is searched for or moved. The keys must be distinct; the code that unpacks a value ensures that, and knows
 * their hashes from that.
 *
 *   const noted = new NotedElements(count, payloadLength)
 *   noted.add(hash, keyLength, payloadLength)               of each element
 *   builder.begin(root, noted)                              the root of an empty table
 *   builder.add(key, start, length, payloadLength)          of the same elements, in the same order
 *   builder.buffer, builder.payloadStart                    where the payload goes that is to be filled now
 *
 * The elements of a bucket lie in the order in which they come, as if they had been added one by one.
 */
import { grown } from "../../base/grown-array.ts";
import type { BlockPlace, Blocks } from "../../memory/blocks.ts";
import { BUCKET_HEADER_BYTES, packedLength, setElementsIn, writeElement } from "./bucket.ts";
import { BucketDirectory } from "./bucket-directory.ts";
import { bucketOf, bucketsFor } from "./bucket-splitter.ts";
import { PAYLOAD_LENGTH, SIZE, setElementBytes, wordIndex, wordsOf } from "./table-root.ts";

/** Memory is kept for this number of buckets. */
const KEPT_BUCKETS = 4096;

/** What a table is made for: hashes and lengths. */
export class NotedElements {
  count = 0;
  /** Of all elements in their buckets. */
  bytes = 0;
  hashes: Int32Array;
  /** Bytes that each element takes in its bucket. */
  lengths: Uint16Array;
  private readonly tablePayload: number;

  /** For `count` elements, or more that take longer, with payloads of this length each, or VARIABLE_PAYLOAD. */
  constructor(count: number, tablePayload: number) {
    this.hashes = new Int32Array(count);
    this.lengths = new Uint16Array(count);
    this.tablePayload = tablePayload;
  }

  /** `hash` is that of the key hash of the table. */
  add(hash: number, keyLength: number, payloadLength: number): void {
    const { count } = this;
    if (count === this.hashes.length) {
      this.hashes = grown(this.hashes, new Int32Array(2 * count + 1));
      this.lengths = grown(this.lengths, new Uint16Array(2 * count + 1));
    }
    const length = packedLength(keyLength, payloadLength, this.tablePayload);
    this.hashes[count] = hash;
    this.lengths[this.count++] = length;
    this.bytes += length;
  }

  /** Forgets all. */
  clear(): void {
    this.count = 0;
    this.bytes = 0;
  }
}

export class TableBuilder {
  /** Where the last element's payload is. */
  buffer!: Buffer;
  payloadStart = 0;
  private readonly blocks: Blocks;
  private readonly directory: BucketDirectory;
  private readonly place: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };
  private noted!: NotedElements;
  private tablePayload = 0;
  private buckets = 0;
  private next = 0;
  /** Of each bucket: bytes, then its reference; elements; bytes that are filled. */
  private references = new Int32Array(KEPT_BUCKETS);
  private elements = new Int32Array(KEPT_BUCKETS);
  private filled = new Int32Array(KEPT_BUCKETS);

  constructor(blocks: Blocks) {
    this.blocks = blocks;
    this.directory = new BucketDirectory(blocks.slabs);
  }

  /** Makes the buckets of an empty table. All that was noted must be added next. */
  begin(root: number, noted: NotedElements): void {
    const { slabs } = this.blocks;
    const words = wordsOf(slabs, root);
    const w = wordIndex(root);
    this.noted = noted;
    this.next = 0;
    this.tablePayload = words[w + PAYLOAD_LENGTH];
    this.buckets = bucketsFor(noted.count, noted.bytes);
    this.measure();
    for (let bucket = 0; bucket < this.buckets; bucket++)
      this.directory.append(root, this.makeBucket(bucket));
    words[w + SIZE] = noted.count;
    setElementBytes(words, w, noted.bytes);
  }

  /** Finds out what each bucket will hold. */
  private measure(): void {
    const { noted, buckets } = this;
    const { hashes, lengths, count } = noted;
    if (buckets > KEPT_BUCKETS || this.references.length > KEPT_BUCKETS) {
      this.references = new Int32Array(Math.max(buckets, KEPT_BUCKETS));
      this.elements = new Int32Array(Math.max(buckets, KEPT_BUCKETS));
      this.filled = new Int32Array(Math.max(buckets, KEPT_BUCKETS));
    }
    const { references, elements, filled } = this;
    references.fill(0, 0, buckets);
    elements.fill(0, 0, buckets);
    filled.fill(BUCKET_HEADER_BYTES, 0, buckets);
    for (let i = 0; i < count; i++) {
      const bucket = bucketOf(hashes[i], buckets);
      references[bucket] += lengths[i];
      elements[bucket]++;
    }
  }

  private makeBucket(bucket: number): number {
    const { blocks, elements, place, references } = this;
    if (elements[bucket] === 0) return 0;
    const reference = blocks.allocate(BUCKET_HEADER_BYTES + references[bucket]);
    references[bucket] = reference;
    blocks.locate(reference, place);
    setElementsIn(place.buffer, place.start, elements[bucket]);
    return reference;
  }

  /** Adds the next of the elements that were noted. */
  add(key: Buffer, start: number, length: number, payloadLength: number): void {
    const { blocks, filled, noted, place, tablePayload } = this;
    const i = this.next++;
    const hash = noted.hashes[i];
    const bucket = bucketOf(hash, this.buckets);
    blocks.locate(this.references[bucket], place);
    const at = place.start + filled[bucket];
    filled[bucket] += noted.lengths[i];
    this.payloadStart = writeElement(
      blocks,
      place,
      at,
      hash,
      key,
      start,
      length,
      payloadLength,
      tablePayload,
    );
    this.buffer = place.buffer;
  }
}
