/**
 * How often which durations occurred: a histogram whose cells are as wide as 1/128 of the value or narrower, from a
 * nanosecond to a second; what took longer counts as a second. It is laid out as Gil Tene's HdrHistogram with two
 * significant digits, which Redis uses, so that percentiles and levels are the same numbers.
 *
 * A cell is found by the highest bit of the value (its *octave*) and the next seven bits. Values below 256 have a cell
 * each, and each octave above has 128 cells.
 */

const LARGEST_NS = 1_000_000_000;
const HALF = 128;
const HALF_BITS = 7;
const OCTAVES = 23;
const CELLS = (OCTAVES + 1) * HALF;
/** The lowest level that is reported; each further one is twice as much. */
const LOWEST_LEVEL_NS = 1024;

export class LatencyHistogram {
  /** Durations recorded. */
  total = 0;
  private readonly counts = new Float64Array(CELLS);

  /** Counts `times` durations of `nanoseconds`. */
  record(nanoseconds: number, times: number): void {
    this.counts[cellOf(Math.max(1, Math.min(LARGEST_NS, Math.floor(nanoseconds))))] += times;
    this.total += times;
  }

  /** The duration in nanoseconds that `percent` of all did not exceed, as the end of its cell. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((Math.min(percent, 100) / 100) * this.total + 0.5));
    let sum = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      sum += this.counts[cell];
      if (sum >= wanted) return endOf(cell);
    }
    return 0;
  }

  /** Levels, each twice the one before, in microseconds, and how many durations did not exceed them. Levels are left
   * out that none of the durations reaches first. */
  levels(): [microseconds: number, count: number][] {
    const levels: [number, number][] = [];
    let sum = 0;
    let levelNs = LOWEST_LEVEL_NS;
    let shown = 0;
    for (let cell = 0; cell < CELLS && shown < this.total; cell++) {
      sum += this.counts[cell];
      const end = endOf(cell);
      // The last cell stands for all that is longer, too.
      if (end < levelNs && cell < CELLS - 1) continue;
      levelNs *= 2;
      if (sum === shown) continue;
      levels.push([Math.floor(end / 1000), sum]);
      shown = sum;
    }
    return levels;
  }
}

/** Of a positive integer below 2^30. */
function cellOf(value: number): number {
  const octave = octaveOf(value);
  return (octave << HALF_BITS) + (value >> octave);
}

/** How many low bits of the value its cell does not distinguish. */
function octaveOf(value: number): number {
  return Math.max(0, 32 - Math.clz32(value) - (HALF_BITS + 1));
}

/** The largest value that falls into the cell. */
function endOf(cell: number): number {
  const octave = Math.max(0, (cell >> HALF_BITS) - 1);
  return (cell - (octave << HALF_BITS) + 1) * 2 ** octave - 1;
}
