/**
 * Which elements of a sorted set a range takes: where the first of them is, and how many they are.
 */
import type { Bound } from "./bounds.ts";
import type { SortedElements } from "./sorted-set.ts";

/** `count` elements from rank `first` on: up, or down if the selection was made from the highest down. */
export class Selection {
  first = 0;
  count = 0;

  /**
   * Those with the ranks `from` to `to`, both included; negative ones count from the end. With `fromHighest` rank 0 is
   * the highest element.
   */
  byRank(elements: SortedElements, from: number, to: number, fromHighest: boolean): void {
    const { size } = elements;
    const begin = Math.max(from < 0 ? size + from : from, 0);
    const end = Math.min(to < 0 ? size + to : to, size - 1);
    this.count = Math.max(end - begin + 1, 0);
    this.first = fromHighest ? size - 1 - begin : begin;
  }

  /**
   * Those between two bounds, but for the first `offset` of them (none if it is negative), and at most `limit` (all if
   * it is negative).
   */
  between(
    elements: SortedElements,
    lower: Bound,
    upper: Bound,
    fromHighest: boolean,
    offset: number,
    limit: number,
  ): void {
    this.first = 0;
    this.count = 0;
    const most = limit < 0 ? Infinity : limit;
    if (offset < 0) return;
    if (elements.isSmall) {
      if (fromHighest) this.scanDown(elements, lower, upper, offset, most);
      else this.scanUp(elements, lower, upper, offset, most);
      return;
    }
    const begin = elements.countBefore(lower);
    const end = elements.countBefore(upper);
    this.count = Math.max(Math.min(end - begin - offset, most), 0);
    this.first = fromHighest ? end - 1 - offset : begin + offset;
  }

  /**
   * Where members are compared though the scores are not all the same, a range has no meaning; but what Redis answers
   * while a set is small follows from the way it looks through it, which is also this one.
   */
  private scanUp(elements: SortedElements, lower: Bound, upper: Bound, offset: number, most: number): void {
    const { size } = elements;
    if (!reaches(elements, lower, upper)) return;
    let rank = 0;
    for (elements.seek(0); rank < size && isBefore(elements, lower); rank++) elements.next();
    if (rank === size || !isBefore(elements, upper) || rank + offset >= size) return;
    this.first = rank + offset;
    elements.seek(this.first);
    while (this.count < most && this.first + this.count < size && isBefore(elements, upper)) {
      this.count++;
      elements.next();
    }
  }

  private scanDown(elements: SortedElements, lower: Bound, upper: Bound, offset: number, most: number): void {
    if (!reaches(elements, lower, upper)) return;
    let rank = elements.size - 1;
    for (elements.seek(rank); rank >= 0 && !isBefore(elements, upper); rank--) elements.previous();
    if (rank < 0 || isBefore(elements, lower) || rank < offset) return;
    this.first = rank - offset;
    elements.seek(this.first);
    while (this.count < most && this.count <= this.first && !isBefore(elements, lower)) {
      this.count++;
      elements.previous();
    }
  }
}

/** Whether neither the first element is behind the range nor the last one before it. */
function reaches(elements: SortedElements, lower: Bound, upper: Bound): boolean {
  elements.seek(0);
  if (!isBefore(elements, upper)) return false;
  elements.seek(elements.size - 1);
  return !isBefore(elements, lower);
}

function isBefore(elements: SortedElements, bound: Bound): boolean {
  const { score, memberBuffer, memberStart, memberLength } = elements;
  return bound.isAfter(score, memberBuffer, memberStart, memberLength);
}
