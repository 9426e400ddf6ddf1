/**
 * How much of a large value is packed at a time: see DataType.packInParts.
 */

/** About the size of a part: a few tenths of a millisecond of work. */
const PART_BYTES = 32 * 1024;
/** An element costs time, however short it is. */
const ELEMENT_COST_BYTES = 16;

/** Does all steps at once. */
export function finishSteps(steps: Iterator<void, void>): void {
  while (steps.next().done !== true);
}

/** Blocks that are frozen in one step, for an image of a large value: some hundredths of a millisecond of work. */
export const BLOCKS_PER_STEP = 256;

/** Values of fewer elements are packed at once. */
export const FEW_ELEMENTS = 1000;

/** Counts what is packed, and says when a part is full. */
export class PartMeter {
  private left = PART_BYTES;

  /** An element of that size was packed: says whether the part is full, so that a new one begins. */
  isFull(bytes: number): boolean {
    this.left -= bytes + ELEMENT_COST_BYTES;
    if (this.left > 0) return false;
    this.left = PART_BYTES;
    return true;
  }
}
