/**
 * Has a dump read back by another thread, close behind the one that writes it. The thread lives as long as the dump is
 * in the making. A small dump is read on the spot, when it is written: a thread would take longer to begin.
 */
import { Worker } from "node:worker_threads";
import { DumpDamaged, type DumpVerifier, type InlineVerifier } from "./dump-verifier.ts";

export interface VerifierData {
  readonly path: string;
  readonly niceness: number;
}

export type VerifierMessage =
  | { readonly kind: "written"; readonly bytes: number; readonly isBusy: boolean }
  | { readonly kind: "all"; readonly bytes: number; readonly keys: number };

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
  private verdict: Promise<void> = Promise.resolve();
  private refuse: (error: Error) => void = () => {};
  private readonly small: InlineVerifier;
  private readonly niceness: number;

  /** @param niceness what the thread's priority is lowered to */
  constructor(small: InlineVerifier, niceness: number) {
    this.small = small;
    this.niceness = niceness;
  }

  begin(path: string): void {
    this.path = path;
    this.small.begin(path);
  }

  written(bytes: number, isBusy: boolean): void {
    if (this.worker === undefined && bytes > SMALL_DUMP_BYTES) this.start();
    this.tell({ kind: "written", bytes, isBusy });
  }

  finish(bytes: number, keys: number): Promise<void> {
    if (this.worker === undefined) return this.small.finish(bytes, keys);
    this.tell({ kind: "all", bytes, keys });
    return this.verdict;
  }

  cancel(): void {
    this.small.cancel();
    this.refuse(new DumpDamaged("it was not read to its end"));
    void this.worker?.terminate();
    this.worker = undefined;
  }

  private start(): void {
    const data: VerifierData = { path: this.path, niceness: this.niceness };
    const worker = new Worker(PROGRAM, {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
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

  private tell(message: VerifierMessage): void {
    this.worker?.postMessage(message);
  }
}
