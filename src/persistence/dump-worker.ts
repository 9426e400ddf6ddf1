/**
 * The thread that reads a dump back while it is being written: see worker-verifier.ts, which starts it and tells it how
 * far the file has come. It ends when it has said what it found.
 *
 * It must not hold up the thread that answers everybody, which it shares few processors with: it lowers its priority
 * before it loads what it needs, which takes longer than anything else that it does at a time, and it rests while
 * the event loop is busy.
 */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { SystemClock } from "../base/clock.ts";
import type { FileHandle } from "../base/files.ts";
import type { VerifierData, VerifierMessage, VerifierVerdict } from "./worker-verifier.ts";

/** A thread that never rests keeps a processor for milliseconds at a time, whatever its priority. */
const WORK_MS = 0.3;
/** How long it rests for the time that it has worked. So it reads for a third of its time, as the event loop writes. */
const REST_SHARE = 2;

const port = parentPort!;
const { niceness, path } = workerData as VerifierData;

/** How much of the file is written; and, once all is, how much there must be. */
let writtenBytes = 0;
let expected: { readonly bytes: number; readonly keys: number } | undefined;
let isBusy = true;
let wake: () => void = () => {};

let begunMs = 0;
const clock = new SystemClock();
const cell = new Int32Array(new SharedArrayBuffer(4));

function rest(): undefined {
  if (!isBusy) return undefined;
  const workedMs = clock.monotonicMs() - begunMs;
  if (workedMs < WORK_MS) return undefined;
  Atomics.wait(cell, 0, 0, workedMs * REST_SHARE);
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
    while (expected === undefined && writtenBytes < position + target.length) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    begunMs = clock.monotonicMs();
    return this.file.read(target, position);
  }

  async size(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
}

async function verify(): Promise<void> {
  const { realFiles } = await import("../base/real-files.ts");
  const { readBack } = await import("./dump-verifier.ts");
  const file = await realFiles.open(path, "read");
  try {
    const growing = new GrowingFile(file) as Partial<FileHandle> as FileHandle;
    // What comes before the end is read after `expected` is known.
    await readBack(
      growing,
      () => expected!.bytes,
      () => expected!.keys,
      rest,
    );
  } finally {
    await file.close();
  }
}

function tell(verdict: VerifierVerdict): void {
  port.postMessage(verdict);
  port.close();
}

try {
  setPriority(0, niceness);
} catch {
  // Then it runs as any other.
}
port.on("message", (message: VerifierMessage) => {
  if (message.kind === "written") ({ bytes: writtenBytes, isBusy } = message);
  else expected = message;
  wake();
});
verify().then(
  () => tell({ failure: undefined }),
  (error: unknown) => tell({ failure: error instanceof Error ? error.message : String(error) }),
);
