/** A clock that stands still, but that each look at it takes time: so slices of a walk end. */
import { ManualClock } from "../../src/base/clock.ts";

/** Longer than half of what a slice may take. */
const LOOK_MS = 0.7;

export class TickingClock extends ManualClock {
  private ticks = 0;

  override monotonicMs(): number {
    this.ticks += LOOK_MS;
    return this.nowMs + this.ticks;
  }
}
