/**
 * Time as the rest of the code sees it. Injected, so that a test can hold it still or move it.
 * `nowMs` is what Redis calls the cached time: read once per turn of the event loop, because one command (and one
 * transaction) must see a single instant, and because asking the system for every command costs more than a GET.
 */

// The global of this name is a getter, which V8 calls each time.
import { performance } from "node:perf_hooks";

/** What tells the time. */
export interface Clock {
  /** Unix time in milliseconds, refreshed by `refresh`. */
  nowMs: number;
  /** Reads the system's time into `nowMs` and returns it. */
  refresh(): number;
  /** Unix time in microseconds, read now (for TIME); it jumps when the system's clock is set. */
  microseconds(): number;
  /** A monotonic time in milliseconds with fractions, for durations. */
  monotonicMs(): number;
}

/** The longest time that a timer of Node takes: some 25 days. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** From so far apart on, the system's clock was set; below, it is its resolution. */
const CLOCK_WAS_SET_MS = 2;

/** The machine's own clock. */
export class SystemClock implements Clock {
  nowMs = Date.now();
  /** Unix time at which the monotonic time was 0. */
  #originMs = performance.timeOrigin;

  refresh(): number {
    this.nowMs = Date.now();
    return this.nowMs;
  }

  microseconds(): number {
    const unixMs = Date.now();
    const sinceStartMs = performance.now();
    // The monotonic time has the digits below a millisecond, but knows nothing of a clock that was set meanwhile.
    if (Math.abs(this.#originMs + sinceStartMs - unixMs) > CLOCK_WAS_SET_MS)
      this.#originMs = unixMs - sinceStartMs;
    return Math.floor((this.#originMs + sinceStartMs) * 1000);
  }

  monotonicMs(): number {
    return performance.now();
  }
}

/** A clock that moves only when told to. */
export class ManualClock implements Clock {
  nowMs: number;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  advance(milliseconds: number): void {
    this.nowMs += milliseconds;
  }

  refresh(): number {
    return this.nowMs;
  }

  microseconds(): number {
    return this.nowMs * 1000;
  }

  monotonicMs(): number {
    return this.nowMs;
  }
}
