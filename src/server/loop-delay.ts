/**
 * How long the event loop has kept its timers waiting, for benchmarks: INFO shows it only where
 * TSREDIS_LOOP_DELAY=1 is in the environment, because measuring wakes the process a hundred times a second.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

export class LoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.histogram.enable();
  }

  /** By how many milliseconds at most that percentage of the timers was late. */
  percentileMs(percent: number): number {
    return late(this.histogram.percentile(percent));
  }

  get maxMs(): number {
    return late(this.histogram.max);
  }

  reset(): void {
    this.histogram.reset();
  }
}

/** Node records the time between two timers, which is the resolution where the loop is free. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
