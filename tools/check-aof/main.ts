/**
 * tsredis-check-aof from arguments to exit status: finds out what the named file is (a manifest, or a single AOF
 * file) and has each file checked. Output, order of checks and exit status follow redis-check-aof 7.0; docs/tools.md
 * lists the differences.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { detectFormat, MANIFEST_SUFFIX } from "../../src/persistence/aof/format.ts";
import { type AofManifest, ManifestError, parseManifest } from "../../src/persistence/aof/manifest.ts";
import { RdbError, RdbReader } from "../../src/persistence/rdb/reader.ts";
import { EXIT_IN_USE, usageObject } from "../shared/console.ts";
import { folderOf, nameOf } from "../shared/copies.ts";
import { InUseError, lockDirectories } from "../shared/directory-lock.ts";
import { spool } from "../shared/spool.ts";
import { ownVersion, type Surroundings } from "../shared/surroundings.ts";
import { asBytes, errorText, isSystemError, namedErrorText } from "../shared/texts.ts";
import { type CheckRequest, HELP, parseArguments, USAGE } from "./arguments.ts";
import { areEmpty, checkFile, type FileToCheck, type Run } from "./file-check.ts";
import { laterBaseIn } from "./manifest-repair.ts";
import { Report, Stop } from "./report.ts";
import { salvage } from "./salvage.ts";
import { truncateSet } from "./truncation.ts";

/** Manifests are read whole; a file that only begins like one is not allowed to fill the memory. */
const MANIFEST_MAX_BYTES = 64 << 20;
/** An RDB's header, without which a file that begins with "REDIS" is none. */
const RDB_HEADER_MIN_BYTES = 8;

/** Runs the tool; resolves to the exit status. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { files, output } = surroundings;
  const request = parseArguments(args);
  const refuse = (reason: string, text: string): number => {
    output.write(args.includes("--json") ? usageObject(reason) : text);
    return 1;
  };
  switch (request.kind) {
    case "usage":
      return refuse(USAGE.trimEnd(), USAGE);
    case "invalid":
      return refuse(request.reason, `${request.reason}\n${USAGE}Try --help for all options.\n`);
    case "invalid-timestamp":
      return refuse("Invalid timestamp, aborting...", "Invalid timestamp, aborting...\n");
    case "help":
      output.write(HELP);
      return 0;
    case "version":
      output.write(`tsredis-check-aof ${await ownVersion(files)}\n`);
      return 0;
    case "check":
      return check(request, surroundings);
  }
}

async function check(request: CheckRequest, surroundings: Surroundings): Promise<number> {
  const { output, terminal } = surroundings;
  const report = new Report(request.isJson, output, terminal);
  let status = 0;
  try {
    if (request.path === "-") status = await checkInput(request, surroundings, report);
    else status = await perform(newRun(request, surroundings, report));
  } catch (error) {
    if (error instanceof Stop) status = error.status;
    else if (isSystemError(error))
      status = report.stop(`${asBytes(namedErrorText(error))}, aborting...`).status;
    else throw error;
  }
  report.finish(request.path, status);
  return status;
}

/** Standard input goes to a temporary file first: a check looks at bytes more than once where something is wrong. */
async function checkInput(
  request: CheckRequest,
  surroundings: Surroundings,
  report: Report,
): Promise<number> {
  const changes = request.isFix || request.toTimestamp !== 0n || request.toOffset !== undefined;
  const isInPlace = request.isSalvage && request.output === undefined && !request.isDryRun;
  if (changes || isInPlace) {
    throw report.stop("Standard input cannot be repaired; --salvage writes elsewhere with --output FILE");
  }
  const copy = await spool(surroundings.input);
  try {
    return await perform(newRun({ ...request, path: copy.path, isAnswered: true }, surroundings, report));
  } finally {
    await copy.remove();
  }
}

