/**
 * Finds equal ones among many byte strings that lie in a payload, by their hashes: memory is taken for the positions
 * only. Open addressing with linear probing.
 */
const MIN_SLOTS = 16;
/** At most 3 of 4 slots are in use. */
const SLOTS_FOR_EACH = 4 / 3;
/** Memory is kept for this number of strings: 16 KB. */
const FEW = 1536;

export class DistinctPositions {
  /** For each slot: a hash, and the position of the string that has it, plus 1 (0: nothing is here). */
  private readonly slots: Int32Array;
  private mask = 0;

  /** For up to `count` strings; `begin` comes first. */
  constructor(count: number) {
    this.slots = new Int32Array(2 * slotsFor(count));
  }

  /** Forgets all strings; up to `count` will be added. */
  begin(count: number): this {
    const slots = slotsFor(count);
    this.slots.fill(0, 0, 2 * slots);
    this.mask = slots - 1;
    return this;
  }

  /**
   * Adds the string at `position` (0 to 2^31 - 2), whose hash is given; false if an equal one was added before.
   * `isSame` compares it with one of the same hash, by that one's position.
   */
  add(hash: number, position: number, isSame: (other: number) => boolean): boolean {
    const { slots, mask } = this;
    let slot = hash & mask;
    while (slots[2 * slot + 1] !== 0) {
      if (slots[2 * slot] === hash && isSame(slots[2 * slot + 1] - 1)) return false;
      slot = (slot + 1) & mask;
    }
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = position + 1;
    return true;
  }
}

function slotsFor(count: number): number {
  let slots = MIN_SLOTS;
  while (slots < count * SLOTS_FOR_EACH) slots *= 2;
  return slots;
}

const forFew = new DistinctPositions(FEW);

/** Takes `count` strings, until the next call. */
export function distinctPositions(count: number): DistinctPositions {
  return (count <= FEW ? forFew : new DistinctPositions(count)).begin(count);
}
