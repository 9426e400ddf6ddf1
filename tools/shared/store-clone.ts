/**
 * A second folder with the same LevelDB store, at the cost of some names: table files never change, so they are
 * linked; the others, which are small, are copied. LevelDB writes even when it is only opened (it makes tables of its
 * logs, and a new MANIFEST): a tool that is to change nothing opens the clone.
 *
 * A link needs the same file system. On another one, tables are copied too.
 */
import fs from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../../src/base/files.ts";
import { tableNumber } from "../../src/cold/level/table-file.ts";
import { copyFile } from "./copies.ts";

/** Other files that belong to the store. (LOCK is the lock of whoever has it open; LOG is for people.) */
const STATE_NAME = /^(CURRENT|MANIFEST-\d+|\d+\.log)$/;

/** Fills the empty folder `to` with the store in `from`. Nobody may have that open. */
export async function cloneStore(files: Files, from: string, to: string): Promise<void> {
  for (const name of await files.readdir(from)) {
    if (tableNumber(name) !== undefined) await linkOrCopy(files, join(from, name), join(to, name));
    else if (STATE_NAME.test(name)) await copyFile(files, join(from, name), join(to, name));
  }
}

async function linkOrCopy(files: Files, from: string, to: string): Promise<void> {
  try {
    await fs.link(from, to);
  } catch {
    await copyFile(files, from, to);
  }
}
