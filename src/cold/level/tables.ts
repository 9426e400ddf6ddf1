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
import { readVersionState, type VersionState } from "./version-state.ts";

/** A step, and in which file. */
export interface StoreStep extends TableStep {
  readonly file: string;
}

/** A store of more tables is verified only as a whole: the ends of one take about 1 ms, and a start, which waits for
 * that, must not take the longer the more data there is. */
const MOST_TABLES_BY_ENDS = 100;

/** "ends": what LevelDB reads of a table before all else (footer, index, filter), unless there are too many tables;
 * "all": every block; a part: every block of some of the tables. */
export type Thoroughness = "ends" | "all" | TablePart;

/** Tables one after the other, and round again: those from `fromBytes` on, until they have `bytes` together. */
export interface TablePart {
  readonly fromBytes: number;
  readonly bytes: number;
}

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
  yield* verifyNamed(files, folder, { version, names: await files.readdir(folder) }, thoroughness, pause);
}

/** What a store's MANIFEST says, and what files there are. */
interface StoreFiles {
  readonly version: VersionState;
  readonly names: readonly string[];
}

async function* verifyNamed(
  files: Files,
  folder: string,
  { names, version }: StoreFiles,
  thoroughness: Thoroughness,
  pause?: () => Promise<void>,
): AsyncGenerator<StoreStep, void, undefined> {
  if (thoroughness === "ends" && version.tables.size > MOST_TABLES_BY_ENDS) return;
  const chosen = typeof thoroughness === "object" ? partOf(version, thoroughness) : version.tables;
  for (const name of names) {
    const number = tableNumber(name);
    if (number === undefined || !chosen.has(number)) continue;
    const handle = await openIfThere(files, join(folder, name));
    if (handle === undefined) continue;
    try {
      const table = await TableFile.open(handle);
      if (thoroughness !== "ends")
        for await (const step of table.verify(pause)) yield { file: name, ...step };
      else yield { file: name, bytes: 0, damage: table.damage ?? (await table.filterDamage()) };
    } finally {
      await handle.close();
    }
  }
}

/** The numbers of the tables. */
function partOf({ tables }: VersionState, { bytes, fromBytes }: TablePart): ReadonlySet<number> {
  const inOrder = [...tables.values()].sort((a, b) => a.number - b.number);
  let toSkip =
    fromBytes %
    Math.max(
      1,
      inOrder.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
  let first = 0;
  while (toSkip > 0) toSkip -= inOrder[first++].sizeBytes;
  const chosen = new Set<number>();
  let left = bytes;
  for (const { number, sizeBytes } of [...inOrder.slice(first), ...inOrder.slice(0, first)]) {
    if (left <= 0) break;
    chosen.add(number);
    left -= sizeBytes;
  }
  return chosen;
}

/**
 * Throws StorageError "corrupt" at the first damage, also where a MANIFEST was cut short, which LevelDB would take for
 * whole. Nobody may have the store open.
 */
export async function refuseDamagedTables(
  files: Files,
  folder: string,
  thoroughness: Thoroughness,
): Promise<void> {
  const version = await readVersionState(files, folder).catch(() => undefined);
  if (version === undefined) return;
  const names = await files.readdir(folder);
  const reason = whyIncomplete(version, names);
  if (reason !== undefined) throw new StorageError("corrupt", reason);
  for await (const { damage, file } of verifyNamed(files, folder, { version, names }, thoroughness)) {
    if (damage === undefined) continue;
    throw new StorageError("corrupt", `${file} is damaged at offset ${damage.offset}: ${damageText(damage)}`);
  }
}

/** Why the files of these names cannot be all that the MANIFEST leads to; undefined if they can. */
function whyIncomplete(version: VersionState, names: readonly string[]): string | undefined {
  const log = missingLog(version, names);
  return whyOutdated(version, names) ?? (log && `the log ${log}, which ${version.name} names, is missing`);
}

/**
 * Why the MANIFEST cannot be the last one of a store with files of these names; undefined if nothing speaks against
 * it. LevelDB takes one that was cut short for whole, and removes the tables that are too new for it.
 */
export function whyOutdated(version: VersionState, names: readonly string[]): string | undefined {
  const { name, nextFile, tables } = version;
  const there = new Set(names.map(tableNumber));
  const isOlder = [...there].some((number) => number !== undefined && number >= nextFile);
  // What was being made when the process died is newer, too; but then nothing is missing.
  if (!isOlder) return undefined;
  const table = [...tables.keys()].find((number) => !there.has(number));
  const missing = missingLog(version, names) ?? (table === undefined ? undefined : tableName(table));
  if (missing === undefined) return undefined;
  return `${name} is older than other files: ${missing}, which it names, is missing, and there are newer tables`;
}

/** The first log that counts, if it is not there: LevelDB makes it before it names it. */
export function missingLog({ firstLog }: VersionState, names: readonly string[]): string | undefined {
  const name = `${fileNumber(firstLog)}.log`;
  return firstLog === 0 || names.includes(name) ? undefined : name;
}

/** What a table is called. */
export function tableName(number: number): string {
  return `${fileNumber(number)}.ldb`;
}

function fileNumber(number: number): string {
  return String(number).padStart(6, "0");
}

async function openIfThere(files: Files, path: string): Promise<FileHandle | undefined> {
  try {
    return await files.open(path, "read");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}
