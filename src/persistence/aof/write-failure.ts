/**
 * Why the append-only file cannot be written at present, and when that is tried again. Each new reason is logged once.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { errorText } from "./error-text.ts";

/** From a failure to the next attempt. */
const RETRY_INTERVAL_MS = 1000;

export interface AofFailure {
  readonly operation: "write" | "fsync";
  /** In the C library's words, for -MISCONF and INFO. */
  readonly text: string;
}

export class WriteFailure {
  /** Undefined while all is well. */
  present: AofFailure | undefined;
  private retryAtMs = 0;
  private readonly clock: Clock;
  private readonly log: Log;

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** There is a failure, and it is time for another attempt. */
  get isRetryDue(): boolean {
    return this.present !== undefined && this.clock.monotonicMs() >= this.retryAtMs;
  }

  retryNow(): void {
    this.retryAtMs = 0;
  }

  set(operation: AofFailure["operation"], error: unknown): void {
    const text = errorText(error);
    if (this.present?.operation !== operation || this.present.text !== text) {
      const doing =
        operation === "write" ? "Error writing to the AOF file" : "Could not move to a new AOF file";
      this.log.warning(`${doing}: ${text}. Writes are refused until this succeeds`);
    }
    this.present = { operation, text };
    this.retryAtMs = this.clock.monotonicMs() + RETRY_INTERVAL_MS;
  }

  clear(): void {
    if (this.present === undefined) return;
    this.present = undefined;
    this.log.notice("The AOF can be written again: writes are accepted");
  }
}
