/**
 * Blocks that somebody reads one after the other as they were at one instant, while commands change and free them. Who
 * is about to change a block says so (`beforeChange`), and if it is frozen, a copy of its bytes is kept for the reader.
 * One that is freed stays where it is until the reader has passed it.
 *
 * Whether a block is frozen is one bit for each unit of slab memory; of slabs without frozen blocks there is none.
 */
import type { BlockPlace, Blocks } from "./blocks.ts";
import { SLAB_MASK, SLAB_SHIFT } from "./slabs.ts";

const WORD_SHIFT = 5;
const WORDS = (SLAB_MASK + 1) >>> WORD_SHIFT;

export class FrozenBlocks {
  /** How many there are. Who changes or frees blocks looks at this first: what is never called is not inlined, and so
   * costs nothing. */
  count = 0;
  /** Bytes of those that were changed since. */
  keptBytes = 0;
  private readonly blocks: Blocks;
  /** By slab. */
  private readonly bits = new Map<number, Int32Array>();
  /** What blocks held that were changed since; by reference, as a signed number. */
  private readonly kept = new Map<number, Buffer>();
  /** References of those that were freed since, as signed numbers. */
  private readonly freed = new Set<number>();
  private readonly place: BlockPlace = { buffer: Buffer.alloc(0), start: 0 };

  constructor(blocks: Blocks) {
    this.blocks = blocks;
  }

  /** Freezes a block that is not frozen. It must be released, or all must be given up. */
  freeze(reference: number): void {
    const slab = reference >>> SLAB_SHIFT;
    let bits = this.bits.get(slab);
    if (bits === undefined) {
      bits = new Int32Array(WORDS);
      this.bits.set(slab, bits);
    }
    bits[(reference & SLAB_MASK) >>> WORD_SHIFT] |= 1 << reference;
    this.count++;
  }

  /** To be called before the bytes of a block change where they are. */
  beforeChange(reference: number): void {
    if (!this.isUntouched(reference)) return;
    const { place } = this;
    const length = this.blocks.locate(reference, place);
    this.keptBytes += length;
    this.kept.set(reference | 0, Buffer.from(place.buffer.subarray(place.start, place.start + length)));
  }

  /** Whether a block that is to be freed must stay for now; then it will be freed here. */
  retains(reference: number): boolean {
    if (!this.isUntouched(reference)) return false;
    this.freed.add(reference | 0);
    return true;
  }

  /** Whether the block is frozen, and holds what it held then. */
  isUntouched(reference: number): boolean {
    const bits = this.bits.get(reference >>> SLAB_SHIFT);
    if (bits === undefined) return false;
    const isFrozen = (bits[(reference & SLAB_MASK) >>> WORD_SHIFT] & (1 << reference)) !== 0;
    return isFrozen && !this.kept.has(reference | 0);
  }

  /** Whether a frozen block was changed since. */
  isKept(reference: number): boolean {
    return this.kept.has(reference | 0);
  }

  /** Tells where the bytes are that a frozen block held, until it is released or a command runs, and returns how many
   * there are. */
  locate(reference: number, place: BlockPlace): number {
    const bytes = this.kept.get(reference | 0);
    if (bytes === undefined) return this.blocks.locate(reference, place);
    place.buffer = bytes;
    place.start = 0;
    return bytes.length;
  }

  /** A frozen block has been read. */
  release(reference: number): void {
    const bits = this.bits.get(reference >>> SLAB_SHIFT)!;
    bits[(reference & SLAB_MASK) >>> WORD_SHIFT] &= ~(1 << reference);
    const bytes = this.kept.get(reference | 0);
    if (bytes !== undefined) {
      this.keptBytes -= bytes.length;
      this.kept.delete(reference | 0);
    }
    this.count--;
    if (this.count === 0) this.bits.clear();
    if (this.freed.delete(reference | 0)) this.blocks.free(reference);
  }

  /** Nobody will read the blocks that are still frozen. */
  giveUp(): void {
    this.count = 0;
    this.keptBytes = 0;
    this.bits.clear();
    this.kept.clear();
    for (const reference of this.freed) this.blocks.free(reference);
    this.freed.clear();
  }
}

/** A row of frozen blocks, to be read one after the other; each is released when the next is read. */
export class FrozenRun implements BlockPlace {
  /** Where the present block's bytes are, until a command runs. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  /** Of the present block; 0 if there is none. */
  reference = 0;
  private readonly frozen: FrozenBlocks;
  private readonly references: Int32Array;
  private added = 0;
  private read = 0;

  /** @param most how many blocks there can be */
  constructor(frozen: FrozenBlocks, most: number) {
    this.frozen = frozen;
    this.references = new Int32Array(most);
  }

  /** Freezes a block, the last of the row so far. */
  add(reference: number): void {
    this.frozen.freeze(reference);
    this.references[this.added++] = reference;
  }

  /** The last is to be read first. */
  reverse(): void {
    this.references.subarray(0, this.added).reverse();
  }

  /** Turns to the next block, at first to the first; false at the end. Must be called until then, or all frozen blocks
   * must be given up. */
  next(): boolean {
    const { frozen, references } = this;
    if (this.reference !== 0) frozen.release(this.reference);
    this.reference = 0;
    if (this.read === this.added) return false;
    this.reference = references[this.read++];
    this.length = frozen.locate(this.reference, this);
    return true;
  }
}
