/**
 * The append-only file as the rest of the server sees it: on, off, or being rewritten. Owns the writer, decides when
 * a rewrite begins, and answers WAITAOF, BGREWRITEAOF and INFO.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { AofAccess } from "../commands/services.ts";
import type { AofDirectory } from "../persistence/aof/directory.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import type { AofWriter } from "../persistence/aof/writer.ts";
import { REWRITE_IN_PROGRESS } from "../protocol/errors.ts";
import type { DispatchAof } from "./dispatcher-parts.ts";
import type { LogPresence } from "./log-presence.ts";

/** After this many failed rewrites in a row, automatic ones wait: one minute, then twice as long each time. */
const FAILURES_BEFORE_DELAY = 3;
const FIRST_DELAY_MS = 60_000;
const LONGEST_DELAY_MS = 3_600_000;
/** Bytes that are not yet on disk stay in memory, outside maxmemory as in Redis. Writes wait when there are more than
 * this many times the bytes that make "everysec" sync early, and in any case beyond the second figure. */
const MAX_EARLY_SYNCS_BEHIND = 8;
const MAX_UNSYNCED_BYTES = 64 * 1024 * 1024;

export interface AofFiles {
  readonly directory: AofDirectory;
  readonly writer: AofWriter;
}

/** Makes a base file, also while the append-only file is off; resolves to its size. */
export type Rewrite = (files: AofFiles | undefined) => Promise<{ readonly baseBytes: number }>;

export interface AofStateParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly rewriteWith: Rewrite;
  /** Whether a dump is being made: a rewrite waits for its end. */
  readonly isSaving: () => boolean;
  readonly presence: LogPresence;
  /** What has been done to the cold tier since the server began, in bytes of commands that take as long to repeat. */
  readonly tierWorkBytes: () => number;
}

export class AofState implements AofAccess, DispatchAof {
  /** Absent while the append-only file is off. */
  files: AofFiles | undefined;
  isRewriting = false;
  /** A rewrite is to begin as soon as nothing is in its way. */
  isScheduled = false;
  lastRewriteOk = true;
  /** Rewrites that succeeded since the start, and those that failed since the last success. */
  rewrites = 0;
  failuresInRow = 0;
  lastRewriteMs = -1;
  lastCheckpointMs = 0;
  /** Size of the base file. */
  baseBytes = 0;
  /** Size of the files before the one written now. */
  private sizeBefore = 0;
  /** `tierWorkBytes` when the present base file was begun, and when the one that is being made was. */
  private tierWorkBefore = 0;
  private tierWorkBegun = 0;
  private rewriteBegunMs = 0;
  private delayedUntilMs = 0;
  private running: Promise<void> = Promise.resolve();
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly rewriteWith: Rewrite;
  private readonly isSaving: () => boolean;
  private readonly presence: LogPresence;
  private readonly tierWorkBytes: () => number;

  constructor({ clock, log, rewriteWith, isSaving, presence, tierWorkBytes }: AofStateParts) {
    this.clock = clock;
    this.log = log;
    this.rewriteWith = rewriteWith;
    this.isSaving = isSaving;
    this.presence = presence;
    this.tierWorkBytes = tierWorkBytes;
  }

  get enabled(): boolean {
    return this.files !== undefined;
  }

  get appended(): number {
    return this.files === undefined ? 0 : this.files.writer.appended;
  }

  get gatePosition(): number {
    return this.files === undefined ? Number.POSITIVE_INFINITY : this.files.writer.gatePosition;
  }

  /** See LogPresence. */
  get lostText(): string | undefined {
    return this.enabled ? this.presence.lostText : undefined;
  }

  get failureText(): string | undefined {
    return this.files?.writer.failure?.text ?? this.lostText;
  }

  /** Once a second. What is missing in a file that was cut nobody can bring back: all data is written anew at once. */
  lookForFile(): void {
    void this.look();
    if (!this.presence.isCut || this.isRewriting || this.isSaving()) return;
    if (this.clock.monotonicMs() >= this.delayedUntilMs) this.begin();
  }

  /** Resolves when `lostText` says how it is now. */
  look(): Promise<void> {
    return this.presence.look(this.files);
  }

  get isBehind(): boolean {
    const writer = this.files?.writer;
    if (writer === undefined) return false;
    const limit = MAX_EARLY_SYNCS_BEHIND * writer.schedule.earlyBytes;
    return this.leavingBytes > Math.min(limit, MAX_UNSYNCED_BYTES);
  }

  /** Bytes that are held in memory until they are safe; 0 while the disk does not take them. */
  get leavingBytes(): number {
    const writer = this.files?.writer;
    if (writer === undefined || writer.failure !== undefined) return 0;
    // With "no" bytes are held until they are written, and nobody says when they will be synced.
    return writer.policy === "no" ? writer.pendingBytes : writer.unsyncedBytes;
  }

  get appendedPosition(): number {
    return this.appended;
  }

  get syncedPosition(): number {
    return this.files === undefined ? 0 : this.files.writer.synced;
  }

  /** Bytes of all files of the present set. */
  get currentSize(): number {
    return this.files === undefined ? 0 : this.sizeBefore + this.files.writer.current.end;
  }

