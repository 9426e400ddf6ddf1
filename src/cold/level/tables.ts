/**
 * Verifies a store's table files without LevelDB, which does not verify them when it reads: where a block's structure
 * is damaged it misses keys without a word, or ends the process. Nothing is changed.
 *
 * A table never changes once the MANIFEST names it, so the store may be in use meanwhile. Tables that the MANIFEST
 * does not name are being written, or were replaced; one that has gone since it was read was replaced, too.
 */
import { join } from "node:path";
import type { FileHandle, Files } from "../../base/files.ts";
import { StorageError } from "../../base/storage-error.ts";
import { damageText, TableFile, type TableStep, tableNumber } from "./table-file.ts";
import { readVersionState } from "./version-state.ts";

/** A step, and in which file. */
export interface StoreStep extends TableStep {
  readonly file: string;
}

/** A store of more tables is verified only as a whole: the ends of one take about 1 ms, and a start, which waits for
 * that, must not take the longer the more data there is. */
const MOST_TABLES_BY_ENDS = 100;

/** "ends": what LevelDB reads of a table before all else (footer, index, filter), unless there are too many tables;
 * "all": every block. */
export type Thoroughness = "ends" | "all";

/**
 * Verifies the tables of the store in `folder`, step by step; `pause` comes in between where a step is long. Where the
 * MANIFEST cannot be read there are none: LevelDB verifies that itself, and does not open the store.
 */
export async function* verifyTables(
  files: Files,
  folder: string,
  thoroughness: Thoroughness,
  pause?: () => Promise<void>,
): AsyncGenerator<StoreStep, void, undefined> {
  const version = await readVersionState(files, folder).catch(() => undefined);
  if (version === undefined) return;
  if (thoroughness === "ends" && version.tables.size > MOST_TABLES_BY_ENDS) return;
  for (const name of await files.readdir(folder)) {
    const number = tableNumber(name);
    if (number === undefined || !version.tables.has(number)) continue;
    const handle = await openIfThere(files, join(folder, name));
    if (handle === undefined) continue;
    try {
      const table = await TableFile.open(handle);
      if (thoroughness === "all") for await (const step of table.verify(pause)) yield { file: name, ...step };
      else yield { file: name, bytes: 0, damage: table.damage ?? (await table.filterDamage()) };
    } finally {
      await handle.close();
    }
  }
}

/** Throws StorageError "corrupt" at the first damage. */
export async function refuseDamagedTables(
  files: Files,
  folder: string,
  thoroughness: Thoroughness,
): Promise<void> {
  for await (const { damage, file } of verifyTables(files, folder, thoroughness)) {
    if (damage === undefined) continue;
    throw new StorageError("corrupt", `${file} is damaged at offset ${damage.offset}: ${damageText(damage)}`);
  }
}

async function openIfThere(files: Files, path: string): Promise<FileHandle | undefined> {
  try {
    return await files.open(path, "read");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
