/**
 * Writes the append-only file. All through a turn of the event loop the server appends through `encoder`, which is
 * memory only; `kick` then starts the writing, and everything appended until a write can start becomes one block
 * (group commit). Owns the open incr file, the bytes that are not safe yet, and the three positions
 *
 *     synced  <=  written  <=  appended           in bytes appended since the process began; they only grow
 *
 * A reply may leave when `gatePosition` has reached the value of `appended` at the time it was made.
 *
 * In memory a byte stays until a datasync that began after it was written has returned; with "no" until it is written.
 *
 * When the disk fails:
 * - A write fails or is cut short: the rest stays, `failure` says why, `cron` tries again from that very byte.
 * - A datasync fails: the file's unsynced pages may be gone although later datasyncs succeed, so nothing after its
 *   synced part is believed. Those bytes are written to a new incr file, synced, and only then does one step of the
 *   manifest end the old file and name the new one. If that fails too, `cron` tries again with another file.
 * While `failure` is set the server refuses writes; replies stay held; what was appended stays in memory.
 *
 * One operation at a time, except that with "everysec" and "no" a datasync runs beside writes. What is quick is done on
 * the spot (writeBlock, SyncSchedule.isForTheSpot), the rest by libuv's threads.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { AppendFile } from "./append-file.ts";
import { type Block, BlockLog } from "./block-log.ts";
import type { OpenIncr } from "./directory.ts";
import type { AofEncoder } from "./encoder.ts";
import { errorText } from "./error-text.ts";
import { type IncrFiles, NextFile } from "./next-file.ts";
import { PositionWaiters } from "./position-waiters.ts";
import { rewriteBlocks } from "./rewrite-blocks.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import { type AofFailure, WriteFailure } from "./write-failure.ts";

export type FsyncPolicy = "always" | "everysec" | "no";

export interface AofWriterOptions {
  readonly directory: IncrFiles;
  /** The last incr file of the manifest. */
  readonly incr: OpenIncr;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: FsyncPolicy;
  /** Called after `written`, `synced` or `failure` has changed. */
  readonly onProgress: () => void;
}

/** Largest block that the main thread writes itself. */
const WRITE_AT_ONCE_BYTES = 1024 * 1024;
const NEVER = -1;

interface Cut {
  /** Bytes before it belong to the old file. */
  readonly position: number;
  resolve(firstIncr: number): void;
  reject(error: unknown): void;
}

/**
 * running: writes when there is something. waiting: a write failed, cron goes on with it. recovering: moving what is
 * not synced to a new file. failed: that did not work either, cron does it again.
 */
type State = "running" | "waiting" | "recovering" | "failed" | "closed";

export class AofWriter {
  /** Where commands are appended; between two calls of `kick` they must be whole. */
  readonly encoder: AofEncoder;
  readonly schedule: SyncSchedule;
  private readonly options: AofWriterOptions;
  private readonly log: BlockLog;
  private policyNow: FsyncPolicy;
  private state: State = "running";
  private readonly failures: WriteFailure;

  private file: AppendFile;
  private readonly nextFile: NextFile;

  private writtenPosition = 0;
  private syncedPosition = 0;
  /** A write, or the change to the next file, is under way. */
  private isWriting = false;
  private isSyncing = false;
  /** The next block may only be written when all before it is synced. */
  private mustSyncFirst = false;
  private isClosing = false;
  private readonly waiters = new PositionWaiters();
  private pendingCut: Cut | undefined;
  private whenQuiet: (() => void) | undefined;
  /** Value of `appended` at the last cron, and when the last empty block was written. */
  private cronPosition = 0;
  private markedPosition = 0;

  constructor(options: AofWriterOptions) {
    this.options = options;
    this.policyNow = options.policy;
    this.log = new BlockLog(options.clock);
    this.schedule = new SyncSchedule(options.clock, options.log);
    this.failures = new WriteFailure(options.clock, options.log);
    this.encoder = this.log.encoder;
    this.file = new AppendFile(options.incr, options.incr.sizeBytes);
    this.nextFile = new NextFile(options.directory);
    if (this.file.hasUnclosed) this.closeOldBlock();
  }

  /** Datasyncs that took more than two seconds (INFO aof_delayed_fsync). */
  get delayedFsync(): number {
    return this.schedule.delayed;
  }

  /** Position behind the last appended byte. */
  get appended(): number {
    return this.log.appended;
  }

  /** Position up to which bytes were handed to the operating system. */
  get written(): number {
    return this.writtenPosition;
  }

