/**
 * Starts the threads that load parts of a large RDB file.
 */
import { Worker } from "node:worker_threads";
import type { PartThreads } from "./load-helpers.ts";

const PROGRAM = new URL("./part-worker.js", import.meta.url);
/** Each has to pass over what comes before its part, and one thread takes over what all have loaded. */
const THREADS_MAX = 3;
/** A thread takes some 60 ms to begin. Meanwhile 8 MB of short strings are loaded, or 2 MB of small collections. */
const LARGE_FILE_BYTES = 8 << 20;

/** So many that every processor has one, beside the thread that has the data. */
export function partThreads(processors: number): PartThreads {
  return {
    count: Math.min(processors - 1, THREADS_MAX),
    fromBytes: LARGE_FILE_BYTES,
    start: (task) => new Worker(PROGRAM, { workerData: task }),
  };
}
