/**
 * Several random fields of a hash.
 */
import type { Random } from "../../base/random.ts";
import type { HashFields } from "./hash-fields.ts";

/** Of a table, fields are drawn one by one if they are at most this share of all; else all are walked through. */
const DRAWN_SHARE = 1 / 3;

export class RandomFields {
  /** Offsets of the fields of a listpack. */
  private offsets = new Int32Array(0);

  /** Turns to `count` random fields, one after the other, perhaps to some of them again, and calls `visit` for each. */
  draw(fields: HashFields, count: number, random: Random, visit: () => void): void {
    if (!fields.isPacked || count === 1) {
      for (let i = 0; i < count; i++) {
        fields.openRandom(random);
        visit();
      }
      return;
    }
    const { size } = fields;
    if (this.offsets.length < size) this.offsets = new Int32Array(2 * size);
    fields.writeOffsets(this.offsets);
    for (let i = 0; i < count; i++) {
      fields.readAt(this.offsets[random.below(size)]);
      visit();
    }
  }

  /** Turns to `count` different random fields, fewer than there are, and calls `visit` for each. */
  drawDistinct(fields: HashFields, count: number, random: Random, visit: () => void): void {
    const { size } = fields;
    if (!fields.isPacked && count < size * DRAWN_SHARE) {
      fields.sampleTable(count, random, visit);
      return;
    }
    // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
    let wanted = count;
    fields.begin();
    for (let left = size; wanted > 0; left--) {
      fields.next();
      if (random.below(left) >= wanted) continue;
      visit();
      wanted--;
    }
  }
}
