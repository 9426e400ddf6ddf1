/**
 * What a search by position has found: for each element its rank in the sorted set and its distance, in the order in
 * which they were found, and sorted by distance as far as is asked for.
 *
 * If only the first few are wanted, Redis sorts with a quicksort that leaves out the parts nobody asked for. It is not
 * stable, so which of several members at one place come first follows from the way it goes; this is the same way
 * (J. L. Bentley and M. D. McIlroy, "Engineering a sort function", 1993).
 */
const INITIAL_CAPACITY = 64;
/** What is shorter is sorted by insertion. */
const SHORT = 7;
/** From this length on the pivot is the median of nine. */
const LONG = 41;

export class FoundPositions {
  count = 0;
  /** Distances in metres, in the order in which the elements were found. */
  private distances = new Float64Array(INITIAL_CAPACITY);
  private ranks = new Float64Array(INITIAL_CAPACITY);
  /** The present order. */
  private order = new Uint32Array(INITIAL_CAPACITY);
  private isDescending = false;

  clear(): void {
    this.count = 0;
    if (this.order.length === INITIAL_CAPACITY) return;
    this.distances = new Float64Array(INITIAL_CAPACITY);
    this.ranks = new Float64Array(INITIAL_CAPACITY);
    this.order = new Uint32Array(INITIAL_CAPACITY);
  }

  add(rank: number, distance: number): void {
    const { count } = this;
    if (count === this.order.length) this.grow();
    this.ranks[count] = rank;
    this.distances[count] = distance;
    this.order[count] = count;
    this.count++;
  }

  private grow(): void {
    const { distances, ranks, order } = this;
    this.distances = new Float64Array(2 * order.length);
    this.ranks = new Float64Array(2 * order.length);
    this.order = new Uint32Array(2 * order.length);
    this.distances.set(distances);
    this.ranks.set(ranks);
    this.order.set(order);
  }

  /** Rank of the element in place i. */
  rankAt(i: number): number {
    return this.ranks[this.order[i]];
  }

  /** Its distance in metres. */
  distanceAt(i: number): number {
    return this.distances[this.order[i]];
  }

  /** Sorts by distance, so that the first `wanted` places are right. */
  sort(isDescending: boolean, wanted: number): void {
    this.isDescending = isDescending;
    if (wanted < this.count) {
      this.sortPart(0, this.count, wanted);
      return;
    }
    const { distances } = this;
    const sign = isDescending ? -1 : 1;
    this.order.subarray(0, this.count).sort((a, b) => sign * (distances[a] - distances[b]));
  }

  private compare(i: number, k: number): number {
    const a = this.distanceAt(i);
    const b = this.distanceAt(k);
    const order = a > b ? 1 : a === b ? 0 : -1;
    return this.isDescending ? -order : order;
  }

  private swap(i: number, k: number): void {
    const { order } = this;
    const kept = order[i];
    order[i] = order[k];
    order[k] = kept;
  }

  /** Swaps `length` places from `i` on with those from `k` on. */
  private swapRuns(i: number, k: number, length: number): void {
    for (let n = 0; n < length; n++) this.swap(i + n, k + n);
  }

  /** Sorts the `length` places from `from` on, as far as they are among the first `wanted` of all. */
  private sortPart(from: number, length: number, wanted: number): void {
    while (length >= SHORT) {
      const end = from + length;
      this.swap(from, this.pivot(from, length));
      // Four parts: equal to the pivot, less, greater, equal. The equal ones come between the others in the end.
      let equalBefore = from + 1;
      let low = from + 1;
      let high = end - 1;
      let equalBehind = end - 1;
      for (;;) {
        for (let order: number; low <= high && (order = this.compare(low, from)) <= 0; low++)
          if (order === 0) this.swap(equalBefore++, low);
        for (let order: number; low <= high && (order = this.compare(high, from)) >= 0; high--)
          if (order === 0) this.swap(high, equalBehind--);
        if (low > high) break;
        this.swap(low++, high--);
      }
      const less = low - equalBefore;
      const greater = equalBehind - high;
      const before = Math.min(equalBefore - from, less);
      this.swapRuns(from, low - before, before);
      const behind = Math.min(greater, end - equalBehind - 1);
      this.swapRuns(low, end - behind, behind);
      if (less > 1) this.sortPart(from, less, wanted);
      if (greater <= 1 || end - greater >= wanted) return;
      from = end - greater;
      length = greater;
    }
    for (let i = from + 1; i < from + length; i++)
      for (let k = i; k > from && this.compare(k - 1, k) > 0; k--) this.swap(k, k - 1);
  }

  private pivot(from: number, length: number): number {
    let middle = from + (length >>> 1);
    if (length === SHORT) return middle;
    let low = from;
    let high = from + length - 1;
    if (length >= LONG) {
      const step = length >>> 3;
      low = this.median(low, low + step, low + 2 * step);
      middle = this.median(middle - step, middle, middle + step);
      high = this.median(high - 2 * step, high - step, high);
    }
    return this.median(low, middle, high);
  }

  private median(a: number, b: number, c: number): number {
    if (this.compare(a, b) < 0) return this.compare(b, c) < 0 ? b : this.compare(a, c) < 0 ? c : a;
    return this.compare(b, c) > 0 ? b : this.compare(a, c) < 0 ? a : c;
  }
}
