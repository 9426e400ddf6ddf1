/**
 * A chunk of a list while it is worked on: the listpack in a block. The block of the first and the last chunk may be
 * longer, with bytes to spare behind the listpack and before it, so that adding and removing at either end writes the
 * header and the element and moves nothing else. How much is spared depends on the whole list's size.
 *
 *     [listpack][spare]                       its first word is the listpack's length
 *     [gap | 2^31: 4][...][listpack][spare]   the listpack begins `gap` (at least 4) bytes behind the block's beginning
 *
 * Chunks of several elements fit a slab object; one that is larger holds a single large element.
 */
import { readInt32, writeInt32 } from "../../base/little-endian.ts";
import { type Blocks, MAX_SLAB_BLOCK_BYTES } from "../../memory/blocks.ts";
import { Slabs } from "../../memory/slabs.ts";
import type { ChunkTree } from "../chunk-tree/chunk-tree.ts";
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
/** What each end may have to spare, for each chunk of the list: an eighth of the list for both. */
const SPARE_BYTES_PER_CHUNK = 512;

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
  private blockStart = 0;
  private blockLength = 0;
  private blocks!: Blocks;
  private readonly tree: ChunkTree;

  /** `tree` tells where in which list the chunk is: it is the present leaf when it is changed. */
  constructor(tree: ChunkTree) {
    this.tree = tree;
  }

  open(blocks: Blocks, reference: number): this {
    this.blocks = blocks;
    this.take(reference);
    this.length = readInt32(this.buffer, this.blockStart);
    if (this.length < 0) {
      this.start += this.length & ~HAS_GAP;
      this.length = listpackBytes(this.buffer, this.start);
    }
    return this;
  }

  /** Makes a new block for a listpack of this length, still to be written; `isAtEnd`: it will be the first or last. */
  create(blocks: Blocks, length: number, isAtEnd: boolean): this {
    this.blocks = blocks;
    this.take(blocks.allocate(isAtEnd ? this.roomy(length) : roundUp(length)));
    this.length = length;
    return this;
  }

  /** As `create`; writes a listpack of one element. */
  createWith(blocks: Blocks, value: ElementValue, isAtEnd: boolean): this {
    this.create(blocks, EMPTY_LISTPACK_BYTES + value.size, isAtEnd);
    this.buffer[value.write(this.buffer, this.start + HEADER_BYTES)] = END;
    writeHeader(this.buffer, this.start, this.length, 1);
    return this;
  }

  get elements(): number {
    return headerCount(this.buffer, this.start);
  }

  resize(length: number): void {
    if (length > this.blockLength) this.reallocate(length);
    else if (length > this.blockLength - this.gap) this.moveToFront();
    else this.shrink(length);
    this.length = length;
  }

  /** Adds an element behind the `elements` there are. */
  append(value: ElementValue, elements: number): void {
    const end = this.length - 1;
    const length = this.length + value.size;
    if (length > this.blockLength - this.gap) this.resize(length);
    const { buffer, start } = this;
    buffer[value.write(buffer, start + end)] = END;
    writeHeader(buffer, start, length, elements + 1);
    this.length = length;
  }

  /** Adds an element before the `elements` there are. */
  prepend(value: ElementValue, elements: number): void {
    const { size } = value;
    const gap = this.gap - size;
    const length = this.length + size;
    if (gap === 0 || gap >= GAP_WORD_BYTES) {
      this.start -= size;
    } else {
      if (length > this.blockLength) this.reallocate(length);
      this.moveToEnd(HEADER_BYTES, length);
    }
    value.write(this.buffer, this.start + HEADER_BYTES);
    this.length = length;
    this.writeFront(elements + 1);
  }

  /** Removes the first of the `elements`, which takes `size` bytes. */
  removeFirst(size: number, elements: number): void {
    const gap = this.gap + size;
    const length = this.length - size;
    if (gap >= GAP_WORD_BYTES) this.start += size;
    else this.moveToEnd(HEADER_BYTES + size, length);
    this.length = length;
    this.writeFront(elements - 1);
    this.shrink(length);
  }

  /** Removes the last of the `elements`, which takes `size` bytes. */
  removeLast(size: number, elements: number): void {
    const { buffer, start } = this;
    const length = this.length - size;
    buffer[start + length - 1] = END;
    writeHeader(buffer, start, length, elements - 1);
    this.length = length;
    this.shrink(length);
  }

  /** Gives up what is spared. */
  trim(): void {
    const needed = roundUp(this.length);
    if (needed < this.blockLength) this.moveTo(needed);
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
    const free = this.blockLength - length;
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

  /** Gives memory back if a listpack of this length leaves too much to spare. */
  private shrink(length: number): void {
    const { blockLength } = this;
    const allowed = this.tree.isInside ? 0 : Math.max(this.spareBytes, blockLength >> 1);
    if (length + allowed < blockLength && roundUp(length) + allowed < blockLength) this.reallocate(length);
  }

  /** Makes it a block for a listpack of this length, at an end with bytes to spare. */
  private reallocate(length: number): void {
    this.moveTo(this.tree.isInside ? roundUp(length) : this.roomy(length));
  }

  private moveTo(blockLength: number): void {
    this.moveToFront();
    this.take(this.blocks.resize(this.reference, blockLength));
  }

  private take(reference: number): void {
    this.reference = reference;
    this.blockLength = this.blocks.locate(reference, this);
    this.blockStart = this.start;
  }

  private roomy(length: number): number {
    if (length > MAX_SLAB_BLOCK_BYTES) return length;
    return roundUp(Math.min(length + this.spareBytes, MAX_SLAB_BLOCK_BYTES));
  }

  private get spareBytes(): number {
    const { leaves } = this.tree;
    return leaves <= 1 ? 0 : leaves * SPARE_BYTES_PER_CHUNK;
  }
}
