/**
 * Going back in time over the files of a set: --truncate-to-offset, and --truncate-to-timestamp with --across-files.
 * One file is cut; those behind it are taken out of the manifest and kept under other names.
 */
import { BLOCKS_HEADER } from "../../src/persistence/aof/format.ts";
import type { AofManifest } from "../../src/persistence/aof/manifest.ts";
import { type AofOutcome, AofVerifier } from "../../src/persistence/aof/verifier.ts";
import { confirms, EXIT_OK, EXIT_WOULD_CHANGE, Stop } from "../shared/console.ts";
import { backupPath, folderOf, nameOf, statesOf } from "../shared/copies.ts";
import { asBytes, plural } from "../shared/texts.ts";
import { leadingLong } from "./arguments.ts";
import { areEmpty, beginsWithHeader, type Run } from "./file-check.ts";
import { backUp, truncate } from "./repair.ts";
import { guarded, replaceManifest } from "./salvage.ts";

interface SetFile {
  readonly path: string;
  readonly name: string;
  readonly role: "base" | "incr" | "single";
  readonly end: number | undefined;
}

/** Where a set is cut. */
interface Cut {
  readonly index: number;
  readonly offset: number;
  readonly size: number;
}

/** Cuts what the request names. Returns the exit status. */
export async function truncateSet(run: Run): Promise<number> {
  const { report, request } = run;
  const isSet = await run.isManifest(request.path);
  const manifest = isSet ? await run.readManifest() : undefined;
  const all = manifest === undefined ? singleFile(request.path) : filesOf(request.path, manifest);
  const paths = [...all.map(({ path }) => path), request.path];
  const before = await statesOf(paths);
  const cut = request.toOffset === undefined ? await cutAtTime(run, all) : await cutAtOffset(run, all);
  if (cut === undefined) {
    report.print("Nothing to truncate");
    return EXIT_OK;
  }
  const { index, offset, size } = cut;
  const later = all.slice(index + 1);
  const file = all[index];
  const name = asBytes(file.name);
  report.print(
    `This will shrink the AOF ${name} from ${size} bytes, with ${size - offset} bytes, to ${offset} bytes`,
  );
  if (later.length > 0) {
    const names = later.map((each) => asBytes(each.name)).join(", ");
    report.print(`and take ${plural(later.length, "later file")} out of the manifest: ${names}`);
  }
  if (request.isDryRun) return EXIT_WOULD_CHANGE;
  if (!request.isAnswered && !(await confirms(report, run.input))) {
    report.print("Aborting...");
    throw new Stop(1);
  }
  await guarded(run, paths, before, () => carryOut(run, manifest, file, cut, later));
  report.printGood(`Successfully truncated AOF ${name} to offset ${offset}`);
  return EXIT_OK;
}

async function carryOut(
  run: Run,
  manifest: AofManifest | undefined,
  file: SetFile,
  { offset, size }: Cut,
  later: readonly SetFile[],
): Promise<void> {
  const { report, files, request } = run;
  const name = asBytes(file.name);
  const result = report.add(file.name, file.role, "aof");
  result.sizeBytes = size;
  result.validUpTo = offset;
  const repair = {
    report,
    result,
    files,
    path: file.path,
    name,
    sizeBytes: size,
    validUpTo: offset,
    keepsBackup: request.keepsBackup,
    badTo: request.badTo,
  };
  await backUp(repair);
  if (manifest !== undefined && (later.length > 0 || file.end !== undefined)) {
    const dropped = new Set(later.map((each) => each.name));
    const incr = manifest.incr
      .filter((each) => !dropped.has(each.name))
      .map((each) => (each.name === file.name ? { name: each.name, sequence: each.sequence } : each));
    await replaceManifest(run, folderOf(request.path), nameOf(request.path), { ...manifest, incr });
  }
  // The manifest does not name them any more: nobody misses them if this is interrupted.
  for (const each of later) {
    report.add(each.name, each.role, "aof").status = "dropped";
    if (!request.keepsBackup) {
      await files.unlink(each.path);
      continue;
    }
    const kept = await backupPath(files, each.path);
    await files.rename(each.path, kept);
    report.print(`AOF ${asBytes(each.name)} kept as ${asBytes(kept)}`);
  }
  await truncate(repair, `Failed to truncate AOF ${name}`);
}