function newRun(request: CheckRequest, surroundings: Surroundings, report: Report): Run {
  const { files, input, nowMs } = surroundings;
  const run: Run = {
    report,
    request,
    files,
    input,
    nowMs,
    line: 1,
    isManifest: (path) => isManifest(run, path),
    isRdb: (path) => isRdb(run, path),
    readManifest: () => readManifest(run),
    open: (path) => open(run, path),
    commandsFrom: (path) => commandsFrom(run, path),
  };
  return run;
}

async function perform(run: Run): Promise<number> {
  const { request } = run;
  for (const path of [request.output, request.badTo]) {
    // It might be one of the files to be repaired.
    if (path !== undefined && (await run.files.stat(path)) !== undefined)
      throw run.report.stop(`${asBytes(path)} exists already`);
  }
  if (request.isSalvage) return salvage(run);
  if (request.toOffset !== undefined || request.acrossFiles) return truncateSet(run);
  const isSet = await isManifest(run, request.path);
  if (request.isFix || request.toTimestamp !== 0n) return locked(run, () => checkAll(run, isSet));
  return checkAll(run, isSet);
}

async function checkAll(run: Run, isSet: boolean): Promise<number> {
  if (isSet) await checkManifest(run);
  else await checkSingle(run);
  return 0;
}

/** Does the work while no server can have the files. */
async function locked(run: Run, work: () => Promise<number>): Promise<number> {
  try {
    const lock = await lockDirectories([run.request.path]);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  } catch (error) {
    if (error instanceof InUseError) throw run.report.stop(asBytes(error.message), EXIT_IN_USE);
    throw error;
  }
}

async function open(run: Run, path: string): Promise<FileHandle> {
  try {
    return await run.files.open(path, "read");
  } catch (error) {
    throw run.report.stop(`Cannot open file ${asBytes(path)}: ${errorText(error)}`);
  }
}

async function commandsFrom(run: Run, path: string): Promise<number> {
  if (!(await isRdb(run, path))) return 0;
  const file = await open(run, path);
  try {
    const reader = await RdbReader.open(file, { otherTypes: "skip", privateOpcodes: true });
    let end = 0;
    for await (const record of reader) end = record.endOffset;
    return end;
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    throw run.report.stop(`The RDB in AOF ${asBytes(path)} is damaged: ${error.message}`);
  } finally {
    await file.close();
  }
}

/** The first bytes of a file; ends the tool if they cannot be read. */
async function firstBytes(run: Run, path: string, count: number): Promise<Buffer> {
  const { report, files } = run;
  try {
    const file = await files.open(path, "read");
    try {
      const bytes = Buffer.alloc(count);
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorText(error) === "Is a directory") throw report.stop(`Cannot read file: ${asBytes(path)}`);
    throw report.stop(`Cannot open file ${asBytes(path)}: ${errorText(error)}`);
  }
}

/** A manifest is a file whose first line that is not a comment begins with "file", or one with the name of a manifest,
 * which may be damaged: taken for an AOF file, all of it would be cut off. */
async function isManifest(run: Run, path: string): Promise<boolean> {
  if (run.request.isSalvage && (await run.files.stat(path)) === undefined) return false;
  if (path.endsWith(MANIFEST_SUFFIX) && (await run.files.stat(path))?.isDirectory === false) return true;
  const bytes = await firstBytes(run, path, 1 << 16);
  let position = 0;
  while (bytes[position] === 0x23) {
    const newline = bytes.indexOf(0x0a, position);
    if (newline === -1) return false;
    position = newline + 1;
  }
  return bytes.toString("latin1", position, position + 4) === "file";
}

async function isRdb(run: Run, path: string): Promise<boolean> {
  const bytes = await firstBytes(run, path, RDB_HEADER_MIN_BYTES);
  return bytes.length === RDB_HEADER_MIN_BYTES && detectFormat(bytes) === "rdb";
}

async function checkSingle(run: Run): Promise<void> {
  const { report, request } = run;
  const { path } = request;
  const name = asBytes(path);
  const hasPreamble = await isRdb(run, path);
  report.print("Start checking Old-Style AOF");
  const result = report.add(path, "single", hasPreamble ? "rdb" : "aof");
  const place = { path, shownPath: name, name, isLast: true, hasPreamble, end: undefined, hasTier: false };
  await checkAndSay(run, { ...place, result }, "AOF");
}

