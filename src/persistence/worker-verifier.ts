/**
 * Has a dump read back by another thread, close behind the one that writes it. The thread lives as long as the dump is
 * in the making. A small dump is read on the spot, when it is written: a thread would take longer to begin.
 */
import { Worker } from "node:worker_threads";
import { DumpDamaged, type DumpVerifier, type InlineVerifier } from "./dump-verifier.ts";
import { FileProgress } from "./file-progress.ts";

export interface VerifierData {
  readonly path: string;
  /** Of a FileProgress. */
  readonly memory: SharedArrayBuffer;
}

export interface VerifierVerdict {
  /** Undefined if all is right. */
  readonly failure: string | undefined;
}

const PROGRAM = new URL("./dump-worker.js", import.meta.url);
/** The thread reads records and throws them away: more young generation would only be more memory. */
const YOUNG_GENERATION_MB = 2;
/** The thread begins when so much is written. */
const SMALL_DUMP_BYTES = 1 << 20;

export class WorkerVerifier implements DumpVerifier {
  private path = "";
  private worker: Worker | undefined;
  private progress = new FileProgress();
  private verdict: Promise<void> = Promise.resolve();
  private refuse: (error: Error) => void = () => {};
  private readonly small: InlineVerifier;
  private readonly beginThread: (start: () => Worker) => Worker;

  /** @param beginThread calls `start`, and lowers the priority of the thread that this starts */
  constructor(small: InlineVerifier, beginThread: (start: () => Worker) => Worker) {
    this.small = small;
    this.beginThread = beginThread;
  }

  begin(path: string): void {
    this.path = path;
    this.small.begin(path);
  }

  written(bytes: number, isBusy: boolean): void {
    if (this.worker === undefined && bytes > SMALL_DUMP_BYTES) this.start();
    this.progress.written(bytes, isBusy);
  }

  finish(bytes: number, keys: number): Promise<void> {
    if (this.worker === undefined) return this.small.finish(bytes, keys);
    this.progress.finish(bytes, keys);
    return this.verdict;
  }

  cancel(): void {
    this.small.cancel();
    this.refuse(new DumpDamaged("it was not read to its end"));
    void this.worker?.terminate();
    this.worker = undefined;
  }

  private start(): void {
    this.progress = new FileProgress();
    const workerData: VerifierData = { path: this.path, memory: this.progress.memory };
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
    const worker = this.beginThread(() => new Worker(PROGRAM, { workerData, resourceLimits }));
    this.worker = worker;
    this.verdict = new Promise((resolve, reject) => {
      this.refuse = reject;
      worker.once("message", ({ failure }: VerifierVerdict) => {
        if (failure === undefined) resolve();
        else reject(new DumpDamaged(failure));
      });
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new DumpDamaged(`the thread that reads it ended (${code})`)));
    });
    // If the file cannot be written, nobody asks.
    this.verdict.catch(() => undefined);
  }
}
