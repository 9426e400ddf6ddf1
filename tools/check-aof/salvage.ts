/**
 * --salvage: makes a set of AOF files, or a single one, usable again, and keeps all that can be kept. First
 * everything is looked at and said; then, if the user agrees, each file that needs it is written anew beside the old
 * one, verified, and put in its place in one step; the manifest comes last.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { emptiedFileText } from "../../src/persistence/aof/error-text.ts";
import {
  formatOfFile,
  MANIFEST_SUFFIX,
  manifestFileName,
  parseFileName,
  TEMPORARY_PREFIX,
} from "../../src/persistence/aof/format.ts";
import { type AofManifest, isEmptied, persistManifest } from "../../src/persistence/aof/manifest.ts";
import { planSalvage, type SalvagePlan } from "../../src/persistence/aof/salvage.ts";
import { AofVerifier } from "../../src/persistence/aof/verifier.ts";
import { confirms, EXIT_IN_USE, EXIT_OK, EXIT_WOULD_CHANGE, Stop } from "../shared/console.ts";
import {
  backupPath,
  copyFile,
  copyRange,
  folderOf,
  nameOf,
  replaceFile,
  statesOf,
} from "../shared/copies.ts";
import { type DirectoryLock, InUseError, lockDirectories } from "../shared/directory-lock.ts";
import { FileWriter } from "../shared/file-writer.ts";
import { asBytes, plural } from "../shared/texts.ts";
import { type BasePlan, planBase } from "./base-salvage.ts";
import type { Run } from "./file-check.ts";
import { listLosses, printLosses } from "./losses.ts";
import { repairManifest } from "./manifest-repair.ts";
import type { FileResult } from "./report.ts";
import { writeSalvaged } from "./salvage-writer.ts";
import { collectStatistics, printStatistics } from "./statistics.ts";

interface Subject {
  readonly path: string;
  /** As messages give it, in bytes. */
  readonly name: string;
  readonly result: FileResult;
  readonly plan: SalvagePlan;
  /** Of a file that begins with an RDB. */
  readonly base: BasePlan | undefined;
}

/** Salvages what the request names. Returns the exit status. */
export async function salvage(run: Run): Promise<number> {
  const { files, request } = run;
  const { path } = request;
  const info = await files.stat(path);
  if (info?.isDirectory === true) {
    const manifests = (await files.readdir(path)).filter((name) => name.endsWith(MANIFEST_SUFFIX));
    const finals = manifests.filter((name) => !name.startsWith(TEMPORARY_PREFIX));
    if (finals.length > 1)
      throw run.report.stop(`There are several manifests in ${asBytes(path)}: name one of them`);
    const name = finals[0] ?? (await manifestNameFor(run, path));
    return salvageSet(run, path, name);
  }
  const isManifest = await run.isManifest(path);
  if (isManifest || path.endsWith(MANIFEST_SUFFIX)) return salvageSet(run, folderOf(path), nameOf(path));
  return salvageSingle(run);
}

/** The manifest's name after the files there are. */
async function manifestNameFor(run: Run, folder: string): Promise<string> {
  const prefixes = new Set<string>();
  for (const name of await run.files.readdir(folder)) {
    const said = parseFileName(name);
    if (said !== undefined) prefixes.add(said.appendfilename);
  }
  const [prefix] = prefixes;
  if (prefixes.size !== 1) throw run.report.stop(`There are no AOF files of one name in ${asBytes(folder)}`);
  return manifestFileName(prefix);
}

async function salvageSingle(run: Run): Promise<number> {
  const { report, request } = run;
  report.print("Start salvaging AOF");
  const before = await statesOf([request.path]);
  const subject = await examine(run, request.path, "single", undefined, false);
  const isSound = isIntact(subject);
  if (isSound && request.output === undefined) {
    report.printGood(`AOF ${subject.name} is valid`);
    return EXIT_OK;
  }
  if (request.isDryRun) return EXIT_WOULD_CHANGE;
  const target = request.output ?? request.path;
  await agree(run, request.output === undefined ? [subject.path] : [], 1);
  await guarded(run, [target], request.output === undefined ? before : undefined, async () => {
    await keepBad(run, [subject]);
    await rewrite(run, subject, target);
  });
  return EXIT_OK;
}