function singleFile(path: string): SetFile[] {
  return [{ path, name: path, role: "single", end: undefined }];
}

function filesOf(manifestPath: string, { base, incr }: AofManifest): SetFile[] {
  const folder = folderOf(manifestPath);
  const found: SetFile[] = [];
  if (base !== undefined)
    found.push({ path: `${folder}/${base.name}`, name: base.name, role: "base", end: undefined });
  for (const { name, end } of incr) found.push({ path: `${folder}/${name}`, name, role: "incr", end });
  return found;
}

async function cutAtOffset(run: Run, all: readonly SetFile[]): Promise<Cut | undefined> {
  const { report, request } = run;
  const { name, offset } = request.toOffset!;
  const index =
    name === undefined ? await lastWithCommands(run, all) : all.findIndex((file) => file.name === name);
  const file = all[index];
  if (file === undefined) throw report.stop(`The manifest names no file ${asBytes(name ?? "")}`);
  const start = await run.commandsFrom(file.path);
  if (offset < start) throw report.stop(`AOF ${asBytes(file.name)} begins with an RDB of ${start} bytes`);
  const outcome = await verify(run, file, start, offset, () => false);
  const size = await sizeOf(run, file.path);
  // A set with a cold tier is not loaded if a file lacks its first line.
  const least = (await beginsWithHeader(run, file.path)) ? BLOCKS_HEADER.length : 0;
  const end = Math.max(outcome.validUpTo, least);
  const isCut = end < size || !(await areEmpty(run, folderOf(request.path), all.slice(index + 1)));
  return isCut ? { index, offset: end, size } : undefined;
}

/** A file that a cut of the log had been about to go on in does not count. */
async function lastWithCommands(run: Run, all: readonly SetFile[]): Promise<number> {
  let index = all.length - 1;
  while (index > 0 && (await areEmpty(run, folderOf(run.request.path), all.slice(index)))) index--;
  return index;
}

/** The first place in the files, in their order, where the time passes the wanted one. */
async function cutAtTime(run: Run, all: readonly SetFile[]): Promise<Cut | undefined> {
  const { report, request } = run;
  for (const [index, file] of all.entries()) {
    const start = await run.commandsFrom(file.path);
    let isFound = false;
    const outcome = await verify(run, file, start, undefined, (text) => {
      if (!text.startsWith("#TS:")) return false;
      const { value, rest } = leadingLong(text.slice(4));
      if (value === undefined || !rest.startsWith("\r")) throw report.stop("Invalid timestamp annotation");
      isFound = value > request.toTimestamp;
      return isFound;
    });
    if (!isFound) continue;
    if (index === 0 && start === 0 && outcome.intactBlocks === 0 && outcome.validUpTo <= start) {
      throw report.stop(
        `AOF ${asBytes(file.name)} has nothing before timestamp ${request.toTimestamp}, aborting...`,
      );
    }
    return { index, offset: outcome.validUpTo, size: await sizeOf(run, file.path) };
  }
  return undefined;
}

/** How far the file is good, read up to `end` or to where `isEnd` says so; ends the tool if it is damaged before. */
async function verify(
  run: Run,
  file: SetFile,
  start: number,
  end: number | undefined,
  isEnd: (text: string) => boolean,
): Promise<AofOutcome> {
  const { report } = run;
  const handle = await run.open(file.path);
  try {
    const limit = Math.min(end ?? Number.POSITIVE_INFINITY, file.end ?? Number.POSITIVE_INFINITY);
    const size = await handle.size();
    const verifier = await AofVerifier.open(handle, {
      start,
      name: file.name,
      onAnnotation: (_, text) => isEnd(text),
      ...(limit < size ? { end: limit } : {}),
    });
    const outcome = await report.withProgress(
      verifier.size,
      () => verifier.position,
      () => verifier.finish(),
    );
    const isUsable = outcome.kind === "clean" || outcome.kind === "truncated";
    if (isUsable) return outcome;
    throw report.stop(
      `AOF ${asBytes(file.name)} is not valid at offset ${outcome.problem?.offset}: ` +
        `${outcome.problem?.reason}. Use the --salvage option first.`,
    );
  } finally {
    await handle.close();
  }
}

async function sizeOf(run: Run, path: string): Promise<number> {
  return (await run.files.stat(path))?.size ?? 0;
}
