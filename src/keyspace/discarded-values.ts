/**
 * Large values whose key is gone. Freeing ten million elements takes longer than anybody should wait for a DEL, so it
 * is done bit by bit, in the order in which they were deleted; small ones go at once.
 */
import { dataTypeOf } from "../types/registry.ts";
import type { ValueMemory } from "../types/value-memory.ts";

interface Discarded {
  readonly type: number;
  readonly root: number;
}

/** Blocks freed at once when a value is deleted: some tens of microseconds. */
const BLOCKS_AT_ONCE = 256;

export class DiscardedValues {
  private readonly waiting: Discarded[] = [];
  private readonly memory: ValueMemory;

  constructor(memory: ValueMemory) {
    this.memory = memory;
  }

  /** Values not yet freed. */
  get count(): number {
    return this.waiting.length;
  }

  /** Takes over the form of type `type` at `root` (0 is none); with `atOnce` all of it is freed now. */
  add(type: number, root: number, atOnce: boolean): void {
    if (root === 0) return;
    const limit = atOnce ? Number.MAX_SAFE_INTEGER : BLOCKS_AT_ONCE;
    if (!dataTypeOf(type).rooted!.disposeStep(this.memory, root, limit)) this.waiting.push({ type, root });
  }

  /** Frees about `limit` blocks of the oldest; true if that is all of it. */
  freeStep(limit: number): boolean {
    const oldest = this.waiting[0];
    if (oldest === undefined) return false;
    const isDone = dataTypeOf(oldest.type).rooted!.disposeStep(this.memory, oldest.root, limit);
    if (isDone) this.waiting.shift();
    return isDone;
  }
}
