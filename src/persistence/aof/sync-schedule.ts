/**
 * When the append-only file's datasyncs are due, and how long they take: what a writer needs to know of time.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

/** With "everysec": from the start of one datasync to the start of the next. */
const INTERVAL_MS = 1000;
/** A datasync that takes longer counts as delayed (Redis waits as long before it writes regardless). */
const DELAYED_AFTER_MS = 2000;
/** With "always", a datasync of at most this much is done on the main thread while the disk is quick. */
const ON_THE_SPOT_BYTES = 128 * 1024;
/** A datasync on the main thread that took longer shows that the disk is not quick. It is tried again after a while,
 * which doubles each time that it is not quick: something else may just have been written, or the disk is slow. */
const QUICK_MS = 2;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1600;

export class SyncSchedule {
  /** Times that a datasync was still under way DELAYED_AFTER_MS after its start (INFO aof_delayed_fsync). */
  delayed = 0;
  /** With "everysec", a datasync is due before its time when so much waits for it, because it waits in memory. */
  earlyBytes = 8 * 1024 * 1024;
  private readonly clock: Clock;
  private readonly log: Log;
  private begunMs = Number.NEGATIVE_INFINITY;
  private isDelayCounted = false;
  /** Until then the disk counts as slow. */
  private quickFromMs = Number.NEGATIVE_INFINITY;
  private pauseMs = FIRST_PAUSE_MS;

  /** Told how many milliseconds everybody had to wait for a datasync. */
  onHeldUp: ((elapsedMs: number) => void) | undefined;

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** A datasync begins. */
  begin(): void {
    this.begunMs = this.clock.monotonicMs();
    this.isDelayCounted = false;
  }

  /** Whether "everysec" asks for a datasync. */
  isEverysecDue(unsyncedBytes: number): boolean {
    return unsyncedBytes >= this.earlyBytes || this.clock.monotonicMs() - this.begunMs >= INTERVAL_MS;
  }

  /**
   * Whether a datasync with "always" is better done on the main thread. Many small groups are the rule when clients
   * send one command at a time, and a quick disk takes less time for such a group than handing it to another thread
   * and hearing back would take on a busy machine. Large groups gain by the thread: the next one is made meanwhile.
   */
  isForTheSpot(unsyncedBytes: number): boolean {
    return unsyncedBytes <= ON_THE_SPOT_BYTES && this.isDiskQuick;
  }

  /** Whether everybody may wait for a datasync. */
  get isDiskQuick(): boolean {
    return this.clock.monotonicMs() >= this.quickFromMs;
  }

  /** A datasync on the main thread has ended: everybody had to wait for it. */
  endOnTheSpot(): void {
    const nowMs = this.clock.monotonicMs();
    this.onHeldUp?.(nowMs - this.begunMs);
    if (nowMs - this.begunMs <= QUICK_MS) {
      this.pauseMs = FIRST_PAUSE_MS;
      return;
    }
    this.quickFromMs = nowMs + this.pauseMs;
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }

  /** To be called now and then while a datasync for "everysec" is under way. */
  countDelay(): void {
    if (this.isDelayCounted || this.clock.monotonicMs() - this.begunMs < DELAYED_AFTER_MS) return;
    this.isDelayCounted = true;
    this.delayed++;
    this.log.notice("Asynchronous AOF fsync is taking too long (disk is busy?)");
  }
}
