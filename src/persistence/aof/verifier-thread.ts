/**
 * Has a large append-only file verified by another thread, which runs ahead of the one that executes the commands. What
 * comes out is what AofVerifier says, in fewer and larger extents.
 */
import { Worker } from "node:worker_threads";
import { StorageError } from "../../base/storage-error.ts";
import type { AofOutcome, Extent, ExtentSource } from "./verifier.ts";

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

/** `size` comes first; then how far the file is verified, and how far of that it can be used; last the outcome. */
export type VerifierReport =
  | { readonly kind: "size"; readonly size: number }
  | { readonly kind: "usable"; readonly end: number; readonly position: number }
  | { readonly kind: "outcome"; readonly outcome: AofOutcome }
  | { readonly kind: "failure"; readonly message: string };

const PROGRAM = new URL("./verifier-worker.js", import.meta.url);
/** The thread keeps nothing of what it reads. */
const YOUNG_GENERATION_MB = 2;

export class ThreadVerifier implements ExtentSource {
  size = 0;
  position: number;
  private readonly worker: Worker;
  /** Extents up to here were handed out; they may be handed out up to `usable`. */
  private released: number;
  private usable: number;
  private final: AofOutcome | undefined;
  private failure: Error | undefined;
  private wake: () => void = () => {};

  private constructor(task: VerifierTask) {
    const { start = 0 } = task;
    this.position = start;
    this.released = start;
    this.usable = start;
    this.worker = new Worker(PROGRAM, {
      workerData: task,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.worker.on("message", (report: VerifierReport) => this.take(report));
    this.worker.once("error", (error) => this.fail(error.message));
    this.worker.once("exit", (code) => this.fail(`the thread that reads it ended (${code})`));
  }

  static async open(task: VerifierTask): Promise<ThreadVerifier> {
    const verifier = new ThreadVerifier(task);
    while (verifier.size === 0) await verifier.report();
    return verifier;
  }

  get outcome(): AofOutcome | undefined {
    return this.released < this.usable ? undefined : this.final;
  }

  async advance(): Promise<Extent | undefined> {
    while (this.released === this.usable && this.final === undefined) await this.report();
    if (this.released === this.usable) return undefined;
    const extent = { start: this.released, end: this.usable };
    const progress: VerifierProgress = { consumed: this.released };
    this.released = this.usable;
    this.worker.postMessage(progress);
    return extent;
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
    if (report.kind === "size") this.size = report.size;
    else if (report.kind === "outcome") this.final = report.outcome;
    else if (report.kind === "failure") this.fail(report.message);
    else {
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
