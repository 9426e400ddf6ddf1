/**
 * The latency monitor: for each kind of event the last 160 seconds in which it took longer than
 * `latency-monitor-threshold`, and the longest ever. Of several events within one second the longest counts.
 */
import type { Clock } from "../../base/clock.ts";
import type { LatencySeries } from "../../commands/services.ts";

/** Kinds of events. Redis's names, as far as there is such a thing here. */
export type LatencyEvent =
  | "command"
  | "fast-command"
  | "command-unblocking"
  | "aof-write"
  | "aof-fsync-always"
  | "expire-cycle"
  | "eviction-cycle"
  | "cold-read"
  | "spill-cycle";

const MAX_SAMPLES = 160;
const NOT_TIMED = -1;

class Series implements LatencySeries {
  longestMs = 0;
  /** Oldest first. */
  readonly samples: { readonly unixSeconds: number; milliseconds: number }[] = [];

  add(unixSeconds: number, milliseconds: number): void {
    this.longestMs = Math.max(this.longestMs, milliseconds);
    const last = this.samples.at(-1);
    if (last !== undefined && last.unixSeconds === unixSeconds) {
      last.milliseconds = Math.max(last.milliseconds, milliseconds);
      return;
    }
    if (this.samples.length === MAX_SAMPLES) this.samples.shift();
    this.samples.push({ unixSeconds, milliseconds });
  }
}

export class LatencyEvents {
  /** Milliseconds; 0 records nothing. */
  thresholdMs = 0;
  private readonly series = new Map<string, Series>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** An event begins; the result is for `end`. */
  begin(): number {
    return this.thresholdMs === 0 ? NOT_TIMED : this.clock.monotonicMs();
  }

  end(event: LatencyEvent, begunMs: number): void {
    if (begunMs !== NOT_TIMED) this.add(event, this.clock.monotonicMs() - begunMs);
  }

  /** Records what took so long, if that was long enough. */
  add(event: LatencyEvent, elapsedMs: number): void {
    const milliseconds = Math.floor(elapsedMs);
    if (this.thresholdMs === 0 || milliseconds < this.thresholdMs) return;
    let series = this.series.get(event);
    if (series === undefined) {
      series = new Series();
      this.series.set(event, series);
    }
    series.add(Math.floor(this.clock.nowMs / 1000), milliseconds);
  }

  /** All kinds of which there is a sample. */
  all(): Iterable<readonly [event: string, series: LatencySeries]> {
    return this.series;
  }

  of(event: string): LatencySeries | undefined {
    return this.series.get(event);
  }

  /** Forgets events of that kind (in any case), or of all. Returns how many kinds that were. */
  reset(event?: string): number {
    let count = 0;
    for (const name of this.series.keys()) {
      if (event !== undefined && event.toLowerCase() !== name) continue;
      this.series.delete(name);
      count++;
    }
    return count;
  }
}
