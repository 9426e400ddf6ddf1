/**
 * The thread that reads a dump back while it is being written: see worker-verifier.ts, which starts it and tells it how
 * far the file has come. It ends when it has said what it found.
 *
 * It must not hold up the thread that answers everybody, which it shares few processors with: it has a low priority,
 * and rests while the event loop is busy.
 */
import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "../base/clock.ts";
import type { FileHandle } from "../base/files.ts";
import { realFiles } from "../base/real-files.ts";
import { readBack } from "./dump-verifier.ts";
import { FileProgress } from "./file-progress.ts";
import type { VerifierData, VerifierVerdict } from "./worker-verifier.ts";

/** A thread that never rests keeps a processor for milliseconds at a time, whatever its priority. */
const WORK_MS = 0.3;
/** How long it rests for the time that it has worked: it keeps up with a loop that has other things to do as well. */
const REST_SHARE = 2;

const port = parentPort!;
const { memory, path } = workerData as VerifierData;
const progress = new FileProgress(memory);
const clock = new SystemClock();
let begunMs = 0;

function rest(): undefined {
  if (!progress.isBusy) return undefined;
  const workedMs = clock.monotonicMs() - begunMs;
  if (workedMs < WORK_MS) return undefined;
  progress.rest(workedMs * REST_SHARE);
  begunMs = clock.monotonicMs();
  return undefined;
}

/** The file as far as it is written: who reads beyond waits. */
class GrowingFile {
  private readonly file: FileHandle;

  constructor(file: FileHandle) {
    this.file = file;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    progress.waitFor(position + target.length);
    begunMs = clock.monotonicMs();
    return this.file.read(target, position);
  }

  async size(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
}

async function verify(): Promise<void> {
  const file = await realFiles.open(path, "read");
  try {
    await readBack(
      new GrowingFile(file) as Partial<FileHandle> as FileHandle,
      () => progress.bytes,
      () => progress.keys,
      rest,
    );
  } finally {
    await file.close();
  }
}

function tell(verdict: VerifierVerdict): void {
  port.postMessage(verdict);
}

verify().then(
  () => tell({ failure: undefined }),
  (error: unknown) => tell({ failure: error instanceof Error ? error.message : String(error) }),
);
