/**
 * Counters for INFO that belong to the server as a whole, and their reset. What is counted per command is in the
 * command table (CompiledCommand), what is counted by the keyspace in the keyspace: here is what has no better place.
 * Counting is an increment; whatever needs arithmetic is done when INFO asks, or ten times a second.
 */
import type { CompiledCommand } from "../commands/table.ts";
import type { LoopDelay } from "./loop-delay.ts";

/** Codes of errors are ours, but later scripts may answer any: more kinds than this are only counted in the total. */
const MAX_ERROR_CODES = 128;
/** An error without a code in its first bytes counts as ERR, as in Redis. */
const MAX_CODE_LENGTH = 32;
/** Rates are averages over this many samples. */
const RATE_SAMPLES = 16;

export class Statistics {
  /** Bytes and calls of socket reads and writes. */
  inputBytes = 0;
  outputBytes = 0;
  /** Sent to replicas; not part of the above. */
  replicationOutputBytes = 0;
  reads = 0;
  writes = 0;
  errorReplies = 0;
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();
  readonly replicationOutputRate = new Rate();
  /** Bytes written to the cold tier. */
  readonly spillRate = new Rate();
  readonly overLimit = new TimeOver();
  /** Undefined unless it is asked for. */
  loopDelay: LoopDelay | undefined;
  private readonly codes = new Map<string, number>();

  /** Counts an error reply by its code, the text's first word. */
  countError(text: string): void {
    this.errorReplies++;
    const end = text.indexOf(" ");
    const code = end > 0 && end < MAX_CODE_LENGTH ? text.slice(0, end) : "ERR";
    const count = this.codes.get(code);
    if (count !== undefined || this.codes.size < MAX_ERROR_CODES) this.codes.set(code, (count ?? 0) + 1);
  }

  /** Codes and how often they were answered, in alphabetical order. */
  errorCounts(): [code: string, count: number][] {
    return [...this.codes].sort(([first], [second]) => (first < second ? -1 : 1));
  }

  /** To be called about ten times a second: the rates are measured between the calls. `commands` counts those executed
   * so far, `nowMs` is monotonic. */
  sample(commands: number, spilledBytes: number, nowMs: number): void {
    this.spillRate.sample(spilledBytes, nowMs);
    this.commandRate.sample(commands, nowMs);
    this.inputRate.sample(this.inputBytes, nowMs);
    this.outputRate.sample(this.outputBytes, nowMs);
    this.replicationOutputRate.sample(this.replicationOutputBytes, nowMs);
  }

  /** CONFIG RESETSTAT: everything here, and what the commands of the table count. */
  reset(commands: Iterable<CompiledCommand>): void {
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.replicationOutputBytes = 0;
    this.reads = 0;
    this.writes = 0;
    this.errorReplies = 0;
    this.codes.clear();
    this.loopDelay?.reset();
    this.overLimit.reset();
    const { commandRate, inputRate, outputRate, replicationOutputRate, spillRate } = this;
    for (const rate of [commandRate, inputRate, outputRate, replicationOutputRate, spillRate]) rate.reset();
    resetCommands(commands);
  }
}

function resetCommands(commands: Iterable<CompiledCommand>): void {
  for (const command of commands) {
    command.calls = 0;
    command.accountedCalls = 0;
    command.lastMicroseconds = 0;
    command.histogram = undefined;
    command.microseconds = 0;
    command.rejectedCalls = 0;
    command.failedCalls = 0;
    if (command.subcommands !== undefined) resetCommands(command.subcommands.all);
  }
}

/** For how long something is too much, as far as looking now and then tells. */
export class TimeOver {
  private beganMs: number | undefined;
  private lastMs = 0;
  private earlierMs = 0;

  /** Milliseconds since it is too much; 0 if it is not. */
  get presentMs(): number {
    return this.beganMs === undefined ? 0 : this.lastMs - this.beganMs;
  }

  /** All times together. */
  get totalMs(): number {
    return this.earlierMs + this.presentMs;
  }

  /** @param nowMs monotonic */
  sample(isOver: boolean, nowMs: number): void {
    this.lastMs = nowMs;
    if (isOver) {
      this.beganMs ??= nowMs;
      return;
    }
    this.earlierMs += this.presentMs;
    this.beganMs = undefined;
  }

  reset(): void {
    this.earlierMs = 0;
    if (this.beganMs !== undefined) this.beganMs = this.lastMs;
  }
}

/** How fast a counter grows, as the average over the last samples. */
export class Rate {
  private readonly perSecond = new Float64Array(RATE_SAMPLES);
  private next = 0;
  private lastValue = 0;
  private lastMs = Number.NaN;

  /** Growth per second. */
  get value(): number {
    let sum = 0;
    for (const sample of this.perSecond) sum += sample;
    return sum / RATE_SAMPLES;
  }

  sample(counter: number, nowMs: number): void {
    const elapsedMs = nowMs - this.lastMs;
    // The first call, and one after a reset, has nothing to compare with.
    if (elapsedMs > 0) {
      this.perSecond[this.next] = ((counter - this.lastValue) * 1000) / elapsedMs;
      this.next = (this.next + 1) % RATE_SAMPLES;
    }
    this.lastValue = counter;
    this.lastMs = nowMs;
  }

  reset(): void {
    this.perSecond.fill(0);
    this.lastValue = 0;
    this.lastMs = Number.NaN;
  }
}
