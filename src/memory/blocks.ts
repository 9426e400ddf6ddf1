/**
 * Byte strings of any length in slab memory: the chunks of large collections. A block is known by a 32-bit reference
 * (never 0), which changes when the block has to move.
 *
 * Layout of the slab object: word 0 is the length, and the bytes follow. Of a block too large for a slab object the
 * object holds only word 0 with HUGE set, and word 1: the number of the huge value that holds the bytes.
 */
import { copyBytes } from "../base/byte-copy.ts";
import { FrozenBlocks } from "./frozen-blocks.ts";
import type { HugeValues } from "./huge-values.ts";
import { MAX_OBJECT_BYTES, SLAB_MASK, SLAB_SHIFT, Slabs } from "./slabs.ts";

/** Bytes of a slab object before the block's own. */
const HEADER_BYTES = 4;
const HUGE = 1 << 31;
const HUGE_OBJECT_BYTES = 8;

/** What a slab object may leave free in any case: its size was rounded up. */
const MIN_FREE_BYTES = 16;

/** The longest block that lies in a slab object; a longer one has memory of its own. */
export const MAX_SLAB_BLOCK_BYTES = MAX_OBJECT_BYTES - HEADER_BYTES;

/** Where a block lies. */
export interface BlockPlace {
  buffer: Buffer;
  start: number;
}

export class Blocks {
  readonly slabs: Slabs;
  /** Who changes a block where it is, and not by the methods here, tells this before, if the block may be frozen. */
  readonly frozen: FrozenBlocks = new FrozenBlocks(this);
  private readonly huge: HugeValues;

  constructor(slabs: Slabs, huge: HugeValues) {
    this.slabs = slabs;
    this.huge = huge;
  }

  /** Reference of a new block of `length` bytes (0 to 2^31 - 1); its contents are undefined. */
  allocate(length: number): number {
    const isHuge = length > MAX_SLAB_BLOCK_BYTES;
    const reference = this.slabs.allocate(isHuge ? HUGE_OBJECT_BYTES : HEADER_BYTES + length);
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    words[w] = isHuge ? length | HUGE : length;
    if (isHuge) words[w + 1] = this.huge.allocate(length);
    return reference;
  }

  free(reference: number): void {
    if (this.frozen.count > 0 && this.frozen.retains(reference)) return;
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    if (words[w] < 0) this.huge.free(words[w + 1]);
    this.slabs.free(reference);
  }

  length(reference: number): number {
    return this.slabs.words[reference >>> SLAB_SHIFT][(reference & SLAB_MASK) << 2] & ~HUGE;
  }

  /** The buffer that holds the block, from `start` on. */
  buffer(reference: number): Buffer {
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    return words[w] < 0 ? this.huge.get(words[w + 1]) : this.slabs.bytes[reference >>> SLAB_SHIFT];
  }

  /** Where the block begins in its buffer: a multiple of 4. */
  start(reference: number): number {
    const w = (reference & SLAB_MASK) << 2;
    return this.slabs.words[reference >>> SLAB_SHIFT][w] < 0 ? 0 : (w << 2) + HEADER_BYTES;
  }

  /** Tells where the block lies, as `buffer` and `start` do, and returns its length: one look at memory for all
   * three. */
  locate(reference: number, place: BlockPlace): number {
    const slab = reference >>> SLAB_SHIFT;
    const words = this.slabs.words[slab];
    const w = (reference & SLAB_MASK) << 2;
    const length = words[w];
    if (length < 0) {
      place.buffer = this.huge.get(words[w + 1]);
      place.start = 0;
      return length & ~HUGE;
    }
    place.buffer = this.slabs.bytes[slab];
    place.start = (w << 2) + HEADER_BYTES;
    return length;
  }

  /** Bytes of memory that the block takes. */
  sizeBytes(reference: number): number {
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    return this.slabs.capacity(reference) + (words[w] < 0 ? this.huge.get(words[w + 1]).length : 0);
  }

