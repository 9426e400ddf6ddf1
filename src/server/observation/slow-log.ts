/**
 * The slow log: which calls took longest lately, with their arguments (cut to what is worth keeping, secrets left
 * out) and clients. The newest `slowlog-max-len` entries are kept.
 */
import { REDACTED } from "../../commands/secrets.ts";
import type { SlowLogEntry } from "../../commands/services.ts";
import type { Request } from "../../protocol/request.ts";

/** As in Redis: how many arguments of a request are kept, and how many bytes of each. */
const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT_BYTES = 128;
/** Entries dropped at the front of the list before it is moved up. */
const DROPPED_BEFORE_MOVE = 1024;

/** Of which client a call was. */
export interface Caller {
  readonly address: string;
  readonly name: string;
}

/** What calls within scripts are logged under, as in Redis. */
export const SCRIPT_CALLER: Caller = { address: "?:0", name: "" };

export class SlowLog {
  /** Microseconds from which on a call is logged; negative for never. */
  thresholdMicroseconds = -1;
  private maximum = 0;
  private nextId = 0;
  /** Oldest first; those before `first` are dropped. */
  private entries: SlowLogEntry[] = [];
  private first = 0;

  get length(): number {
    return this.entries.length - this.first;
  }

  /** Most entries that are kept. What is too much goes at once; while nothing is logged, as in Redis, it stays. */
  setMaximum(maximum: number): void {
    this.maximum = maximum;
    if (this.thresholdMicroseconds >= 0) this.trim();
  }

  /** Logs a call if it took long enough. */
  add(words: readonly Buffer[], caller: Caller, microseconds: number, nowMs: number): void {
    if (this.thresholdMicroseconds < 0) return;
    if (microseconds >= this.thresholdMicroseconds) {
      this.entries.push({
        id: this.nextId++,
        unixSeconds: Math.floor(nowMs / 1000),
        microseconds,
        words,
        address: caller.address,
        name: caller.name,
      });
    }
    this.trim();
  }

  /** The newest `count` entries, newest first. */
  *newest(count: number): Iterable<SlowLogEntry> {
    const end = Math.max(this.first, this.entries.length - count);
    for (let i = this.entries.length - 1; i >= end; i--) yield this.entries[i];
  }

  reset(): void {
    this.entries = [];
    this.first = 0;
  }

  private trim(): void {
    this.first = Math.max(this.first, this.entries.length - this.maximum);
    if (this.first < DROPPED_BEFORE_MOVE && this.first < this.entries.length) return;
    this.entries = this.entries.slice(this.first);
    this.first = 0;
  }
}

/** Copies of the arguments as the log keeps them. `secrets` are the positions of those that must not be seen. */
export function logWords(request: Request, secrets: readonly number[]): Buffer[] {
  const { argc } = request;
  const kept = Math.min(argc, MAX_ARGUMENTS);
  return Array.from({ length: kept }, (_, i) => {
    if (kept !== argc && i === kept - 1) return Buffer.from(`... (${argc - kept + 1} more arguments)`);
    if (secrets.includes(i)) return Buffer.from(REDACTED);
    const bytes = request.bytes(i);
    if (bytes.length <= MAX_ARGUMENT_BYTES) return Buffer.from(bytes);
    const more = bytes.length - MAX_ARGUMENT_BYTES;
    return Buffer.concat([bytes.subarray(0, MAX_ARGUMENT_BYTES), Buffer.from(`... (${more} more bytes)`)]);
  });
}