  /** Position up to which bytes are on the disk. */
  get synced(): number {
    return this.syncedPosition;
  }

  /** Replies made when `appended` was at most this may leave. */
  get gatePosition(): number {
    return this.policyNow === "always" ? this.syncedPosition : this.writtenPosition;
  }

  get policy(): FsyncPolicy {
    return this.policyNow;
  }

  /** May change at any time. Replies that wait go by the new policy. */
  set policy(policy: FsyncPolicy) {
    this.policyNow = policy;
    this.releaseSafe();
    this.options.onProgress();
    this.pump();
  }

  /** Why writes must be refused at present; undefined while all is well. */
  get failure(): AofFailure | undefined {
    return this.failures.present;
  }

  /** Appended and not written yet (INFO aof_buffer_length). */
  get pendingBytes(): number {
    return this.log.appended - this.writtenPosition;
  }

  get unsyncedBytes(): number {
    return this.log.appended - this.syncedPosition;
  }

  /** Datasyncs under way: 0 or 1 (INFO aof_pending_bio_fsync). */
  get pendingFsync(): number {
    return this.isSyncing ? 1 : 0;
  }

  /** Memory held for bytes that are not safe yet, and for those to come. */
  get memoryBytes(): number {
    return this.log.memoryBytes;
  }

  /** The incr file that is written to. */
  get current(): Readonly<Pick<AppendFile, "name" | "sequence" | "start" | "end" | "size">> {
    return this.file;
  }

  /** Writes what was appended, now or as soon as the write under way is done. Once per turn of the event loop. */
  kick(): void {
    this.log.separateGroup();
    if (this.log.appended !== this.writtenPosition) this.pump();
  }

  /** Ten times a second: datasyncs that are due, attempts after a failure, an empty block when nothing happens. */
  cron(): void {
    if (this.failures.isRetryDue) {
      if (this.state === "waiting") this.state = "running";
      else if (this.state === "failed") this.startRecovery();
    }
    this.pump();
    this.markIdle();
  }

  /** Does in advance what takes long at a cut: makes its new file, and syncs. Rejects if there can be no file. */
  async prepareCut(): Promise<void> {
    if (this.state === "running") await this.nextFile.prepare();
    if (this.state === "running" && !this.isSyncing && this.file.synced < this.file.end) await this.sync();
  }

  /**
   * Cuts the stream here: what was appended goes to the present file, what follows to a new one, which is written to
   * after the old one is durable, whatever the policy. Resolves to the new file's number. Rejects if that cannot be
   * made: then there is no cut, and the present file goes on.
   */
  cut(): Promise<number> {
    if (this.state === "closed") throw new Error("the AOF is closed");
    if (this.pendingCut !== undefined) throw new Error("an AOF cut is under way");
    if (this.log.appended > this.log.ended) this.log.endBlock();
    this.log.startFile();
    return new Promise((resolve, reject) => {
      this.pendingCut = { position: this.log.ended, resolve, reject };
      this.pump();
    });
  }

  /** Resolves when everything up to `position` is on the disk, and sees to it without waiting for the policy. Stays
   * open while the disk fails; rejects if bytes of "no", which memory no longer has, may be lost, and when closing
   * fails. */
  waitForSync(position: number): Promise<void> {
    if (position <= this.syncedPosition) return Promise.resolve();
    const reached = this.waiters.add(position);
    this.pump();
    return reached;
  }

  /** Writes and syncs everything and closes the file. At a failure it rejects, goes on, and may be called again. */
  async close(): Promise<void> {
    if (this.state === "closed") return;
    this.isClosing = true;
    try {
      const isSafe = this.waitForSync(this.log.appended);
      this.failures.retryNow();
      this.cron();
      await isSafe;
    } finally {
      this.isClosing = false;
    }
    this.state = "closed";
    this.nextFile.pass();
    this.pendingCut?.reject(new Error("the AOF was closed"));
    if (this.isWriting || this.isSyncing) await new Promise<void>((resolve) => (this.whenQuiet = resolve));
    await this.file.finish(this.needsMark() && this.log.nextUnwritten() === undefined);
  }

  /** Commands that a crash left without a line get one, as the first block, and it is synced before the second is
   * written: otherwise a power cut that spoils the second would take them along, and they are durable by now. */
  private closeOldBlock(): void {
    this.log.endBlock();
    this.mustSyncFirst = true;
  }

