/**
 * The longest common subsequence of two byte strings, by the usual table of prefixes: O(N*M) time. Of the table only
 * the present row is kept, and of every cell one bit: which way back is the better one. That is all the walk from
 * the end needs, in a thirty-second of the memory.
 *
 * Of several subsequences of the same length the one found is Redis's: from the end, take equal bytes; else go back
 * in the first string only if that is better than going back in the second.
 */

/** A run of bytes that both strings share: offsets of its first byte in each, and its length. */
export interface CommonRun {
  readonly first: number;
  readonly second: number;
  readonly length: number;
}

export class LongestCommonSubsequence {
  readonly length: number;
  private readonly first: Buffer;
  private readonly second: Buffer;
  /** Per byte of `first` a row of bits, one per byte of `second`: set if the way back is in `first`. */
  private readonly back: Uint32Array;
  private readonly rowWords: number;

  /**
   * `needsWay` is false if only the length is wanted. Throws a RangeError if there is no memory for it. The strings
   * must not change while the object is in use.
   */
  constructor(first: Buffer, second: Buffer, needsWay: boolean) {
    this.first = first;
    this.second = second;
    this.rowWords = (second.length + 31) >>> 5;
    this.back = new Uint32Array(needsWay ? first.length * this.rowWords : 0);
    this.length = needsWay ? this.fill() : lengthOnly(first, second);
  }

  /** The subsequence itself. */
  bytes(): Buffer {
    const result = Buffer.allocUnsafe(this.length);
    let end = this.length;
    for (const run of this.runs()) {
      end -= run.length;
      this.first.copy(result, end, run.first, run.first + run.length);
    }
    return result;
  }

  /** The runs that make up the subsequence, from the last to the first. */
  *runs(): Generator<CommonRun> {
    const { first, second, back, rowWords } = this;
    let i = first.length;
    let j = second.length;
    let length = 0;
    while (i > 0 && j > 0) {
      if (first[i - 1] === second[j - 1]) {
        i--;
        j--;
        length++;
        continue;
      }
      if (length > 0) yield { first: i, second: j, length };
      length = 0;
      if ((back[(i - 1) * rowWords + ((j - 1) >>> 5)] & (1 << ((j - 1) & 31))) !== 0) i--;
      else j--;
    }
    if (length > 0) yield { first: i, second: j, length };
  }

  private fill(): number {
    const { first, second, back, rowWords } = this;
    const row = new Uint32Array(second.length + 1);
    for (let i = 0; i < first.length; i++) {
      const byte = first[i];
      const base = i * rowWords;
      let diagonal = 0;
      let left = 0;
      for (let j = 0; j < second.length; j++) {
        const up = row[j + 1];
        if (byte === second[j]) left = diagonal + 1;
        else if (up > left) {
          left = up;
          back[base + (j >>> 5)] |= 1 << (j & 31);
        }
        row[j + 1] = left;
        diagonal = up;
      }
    }
    return row[second.length];
  }
}

function lengthOnly(first: Buffer, second: Buffer): number {
  const row = new Uint32Array(second.length + 1);
  for (let i = 0; i < first.length; i++) {
    const byte = first[i];
    let diagonal = 0;
    let left = 0;
    for (let j = 0; j < second.length; j++) {
      const up = row[j + 1];
      if (byte === second[j]) left = diagonal + 1;
      else if (up > left) left = up;
      row[j + 1] = left;
      diagonal = up;
    }
  }
  return row[second.length];
}
