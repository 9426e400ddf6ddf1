/**
 * Where a range of a sorted set begins or ends: between elements. A range is a lower and an upper bound; what is not
 * before the first and is before the second lies in it.
 */
import { compareBytes } from "../../base/byte-copy.ts";

/** Tells for each element whether it is before the bound. */
export interface Bound {
  isAfter(score: number, buffer: Buffer, start: number, length: number): boolean;
  /** Negative if all elements with lower scores than this are before the bound, positive if all with higher ones are
   * behind it; 0 if the score does not tell. */
  compareScore(score: number): number;
}

/** A bound by score. */
export class ScoreBound implements Bound {
  value = 0;
  /** Whether elements with just this score are before the bound. */
  includesEqual = false;

  isAfter(score: number): boolean {
    return score < this.value || (this.includesEqual && score === this.value);
  }

  compareScore(score: number): number {
    return score - this.value || 0;
  }
}

/** A bound by member: for sets whose scores are all the same. */
export class MemberBound implements Bound {
  /** The bound is before or after all elements. */
  isInfinite = false;
  /** Whether the member that these bytes are is before the bound; of an infinite bound, whether all are. */
  includesEqual = false;
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  length = 0;

  isAfter(_score: number, buffer: Buffer, start: number, length: number): boolean {
    if (this.isInfinite) return this.includesEqual;
    const order = compareBytes(buffer, start, length, this.buffer, this.start, this.length);
    return order < 0 || (order === 0 && this.includesEqual);
  }

  compareScore(): number {
    return 0;
  }
}

/** A range by score. Both bounds refer to it. */
export class ScoreRange {
  readonly lower = new ScoreBound();
  readonly upper = new ScoreBound();
}

/** A range by member. */
export class MemberRange {
  readonly lower = new MemberBound();
  readonly upper = new MemberBound();
}
