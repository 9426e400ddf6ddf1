/**
 * Sorted sets: members, each with a score, in the order of scores and, among equal ones, of the members' bytes. A small
 * one is a listpack in its entry (packed-sorted-set.ts), a large one lies outside (tree-sorted-set.ts). Here: what both
 * forms can do, so that commands need not know which one they have.
 */
import { ROOTED } from "../rooted.ts";
import type { Bound } from "./bounds.ts";

/** Entry type of sorted sets. */
export const SORTED_SET = 3;

/** Encoding numbers. The second is what Redis calls a skiplist. */
export const LISTPACK = 1;
export const SKIPLIST = ROOTED | 1;

/** Is shown an element: its score, and its member in `length` bytes of `buffer` from `start`. */
export type ElementVisitor = (score: number, buffer: Buffer, start: number, length: number) => void;

/**
 * The elements of one sorted set, and a place among them: that of the last `find` or `seek`, moved by `next` and
 * `previous`. The place, and the bytes of its member, are good until the set or the place changes.
 */
export interface SortedElements {
  /** Number of elements. */
  readonly size: number;
  /** Whether it has the small form, in which a search is a walk. */
  readonly isSmall: boolean;
  /** Of the large form: root of the table of all members and their scores (table-score.ts); otherwise 0. */
  readonly tableRoot: number;

  /** The member at the place: `memberLength` bytes of `memberBuffer` from `memberStart`. Not set by `find`. */
  readonly memberBuffer: Buffer;
  readonly memberStart: number;
  readonly memberLength: number;
  /** The score at the place. */
  readonly score: number;

  /** Goes to the element with this member; false if there is none. */
  find(buffer: Buffer, start: number, length: number): boolean;
  /** Rank of this member, -1 if there is none. */
  rankOf(buffer: Buffer, start: number, length: number): number;
  /** Goes to the element with this rank, which must exist. */
  seek(rank: number): void;
  /** Goes to the element after the present one. At the last element the place is lost. */
  next(): void;
  /** Goes to the element before the present one. At the first element the place is lost. */
  previous(): void;
  /** How many elements are before the bound. Any number, if their order is not the bound's (by member, while the scores
   * are not all the same). */
  countBefore(bound: Bound): number;

  /** Shows about `count` elements from position `cursor` on, in no order, and returns the cursor to go on from, 0 at
   * the end: see ElementWalk.scan. A small set is shown as a whole. */
  scan(cursor: number, count: number, visit: ElementVisitor): number;

  /** Adds the element that was just not found, by `find` with these bytes, which must not be this set's own. */
  insertNotFound(score: number, buffer: Buffer, start: number, length: number): void;
  /** Gives the element that was just found (by `find`, with these bytes) another score. */
  changeScore(score: number, buffer: Buffer, start: number, length: number): void;
  /** Removes the element that was just found, by `find` with these bytes. */
  removeFound(buffer: Buffer, start: number, length: number): void;
  /** Removes `count` elements from rank `first` on; there must be that many. */
  removeRange(first: number, count: number): void;
}
