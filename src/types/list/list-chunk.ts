/**
 * A chunk of a list while it is worked on: the listpack in a block. The block may be longer than the listpack (whose
 * length is in its header), so that most changes move nothing; how much is spared depends on the whole list's size.
 *
 * Chunks of several elements fit a slab object; one that is larger holds a single large element.
 */
import { type Blocks, MAX_SLAB_BLOCK_BYTES } from "../../memory/blocks.ts";
import { Slabs } from "../../memory/slabs.ts";
import { listpackBytes } from "../listpack/listpack.ts";
import type { PackedBytes } from "../packed-bytes.ts";

const BLOCK_HEADER_BYTES = 4;

/** The length of the longest block that takes no more memory than one of this length. */
function roundUp(length: number): number {
  if (length > MAX_SLAB_BLOCK_BYTES) return length;
  return Slabs.roundUp(length + BLOCK_HEADER_BYTES) - BLOCK_HEADER_BYTES;
}

export class ListChunk implements PackedBytes {
  /** The block, which `resize` may move. */
  reference = 0;
  buffer!: Buffer;
  start = 0;
  /** Bytes of the listpack. */
  length = 0;
  /** Bytes that a block which grows gets beyond what it needs. */
  spareBytes = 0;
  private capacity = 0;
  private blocks!: Blocks;

  open(blocks: Blocks, reference: number): this {
    this.blocks = blocks;
    this.openBlock(reference);
    this.length = listpackBytes(this.buffer, this.start);
    return this;
  }

  /** Makes a new block for a listpack of this length, still to be written, with bytes to spare. */
  create(blocks: Blocks, length: number): this {
    this.blocks = blocks;
    this.openBlock(blocks.allocate(this.roomy(length)));
    this.length = length;
    return this;
  }

  resize(length: number): void {
    const { capacity } = this;
    const isKept = length <= capacity && (capacity - length <= this.spareBytes || 2 * length >= capacity);
    if (!isKept) this.openBlock(this.blocks.resize(this.reference, this.roomy(length)));
    this.length = length;
  }

  /** Gives up what is spared. */
  trim(): void {
    const needed = roundUp(this.length);
    if (needed < this.capacity) this.openBlock(this.blocks.resize(this.reference, needed));
  }

  private roomy(length: number): number {
    if (length > MAX_SLAB_BLOCK_BYTES) return length;
    return roundUp(Math.min(length + this.spareBytes, MAX_SLAB_BLOCK_BYTES));
  }

  private openBlock(reference: number): void {
    const { blocks } = this;
    this.reference = reference;
    this.buffer = blocks.buffer(reference);
    this.start = blocks.start(reference);
    this.capacity = blocks.length(reference);
  }
}
