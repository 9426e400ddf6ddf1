/**
 * All places of a value in a list, one after the other, from either end, in chunks of which each is searched as a
 * whole.
 */
import type { ElementValue } from "../listpack/element-value.ts";
import { countRange, HEADER_BYTES, offsetAfter, previousElement } from "../listpack/listpack.ts";
import { equalsElement, findElement } from "../listpack/search.ts";
import { HEAD, type ListReader } from "./list-reader.ts";

export class ListSearch {
  private reader!: ListReader;
  private value!: ElementValue;
  private end = HEAD;
  private limit = 0;
  /** Where the search goes on in the present chunk: an element's offset, or the end's; -1 or the end's if it is
   * done. */
  private at = 0;
  /** Elements before that, seen from the end where the search began. */
  private passed = 0;
  /** Elements before the present chunk. */
  private before = 0;
  private isOver = false;

  /** Begins at one end of the list that the reader has open. Only the first `limit` elements from there are
   * compared. */
  begin(reader: ListReader, value: ElementValue, end: number, limit: number): void {
    this.reader = reader;
    this.value = value;
    this.end = end;
    this.limit = limit;
    this.passed = 0;
    this.before = 0;
    this.isOver = !reader.seekEnd(end);
    this.at = reader.at;
  }

  /** Index of the next equal element, from the head; -1 if there is none. */
  next(): number {
    while (!this.isOver) {
      const isFound = this.end === HEAD ? this.findForward() : this.findBackward();
      if (!isFound) this.turnChunk();
      else if (this.passed > this.limit) this.isOver = true;
      else return this.end === HEAD ? this.passed - 1 : this.reader.size - this.passed;
    }
    return -1;
  }

  private turnChunk(): void {
    const { reader } = this;
    this.before += reader.elements;
    this.passed = this.before;
    const hasMore = this.passed < this.limit;
    this.isOver = !(hasMore && (this.end === HEAD ? reader.nextChunk() : reader.previousChunk()));
    this.at = reader.at;
  }

  /** Passes over elements up to one that is equal; false if none in the rest of the chunk is. */
  private findForward(): boolean {
    const { buffer, start } = this.reader;
    const found = findElement(buffer, start, this.value, this.at, 0);
    if (found === -1) return false;
    this.passed += countRange(buffer, start, this.at, found) + 1;
    this.at = offsetAfter(buffer, start, found);
    return true;
  }

  private findBackward(): boolean {
    const { buffer, start } = this.reader;
    let { at } = this;
    while (at !== -1) {
      const isFound = equalsElement(buffer, start, at, this.value);
      this.passed++;
      at = at > HEADER_BYTES ? previousElement(buffer, start, at) : -1;
      if (!isFound) continue;
      this.at = at;
      return true;
    }
    return false;
  }
}
