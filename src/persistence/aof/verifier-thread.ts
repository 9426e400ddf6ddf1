/**
 * Has a large append-only file verified by another thread, which runs ahead of the one that executes the commands. What
 * comes out is what AofVerifier says, in other extents. Until the thread has begun, and is ahead, there is a verifier
 * here that reads the same from the beginning, so that nobody waits meanwhile.
 */
import { Worker } from "node:worker_threads";
import type { FileHandle } from "../../base/files.ts";
import { StorageError } from "../../base/storage-error.ts";
import { type AofOutcome, AofVerifier, type Extent, type ExtentSource } from "./verifier.ts";

/** What the thread is to read. */
export interface VerifierTask {
  readonly path: string;
  readonly start?: number;
  readonly end?: number;
  readonly name?: string;
}

/** So much of the file is consumed. */
export interface VerifierProgress {
  readonly consumed: number;
}

/** How far the file is verified, and how far of that it can be used; last the outcome. */
export type VerifierReport =
  | { readonly kind: "usable"; readonly end: number; readonly position: number }
  | { readonly kind: "outcome"; readonly outcome: AofOutcome }
  | { readonly kind: "failure"; readonly message: string };

const PROGRAM = new URL("./verifier-worker.js", import.meta.url);
/** The thread keeps nothing of what it reads. */
const YOUNG_GENERATION_MB = 2;

export class ThreadVerifier implements ExtentSource {
  readonly size: number;
  position: number;
  /** Gone when the thread is ahead. */
  private here: ExtentSource | undefined;
  private readonly worker: Worker;
  /** Extents up to here were handed out; they may be handed out up to `usable`. */
  private released: number;
  private usable: number;
  private final: AofOutcome | undefined;
  private failure: Error | undefined;
  private wake: () => void = () => {};

  private constructor(task: VerifierTask, here: ExtentSource) {
    const { start = 0 } = task;
    this.size = here.size;
    this.here = here;
    this.position = start;
    this.released = start;
    this.usable = start;
    this.worker = new Worker(PROGRAM, {
      workerData: task,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.worker.on("message", (report: VerifierReport) => {
      if (report.kind !== "usable" || report.end > this.usable) this.here = undefined;
      this.take(report);
    });
    this.worker.once("error", (error) => this.fail(error.message));
    this.worker.once("exit", (code) => this.fail(`the thread that reads it ended (${code})`));
  }

  /** `file` is the one at the task's path. */
  static async open(task: VerifierTask, file: FileHandle): Promise<ThreadVerifier> {
    const { path: _, ...options } = task;
    return new ThreadVerifier(task, await AofVerifier.open(file, options));
  }

  get outcome(): AofOutcome | undefined {
    return this.released < this.usable ? undefined : this.final;
  }

  async advance(): Promise<Extent | undefined> {
    while (this.released >= this.usable && this.final === undefined) {
      if (this.here !== undefined) await this.advanceHere(this.here);
      else await this.report();
    }
    if (this.released >= this.usable) return undefined;
    const extent = { start: this.released, end: this.usable };
    const progress: VerifierProgress = { consumed: this.released };
    this.released = this.usable;
    this.worker.postMessage(progress);
    return extent;
  }

  private async advanceHere(here: ExtentSource): Promise<void> {
    const extent = await here.advance();
    // Meanwhile the thread may have come further.
    if (this.here === undefined) return;
    if (extent === undefined) this.final = here.outcome;
    else this.take({ kind: "usable", end: extent.end, position: here.position });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  /** Resolves when the thread has told something, throws if it cannot go on. */
  private async report(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private take(report: VerifierReport): void {
    if (report.kind === "outcome") this.final = report.outcome;
    else if (report.kind === "failure") this.fail(report.message);
    else if (report.end > this.usable) {
      this.usable = report.end;
      this.position = report.position;
    }
    this.wake();
  }

  private fail(message: string): void {
    this.failure ??= new StorageError("io", message);
    this.wake();
  }
}