async function salvageSet(run: Run, folder: string, name: string): Promise<number> {
  const { report, files, request } = run;
  if (request.output !== undefined) throw report.stop("--output is for single files, not for a manifest");
  report.print("Start salvaging Multi Part AOF");
  const repaired = await repairManifest(files, folder, name);
  for (const note of repaired.notes) report.printNote(`Manifest ${asBytes(name)}: ${note}`);
  for (const remark of repaired.remarks) report.printNote(`Manifest ${asBytes(name)}: ${remark}`);
  for (const { name: missing, role } of repaired.missing) report.add(missing, role, "aof").status = "missing";
  if (repaired.refusal !== undefined) throw report.stop(repaired.refusal);
  const { manifest } = repaired;
  report.tier = manifest.tier;
  const manifestPath = `${folder}/${name}`;
  const { base, incr } = manifest;
  const names = [...(base === undefined ? [] : [base]), ...incr].map((file) => file.name);
  const paths = [...names.map((each) => `${folder}/${each}`), manifestPath];
  const before = await statesOf(paths);
  const subjects: Subject[] = [];
  const hasTier = manifest.tier !== undefined;
  if (base !== undefined) {
    subjects.push(await examine(run, `${folder}/${base.name}`, "base", undefined, hasTier));
  }
  for (const file of incr)
    subjects.push(await examine(run, `${folder}/${file.name}`, "incr", file.end, hasTier));
  const damaged = subjects.filter((subject) => !isIntact(subject));
  for (const subject of subjects) if (isIntact(subject)) report.print(`AOF ${subject.name} is valid`);
  const isChanged = repaired.notes.length > 0 || damaged.length > 0;
  if (!isChanged) {
    report.printGood("All AOF files and manifest are valid");
    return EXIT_OK;
  }
  if (request.isDryRun) return EXIT_WOULD_CHANGE;
  await agree(run, paths, damaged.length + (repaired.notes.length > 0 ? 1 : 0));
  await guarded(run, paths, before, async () => {
    await keepBad(run, damaged);
    for (const subject of damaged) await rewrite(run, subject, subject.path);
    const next = withoutEnds(manifest, damaged);
    if (repaired.notes.length > 0 || next !== manifest) await replaceManifest(run, folder, name, next);
  });
  report.printGood("All AOF files and manifest are valid now");
  return EXIT_OK;
}

/** A file that was written anew ends where its good bytes end. */
function withoutEnds(manifest: AofManifest, written: readonly Subject[]): AofManifest {
  const names = new Set(written.map(({ path }) => nameOf(path)));
  if (!manifest.incr.some(({ name, end }) => end !== undefined && names.has(name))) return manifest;
  const incr = manifest.incr.map((file) =>
    names.has(file.name) ? { name: file.name, sequence: file.sequence } : file,
  );
  return { ...manifest, incr };
}

/** Puts a manifest in place of the old one, which is copied. */
export async function replaceManifest(
  run: Run,
  folder: string,
  name: string,
  manifest: AofManifest,
): Promise<void> {
  const { files, report, request } = run;
  const path = `${folder}/${name}`;
  const prefix = name.endsWith(MANIFEST_SUFFIX) ? name.slice(0, -MANIFEST_SUFFIX.length) : name;
  if (!name.endsWith(MANIFEST_SUFFIX)) throw report.stop(`The manifest ${asBytes(name)} has an unusual name`);
  if (request.keepsBackup && (await files.stat(path)) !== undefined) {
    const copy = await backupPath(files, path);
    await copyFile(files, path, copy);
    report.print(`Manifest ${asBytes(name)} backed up to ${asBytes(copy)}`);
  }
  await persistManifest(files, folder, prefix, manifest);
  report.print(`Manifest ${asBytes(name)} written anew`);
}

/** Finds out what of a file can be kept, and says it. */
async function examine(
  run: Run,
  path: string,
  role: FileResult["role"],
  end: number | undefined,
  hasTier: boolean,
): Promise<Subject> {
  const { report, request } = run;
  const name = role === "single" ? asBytes(path) : asBytes(nameOf(path));
  const file = await run.open(path);
  try {
    const isRdb = role !== "incr" && ((await run.isRdb(path)) || (await isDamagedRdb(file, path)));
    const result = report.add(role === "single" ? path : nameOf(path), role, isRdb ? "rdb" : "aof");
    const size = await file.size();
    result.sizeBytes = size;
    const base = isRdb ? await planBase(run, file, name, hasTier, result) : undefined;
    const isLost = role === "incr" && isEmptied(size, hasTier);
    if (isLost) report.printNote(emptiedFileText(name, size));
    const planned = await planRest(run, file, name, base?.end ?? 0, end, size);
    // Where there is a tier, a file of which nothing is left still has its first line.
    const hasBlocks = planned.hasBlocks || (role === "incr" && hasTier && planned.kept.length === 0);
    const plan = { ...planned, hasBlocks };
    if (plan.refusal !== undefined) throw report.stop(`AOF ${name}: ${plan.refusal}`);
    if (plan.lost.length > 0) {
      result.salvage = await listLosses(file, plan);
      printLosses(report, name, plan.size, result.salvage);
    }
    if (end !== undefined && end > size) {
      report.printNote(
        `AOF ${name}: the manifest says that ${end} bytes of it count, but it has only ${size}`,
      );
    }
    if (request.wantsStatistics) {
      result.statistics = await report.withToldProgress(size, (onProgress) =>
        collectStatistics(file, plan.kept, onProgress),
      );
      printStatistics(report, name, result.statistics);
    }
    const isShort = isLost || (end !== undefined && end > size);
    const isSound = plan.lost.length === 0 && base?.damage === undefined && !isShort;
    result.status = isSound ? "valid" : "invalid";
    return { path, name, result, plan, base };
  } finally {
    await file.close();
  }
}

