/**
 * Starts the threads that load parts of a large RDB file.
 */
import { Worker } from "node:worker_threads";
import type { PartThreads } from "./load-helpers.ts";

const PROGRAM = new URL("./part-worker.js", import.meta.url);
/** Each has to pass over what comes before its part, and one thread takes over what all have loaded. */
const THREADS_MAX = 3;
/** In a smaller file a thread's code is hardly compiled when its part is over, and V8's compiler takes the processors:
 * with two of them and one thread's help a mix of types of 32 MB took 1.0 s instead of 0.8, one of 130 MB 1.8 s
 * instead of 2.25, and strings of 84 MB as long as without. */
const LARGE_FILE_BYTES = 96 << 20;

/** So many that every processor has one, beside the thread that has the data. */
export function partThreads(processors: number): PartThreads {
  return {
    count: Math.min(processors - 1, THREADS_MAX),
    fromBytes: LARGE_FILE_BYTES,
    start: (task) => new Worker(PROGRAM, { workerData: task }),
  };
}