  private pump(): void {
    do {
      while (this.state === "running" && !this.isWriting && this.startWrite());
    } while (this.startSync());
    if (this.state === "closed" && !this.isWriting && !this.isSyncing) this.whenQuiet?.();
  }

  /** Says whether a block was written, so that the next may be. */
  private startWrite(): boolean {
    // With "always", what is appended during a datasync makes the next block: fewer, larger groups.
    if (this.isSyncing && this.policyNow === "always") return false;
    const block = this.log.nextUnwritten();
    if (this.mustSyncFirst && this.file.end > this.file.start) {
      if (!this.isSyncing) void this.sync();
      return false;
    }
    const cut = this.pendingCut;
    if (cut !== undefined && (block === undefined || block.endPosition > cut.position)) {
      // A torn end must only be found in the last file that holds commands, so the old one is made durable first.
      if (this.isSyncing) return false;
      if (this.file.synced < this.file.end) void this.sync();
      else void this.changeFile(cut);
      return false;
    }
    if (block !== undefined) return this.writeBlock(block);
    return this.log.hasWhole && this.writeBlock(this.log.endBlock());
  }

  /**
   * Copying a block into the system's cache takes less time than handing it to another thread and being told, and
   * replies need not wait for a turn of that thread. But during a datasync a write may block until its end, and a
   * large one takes a while: those are left to the thread. Says whether the block is written.
   */
  private writeBlock(block: Block): boolean {
    if (this.isSyncing || block.length > WRITE_AT_ONCE_BYTES) {
      void this.writeLater(block);
      return false;
    }
    try {
      if (this.policyNow === "always" && this.schedule.isDiskQuick) this.file.fillFor(block);
    } catch (error) {
      this.syncFailed(error);
      return false;
    }
    try {
      this.file.appendSync(block);
    } catch (error) {
      this.writeFailed(error);
      return false;
    }
    this.blockWritten(block);
    return true;
  }

  private async writeLater(block: Block): Promise<void> {
    this.isWriting = true;
    try {
      await this.file.append(block);
    } catch (error) {
      this.isWriting = false;
      this.writeFailed(error);
      this.pump();
      return;
    }
    this.isWriting = false;
    this.blockWritten(block);
    this.pump();
  }

  private blockWritten(block: Block): void {
    this.log.markWritten();
    // The file failed meanwhile: being written there means nothing.
    if (this.state === "recovering") return void this.recover();
    this.writtenPosition = block.endPosition;
    this.failures.clear();
    this.releaseSafe();
    this.options.onProgress();
  }

  private writeFailed(error: unknown): void {
    if (this.state === "recovering") return void this.recover();
    if (this.state !== "closed") this.state = "waiting";
    this.fail("write", error);
  }

  private isSyncDue(): boolean {
    if (this.syncedPosition === this.writtenPosition || this.file.synced === this.file.end) return false;
    if (this.state !== "running" && this.state !== "waiting") return false;
    if (this.policyNow === "always") return true;
    const { highest } = this.waiters;
    if (highest > this.syncedPosition && this.writtenPosition >= highest) return true;
    if (this.policyNow === "no") return false;
    return this.schedule.isEverysecDue(this.writtenPosition - this.syncedPosition);
  }

  /** Starts a datasync that is due. Says whether it is done, so that more may be written. */
  private startSync(): boolean {
    if (this.isSyncing && this.policyNow === "everysec") this.schedule.countDelay();
    if (this.isSyncing || !this.isSyncDue()) return false;
    const mayBlock = this.policyNow === "always" && !this.isWriting && this.file.canSyncNow;
    if (mayBlock && this.schedule.isForTheSpot(this.writtenPosition - this.syncedPosition))
      return this.syncNow();
    void this.sync();
    return false;
  }

  private syncNow(): boolean {
    const position = this.writtenPosition;
    this.schedule.begin();
    try {
      this.file.syncNow();
    } catch (error) {
      this.syncFailed(error);
      return false;
    }
    this.schedule.endOnTheSpot();
    this.wasSynced(position);
    return true;
  }

  private async sync(): Promise<void> {
    const position = this.writtenPosition;
    this.isSyncing = true;
    this.schedule.begin();
    try {
      await this.file.sync();
    } catch (error) {
      this.isSyncing = false;
      this.syncFailed(error);
      return;
    }
    this.isSyncing = false;
    this.wasSynced(position);
    this.pump();
  }

  private wasSynced(position: number): void {
    if (this.file.synced > this.file.start) this.mustSyncFirst = false;
    this.advanceSynced(position);
  }

