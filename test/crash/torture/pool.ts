/**
 * Runs jobs on several threads. A simulation that comes to a standstill (what it waits for never happens) ends its
 * thread: that counts as a failure of its seed, and another thread goes on.
 */
import { Worker } from "node:worker_threads";
import type { Job, SeedResult } from "./worker.ts";

const PROGRAM = new URL("./worker.js", import.meta.url);

export interface PoolOptions {
  readonly jobs: Iterable<Job>;
  readonly threads: number;
  readonly onResult: (result: SeedResult) => void;
  /** No more jobs are to be begun. */
  readonly isEnough: () => boolean;
}

/** Resolves when all jobs are done. */
export async function runJobs({ jobs, threads, onResult, isEnough }: PoolOptions): Promise<void> {
  const iterator = jobs[Symbol.iterator]();
  const next = (): Job | undefined => (isEnough() ? undefined : iterator.next().value);
  await Promise.all(Array.from({ length: threads }, () => work(next, onResult)));
}

/** One thread after the other, until there are no more jobs. */
async function work(next: () => Job | undefined, onResult: (result: SeedResult) => void): Promise<void> {
  for (let job = next(); job !== undefined; job = next()) {
    let rest: Job | undefined = job;
    while (rest !== undefined) rest = await runThread(rest, next, onResult);
  }
}

/** Gives a thread job after job. Resolves when there are none, or, if the thread ended, to what it has left undone. */
function runThread(
  first: Job,
  next: () => Job | undefined,
  onResult: (result: SeedResult) => void,
): Promise<Job | undefined> {
  return new Promise((resolve) => {
    const worker = new Worker(PROGRAM);
    let job: Job = first;
    let seed = first.from;
    let failure = "it came to a standstill";
    worker.on("message", (result: SeedResult) => {
      onResult(result);
      seed = result.seed + 1;
      if (!result.isLast) return;
      const following = next();
      if (following === undefined) {
        resolve(undefined);
        void worker.terminate();
        return;
      }
      job = following;
      seed = following.from;
      worker.postMessage(job);
    });
    worker.on("error", (error) => {
      failure = String(error);
    });
    worker.on("exit", () => {
      const left = job.from + job.count - seed - 1;
      // After the last job nobody waits for this any more.
      if (left >= 0) onResult({ path: job.path, seed, error: failure, isLast: left === 0 });
      resolve(left > 0 ? { path: job.path, from: seed + 1, count: left } : undefined);
    });
    worker.postMessage(job);
  });
}
