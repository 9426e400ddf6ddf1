/**
 * A count that several threads share: which number the next new slab, or huge value, gets. What a thread makes under
 * such numbers keeps its addresses when another takes it over.
 */

/** One cell of shared memory. */
export type SharedNumber = Int32Array<SharedArrayBuffer>;

export function newSharedNumber(): SharedNumber {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Takes the next number; where it is not shared, that is `next`. */
export function nextNumber(shared: SharedNumber | undefined, next: number): number {
  return shared === undefined ? next : Atomics.add(shared, 0, 1);
}
