/**
 * The thread that reads a dump back while it is being written: see worker-verifier.ts, which starts it and tells it how
 * far the file has come. It ends when it has said what it found.
 */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { FileHandle } from "../base/files.ts";
import { realFiles } from "../base/real-files.ts";
import { readBack } from "./dump-verifier.ts";
import type { VerifierData, VerifierMessage, VerifierVerdict } from "./worker-verifier.ts";

const port = parentPort!;
const { niceness, path } = workerData as VerifierData;

/** How much of the file is written; and, once all is, how much there must be. */
let writtenBytes = 0;
let expected: { readonly bytes: number; readonly keys: number } | undefined;
let wake: () => void = () => {};

/** After each batch of records this thread rests so long: one that never does keeps a processor for milliseconds at a
 * time, whatever its priority, and where there are few that is one that answers clients. */
const REST_MS = 0.3;
const cell = new Int32Array(new SharedArrayBuffer(4));

function rest(): undefined {
  Atomics.wait(cell, 0, 0, REST_MS);
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
    return this.file.read(target, position);
  }

  async size(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }
}

async function verify(): Promise<void> {
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

port.on("message", (message: VerifierMessage) => {
  if (message.kind === "written") writtenBytes = message.bytes;
  else expected = message;
  wake();
});

try {
  // Of this thread: it must not hold up the one that answers everybody.
  setPriority(0, niceness);
} catch {
  // Then it runs as any other.
}
verify().then(
  () => tell({ failure: undefined }),
  (error: unknown) => tell({ failure: error instanceof Error ? error.message : String(error) }),
);

function tell(verdict: VerifierVerdict): void {
  port.postMessage(verdict);
  port.close();
}