  /**
   * Gives the block another length, keeping the bytes both have; returns its reference, which may be a new one.
   * A huge block that grows leaves room for more of the same.
   */
  resize(reference: number, length: number): number {
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    if (words[w] < 0) {
      if (length > MAX_SLAB_BLOCK_BYTES) {
        this.huge.resize(words[w + 1], length, Math.min(length, words[w] & ~HUGE));
        words[w] = length | HUGE;
        return reference;
      }
    } else if (length <= MAX_SLAB_BLOCK_BYTES) {
      const capacity = this.slabs.capacity(reference);
      if (Slabs.roundUp(HEADER_BYTES + length) === capacity) {
        words[w] = length;
        return reference;
      }
    }
    return this.move(reference, length);
  }

  /**
   * As `resize`, for a block that is changed by a few bytes again and again: when it has to move, it gets memory for a
   * quarter more, and it stays where it is until a third of its memory is free. `most` is the length that it will not
   * exceed, but for single large changes: no more memory is taken for it in advance.
   */
  resizeLoosely(reference: number, length: number, most: number = MAX_SLAB_BLOCK_BYTES): number {
    const words = this.slabs.words[reference >>> SLAB_SHIFT];
    const w = (reference & SLAB_MASK) << 2;
    if (words[w] < 0) return this.resize(reference, length);
    const free = this.slabs.capacity(reference) - HEADER_BYTES - length;
    if (free >= 0 && free <= MIN_FREE_BYTES + (length >>> 1)) {
      words[w] = length;
      return reference;
    }
    const moved = this.allocateLoosely(length, most);
    const kept = Math.min(length, words[w]);
    copyBytes(this.buffer(reference), this.start(reference), this.buffer(moved), this.start(moved), kept);
    this.slabs.free(reference);
    return moved;
  }

  /** As `allocate`, with memory for a quarter more (up to `most`), which `resizeLoosely` will use. */
  allocateLoosely(length: number, most: number = MAX_SLAB_BLOCK_BYTES): number {
    const loose = Math.max(length, Math.min(length + (length >>> 2), most));
    if (loose > MAX_SLAB_BLOCK_BYTES) return this.allocate(length);
    const reference = this.slabs.allocate(HEADER_BYTES + loose);
    this.slabs.words[reference >>> SLAB_SHIFT][(reference & SLAB_MASK) << 2] = length;
    return reference;
  }

  /** Makes a block that is not huge shorter, and leaves it the memory that it has: it will soon be freed. */
  shorten(reference: number, length: number): void {
    this.slabs.words[reference >>> SLAB_SHIFT][(reference & SLAB_MASK) << 2] = length;
  }

  private move(reference: number, length: number): number {
    const moved = this.allocate(length);
    const kept = Math.min(length, this.length(reference));
    copyBytes(this.buffer(reference), this.start(reference), this.buffer(moved), this.start(moved), kept);
    this.free(reference);
    return moved;
  }
}

/** A block that is being worked on: `open` turns it to another one. After each `resize` its reference may be new. */
export class OpenBlock {
  reference = 0;
  buffer!: Buffer;
  start = 0;
  length = 0;
  private readonly blocks: Blocks;
  private readonly isLoose: boolean;
  private readonly most: number;

  /** `isLoose`: resizes loosely, see Blocks.resizeLoosely. */
  constructor(blocks: Blocks, isLoose = false, most: number = MAX_SLAB_BLOCK_BYTES) {
    this.blocks = blocks;
    this.isLoose = isLoose;
    this.most = most;
  }

  open(reference: number): this {
    this.reference = reference;
    this.length = this.blocks.locate(reference, this);
    return this;
  }

  /** Keeps the bytes that both lengths have. */
  resize(length: number): void {
    const { blocks, reference, most } = this;
    this.open(
      this.isLoose ? blocks.resizeLoosely(reference, length, most) : blocks.resize(reference, length),
    );
  }

  /** As Blocks.shorten. */
  shorten(length: number): void {
    this.blocks.shorten(this.reference, length);
    this.length = length;
  }
}
