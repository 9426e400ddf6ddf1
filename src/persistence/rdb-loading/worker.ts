/**
 * The thread that loads a part of an RDB file: see load-helpers.ts. It ends when it has told what it loaded.
 */
import { parentPort, workerData } from "node:worker_threads";
import { realFiles } from "../../base/real-files.ts";
import type { PartTask } from "./part.ts";
import { loadPart } from "./part-loader.ts";

/** Where the thread begins. */
export async function main(): Promise<void> {
  const port = parentPort!;
  const task = workerData as PartTask;
  const file = await realFiles.open(task.path, "read");
  try {
    await loadPart(file, task, port);
  } finally {
    await file.close();
    port.close();
  }
}