async function checkManifest(run: Run): Promise<void> {
  const { report, request } = run;
  report.print("Start checking Multi Part AOF");
  const manifest = await readManifest(run);
  const hasTier = manifest.tier !== undefined;
  if (manifest.tier !== undefined) {
    const { folder, generation } = manifest.tier;
    report.tier = manifest.tier;
    report.print(`Cold tier ${asBytes(folder)}, generation ${generation}: not checked by this tool`);
  }
  const folder = folderOf(request.path);
  const { base, incr } = manifest;
  if (base === undefined) {
    const prefix = nameOf(request.path).replace(/\.manifest$/, "");
    const unnamed = await laterBaseIn(run.files, folder, prefix, incr);
    const advice = "Use the --salvage option to try fixing it.";
    if (unnamed !== undefined)
      throw report.stop(`The manifest names no base file, but ${asBytes(unnamed)} is there. ${advice}`);
    if (hasTier) throw report.stop("The manifest names a cold tier, but no base file");
  }
  if (base !== undefined) {
    const path = `${folder}/${base.name}`;
    const hasPreamble = await isRdb(run, path);
    report.print(`Start to check BASE AOF (${hasPreamble ? "RDB" : "RESP"} format).`);
    const result = report.add(base.name, "base", hasPreamble ? "rdb" : "aof");
    const place = { path, shownPath: asBytes(path), name: asBytes(base.name), end: undefined };
    await checkAndSay(run, { ...place, isLast: incr.length === 0, hasPreamble, hasTier, result }, "BASE AOF");
  }
  if (incr.length > 0) report.print("Start to check INCR files.");
  for (const [index, file] of incr.entries()) {
    const path = `${folder}/${file.name}`;
    const result = report.add(file.name, "incr", "aof");
    const place = { path, shownPath: asBytes(path), name: asBytes(file.name), end: file.end };
    const isLast = await areEmpty(run, folder, incr.slice(index + 1));
    await checkAndSay(run, { ...place, isLast, hasPreamble: false, hasTier, result }, "INCR AOF");
  }
  report.print("All AOF files and manifest are valid");
}

async function checkAndSay(run: Run, subject: FileToCheck, kind: string): Promise<void> {
  const { report, request } = run;
  const { name } = subject;
  switch (await checkFile(run, subject)) {
    case "ok":
      report.print(`${kind} ${name} is valid`);
      break;
    case "empty":
      report.print(`${kind} ${name} is empty`);
      break;
    case "truncated-to-timestamp":
      report.print(`Successfully truncated AOF ${name} to timestamp ${request.toTimestamp}`);
      break;
    case "truncated":
      report.print(`Successfully truncated AOF ${name}`);
      break;
  }
}

async function readManifest(run: Run): Promise<AofManifest> {
  const { report, files, request } = run;
  try {
    if (((await files.stat(request.path))?.size ?? 0) > MANIFEST_MAX_BYTES) {
      throw new ManifestError("Read AOF manifest failed");
    }
    return parseManifest(await files.readFile(request.path));
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const log = (text: string): void => report.print(`${logPrefix(run.nowMs)} ${text}\n`);
    report.print(`${logPrefix(run.nowMs)} \n*** FATAL AOF MANIFEST FILE ERROR ***\n`);
    if (error.line !== undefined) {
      log(`Reading the manifest file, at line ${error.line.number}`);
      log(`>>> '${error.line.text}'`);
    }
    log(error.message);
    throw new Stop(1);
  }
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** redis-check-aof reports a bad manifest through Redis's log, hence this form. */
function logPrefix(nowMs: number): string {
  const time = new Date(nowMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${process.pid}:C ${day} ${clock}.${String(time.getMilliseconds()).padStart(3, "0")} #`;
}
