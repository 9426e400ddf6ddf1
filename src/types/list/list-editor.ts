/**
 * Changing a list of either form. An editor is a reader (list-reader.ts) that changes what it has found; after a change
 * no element is present. Values given to it must not lie in the list's own memory.
 *
 * Chunks end where Redis's nodes do (list-value.ts: hasRoom). An element too large for a chunk has one of its own.
 * Chunks that a change in the middle leaves with little are joined with their neighbours. An empty list is allowed
 * while a command works on it; no key may be left with one.
 */
import { createTree } from "../chunk-tree/whole-tree.ts";
import {
  appendListpack,
  insertElement,
  removeElements,
  removeFirst,
  removeLast,
  replaceElement,
  splitListpack,
} from "../listpack/edits.ts";
import type { ElementValue } from "../listpack/element-value.ts";
import { END } from "../listpack/encoding.ts";
import {
  EMPTY_LISTPACK_BYTES,
  endOffset,
  HEADER_BYTES,
  headerCount,
  offsetAfter,
  writeHeader,
} from "../listpack/listpack.ts";
import { findElement } from "../listpack/search.ts";
import type { PackedBytes } from "../packed-bytes.ts";
import { ROOT_BYTES, rootOf } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { ListChunk } from "./list-chunk.ts";
import { HEAD, ListReader, TAIL } from "./list-reader.ts";
import { removeEqualElements } from "./list-removal.ts";
import { fits, hasRoom, INLINE_MAX_BYTES, LARGE, mayJoin } from "./list-value.ts";

/** The entry of a list, as far as its value is concerned. */
export interface ListEntry extends PackedBytes {
  readonly address: number;
  /** Replaces the value by one that lies outside the entry. */
  becomeRooted(encoding: number, root: number): void;
}

/** Bytes of an entry's value for a list that begins with one element; then `create` makes it the list. */
export function firstValueBytes(value: ElementValue): number {
  const length = EMPTY_LISTPACK_BYTES + value.size;
  return length <= INLINE_MAX_BYTES ? length : ROOT_BYTES;
}

export class ListEditor extends ListReader {
  private entry!: ListEntry;
  /** Where the entry of a large list lies; that of another may move. */
  private largeAddress = 0;
  private readonly chunk = new ListChunk(this.tree);
  private readonly other = new ListChunk(this.tree);

  /** Turns to a list that is in its entry. */
  editInline(memory: ValueMemory, entry: ListEntry): this {
    this.entry = entry;
    this.openInline(memory, entry.buffer, entry.start);
    return this;
  }

  /** Turns to a list that is a chunk tree. */
  editLarge(memory: ValueMemory, address: number): this {
    this.largeAddress = address;
    this.openLarge(memory, rootOf(memory.entries, address));
    return this;
  }

  /** Makes a list of one element in a new entry, whose value has `firstValueBytes`. */
  create(memory: ValueMemory, entry: ListEntry, value: ElementValue): this {
    this.memory = memory;
    this.entry = entry;
    this.size = 1;
    this.isLarge = firstValueBytes(value) === ROOT_BYTES;
    if (this.isLarge) {
      const root = createTree(memory.entries.slabs);
      this.tree.open(memory.entries.slabs, root).append(this.newChunk(value, true), 1);
      this.putOutside(root);
    } else {
      const { buffer, start } = entry;
      writeHeader(buffer, start, EMPTY_LISTPACK_BYTES + value.size, 1);
      buffer[value.write(buffer, start + HEADER_BYTES)] = END;
    }
    return this;
  }

  /** Where the entry lies now. */
  get address(): number {
    return this.isLarge ? this.largeAddress : this.entry.address;
  }

  /** Adds an element at the head or the tail. */
  push(value: ElementValue, end: number): void {
    this.size++;
    if (!this.isLarge) {
      if (this.hasRoomInline(value)) {
        const { entry } = this;
        insertElement(entry, end === HEAD ? HEADER_BYTES : endOffset(entry.buffer, entry.start), value);
        return;
      }
      this.becomeLarge();
    }
    const { chunk, tree } = this;
    const leaf = end === HEAD ? tree.seekFirst() : tree.seekLast();
    if (leaf === 0) {
      tree.append(this.newChunk(value, true), 1);
      return;
    }
    this.openForEdit(leaf);
    if (this.addAtEnd(value, end)) return;
    chunk.trim();
    this.chunkChanged(0);
    this.insertLeaf(this.newChunk(value, true), end);
  }

  /** Removes the present element. */
  removePresent(): void {
    this.size--;
    if (!this.isLarge) {
      removeElements(this.entry, this.at, 1);
      return;
    }
    if (this.elements === 1) {
      this.dropLeaf();
      return;
    }
    const { chunk } = this;
    this.openForEdit(this.tree.leaf);
    const size = offsetAfter(chunk.buffer, chunk.start, this.at) - this.at;
    if (this.at === HEADER_BYTES) chunk.removeFirst(size, this.elements);
    else if (this.at + size === chunk.length - 1) chunk.removeLast(size, this.elements);
    else removeElements(chunk, this.at, 1);
    this.chunkChanged(-1);
  }

