/**
 * tsredis-check-aof from arguments to exit status: finds out what the named file is (a manifest, or a single AOF
 * file) and has each file checked. Output, order of checks and exit status follow redis-check-aof 7.0; docs/tools.md
 * lists the differences.
 */
import { fileURLToPath } from "node:url";
import type { Files } from "../../src/base/files.ts";
import { detectFormat } from "../../src/persistence/aof/format.ts";
import { type AofManifest, ManifestError, parseManifest } from "../../src/persistence/aof/manifest.ts";
import { type CheckRequest, HELP, parseArguments, USAGE } from "./arguments.ts";
import { checkFile, type FileToCheck, type Run } from "./file-check.ts";
import { folderOf } from "./repair.ts";
import { asBytes, errorText, type FileResult, Report, Stop, type Terminal } from "./report.ts";

/** What the tool needs of the process it runs in. */
export interface Surroundings {
  readonly files: Files;
  readonly input: NodeJS.ReadableStream;
  readonly output: Terminal;
  /** For the progress bar. */
  readonly terminal: Terminal;
  readonly nowMs: number;
}

/** Manifests are read whole; a file that only begins like one is not allowed to fill the memory. */
const MANIFEST_MAX_BYTES = 64 << 20;
/** An RDB's header, without which a file that begins with "REDIS" is none. */
const RDB_HEADER_MIN_BYTES = 8;

/** Runs the tool; resolves to the exit status. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { files, output } = surroundings;
  const request = parseArguments(args);
  switch (request.kind) {
    case "usage":
      output.write(USAGE);
      return 1;
    case "invalid-timestamp":
      output.write("Invalid timestamp, aborting...\n");
      return 1;
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
  const { files, input, output, terminal, nowMs } = surroundings;
  const report = new Report(request.isJson, output, terminal);
  const run: Run = { report, request, files, input, nowMs, line: 1 };
  let status = 0;
  try {
    if (await isManifest(run)) await checkManifest(run);
    else await checkSingle(run);
  } catch (error) {
    if (error instanceof Stop) status = error.status;
    else if (isSystemError(error)) status = report.stop(`${errorText(error)}, aborting...`).status;
    else throw error;
  }
  report.finish(request.path, status);
  return status;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && "syscall" in error;
}

/** The version in the package's description, which lies above this file, nearer or farther, built or not. */
async function ownVersion(files: Files): Promise<string> {
  for (let folder = new URL(".", import.meta.url); folder.pathname !== "/"; folder = new URL("..", folder)) {
    const path = fileURLToPath(new URL("package.json", folder));
    if ((await files.stat(path)) === undefined) continue;
    const description: unknown = JSON.parse((await files.readFile(path)).toString("utf8"));
    if (typeof description === "object" && description !== null && "version" in description) {
      return String(description.version);
    }
  }
  return "of unknown version";
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

/** A manifest is a file whose first line that is not a comment begins with "file". */
async function isManifest(run: Run): Promise<boolean> {
  const bytes = await firstBytes(run, run.request.path, 1 << 16);
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
  const result = newResult(run, path, "single", hasPreamble);
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
  if (base !== undefined) {
    const path = `${folder}/${base.name}`;
    const hasPreamble = await isRdb(run, path);
    report.print(`Start to check BASE AOF (${hasPreamble ? "RDB" : "RESP"} format).`);
    const result = newResult(run, base.name, "base", hasPreamble);
    const place = { path, shownPath: asBytes(path), name: asBytes(base.name), end: undefined };
    await checkAndSay(run, { ...place, isLast: incr.length === 0, hasPreamble, hasTier, result }, "BASE AOF");
  }
  if (incr.length > 0) report.print("Start to check INCR files.");
  for (const [index, file] of incr.entries()) {
    const path = `${folder}/${file.name}`;
    const result = newResult(run, file.name, "incr", false);
    const place = { path, shownPath: asBytes(path), name: asBytes(file.name), end: file.end };
    const isLast = index === incr.length - 1;
    await checkAndSay(run, { ...place, isLast, hasPreamble: false, hasTier, result }, "INCR AOF");
  }
  report.print("All AOF files and manifest are valid");
}

function newResult(run: Run, name: string, role: FileResult["role"], hasPreamble: boolean): FileResult {
  const result: FileResult = { name, role, format: hasPreamble ? "rdb" : "aof", status: "unreadable" };
  run.report.files.push(result);
  return result;
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
