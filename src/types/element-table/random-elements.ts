/**
 * Random elements of element tables. A place is the number of a bucket and that of an element in it, as one number; it
 * stays good until the table changes.
 */
import type { Random } from "../../base/random.ts";
import { bitsOf, bucketOf } from "./bucket-splitter.ts";
import type { ElementTable } from "./element-table.ts";

/** More elements than any bucket has. */
const PLACES_OF_BUCKET = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
/** Memory for more places than these is given up when fewer are drawn. */
const KEPT_PLACES = 0x1_0000;

/**
 * A random place of a table that is not empty, each element's as likely as another's.
 *
 * A bucket is drawn by its share of all hashes, then a number below a limit that is in proportion to that share and
 * that few buckets exceed; if the bucket has no element of that number, all is drawn anew. (Elements are spread like
 * raindrops: one bucket in some hundred has more than three standard deviations above the mean. Of these one is drawn
 * at once, a little too seldom for each: the better choice than a limit that makes everybody draw more often.)
 */
export function randomPlace(table: ElementTable, root: number, random: Random): number {
  const buckets = table.buckets(root);
  const size = table.size(root);
  if (buckets === 1) return random.below(size);
  const mostBits = bitsOf(0, buckets);
  const mean = size / 2 ** mostBits;
  const narrowLimit = Math.ceil(mean + 3 * Math.sqrt(mean)) + 1;
  for (;;) {
    const bucket = bucketOf(random.next() | 0, buckets);
    // Quicker than `below`, and as fair with so few numbers.
    const share = random.next() / TWO_32;
    const limit = bitsOf(bucket, buckets) === mostBits ? narrowLimit : 2 * narrowLimit;
    const elements = table.elementsOf(root, bucket);
    const index = Math.floor(share * Math.max(limit, elements));
    if (index < elements) return bucket * PLACES_OF_BUCKET + index;
  }
}

/** Turns the table to the element at a place: see ElementTable.open. */
export function openPlace(table: ElementTable, root: number, place: number): void {
  table.open(root, Math.floor(place / PLACES_OF_BUCKET), place % PLACES_OF_BUCKET);
}

/** Several different random places, in memory that serves again and again. */
export class RandomPlaces {
  /** The places drawn last, from 0 to the number asked for, in the order of the table. */
  places: Float64Array = new Float64Array(0);

  /** Draws `count` different places, all sets of that size equally likely; at most half of the table's elements. */
  draw(table: ElementTable, root: number, count: number, random: Random): void {
    const { length } = this.places;
    if (length < count || length > Math.max(count, KEPT_PLACES))
      this.places = new Float64Array(Math.max(count, 64));
    const { places } = this;
    let distinct = 0;
    // Drawing one by one and leaving out what was drawn before, but sorted by the batch.
    while (distinct < count) {
      for (let i = distinct; i < count; i++) places[i] = randomPlace(table, root, random);
      places.subarray(0, count).sort();
      distinct = 0;
      for (let i = 0; i < count; i++)
        if (i === 0 || places[i] !== places[distinct - 1]) places[distinct++] = places[i];
    }
  }
}
