/**
 * Folders for what a tool needs while it runs. They bear the process's number, so that those of processes that were
 * killed are removed by the next.
 */
import fs from "node:fs/promises";
import { join, resolve } from "node:path";

const SCRATCH_NAME = "temp-tool-";
const SCRATCH_PATTERN = /^temp-tool-(\d+)-/;

/** Makes one in `folder`, and removes those whose processes have died. */
export async function makeScratchFolder(folder: string): Promise<string> {
  for (const name of await fs.readdir(folder)) {
    const found = SCRATCH_PATTERN.exec(name);
    if (found !== null && !isAlive(Number(found[1]))) await removeScratchFolder(join(folder, name));
  }
  return fs.mkdtemp(join(resolve(folder), `${SCRATCH_NAME}${process.pid}-`));
}

export function removeScratchFolder(path: string): Promise<void> {
  return fs.rm(path, { recursive: true, force: true });
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
