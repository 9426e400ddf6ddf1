/**
 * Reads an append-only directory back with the real reader, as a restart would, for tests of its writer: which
 * commands are there, and how to go on appending. The rule for a torn end is recovery's: only the last file that
 * holds commands may have one.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Files } from "../../src/base/files.ts";
import { silentLog } from "../../src/base/log.ts";
import { AofDirectory, type OpenIncr } from "../../src/persistence/aof/directory.ts";
import { type AofOutcome, AofReader } from "../../src/persistence/aof/reader.ts";
import { AofWriter, type FsyncPolicy } from "../../src/persistence/aof/writer.ts";

/** A command as it was read: in which file and database, whether inside MULTI, and its arguments as text. */
export interface FoundCommand {
  readonly file: number;
  readonly db: number;
  readonly inGroup: boolean;
  readonly text: string[];
}

export interface FoundFile {
  readonly sequence: number;
  readonly outcome: AofOutcome;
  readonly commands: FoundCommand[];
}

export interface FoundDirectory {
  readonly directory: AofDirectory;
  readonly files: FoundFile[];
  readonly commands: FoundCommand[];
}

export function openDirectory(files: Files): Promise<AofDirectory> {
  return AofDirectory.open({
    files,
    folder: "/data",
    appenddirname: "appendonlydir",
    appendfilename: "appendonly.aof",
    log: silentLog,
    removesHistory: true,
  });
}

async function readIncr(
  files: Files,
  path: string,
  sequence: number,
  end: number | undefined,
): Promise<FoundFile> {
  const handle = await files.open(path, "read");
  const reader = await AofReader.open(handle, end === undefined ? {} : { end });
  const commands: FoundCommand[] = [];
  let db = 0;
  for await (const { request, isInTransaction } of reader.commands()) {
    const text = Array.from({ length: request.argc }, (_, i) => request.text(i));
    if (text[0] === "SELECT") db = Number(text[1]);
    else if (text[0] !== "MULTI" && text[0] !== "EXEC") {
      commands.push({ file: sequence, db, inGroup: isInTransaction, text });
    }
  }
  await handle.close();
  if (reader.outcome === undefined) throw new Error("the reader has no outcome");
  return { sequence, outcome: reader.outcome, commands };
}

/** Reads everything. Throws if what is there is not what a mere crash may leave. */
export async function readDirectory(files: Files): Promise<FoundDirectory> {
  const directory = await openDirectory(files);
  const found: FoundFile[] = [];
  for (const incr of directory.manifest.incr) {
    found.push(await readIncr(files, directory.pathOf(incr.name), incr.sequence, incr.end));
  }
  const last = found.findLastIndex((file) => file.commands.length > 0 || file === found[0]);
  found.forEach((file, i) => {
    const { kind } = file.outcome;
    if (kind === "damaged" || (kind !== "clean" && i < last)) {
      const why = file.outcome.problem?.reason;
      throw new Error(`incr file ${file.sequence} of ${found.length} is ${kind}: ${why}`);
    }
  });
  return { directory, files: found, commands: found.flatMap((file) => file.commands) };
}

/** Makes what was found durable and opens the file to append to, as a server does after loading. */
export async function openForAppending(found: FoundDirectory): Promise<OpenIncr> {
  const { directory } = found;
  const last = found.files.at(-1);
  for (const file of found.files.slice(0, -1)) {
    const incr = directory.manifest.incr.find((entry) => entry.sequence === file.sequence);
    if (incr === undefined || incr.end !== undefined) continue;
    await directory.settleIncr(file.sequence, file.outcome);
  }
  const incr = directory.manifest.incr.at(-1);
  if (last === undefined || incr === undefined || incr.end !== undefined || !last.outcome.hasBlocks) {
    return directory.addIncr();
  }
  // As recovery does: filling is written anew.
  return directory.openLastIncr({ ...last.outcome, validUpTo: last.outcome.dataUpTo });
}

/** A writer on what is there. */
export async function openWriter(
  files: Files,
  clock: Clock,
  policy: FsyncPolicy,
  onProgress: () => void = () => undefined,
): Promise<{ found: FoundDirectory; writer: AofWriter }> {
  const found = await readDirectory(files);
  const incr = await openForAppending(found);
  const { directory } = found;
  const writer = new AofWriter({ directory, incr, clock, log: silentLog, policy, onProgress });
  return { found, writer };
}
