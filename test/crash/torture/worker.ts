/**
 * A thread that runs seeds, as many as it is given at a time, and says after each how it went.
 */
import { parentPort } from "node:worker_threads";
import { PATHS, type PathName } from "./paths.ts";

/** Seeds of one path. */
export interface Job {
  readonly path: PathName;
  readonly from: number;
  readonly count: number;
}

export interface SeedResult {
  readonly path: PathName;
  readonly seed: number;
  /** Undefined if all was as it must be. */
  readonly error: string | undefined;
  /** It was the last of its job. */
  readonly isLast: boolean;
}

const port = parentPort!;

port.on("message", (job: Job) => void run(job));

async function run({ path, from, count }: Job): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    const error = await PATHS[path](seed).then(
      () => undefined,
      (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
    );
    const result: SeedResult = { path, seed, error, isLast: seed === from + count - 1 };
    port.postMessage(result);
  }
}