  /** Removes up to `count` elements from one end. Chunks that go whole are not looked into. */
  removeFrom(end: number, count: number): void {
    this.size = Math.max(0, this.size - count);
    if (!this.isLarge) {
      removeSome(this.entry, end, count);
      return;
    }
    const { chunk, tree } = this;
    for (let left = count; left > 0; ) {
      const leaf = end === HEAD ? tree.seekFirst() : tree.seekLast();
      const { elements } = tree;
      if (leaf === 0) return;
      if (left < elements) {
        this.openForEdit(leaf);
        removeSome(chunk, end, left);
        this.chunkChanged(-left);
        return;
      }
      this.dropLeaf();
      left -= elements;
    }
  }

  /** Puts another element in the place of the present one. */
  replacePresent(value: ElementValue): void {
    if (!this.isLarge) {
      if (lengthWith(this.entry, this.at, value) <= INLINE_MAX_BYTES) {
        replaceElement(this.entry, this.at, value);
        return;
      }
      this.becomeLarge();
    }
    const { chunk } = this;
    this.openForEdit(this.tree.leaf);
    if (this.elements === 1 || fits(lengthWith(chunk, this.at, value), this.elements, this.fill)) {
      replaceElement(chunk, this.at, value);
      this.chunkChanged(0);
      return;
    }
    removeElements(chunk, this.at, 1);
    this.chunkChanged(-1);
    this.insertAt(this.at, value);
  }

  /** Inserts an element before (HEAD) or behind (TAIL) the present one. */
  insertBeside(value: ElementValue, side: number): void {
    this.size++;
    const at = side === HEAD ? this.at : offsetAfter(this.buffer, this.start, this.at);
    if (!this.isLarge) {
      if (this.hasRoomInline(value)) {
        insertElement(this.entry, at, value);
        return;
      }
      this.becomeLarge();
    }
    this.openForEdit(this.tree.leaf);
    this.insertAt(at, value);
  }

  /** Removes up to `limit` (at least 1) elements that are equal to `value`, the nearest to `end`. Returns how many. */
  removeEqual(value: ElementValue, end: number, limit: number): number {
    const removed = this.isLarge
      ? this.removeEqualLarge(value, end, limit)
      : removeEqualElements(this.entry, value, limit, end === TAIL);
    this.size -= removed;
    return removed;
  }

  private removeEqualLarge(value: ElementValue, end: number, limit: number): number {
    const { tree } = this;
    let removed = 0;
    let leaf = end === HEAD ? tree.seekFirst() : tree.seekLast();
    while (leaf !== 0 && removed < limit) {
      const { elements } = tree;
      const here = this.removeEqualInChunk(leaf, value, end, limit - removed);
      removed += here;
      if (here > 0) this.chunkChanged(-here);
      if (here < elements) {
        const isJoined = here > 0 && this.joinWithPrevious();
        if (end === HEAD) leaf = tree.next();
        // A joined chunk begins with what was not yet looked at.
        else leaf = isJoined ? tree.leaf : tree.previous();
      } else if (end === HEAD) {
        leaf = this.dropLeaf();
      } else {
        // What follows was looked at before.
        leaf = this.dropLeaf() === 0 ? tree.seekLast() : tree.previous();
      }
    }
    return removed;
  }

  private removeEqualInChunk(leaf: number, value: ElementValue, end: number, limit: number): number {
    const { buffer, start } = this.chunk.open(this.memory.blocks, leaf);
    if (findElement(buffer, start, value, HEADER_BYTES, 0) === -1) return 0;
    this.openForEdit(leaf);
    return removeEqualElements(this.chunk, value, limit, end === TAIL);
  }

  /** Inserts at this offset of the present chunk, which `chunk` has open. */
  private insertAt(at: number, value: ElementValue): void {
    const { chunk, other, tree } = this;
    if (hasRoom(chunk.length, chunk.elements, value.length, this.fill)) {
      insertElement(chunk, at, value);
      this.chunkChanged(1);
    } else if (at === HEADER_BYTES) {
      this.insertBetween(value, HEAD);
    } else if (at === chunk.length - 1) {
      this.insertBetween(value, TAIL);
    } else {
      const { blocks } = this.memory;
      const { elements } = chunk;
      splitListpack(chunk, at, other.create(blocks, EMPTY_LISTPACK_BYTES, false));
      chunk.trim();
      other.trim();
      const left = chunk.elements;
      this.chunkChanged(left - elements);
      tree.insertAfter(other.reference, elements - left);
      tree.previous();
      this.insertBetween(value, TAIL);
      this.joinAround();
    }
  }

