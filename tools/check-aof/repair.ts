/**
 * Cutting a file off: a copy first, the question, then the cut. Whatever fails, the file or its copy holds
 * everything.
 */
import { type Files, writeFully } from "../../src/base/files.ts";
import { confirms } from "../shared/console.ts";
import { backupPath, copyFile, copyRange } from "../shared/copies.ts";
import { asBytes, errorText } from "../shared/texts.ts";
import { type FileResult, type Report, Stop } from "./report.ts";

export interface Repair {
  readonly report: Report;
  readonly result: FileResult;
  readonly files: Files;
  readonly path: string;
  /** The file's name as it is shown, in bytes. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly validUpTo: number;
  readonly keepsBackup: boolean;
  /** Where what is cut off goes. */
  readonly badTo: string | undefined;
}

/** Copies the file to `<file>.bak-<n>` beside it, durably, and says so. Returns the copy's path, unless no copy is
 * wanted. */
export async function backUp(repair: Repair): Promise<string | undefined> {
  const { files, report, path } = repair;
  if (!repair.keepsBackup) return undefined;
  const copyPath = await backupPath(files, path);
  try {
    await report.withToldProgress(repair.sizeBytes, (onProgress) =>
      copyFile(files, path, copyPath, onProgress),
    );
  } catch (error) {
    throw report.stop(
      `Cannot back up AOF ${repair.name} to ${asBytes(copyPath)}: ${errorText(error)}, aborting...`,
    );
  }
  report.print(`AOF ${repair.name} backed up to ${asBytes(copyPath)}`);
  repair.result.backup = copyPath;
  return copyPath;
}

/** Asks whether to go on; if not, removes the copy again and ends the tool. */
export async function confirm(
  repair: Repair,
  input: NodeJS.ReadableStream,
  isAnswered: boolean,
): Promise<void> {
  const { report, name, sizeBytes, validUpTo } = repair;
  const backup = await backUp(repair);
  const lost = sizeBytes - validUpTo;
  report.print(
    `This will shrink the AOF ${name} from ${sizeBytes} bytes, with ${lost} bytes, to ${validUpTo} bytes`,
  );
  if (isAnswered || (await confirms(report, input))) return;
  report.print("Aborting...");
  if (backup !== undefined) await repair.files.unlink(backup);
  delete repair.result.backup;
  throw new Stop(1);
}

/** Cuts the file off, durably. */
export async function truncate(repair: Repair, failure: string): Promise<void> {
  try {
    const file = await repair.files.open(repair.path, "update");
    try {
      await keepCut(repair, file);
      await file.truncate(repair.validUpTo);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch {
    throw repair.report.stop(failure);
  }
  repair.result.status = "truncated";
}

async function keepCut(repair: Repair, file: Awaited<ReturnType<Files["open"]>>): Promise<void> {
  if (repair.badTo === undefined) return;
  const target = await repair.files.open(repair.badTo, "create");
  try {
    await copyRange(file, repair.validUpTo, repair.sizeBytes, (bytes, at) => writeFully(target, bytes, at));
    await target.datasync();
  } finally {
    await target.close();
  }
}
