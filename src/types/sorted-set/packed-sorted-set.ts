/**
 * Small sorted sets: a listpack of members and scores by turns, in order, byte for byte Redis's. Looking for anything
 * takes time in proportion to its length.
 */
import { compareBytes } from "../../base/byte-copy.ts";
import { createListpack, removeElements } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { END, elementEnd } from "../listpack/encoding.ts";
import {
  countElements,
  countRange,
  endOffset,
  HEADER_BYTES,
  headerCount,
  isSafeToAdd,
  listpackBytes,
  previousElement,
  seekElement,
  UNKNOWN_COUNT,
  writeHeader,
} from "../listpack/listpack.ts";
import { findElement } from "../listpack/search.ts";
import { type PackedBytes, splice } from "../packed-bytes.ts";
import type { Bound } from "./bounds.ts";
import { ScoreElement, scoreOf } from "./score.ts";
import type { ElementVisitor, SortedElements } from "./sorted-set.ts";

export class PackedSortedSet implements SortedElements {
  readonly isSmall = true;
  readonly tableRoot = 0;
  private list!: PackedBytes;
  /** Offset of the member at the place. */
  private at = 0;
  /** Offset of its score. */
  private scoreAt = 0;
  private readonly member = new ElementView();
  private readonly scoreView = new ElementView();
  private readonly sought = new ElementValue();
  private readonly newScore = new ScoreElement();

  /** Turns to the listpack in these bytes. */
  open(list: PackedBytes): this {
    this.list = list;
    return this;
  }

  /** Makes an empty set there, and turns to it. */
  create(list: PackedBytes): this {
    createListpack(list);
    return this.open(list);
  }

  get size(): number {
    return countElements(this.list.buffer, this.list.start) / 2;
  }

  get memberBuffer(): Buffer {
    return this.member.buffer;
  }

  get memberStart(): number {
    return this.member.start;
  }

  get memberLength(): number {
    return this.member.length;
  }

  get score(): number {
    this.scoreView.readValue(this.list.buffer, this.list.start, this.scoreAt);
    return scoreOf(this.scoreView);
  }

  /** Whether a listpack may take another member of this length. */
  canTake(length: number): boolean {
    return isSafeToAdd(this.list.buffer, this.list.start, length);
  }

  find(buffer: Buffer, start: number, length: number): boolean {
    const { list } = this;
    this.at = findElement(list.buffer, list.start, this.sought.set(buffer, start, length), HEADER_BYTES, 1);
    if (this.at < 0) return false;
    this.scoreAt = elementEnd(list.buffer, list.start + this.at) - list.start;
    return true;
  }

  rankOf(buffer: Buffer, start: number, length: number): number {
    if (!this.find(buffer, start, length)) return -1;
    return countRange(this.list.buffer, this.list.start, HEADER_BYTES, this.at) / 2;
  }

  seek(rank: number): void {
    this.goTo(seekElement(this.list.buffer, this.list.start, 2 * rank));
  }

  next(): void {
    const { buffer, start } = this.list;
    const at = elementEnd(buffer, start + this.scoreAt) - start;
    if (buffer[start + at] !== END) this.goTo(at);
  }

  previous(): void {
    const { buffer, start } = this.list;
    const scoreAt = previousElement(buffer, start, this.at);
    if (scoreAt > 0) this.goTo(previousElement(buffer, start, scoreAt));
  }

  private goTo(at: number): void {
    this.at = at;
    this.member.read(this.list.buffer, this.list.start, at);
    this.scoreAt = this.member.end;
  }

  countBefore(bound: Bound): number {
    const { buffer, start } = this.list;
    const end = endOffset(buffer, start);
    let count = 0;
    for (let at = HEADER_BYTES; at < end; at = elementEnd(buffer, start + this.scoreAt) - start) {
      this.goTo(at);
      const { member } = this;
      if (!bound.isAfter(this.score, member.buffer, member.start, member.length)) break;
      count++;
    }
    return count;
  }

  scan(_cursor: number, _count: number, visit: ElementVisitor): number {
    const { size, member } = this;
    this.seek(0);
    for (let i = 0; i < size; i++, this.next()) visit(this.score, member.buffer, member.start, member.length);
    return 0;
  }

  insertNotFound(score: number, buffer: Buffer, start: number, length: number): void {
    const { list } = this;
    const member = this.sought.set(buffer, start, length);
    const element = this.newScore.set(score);
    const at = this.placeFor(score, member);
    splice(list, at, 0, member.size + element.size);
    const scorePosition = member.write(list.buffer, list.start + at);
    element.write(list.buffer, scorePosition);
    const count = headerCount(list.buffer, list.start);
    const bytes = listpackBytes(list.buffer, list.start) + member.size + element.size;
    writeHeader(list.buffer, list.start, bytes, count === UNKNOWN_COUNT ? count : count + 2);
  }

  /** Offset of the first element that belongs behind this one. */
  private placeFor(score: number, member: ElementValue): number {
    const { buffer, start } = this.list;
    const end = endOffset(buffer, start);
    let at = HEADER_BYTES;
    while (at < end) {
      const scoreAt = elementEnd(buffer, start + at) - start;
      this.scoreView.readValue(buffer, start, scoreAt);
      const other = scoreOf(this.scoreView);
      if (other > score || (other === score && this.isMemberAfter(at, member))) return at;
      at = this.scoreView.end;
    }
    return end;
  }

  private isMemberAfter(at: number, { buffer, start, length }: ElementValue): boolean {
    const { member } = this;
    member.read(this.list.buffer, this.list.start, at);
    return compareBytes(member.buffer, member.start, member.length, buffer, start, length) > 0;
  }

  changeScore(score: number, buffer: Buffer, start: number, length: number): void {
    removeElements(this.list, this.at, 2);
    this.insertNotFound(score, buffer, start, length);
  }

  removeFound(): void {
    removeElements(this.list, this.at, 2);
  }

  removeRange(first: number, count: number): void {
    if (count === 0) return;
    removeElements(this.list, seekElement(this.list.buffer, this.list.start, 2 * first), 2 * count);
  }
}
