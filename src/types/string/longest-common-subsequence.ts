/**
 * The longest common subsequence of two byte strings, by the usual table of prefixes: how long that of the first i
 * bytes of one and the first j bytes of the other is. Of the table there is a bit for each cell: 0 if it has one more
 * than the cell to its left. A row of bits follows from the one before by a few operations on whole words (H. Hyyrö,
 * "Bit-parallel LCS-length computation revisited", 2004), 32 cells at a time. And they are all that the walk from the
 * end needs: where the bytes differ, a cell that has one more than its left neighbour has it from above.
 *
 * Of several subsequences of the same length the one found is Redis's: from the end, take equal bytes; else go back
 * in the first string only if that is better than going back in the second.
 */

const TWO_32 = 0x1_0000_0000;
const ONES = -1;
/** Places of words are integers of 32 bits. */
const MAX_WORDS = 2 ** 31 - 1;

/** Of each byte: where the bits begin that say at which places of the second string it is. */
const matchesOf = new Int32Array(256);

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
  /**
   * Rows of bits, one bit per byte of `second`: the first row, and one per byte of `first`; or only the last row.
   * Behind them, those of `matchesOf`.
   */
  private readonly bits: Int32Array;
  private readonly rowWords: number;

  /**
   * `needsWay` is false if only the length is wanted. Throws a RangeError if there is no memory for it. The strings
   * must not change while the object is in use.
   */
  constructor(first: Buffer, second: Buffer, needsWay: boolean) {
    this.first = first;
    this.second = second;
    this.rowWords = (second.length + 31) >>> 5;
    const rows = needsWay ? first.length + 1 : 1;
    const words = (rows + countValues(first)) * this.rowWords;
    if (words > MAX_WORDS) throw new RangeError(`${words} words of bits are too many`);
    this.bits = new Int32Array(words);
    this.findMatches(rows * this.rowWords);
    this.fill(needsWay ? this.rowWords : 0);
    this.length = this.zerosInRow(rows - 1);
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
    const { first, second, bits, rowWords } = this;
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
      if ((bits[i * rowWords + ((j - 1) >>> 5)] & (1 << ((j - 1) & 31))) === 0) i--;
      else j--;
    }
    if (length > 0) yield { first: i, second: j, length };
  }

  /** Puts the bits for `matchesOf` at `start`, a row for each byte that `first` has. */
  private findMatches(start: number): void {
    const { first, second, bits, rowWords } = this;
    matchesOf.fill(0);
    let next = start;
    for (let i = 0; i < first.length; i++) {
      if (matchesOf[first[i]] !== 0) continue;
      matchesOf[first[i]] = next;
      next += rowWords;
    }
    for (let j = 0; j < second.length; j++) {
      const matches = matchesOf[second[j]];
      if (matches !== 0) bits[matches + (j >>> 5)] |= 1 << (j & 31);
    }
  }

  /** Computes row after row; each begins `step` words behind the one before it. */
  private fill(step: number): void {
    const { first, bits, rowWords } = this;
    bits.fill(ONES, 0, rowWords);
    for (let i = 0; i < first.length; i++) {
      const from = i * step;
      const to = from + step;
      const matches = matchesOf[first[i]];
      let carry = 0;
      for (let w = 0; w < rowWords; w++) {
        const row = bits[from + w];
        const taken = row & bits[matches + w];
        const sum = (row >>> 0) + (taken >>> 0) + carry;
        carry = sum >= TWO_32 ? 1 : 0;
        bits[to + w] = sum | (row & ~taken);
      }
    }
  }

  private zerosInRow(row: number): number {
    const { bits, rowWords } = this;
    let zeros = 0;
    for (let w = row * rowWords; w < (row + 1) * rowWords; w++)
      for (let left = ~bits[w]; left !== 0; left &= left - 1) zeros++;
    return zeros;
  }
}

/** How many different bytes there are. */
function countValues(bytes: Buffer): number {
  let values = 0;
  matchesOf.fill(0);
  for (let i = 0; i < bytes.length; i++) {
    if (matchesOf[bytes[i]] === 0) values++;
    matchesOf[bytes[i]] = 1;
  }
  return values;
}
