/**
 * Cutting a file off: a copy first, the question, then the cut. Whatever fails, the file or its copy holds
 * everything.
 */
import { type FileHandle, type Files, writeFully } from "../../src/base/files.ts";
import { asBytes, errorText, type FileResult, type Report, Stop } from "./report.ts";

const COPY_CHUNK_BYTES = 1 << 20;

export interface Repair {
  readonly report: Report;
  readonly result: FileResult;
  readonly files: Files;
  readonly path: string;
  /** The file's name as it is shown, in bytes. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly validUpTo: number;
}

/** Copies the file to `<file>.bak-<n>` beside it, durably, and says so. Returns the copy's path. */
export async function backUp(repair: Repair): Promise<string> {
  const { files, report, path } = repair;
  let number = 1;
  while ((await files.stat(`${path}.bak-${number}`)) !== undefined) number++;
  const copyPath = `${path}.bak-${number}`;
  try {
    await copy(files, path, copyPath);
  } catch (error) {
    await files.unlink(copyPath);
    throw report.stop(
      `Cannot back up AOF ${repair.name} to ${asBytes(copyPath)}: ${errorText(error)}, aborting...`,
    );
  }
  report.print(`AOF ${repair.name} backed up to ${asBytes(copyPath)}`);
  repair.result.backup = copyPath;
  return copyPath;
}

async function copy(files: Files, from: string, to: string): Promise<void> {
  const source = await files.open(from, "read");
  try {
    const target = await files.open(to, "create");
    try {
      await copyBytes(source, target);
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  await files.syncDirectory(folderOf(to));
}

async function copyBytes(source: FileHandle, target: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(COPY_CHUNK_BYTES);
  for (let position = 0; ; ) {
    const length = await source.read(buffer, position);
    if (length === 0) return;
    await writeFully(target, buffer.subarray(0, length), position);
    position += length;
  }
}

/** The folder a path is in, as C's dirname says it. */
export function folderOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  if (slash === -1) return path.startsWith("/") ? "/" : ".";
  return trimmed.slice(0, slash).replace(/\/+$/, "") || "/";
}

/** Asks whether to go on; if not, removes the copy again and ends the tool. */
export async function confirm(repair: Repair, input: NodeJS.ReadableStream): Promise<void> {
  const { report, name, sizeBytes, validUpTo } = repair;
  const backup = await backUp(repair);
  const lost = sizeBytes - validUpTo;
  report.print(
    `This will shrink the AOF ${name} from ${sizeBytes} bytes, with ${lost} bytes, to ${validUpTo} bytes`,
  );
  report.ask("Continue? [y/N]: ");
  const answer = await firstByte(input);
  if (answer === "y" || answer === "Y") return;
  report.print("Aborting...");
  await repair.files.unlink(backup);
  delete repair.result.backup;
  throw new Stop(1);
}

/** The first byte of the input; "" if there is none. */
async function firstByte(input: NodeJS.ReadableStream): Promise<string> {
  for await (const chunk of input) {
    const text = chunk.toString("latin1");
    if (text.length > 0) return text.slice(0, 1);
  }
  return "";
}

/** Cuts the file off, durably. */
export async function truncate(repair: Repair, failure: string): Promise<void> {
  try {
    const file = await repair.files.open(repair.path, "update");
    try {
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
