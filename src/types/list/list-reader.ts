/**
 * Reading a list of either form: one chunk is present at a time, with one of its elements. A reader is made once and
 * turned to one list after the other; it is of no use after the list has changed, until it is opened again.
 *
 *     reader.open(memory, address);
 *     for (let is = reader.seek(3); is; is = reader.nextChunk())
 *       elements from offset reader.at on of the listpack at reader.start in reader.buffer
 */
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import type { ElementValue } from "../listpack/element-value.ts";
import { HEADER_BYTES, headerCount, lastElement, seekElement } from "../listpack/listpack.ts";
import { findElement } from "../listpack/search.ts";
import { rootOf } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { listpackStart } from "./list-chunk.ts";
import { LARGE } from "./list-value.ts";

/** The ends of a list. */
export const HEAD = 0;
export const TAIL = 1;

export class ListReader {
  /** Elements of the list. */
  size = 0;
  /** Where the present listpack lies. */
  buffer!: Buffer;
  start = 0;
  /** Its number of elements. */
  elements = 0;
  /** Offset of the present element in it; and its index in it, after `seek` and at the first one. */
  at = 0;
  within = 0;
  protected isLarge = false;
  protected memory!: ValueMemory;
  protected readonly tree = new ChunkTree();

  /** Turns to the list of the entry at `address`. No element is present then. */
  open(memory: ValueMemory, address: number): this {
    const { entries } = memory;
    if (entries.encoding(address) === LARGE) {
      this.openLarge(memory, rootOf(entries, address));
    } else {
      this.openInline(memory, entries.valueBuffer(address), entries.valueStart(address));
    }
    return this;
  }

  protected openLarge(memory: ValueMemory, root: number): void {
    this.memory = memory;
    this.isLarge = true;
    this.size = this.tree.open(memory.blocks.slabs, root).size;
  }

  protected openInline(memory: ValueMemory, buffer: Buffer, start: number): void {
    this.memory = memory;
    this.isLarge = false;
    this.buffer = buffer;
    this.start = start;
    this.elements = headerCount(buffer, start);
    this.size = this.elements;
  }

  /** Number of its chunks. */
  get chunks(): number {
    return this.isLarge ? this.tree.leaves : 1;
  }

  /** Turns to the element with this index (from 0). False if there is none. */
  seek(index: number): boolean {
    if (index < 0 || index >= this.size) return false;
    this.within = index;
    if (this.isLarge) {
      this.openChunk(this.tree.seekIndex(index));
      this.within = this.tree.within;
    }
    this.at = seekElement(this.buffer, this.start, this.within);
    return true;
  }

  /** Turns to the first or the last element. False if the list is empty (which no key's is). */
  seekEnd(end: number): boolean {
    if (this.size === 0) return false;
    if (this.isLarge) this.openChunk(end === HEAD ? this.tree.seekFirst() : this.tree.seekLast());
    this.toEnd(end);
    return true;
  }

  /** Turns to the first element of the next chunk. */
  nextChunk(): boolean {
    const leaf = this.isLarge ? this.tree.next() : 0;
    if (leaf === 0) return false;
    this.openChunk(leaf);
    this.toEnd(HEAD);
    return true;
  }

  /** Turns to the last element of the chunk before. */
  previousChunk(): boolean {
    const leaf = this.isLarge ? this.tree.previous() : 0;
    if (leaf === 0) return false;
    this.openChunk(leaf);
    this.toEnd(TAIL);
    return true;
  }

  /** Turns to the first element that is equal to `value`. */
  find(value: ElementValue): boolean {
    for (let is = this.seekEnd(HEAD); is; is = this.nextChunk()) {
      this.at = findElement(this.buffer, this.start, value, HEADER_BYTES, 0);
      if (this.at !== -1) return true;
    }
    return false;
  }

  private toEnd(end: number): void {
    this.at = end === HEAD ? HEADER_BYTES : lastElement(this.buffer, this.start);
    this.within = end === HEAD ? 0 : this.elements - 1;
  }

  private openChunk(leaf: number): void {
    this.memory.blocks.locate(leaf, this);
    this.start = listpackStart(this.buffer, this.start);
    this.elements = headerCount(this.buffer, this.start);
  }
}