  /** Inserts behind (or before) all of the present chunk, which `chunk` has open: at its end if it has room now, else
   * in the next chunk if that has, else in a new one. */
  private insertBetween(value: ElementValue, side: number): void {
    const { tree } = this;
    if (this.addAtEnd(value, side)) return;
    const neighbour = side === HEAD ? tree.previous() : tree.next();
    if (neighbour === 0) {
      const leaf = this.newChunk(value, true);
      if (side === HEAD) tree.prepend(leaf, 1);
      else tree.append(leaf, 1);
      return;
    }
    this.openForEdit(neighbour);
    const otherSide = side === HEAD ? TAIL : HEAD;
    if (!this.addAtEnd(value, otherSide)) this.insertLeaf(this.newChunk(value, false), otherSide);
  }

  /** Adds at one end of the present chunk, which `chunk` has open, if it has room. */
  private addAtEnd(value: ElementValue, end: number): boolean {
    const { chunk } = this;
    const { elements } = chunk;
    if (!hasRoom(chunk.length, elements, value.length, this.fill)) return false;
    if (end === HEAD) chunk.prepend(value, elements);
    else chunk.append(value, elements);
    this.chunkChanged(1);
    return true;
  }

  /** Puts a chunk of one element before (HEAD) or behind the present one. */
  private insertLeaf(leaf: number, side: number): void {
    if (side === HEAD) this.tree.insertBefore(leaf, 1);
    else this.tree.insertAfter(leaf, 1);
  }

  /** Joins the present chunk, those beside it and the one after these, as far as two fit one. */
  private joinAround(): void {
    const { tree } = this;
    if (tree.previous() === 0) tree.seekFirst();
    this.joinWithPrevious();
    for (let i = 0; i < 3; i++) {
      if (tree.next() === 0) return;
      this.joinWithPrevious();
    }
  }

  /** Moves all of the present chunk to the one before it, if there is one and both fit it: then that one is present.
   * Returns whether it did. */
  private joinWithPrevious(): boolean {
    const { chunk, other, tree } = this;
    const { blocks } = this.memory;
    const second = tree.leaf;
    const first = tree.previous();
    if (first === 0) {
      tree.seekFirst();
      return false;
    }
    this.openForEdit(first);
    other.open(blocks, second);
    const others = other.elements;
    if (!mayJoin(chunk.length, chunk.elements, other.length, others, this.fill)) {
      tree.next();
      return false;
    }
    appendListpack(chunk, other.buffer, other.start);
    this.chunkChanged(others);
    tree.next();
    if (this.dropLeaf() === 0) tree.seekLast();
    else tree.previous();
    return true;
  }

  /** Frees the present chunk. The next one is present then; returns it, or 0 if there is none. */
  private dropLeaf(): number {
    this.memory.blocks.free(this.tree.leaf);
    return this.tree.removeLeaf();
  }

  private openForEdit(leaf: number): void {
    const { blocks } = this.memory;
    if (blocks.frozen.count > 0) blocks.frozen.beforeChange(leaf);
    this.chunk.open(blocks, leaf);
  }

  /** The present chunk, which `chunk` has open, may have moved and has so many elements more. */
  private chunkChanged(elements: number): void {
    const { chunk, tree } = this;
    if (chunk.reference !== tree.leaf) tree.replaceLeaf(chunk.reference);
    if (elements !== 0) tree.add(elements);
  }

  /** A chunk of one element; `isAtEnd`: the first or last. */
  private newChunk(value: ElementValue, isAtEnd: boolean): number {
    return this.other.createWith(this.memory.blocks, value, isAtEnd).reference;
  }

  /** Moves the list out of its entry. Its only chunk is present then; none, if the list is empty. */
  private becomeLarge(): void {
    const { chunk, entry, memory, tree } = this;
    const root = createTree(memory.entries.slabs);
    tree.open(memory.entries.slabs, root);
    const elements = headerCount(entry.buffer, entry.start);
    if (elements > 0) {
      chunk.create(memory.blocks, entry.length, false);
      entry.buffer.copy(chunk.buffer, chunk.start, entry.start, entry.start + entry.length);
      tree.append(chunk.reference, elements);
    }
    this.putOutside(root);
  }

  private putOutside(root: number): void {
    this.entry.becomeRooted(LARGE, root);
    this.largeAddress = this.entry.address;
    this.isLarge = true;
  }

  private hasRoomInline(value: ElementValue): boolean {
    const { entry } = this;
    const { length } = entry;
    if (length + value.size > INLINE_MAX_BYTES) return false;
    const elements = headerCount(entry.buffer, entry.start);
    return elements === 0 || hasRoom(length, elements, value.length, this.fill);
  }

  private get fill(): number {
    return this.memory.limits.listMaxListpackSize;
  }
}

/** Length of the listpack with `value` in the place of the element at `at`. */
function lengthWith(list: PackedBytes, at: number, value: ElementValue): number {
  return list.length + value.size - (offsetAfter(list.buffer, list.start, at) - at);
}

function removeSome(list: PackedBytes, end: number, count: number): void {
  if (end === HEAD) removeFirst(list, count);
  else removeLast(list, count);
}
