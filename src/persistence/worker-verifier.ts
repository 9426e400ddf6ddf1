/**
 * Has a dump read back by another thread, close behind the one that writes it. The thread lives as long as the dump is
 * in the making.
 */
import { Worker } from "node:worker_threads";
import { DumpDamaged, type DumpVerifier } from "./dump-verifier.ts";

export interface VerifierData {
  readonly path: string;
  readonly niceness: number;
}

export type VerifierMessage =
  | { readonly kind: "written"; readonly bytes: number }
  | { readonly kind: "all"; readonly bytes: number; readonly keys: number };

export interface VerifierVerdict {
  /** Undefined if all is right. */
  readonly failure: string | undefined;
}

const PROGRAM = new URL("./dump-worker.js", import.meta.url);
/** The thread reads records and throws them away: more young generation would only be more memory. */
const YOUNG_GENERATION_MB = 2;

export class WorkerVerifier implements DumpVerifier {
  private worker: Worker | undefined;
  private verdict: Promise<void> = Promise.resolve();
  private refuse: (error: Error) => void = () => {};
  private readonly niceness: number;

  /** @param niceness what the thread's priority is lowered to */
  constructor(niceness: number) {
    this.niceness = niceness;
  }

  begin(path: string): void {
    const data: VerifierData = { path, niceness: this.niceness };
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

  written(bytes: number): void {
    this.tell({ kind: "written", bytes });
  }

  finish(bytes: number, keys: number): Promise<void> {
    this.tell({ kind: "all", bytes, keys });
    return this.verdict;
  }

  cancel(): void {
    this.refuse(new DumpDamaged("it was not read to its end"));
    void this.worker?.terminate();
    this.worker = undefined;
  }

  private tell(message: VerifierMessage): void {
    this.worker?.postMessage(message);
  }
}
