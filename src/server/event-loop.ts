/**
 * How often the event loop turns, and how long it is at work: Redis 7.2's figures, from Node's own counters.
 */
import { performance } from "node:perf_hooks";
import { Rate } from "./statistics.ts";

const MICROSECONDS_PER_MS = 1000;

export class EventLoopFigures {
  private readonly cycleRate = new Rate();
  private readonly workRate = new Rate();
  private cyclesBefore = 0;
  private microsecondsBefore = 0;

  /** Turns of the loop since the last reset. */
  get cycles(): number {
    return performance.nodeTiming.uvMetricsInfo.loopCount - this.cyclesBefore;
  }

  /** Microseconds in which the loop did not wait for something to happen, since the last reset. */
  get microseconds(): number {
    return (
      Math.round(performance.eventLoopUtilization().active * MICROSECONDS_PER_MS) - this.microsecondsBefore
    );
  }

  /** Lately. */
  get cyclesPerSecond(): number {
    return this.cycleRate.value;
  }

  /** Of a turn, lately. */
  get microsecondsPerCycle(): number {
    const cycles = this.cycleRate.value;
    return cycles === 0 ? 0 : this.workRate.value / cycles;
  }

  /** To be called about ten times a second. @param nowMs monotonic */
  sample(nowMs: number): void {
    this.cycleRate.sample(this.cycles, nowMs);
    this.workRate.sample(this.microseconds, nowMs);
  }

  reset(): void {
    this.cyclesBefore += this.cycles;
    this.microsecondsBefore += this.microseconds;
    this.cycleRate.reset();
    this.workRate.reset();
  }
}
