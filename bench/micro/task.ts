/**
 * What a micro-benchmark is, and the sink its results go to.
 */

export interface MicroTask {
  readonly name: string;
  /** How many operations one call of `run` performs: enough that the clock's resolution does not matter. */
  readonly operations: number;
  /**
   * Performs them. Returns nothing, and is timed from outside; or returns the time, in milliseconds, of the
   * part that counts.
   */
  readonly run: () => number | undefined;
}

// Results are mixed into a number that is printed in the end, so that no compiler can prove them useless.
let mixed = 0;

/** Takes a result. */
export function consume(value: number): void {
  mixed = (Math.imul(mixed, 31) + value) | 0;
}

/** What all results have been mixed into. */
export function sink(): number {
  return mixed;
}