/** Whether a base is an RDB whose head is damaged: taken for commands, all of it would be left out. */
async function isDamagedRdb(file: FileHandle, path: string): Promise<boolean> {
  const head = Buffer.alloc(1);
  const count = await file.read(head, 0);
  return formatOfFile(path, head.subarray(0, count)) === "rdb";
}

async function planRest(
  run: Run,
  file: FileHandle,
  name: string,
  start: number,
  end: number | undefined,
  size: number,
): Promise<SalvagePlan> {
  const { request, report } = run;
  return report.withToldProgress(size, (onProgress) =>
    planSalvage(file, {
      start,
      name,
      keepsDoubtful: request.keepsDoubtful,
      keepsUnknown: request.keepsUnknown,
      onProgress,
      ...(end === undefined ? {} : { end }),
      ...(request.assumedDatabase === undefined ? {} : { assumedDatabase: request.assumedDatabase }),
    }),
  );
}

function isIntact({ result }: Subject): boolean {
  return result.status === "valid";
}

async function agree(run: Run, paths: readonly string[], count: number): Promise<void> {
  const { report, request, input } = run;
  if (paths.length === 0 || request.isAnswered) return;
  report.print(`This will write ${plural(count, "file")} anew`);
  if (await confirms(report, input)) return;
  report.print("Aborting...");
  throw new Stop(1);
}

/** Does the work while no server can have the files, if they are still as they were `before` (see statesOf) they were
 * examined: meanwhile somebody was asked, and a server may have come and gone. */
export async function guarded(
  run: Run,
  paths: readonly string[],
  before: string | undefined,
  work: () => Promise<void>,
): Promise<void> {
  let lock: DirectoryLock;
  try {
    lock = await lockDirectories(paths);
  } catch (error) {
    if (error instanceof InUseError) throw run.report.stop(asBytes(error.message), EXIT_IN_USE);
    throw error;
  }
  try {
    if (before !== undefined && (await statesOf(paths)) !== before)
      throw run.report.stop("The files were changed meanwhile: run this again");
    await work();
  } finally {
    await lock.release();
  }
}

/** Writes all bytes that are left out to the file of --bad-to, each piece behind a line that says where it was. */
async function keepBad(run: Run, subjects: readonly Subject[]): Promise<void> {
  const { files, request, report } = run;
  if (request.badTo === undefined) return;
  const writer = await FileWriter.create(files, request.badTo);
  for (const { path, name, plan } of subjects) {
    const file = await files.open(path, "read");
    try {
      for (const { start, end } of plan.lost) {
        await writer.write(Buffer.from(`#LOST ${name} ${start} ${end}\r\n`, "latin1"));
        await copyRange(file, start, end, (bytes) => writer.write(bytes));
        await writer.write(Buffer.from("\r\n"));
      }
    } finally {
      await file.close();
    }
  }
  await writer.finish();
  report.print(`What is left out was written to ${asBytes(request.badTo)}`);
}

/** Writes a file anew, verifies it, and puts it at `target`. */
async function rewrite(run: Run, subject: Subject, target: string): Promise<void> {
  const { files, report, request } = run;
  const { plan, name, result, base } = subject;
  const temporary = `${folderOf(target)}/temp-salvage-${nameOf(target)}`;
  const source = await files.open(subject.path, "read");
  const writer = await FileWriter.create(files, temporary);
  try {
    let { start } = plan;
    let kept = plan;
    if (base?.damage !== undefined) {
      await report.withToldProgress(plan.size, (onProgress) => base.write(source, writer, onProgress));
      start = writer.position;
      kept = { ...plan, start: 0 };
    }
    const same = await report.withProgress(
      plan.size,
      () => writer.position,
      () => writeSalvaged(source, kept, writer),
    );
    const copied = kept === plan ? same : start;
    await writer.finish();
    await verify(run, temporary, copied, plan.hasBlocks && copied > start, name);
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    await source.close();
  }
  const kept = await replaceFile(files, temporary, target, request.keepsBackup);
  if (kept !== undefined) {
    result.backup = kept;
    report.print(`AOF ${name} backed up to ${asBytes(kept)}`);
  }
  result.status = "salvaged";
  report.printGood(`Salvaged AOF ${name}`);
}

/** What was written must be what a server takes. Up to `start` it is a copy of what was verified before. */
async function verify(run: Run, path: string, start: number, inBlocks: boolean, name: string): Promise<void> {
  const file = await run.files.open(path, "read");
  try {
    const verifier = await AofVerifier.open(file, { start, inBlocks });
    const outcome = await run.report.withProgress(
      verifier.size,
      () => verifier.position,
      () => verifier.finish(),
    );
    if (outcome.kind === "clean") return;
    throw run.report.stop(
      `AOF ${name}: the file written is not valid (${outcome.problem?.reason}); nothing was changed`,
    );
  } finally {
    await file.close();
  }
}
