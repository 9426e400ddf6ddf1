/**
 * Notices when the process ends again and again soon after it was started. LevelDB ends it where it meets a damaged
 * block, and all that is told of that is a failed assertion, or nothing. So after two such ends tables of the cold tier
 * are verified before LevelDB opens them, at each start the next ones.
 *
 * A file in the tier's folder says when the last start was, and how many in a row followed each other so closely; a
 * server that ends as it was asked to removes it. It is of no use for anything else: where it cannot be read or
 * written, all goes on without it.
 *
 *   <unix time in milliseconds of the last start> <starts>\n
 */
import { join } from "node:path";
import { type Files, writeFully } from "../base/files.ts";

const FILE_NAME = "starts";
/** A process that ran for longer did not die of what it does first. */
const SOON_MS = 10 * 60_000;
const CONTENTS = /^(\d{1,15}) (\d{1,9})\n$/;

/** How many starts in a row have ended unexpectedly within ten minutes. */
export async function unexpectedEnds(files: Files, folder: string, nowMs: number): Promise<number> {
  const match = CONTENTS.exec(await textOf(files, join(folder, FILE_NAME)));
  if (match === null || nowMs - Number(match[1]) > SOON_MS) return 0;
  return Number(match[2]);
}

/** Notes a start; `ends` is what `unexpectedEnds` said. */
export async function noteStart(files: Files, folder: string, nowMs: number, ends: number): Promise<void> {
  try {
    const file = await files.open(join(folder, FILE_NAME), "create");
    try {
      await writeFully(file, Buffer.from(`${nowMs} ${ends + 1}\n`), 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/** The process ends because it was asked to. */
export async function noteEnd(files: Files, folder: string): Promise<void> {
  try {
    await files.unlink(join(folder, FILE_NAME));
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

async function textOf(files: Files, path: string): Promise<string> {
  try {
    if ((await files.stat(path)) === undefined) return "";
    return (await files.readFile(path)).toString("latin1");
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return "";
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}
