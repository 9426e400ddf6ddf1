/**
 * The main thread's end of observer-worker.ts.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface ObserverTarget {
  readonly port: number;
  readonly pid: number;
}

export interface Observation {
  readonly pings: number;
  /** Round trips of PING. */
  readonly pingP50Ms: number;
  readonly pingP999Ms: number;
  readonly pingMaxMs: number;
  /** The most memory seen, and how much of that belonged to mapped files. */
  readonly residentBytes: number;
  readonly fileBytes: number;
}

export class Observer {
  private readonly worker: Worker;

  constructor(target: ObserverTarget) {
    this.worker = new Worker(new URL("./observer-worker.js", import.meta.url), { workerData: target });
  }

  /** What was seen since the last call. Rejects if the worker has failed. */
  async take(): Promise<Observation> {
    this.worker.postMessage("take");
    const [observation] = await once(this.worker, "message");
    return observation as Observation;
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}
