/**
 * A chunk of a list while it is worked on: the listpack in a block. The block may be longer, with bytes to spare behind
 * the listpack and before it, so that adding and removing at either end writes the header and the element and moves
 * nothing else. How much is spared depends on the whole list's size.
 *
 *     [listpack][spare]                       its first word is the listpack's length
 *     [gap | 2^31: 4][...][listpack][spare]   the listpack begins `gap` (at least 4) bytes behind the block's beginning
 *
 * Chunks of several elements fit a slab object; one that is larger holds a single large element.
 */
import { readInt32, writeInt32 } from "../../base/little-endian.ts";
import { type Blocks, MAX_SLAB_BLOCK_BYTES } from "../../memory/blocks.ts";
import { Slabs } from "../../memory/slabs.ts";
import type { ElementValue } from "../listpack/element-value.ts";
import { END } from "../listpack/encoding.ts";
import {
  EMPTY_LISTPACK_BYTES,
  HEADER_BYTES,
  headerCount,
  listpackBytes,
  writeHeader,
} from "../listpack/listpack.ts";
import type { PackedBytes } from "../packed-bytes.ts";

const BLOCK_HEADER_BYTES = 4;
const HAS_GAP = 1 << 31;
const GAP_WORD_BYTES = 4;

/** Where the listpack begins in the buffer, if its block begins at `blockStart`. */
export function listpackStart(buffer: Buffer, blockStart: number): number {
  const word = readInt32(buffer, blockStart);
  return word < 0 ? blockStart + (word & ~HAS_GAP) : blockStart;
}

/** The length of the longest block that takes no more memory than one of this length. */
function roundUp(length: number): number {
  if (length > MAX_SLAB_BLOCK_BYTES) return length;
  return Slabs.roundUp(length + BLOCK_HEADER_BYTES) - BLOCK_HEADER_BYTES;
}

export class ListChunk implements PackedBytes {
  /** The block, which a change may move. */
  reference = 0;
  buffer!: Buffer;
  /** Where the listpack begins. */
  start = 0;
  /** Bytes of the listpack. */
  length = 0;
  /** Bytes that a block which grows gets beyond what it needs. */
  spareBytes = 0;
  private blockStart = 0;
  private capacity = 0;
  private blocks!: Blocks;

  open(blocks: Blocks, reference: number): this {
    this.blocks = blocks;
    this.openBlock(reference);
    this.start = listpackStart(this.buffer, this.blockStart);
    this.length = listpackBytes(this.buffer, this.start);
    return this;
  }

  /** Makes a new block for a listpack of this length, still to be written, with bytes to spare. */
  create(blocks: Blocks, length: number): this {
    this.blocks = blocks;
    this.openBlock(blocks.allocate(this.roomy(length)));
    this.start = this.blockStart;
    this.length = length;
    return this;
  }

  /** As `create`; writes a listpack of one element. */
  createWith(blocks: Blocks, value: ElementValue): this {
    this.create(blocks, EMPTY_LISTPACK_BYTES + value.size);
    this.buffer[value.write(this.buffer, this.start + HEADER_BYTES)] = END;
    writeHeader(this.buffer, this.start, this.length, 1);
    return this;
  }

  get elements(): number {
    return headerCount(this.buffer, this.start);
  }

  resize(length: number): void {
    if (length > this.capacity) this.reallocate(length);
    else if (length > this.capacity - this.gap) this.moveToFront();
    else this.shrink(length);
    this.length = length;
  }

  append(value: ElementValue): void {
    const end = this.length - 1;
    const { elements } = this;
    const length = this.length + value.size;
    if (length > this.capacity - this.gap) this.resize(length);
    const { buffer, start } = this;
    buffer[value.write(buffer, start + end)] = END;
    writeHeader(buffer, start, length, elements + 1);
    this.length = length;
  }

  prepend(value: ElementValue): void {
    const { size } = value;
    const { elements } = this;
    const gap = this.gap - size;
    const length = this.length + size;
    if (gap === 0 || gap >= GAP_WORD_BYTES) {
      this.start -= size;
    } else {
      if (length > this.capacity) this.reallocate(length);
      this.moveToEnd(HEADER_BYTES, length);
    }
    value.write(this.buffer, this.start + HEADER_BYTES);
    this.length = length;
    this.writeFront(elements + 1);
  }

  /** Removes the first element, which takes `size` bytes. */
  removeFirst(size: number): void {
    const { elements } = this;
    const gap = this.gap + size;
    const length = this.length - size;
    if (gap >= GAP_WORD_BYTES) this.start += size;
    else this.moveToEnd(HEADER_BYTES + size, length);
    this.length = length;
    this.writeFront(elements - 1);
    this.shrink(length);
  }

  /** Removes the last element, which takes `size` bytes. */
  removeLast(size: number): void {
    const { buffer, elements, start } = this;
    const length = this.length - size;
    buffer[start + length - 1] = END;
    writeHeader(buffer, start, length, elements - 1);
    this.length = length;
    this.shrink(length);
  }

  /** Gives up what is spared. */
  trim(): void {
    this.spareBytes = 0;
    if (roundUp(this.length) < this.capacity) this.reallocate(this.length);
  }

  /** Bytes before the listpack. */
  private get gap(): number {
    return this.start - this.blockStart;
  }

  /** Writes the header, and where the listpack begins. */
  private writeFront(elements: number): void {
    const { buffer, gap } = this;
    writeHeader(buffer, this.start, this.length, elements);
    if (gap > 0) writeInt32(buffer, this.blockStart, gap | HAS_GAP);
  }

  /** Moves all from offset `from` of the listpack, which is to have this length, so that what is spared lies before it.
   * The front is still to be written. */
  private moveToEnd(from: number, length: number): void {
    const { buffer, blockStart, start } = this;
    const free = this.capacity - length;
    const moved = blockStart + (free < GAP_WORD_BYTES ? 0 : free);
    const tail = this.length - from;
    buffer.copyWithin(moved + length - tail, start + from, start + this.length);
    this.start = moved;
  }

  private moveToFront(): void {
    const { buffer, blockStart, start } = this;
    if (start !== blockStart) buffer.copyWithin(blockStart, start, start + this.length);
    this.start = blockStart;
  }

  /** Gives memory back if a listpack of this length leaves far too much to spare. */
  private shrink(length: number): void {
    const { capacity } = this;
    if (capacity - length > this.spareBytes && 2 * length < capacity) this.reallocate(length);
  }

  /** Makes it a block for a listpack of this length, with bytes to spare. */
  private reallocate(length: number): void {
    this.moveToFront();
    this.openBlock(this.blocks.resize(this.reference, this.roomy(length)));
    this.start = this.blockStart;
  }

  private roomy(length: number): number {
    if (length > MAX_SLAB_BLOCK_BYTES) return length;
    return roundUp(Math.min(length + this.spareBytes, MAX_SLAB_BLOCK_BYTES));
  }

  private openBlock(reference: number): void {
    const { blocks } = this;
    this.reference = reference;
    this.buffer = blocks.buffer(reference);
    this.blockStart = blocks.start(reference);
    this.capacity = blocks.length(reference);
  }
}
