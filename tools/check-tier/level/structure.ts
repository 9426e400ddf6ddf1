/**
 * Whether LevelDB's own files are whole: every block of every table, the MANIFEST, the logs. What is lost is told as
 * ranges of keys.
 */
import { join } from "node:path";
import type { Files } from "../../../src/base/files.ts";
import { readLog } from "../../../src/cold/level/log-file.ts";
import { TableFile, tableNumber } from "../../../src/cold/level/table-file.ts";
import { missingLog, tableName, whyOutdated } from "../../../src/cold/level/tables.ts";
import { readVersionState, type VersionState } from "../../../src/cold/level/version-state.ts";

/** A range of keys in which something may be lost, and where it lay. */
export interface LostRange {
  /** From this key on, or from the first. */
  readonly from: Buffer | undefined;
  readonly upTo: Buffer | undefined;
  readonly level: number | undefined;
  readonly table: number;
}

export interface LevelProblem {
  readonly file: string;
  readonly offset?: number;
  readonly length?: number;
  readonly reason: string;
}

export interface LevelStructure {
  readonly problems: readonly LevelProblem[];
  readonly lost: readonly LostRange[];
  /** undefined if the MANIFEST cannot be read. */
  readonly version: VersionState | undefined;
  /** Numbers of the table files that count, and are there; with their names. */
  readonly tables: ReadonlyMap<number, string>;
  /** Names of the logs that count, in order. */
  readonly logs: readonly string[];
  readonly sizeBytes: number;
}

const LOG_NAME = /^(\d+)\.log$/;

/** Reads all files of a store. `onProgress` is told of bytes read. */
export async function examineStructure(
  files: Files,
  folder: string,
  onProgress: (bytes: number) => void,
): Promise<LevelStructure> {
  const problems: LevelProblem[] = [];
  const lost: LostRange[] = [];
  const names = await files.readdir(folder);
  const version = await versionOf(files, folder, names, problems);
  const tables = new Map<number, string>();
  for (const name of names) {
    const number = tableNumber(name);
    // Others were replaced, and not removed yet.
    if (number !== undefined && (version === undefined || version.tables.has(number)))
      tables.set(number, name);
  }
  for (const [number, table] of version?.tables ?? []) {
    if (tables.has(number)) continue;
    problems.push({ file: tableName(number), reason: "the table is missing" });
    lost.push({ from: table.smallest, upTo: table.largest, level: table.level, table: number });
  }
  let sizeBytes = 0;
  for (const [number, name] of tables) {
    const file = await files.open(join(folder, name), "read");
    try {
      const table = await TableFile.open(file);
      await table.findBlocks();
      const live = version?.tables.get(number);
      for await (const { damage } of table.verify()) {
        if (damage === undefined) continue;
        const { length, offset } = damage;
        problems.push({ file: name, offset, length, reason: `the ${damage.what} block is damaged` });
        if (!damage.holdsKeys) continue;
        const upTo = damage.upTo ?? live?.largest;
        lost.push({ from: damage.after ?? live?.smallest, upTo, level: live?.level, table: number });
      }
      sizeBytes += await file.size();
      onProgress(sizeBytes);
    } finally {
      await file.close();
    }
  }
  const logs = names
    .filter((name) => Number(LOG_NAME.exec(name)?.[1] ?? -1) >= (version?.firstLog ?? 0))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  for (const name of logs) {
    const { damage } = readLog(await files.readFile(join(folder, name)));
    for (const { offset, reason } of damage) problems.push({ file: name, offset, reason });
  }
  return { problems, lost, version, tables, logs, sizeBytes };
}

/** What the MANIFEST says, if it can be believed: where it cannot, whatever tables there are count. */
async function versionOf(
  files: Files,
  folder: string,
  names: readonly string[],
  problems: LevelProblem[],
): Promise<VersionState | undefined> {
  const distrust = (reason: string): undefined => {
    problems.push({ file: "MANIFEST", reason: `${reason}: whether a table is missing cannot be told` });
  };
  let version: VersionState;
  try {
    version = await readVersionState(files, folder);
  } catch (error) {
    return distrust(error instanceof Error ? error.message : String(error));
  }
  const reason = whyOutdated(version, names);
  if (reason !== undefined) return distrust(reason);
  const log = missingLog(version, names);
  if (log !== undefined) problems.push({ file: log, reason: "the log is missing" });
  return version;
}
