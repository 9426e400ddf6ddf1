/** Standard input as a file: readers look at bytes more than once, and ask for the size. */
import { createWriteStream } from "node:fs";
import fs from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

export interface Spooled {
  readonly path: string;
  remove(): Promise<void>;
}

/** Copies all of a stream to a file in the system's temporary folder. */
export async function spool(input: NodeJS.ReadableStream): Promise<Spooled> {
  const folder = await fs.mkdtemp(join(os.tmpdir(), "tsredis-input-"));
  const path = join(folder, "input");
  const remove = (): Promise<void> => fs.rm(folder, { recursive: true, force: true });
  try {
    await pipeline(input, createWriteStream(path));
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, remove };
}