  /** Milliseconds that the rewrite under way has taken; -1 if there is none. */
  get rewritingForMs(): number {
    return this.isRewriting ? this.clock.monotonicMs() - this.rewriteBegunMs : -1;
  }

  /** The files are open. `sizeBefore`: bytes of the base and of the incr files before the one written to. */
  open(files: AofFiles, baseBytes: number, sizeBefore: number): void {
    this.files = files;
    this.baseBytes = baseBytes;
    this.sizeBefore = sizeBefore;
  }

  async waitForSync(position: number, timeoutMs: number): Promise<boolean> {
    const { files } = this;
    if (files === undefined || files.writer.synced >= position) return files !== undefined;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      if (timeoutMs > 0) timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const synced = files.writer.waitForSync(position).then(() => true);
    try {
      return await Promise.race([synced, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  rewrite(later: boolean): { readonly status: string } | { readonly error: string } {
    if (this.isRewriting) return { error: REWRITE_IN_PROGRESS };
    if (!later && !this.isSaving()) {
      this.begin();
      return { status: "Background append only file rewriting started" };
    }
    this.isScheduled = true;
    // Who asks for it need not wait because earlier ones failed.
    this.failuresInRow = 0;
    this.delayedUntilMs = 0;
    setImmediate(() => this.startScheduled());
    return { status: "Background append only file rewriting scheduled" };
  }

  /** Begins a rewrite that was put off, if nothing is in its way any more. */
  startScheduled(): void {
    if (!this.isScheduled || this.isRewriting || this.isSaving()) return;
    this.isScheduled = false;
    this.begin();
  }

  /** The rewrite that makes a log which was just switched on valid. Rejects if it fails. */
  async runFirst(rewrite: () => Promise<{ readonly baseBytes: number }>): Promise<void> {
    this.started();
    const rewriting = rewrite();
    this.running = rewriting.then(
      () => undefined,
      () => undefined,
    );
    try {
      this.succeeded((await rewriting).baseBytes);
    } catch (error) {
      this.finished(false);
      throw error;
    }
  }

  /**
   * Begins an automatic rewrite if the log has grown enough. Redis takes for its beginning what the files hold when a
   * rewrite ends, or at the start; but a start has to replay what was written during a rewrite too, and what earlier
   * lives of the server left. So here it is the base file alone. A start also repeats what commands did to the cold
   * tier, which may be much more than they say themselves (APPEND, INCR, COPY): the larger of the two counts.
   */
  rewriteIfGrown(minimumBytes: number, percentage: number): void {
    const { files } = this;
    if (files === undefined || this.isRewriting || this.isSaving()) return;
    if (percentage === 0 || files.writer.failure !== undefined) return;
    if (this.clock.monotonicMs() < this.delayedUntilMs) return;
    const logBytes = this.currentSize - this.baseBytes;
    const tierBytes = this.tierWorkBytes() - this.tierWorkBefore;
    const grownBytes = Math.max(logBytes, tierBytes);
    if (this.baseBytes + grownBytes < minimumBytes) return;
    const growth = (grownBytes * 100) / Math.max(1, this.baseBytes);
    if (growth < percentage) return;
    const what = tierBytes > logBytes ? "growth, counting work on the cold tier" : "growth";
    this.log.notice(`Starting automatic rewriting of AOF on ${Math.floor(growth)}% ${what}`);
    this.begin();
  }

  /** Resolves when no rewrite is under way. */
  async idle(): Promise<void> {
    await this.running;
  }

  private begin(): void {
    this.started();
    this.log.notice("Background append only file rewriting started");
    this.running = this.rewriteWith(this.files).then(
      ({ baseBytes }) => this.succeeded(baseBytes),
      (error: unknown) => this.failed(error),
    );
  }

  private started(): void {
    this.isRewriting = true;
    this.rewriteBegunMs = this.clock.monotonicMs();
    this.tierWorkBegun = this.tierWorkBytes();
  }

  private succeeded(baseBytes: number): void {
    this.finished(true);
    this.failuresInRow = 0;
    this.rewrites++;
    this.baseBytes = baseBytes;
    this.sizeBefore = baseBytes;
    this.tierWorkBefore = this.tierWorkBegun;
    this.lastCheckpointMs = this.clock.nowMs;
    this.log.notice("Background AOF rewrite finished successfully");
    // What was amiss with an earlier file does not matter any more.
    void this.look();
  }

  private failed(error: unknown): void {
    this.finished(false);
    this.log.warning(`Background AOF rewrite failed: ${errorText(error)}`);
    if (++this.failuresInRow < FAILURES_BEFORE_DELAY) return;
    const delayMs = Math.min(
      LONGEST_DELAY_MS,
      FIRST_DELAY_MS * 2 ** (this.failuresInRow - FAILURES_BEFORE_DELAY),
    );
    this.delayedUntilMs = this.clock.monotonicMs() + delayMs;
  }

  private finished(isOk: boolean): void {
    this.isRewriting = false;
    this.lastRewriteOk = isOk;
    this.lastRewriteMs = this.clock.monotonicMs() - this.rewriteBegunMs;
  }
}
