/**
 * The thread that verifies an append-only file while it is loaded: see verifier-thread.ts, which starts it. It ends
 * when it has told the outcome.
 */
import { parentPort, workerData } from "node:worker_threads";
import { realFiles } from "../../base/real-files.ts";
import { AofVerifier } from "./verifier.ts";
import type { VerifierProgress, VerifierReport, VerifierTask } from "./verifier-thread.ts";

const port = parentPort!;
const { path, ...task } = workerData as VerifierTask;
/** This thread is so much ahead at most, so that what it has read is still in the system's cache. */
const LEAD_BYTES = 64 * 1024 * 1024;

let consumed = task.start ?? 0;
let wake: () => void = () => {};
port.on("message", (progress: VerifierProgress) => {
  consumed = progress.consumed;
  wake();
});

async function verify(): Promise<void> {
  const file = await realFiles.open(path, "read");
  try {
    const verifier = await AofVerifier.open(file, task);
    for (let extent = await verifier.advance(); extent !== undefined; extent = await verifier.advance()) {
      tell({ kind: "usable", end: extent.end, position: verifier.position });
      while (extent.start > consumed + LEAD_BYTES)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    tell({ kind: "outcome", outcome: verifier.outcome! });
  } finally {
    await file.close();
  }
}

function tell(report: VerifierReport): void {
  port.postMessage(report);
}

verify()
  .catch((error: unknown) =>
    tell({ kind: "failure", message: error instanceof Error ? error.message : String(error) }),
  )
  .finally(() => port.close());
