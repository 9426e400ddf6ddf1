/**
 * The thread that loads a part of an RDB file: see part-threads.ts, which starts it. It ends when it has told what it
 * loaded.
 */
import { parentPort, workerData } from "node:worker_threads";
import { realFiles } from "../../base/real-files.ts";
import type { PartTask } from "./part.ts";
import { loadPart } from "./part-loader.ts";

const port = parentPort!;
const task = workerData as PartTask;

async function load(): Promise<void> {
  const file = await realFiles.open(task.path, "read");
  try {
    await loadPart(file, task, port);
  } finally {
    await file.close();
    port.close();
  }
}

void load();