  private syncFailed(error: unknown): void {
    this.options.log.warning(`Fail to fsync the AOF file ${this.file.name}: ${errorText(error)}`);
    if (this.policyNow === "no" && this.syncedPosition < this.writtenPosition) {
      this.options.log.warning("With appendfsync no, bytes written before that may not be on the disk");
      this.waiters.rejectAll(error);
    }
    this.startRecovery();
  }

  private startRecovery(): void {
    this.state = "recovering";
    if (!this.isWriting) void this.recover();
  }

  /** Moves to a new file with everything that the old one has not surely got. */
  private async recover(): Promise<void> {
    const { file: old, options } = this;
    this.nextFile.pass();
    const blocks = this.log.endedUpTo(this.pendingCut?.position ?? this.log.ended);
    const selectedDb = blocks.at(0)?.startDb ?? this.log.selectedDb;
    const end = this.trustedEnd();
    let next: OpenIncr | undefined;
    let sizeBytes: number;
    try {
      next = await options.directory.createIncr();
      sizeBytes = await rewriteBlocks(next, blocks, selectedDb);
      await options.directory.listIncr(next, { sequence: old.sequence, end });
    } catch (error) {
      if (next !== undefined) await options.directory.discardIncr(next);
      this.state = "failed";
      this.fail("fsync", error);
      return;
    }
    this.options.log.notice(`Continuing in the new AOF file ${next.name}`);
    void old.endAt(end);
    this.enterFile(next, sizeBytes);
    this.log.releaseRewritten(blocks);
    const position = blocks.at(-1)?.endPosition ?? this.writtenPosition;
    this.writtenPosition = Math.max(this.writtenPosition, position);
    this.state = "running";
    this.failures.clear();
    this.advanceSynced(position);
    this.pump();
  }

  /** Offset up to which a file that failed is believed: what is synced, since all behind it is still held (or is an
   * empty block). With "no", of which written bytes are not held, up to the oldest that are. */
  private trustedEnd(): number {
    if (this.log.heldFrom <= this.syncedPosition) return this.file.synced;
    return this.log.oldestBegun()?.fileOffset ?? this.file.end;
  }

  private async changeFile(cut: Cut): Promise<void> {
    this.isWriting = true;
    let next: OpenIncr | undefined;
    try {
      next = await this.nextFile.take();
    } catch (error) {
      this.options.log.warning(`Could not begin a new AOF file: ${errorText(error)}`);
      cut.reject(error);
    }
    this.isWriting = false;
    this.pendingCut = undefined;
    if (next !== undefined) {
      void this.file.close();
      this.enterFile(next, next.sizeBytes);
      cut.resolve(next.sequence);
    }
    this.pump();
  }

  private enterFile(incr: OpenIncr, sizeBytes: number): void {
    this.file = new AppendFile(incr, sizeBytes);
    // A file that begins with moved blocks has no line yet that calls them synced.
    this.markedPosition = sizeBytes === incr.sizeBytes ? this.writtenPosition : NEVER;
    this.mustSyncFirst = false;
  }

  private advanceSynced(position: number): void {
    this.syncedPosition = Math.max(this.syncedPosition, position);
    this.releaseSafe();
    this.waiters.reach(this.syncedPosition);
    this.options.onProgress();
  }

  private releaseSafe(): void {
    // Blocks that are being moved to another file must stay.
    if (this.state === "recovering") return;
    this.log.release(this.policyNow === "no" ? this.writtenPosition : this.syncedPosition);
  }

  /** Whether blocks were written since the last empty one. */
  private needsMark(): boolean {
    return this.writtenPosition !== this.markedPosition || this.file.hasUnclosed;
  }

  /** After a quiet spell, once, an empty block: it proves to readers that everything before it was synced, so that
   * bad bytes there are damage and not what a power cut leaves. Not synced itself. */
  private markIdle(): void {
    const appended = this.log.appended;
    const isQuiet = appended === this.cronPosition && appended === this.syncedPosition;
    this.cronPosition = appended;
    if (!isQuiet || !this.needsMark() || this.log.encoder.isMidway) return;
    if (this.state !== "running" || this.isWriting || this.isSyncing || this.pendingCut !== undefined) return;
    if (this.log.nextUnwritten() !== undefined) return;
    this.markedPosition = appended;
    this.writeBlock(this.log.endBlock());
  }

  private fail(operation: AofFailure["operation"], error: unknown): void {
    this.failures.set(operation, error);
    if (this.isClosing) this.waiters.rejectAll(error);
    this.options.onProgress();
  }
}
