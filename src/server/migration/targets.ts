/**
 * Connections to other servers that MIGRATE has used and may use again soon: one for each target, closed when it was
 * not used for ten seconds. As in Redis there are at most 64; of more, any is given up.
 */
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { MigrationOrder } from "../../commands/services.ts";
import { Target } from "./target.ts";

const MAX_KEPT = 64;
const KEPT_MS = 10_000;

export class Targets {
  private readonly clock: Clock;
  private readonly random: Random;
  /** By what clients call the target; those in use, too. */
  private readonly kept = new Map<string, Target>();
  private readonly busy = new Set<Target>();

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** Connections that are kept, be they in use or not. */
  get count(): number {
    return this.kept.size;
  }

  /** A connection to the order's target, for one user at a time. Rejects with a TargetFailure. */
  async take(order: MigrationOrder): Promise<Target> {
    const kept = this.kept.get(order.target);
    const isFree = kept !== undefined && kept.isUsable && !this.busy.has(kept);
    const target = isFree ? kept : await Target.open(order.host, order.port, order.timeoutMs);
    target.timeoutMs = order.timeoutMs;
    target.usedAtMs = this.clock.nowMs;
    target.setInUse(true);
    this.busy.add(target);
    const present = this.kept.get(order.target);
    if (present === undefined || !present.isUsable) this.keep(order.target, target);
    return target;
  }

  /** The user is done with it. A connection that broke, or that is one too many, is closed. */
  giveBack(order: MigrationOrder, target: Target): void {
    this.busy.delete(target);
    const isKept = this.kept.get(order.target) === target;
    if (isKept && target.isUsable) {
      target.setInUse(false);
      return;
    }
    if (isKept) this.kept.delete(order.target);
    target.close();
  }

  /** Closes what nobody has used for long. */
  closeIdle(): void {
    for (const [name, target] of this.kept) {
      if (this.busy.has(target)) continue;
      if (target.isUsable && this.clock.nowMs - target.usedAtMs <= KEPT_MS) continue;
      this.kept.delete(name);
      target.close();
    }
  }

  private keep(name: string, target: Target): void {
    if (this.kept.size >= MAX_KEPT && !this.kept.has(name)) {
      const names = [...this.kept.keys()];
      const dropped = names[this.random.below(names.length)];
      const other = this.kept.get(dropped)!;
      this.kept.delete(dropped);
      // Who uses it just now goes on, and closes it.
      if (!this.busy.has(other)) other.close();
    }
    this.kept.set(name, target);
  }
}
