/**
 * Checks one AOF file, an RDB at its beginning included, and repairs it if that was asked for. What is printed,
 * and when, follows redis-check-aof 7.0; checksums of blocks are checked in addition.
 */
import type { FileHandle, Files } from "../../src/base/files.ts";
import { emptiedFileText } from "../../src/persistence/aof/error-text.ts";
import { BLOCKS_HEADER } from "../../src/persistence/aof/format.ts";
import { type AofManifest, isEmptied } from "../../src/persistence/aof/manifest.ts";
import { type AofOutcome, AofVerifier } from "../../src/persistence/aof/verifier.ts";
import { EXIT_WOULD_CHANGE } from "../shared/console.ts";
import { checkRdb } from "../shared/rdb-check.ts";
import { asCText, errorText } from "../shared/texts.ts";
import { type CheckRequest, leadingLong } from "./arguments.ts";
import { backUp, confirm, type Repair, truncate } from "./repair.ts";
import { type FileResult, type Report, Stop } from "./report.ts";
import { collectStatistics, printStatistics } from "./statistics.ts";

/** What all files of one run share. */
export interface Run {
  readonly report: Report;
  readonly request: CheckRequest;
  readonly files: Files;
  readonly input: NodeJS.ReadableStream;
  readonly nowMs: number;
  /** Line number reached: redis-check-aof counts on from file to file. */
  line: number;
  /** Opens a file for reading; ends the tool if that fails. */
  open(path: string): Promise<FileHandle>;
  isManifest(path: string): Promise<boolean>;
  isRdb(path: string): Promise<boolean>;
  /** The manifest that the request names; ends the tool if it cannot be accepted. */
  readManifest(): Promise<AofManifest>;
  /** Offset of the first command: behind the RDB that a file begins with. */
  commandsFrom(path: string): Promise<number>;
}

export interface FileToCheck {
  readonly path: string;
  /** The path, and the name as messages give it, both in bytes. */
  readonly shownPath: string;
  readonly name: string;
  /** Only the last file may be cut. */
  readonly isLast: boolean;
  /** It begins with an RDB. */
  readonly hasPreamble: boolean;
  /** Bytes from here on are void. */
  readonly end: number | undefined;
  /** The manifest names a cold tier. */
  readonly hasTier: boolean;
  readonly result: FileResult;
}

/** What became of a file; everything else ends the tool. */
export type FileStatus = "ok" | "empty" | "truncated" | "truncated-to-timestamp";

export async function checkFile(run: Run, subject: FileToCheck): Promise<FileStatus> {
  const { report, files } = run;
  let file: FileHandle;
  try {
    if ((await files.stat(subject.path))?.isDirectory === true) {
      throw Object.assign(new Error(), { code: "EISDIR" });
    }
    file = await files.open(subject.path, "read");
  } catch (error) {
    throw report.stop(`Cannot open file ${subject.shownPath}: ${errorText(error)}, aborting...`);
  }
  try {
    const size = await file.size();
    subject.result.sizeBytes = size;
    // No server made an RDB that is empty.
    const isEmptyBase = size === 0 && subject.result.role === "base" && subject.path.endsWith(".rdb");
    if (isEmptyBase || isEmptied(size, subject.hasTier)) throw refuseEmptied(run, subject, size);
    if (size === 0 && (subject.end ?? 0) === 0) {
      subject.result.status = "empty";
      return "empty";
    }
    const start = subject.hasPreamble ? await checkPreamble(run, subject, file) : 0;
    const timestamp = new TimestampWatch(run, subject, start);
    const outcome = await verify(run, subject, file, start, timestamp);
    if (run.request.wantsStatistics) {
      const part = { start, end: outcome.validUpTo };
      subject.result.statistics = await run.report.withToldProgress(size, (onProgress) =>
        collectStatistics(file, [part], onProgress),
      );
    }
    return await conclude(run, subject, outcome, timestamp);
  } finally {
    await file.close();
  }
}

/** Whether the files hold a header line and nothing else: a crash shortly before a cut leaves such a last file. */
export async function areEmpty(
  run: Run,
  folder: string,
  incr: readonly { name: string }[],
): Promise<boolean> {
  for (const { name } of incr) {
    const path = `${folder}/${name}`;
    if ((await run.files.stat(path))?.size !== BLOCKS_HEADER.length) return false;
    if (!(await beginsWithHeader(run, path))) return false;
  }
  return true;
}

/** Whether a file consists of checksummed blocks. */
export async function beginsWithHeader(run: Run, path: string): Promise<boolean> {
  const file = await run.open(path);
  try {
    const head = Buffer.alloc(BLOCKS_HEADER.length);
    return (await file.read(head, 0)) === head.length && head.equals(BLOCKS_HEADER);
  } finally {
    await file.close();
  }
}

function refuseEmptied({ report }: Run, { hasTier, name, result }: FileToCheck, size: number): Stop {
  const reason = emptiedFileText(name, size);
  result.status = "invalid";
  result.problem = { offset: size, reason };
  // Without its base file a cold tier is of no use.
  const isHopeless = result.role !== "incr" && hasTier;
  return report.stop(isHopeless ? reason : `${reason}. Use the --salvage option to try fixing it.`);
}

async function checkPreamble(run: Run, subject: FileToCheck, file: FileHandle): Promise<number> {
  const { report, nowMs } = run;
  const { name, hasTier, result } = subject;
  const end = await checkRdb({ report, result, file, name, hasTier, nowMs });
  if (end === undefined) {
    result.status = "invalid";
    throw report.stop("RDB preamble of AOF file is not sane, aborting.");
  }
  report.print("RDB preamble is OK, proceeding with AOF tail...");
  return end;
}

async function verify(
  run: Run,
  subject: FileToCheck,
  file: FileHandle,
  start: number,
  timestamp: TimestampWatch,
): Promise<AofOutcome> {
  const verifier = await AofVerifier.open(file, {
    start,
    name: subject.shownPath,
    onAnnotation: (offset, text) => timestamp.passes(offset, text),
    ...(subject.end === undefined ? {} : { end: subject.end }),
  });
  try {
    return await run.report.withProgress(
      verifier.size,
      () => verifier.position,
      () => verifier.finish(),
    );
  } catch (error) {
    if (error instanceof Stop) throw error;
    throw run.report.stop(`Failed to read from AOF ${subject.name}, aborting...`);
  }
}

/** Finds the annotation at which --truncate-to-timestamp cuts. */
class TimestampWatch {
  /** Whether such an annotation was found. */
  isFound = false;
  readonly #run: Run;
  readonly #subject: FileToCheck;
  readonly #start: number;

  constructor(run: Run, subject: FileToCheck, start: number) {
    this.#run = run;
    this.#subject = subject;
    this.#start = start;
  }

  /** True if everything from this annotation on is later than wanted. */
  passes(offset: number, text: string): boolean {
    const { report, request } = this.#run;
    const { toTimestamp } = request;
    if (toTimestamp === 0n || !text.startsWith("#TS:")) return false;
    const { value, rest } = leadingLong(text.slice(4));
    if (value === undefined || !rest.startsWith("\r")) throw report.stop("Invalid timestamp annotation");
    if (value <= toTimestamp) return false;
    const path = this.#subject.shownPath;
    if (this.#start === 0 && (offset === 0 || offset === BLOCKS_HEADER.length)) {
      throw report.stop(`AOF ${path} has nothing before timestamp ${toTimestamp}, aborting...`);
    }
    if (!this.#subject.isLast) {
      report.print(
        `Failed to truncate AOF ${path} to timestamp ${toTimestamp} to offset ${offset} ` +
          "because it is not the last file.",
      );
      throw report.stop(
        "If you insist, please delete all files after this file according to the manifest file and delete " +
          "the corresponding records in manifest file manually. Then re-run redis-check-aof.",
      );
    }
    this.isFound = true;
    return true;
  }
}

async function conclude(
  run: Run,
  subject: FileToCheck,
  outcome: AofOutcome,
  timestamp: TimestampWatch,
): Promise<FileStatus> {
  const { report, request } = run;
  const { name, result } = subject;
  const validUpTo = validPart(outcome);
  run.line += outcome.line - 1;
  result.outcome = outcome.kind;
  result.validUpTo = validUpTo;
  if (outcome.hasBlocks) result.intactBlocks = outcome.intactBlocks;
  const repair: Repair = {
    report,
    result,
    files: run.files,
    path: subject.path,
    name,
    sizeBytes: outcome.size,
    validUpTo,
    keepsBackup: request.keepsBackup,
    badTo: request.badTo,
  };
  if (result.statistics !== undefined) printStatistics(report, name, result.statistics);
  if (timestamp.isFound && outcome.problem === undefined) {
    if (request.isDryRun) throw wouldCut(repair);
    await backUp(repair);
    await truncate(repair, `Failed to truncate AOF ${subject.shownPath} to timestamp ${request.toTimestamp}`);
    return "truncated-to-timestamp";
  }
  printProblem(report, name, outcome);
  const diff = outcome.size - validUpTo;
  const isInvalid = diff > 0 || (outcome.kind === "damaged" && outcome.problem !== undefined);
  result.status = isInvalid ? "invalid" : "valid";
  if (!isInvalid && request.toTimestamp !== 0n) {
    report.print(`Truncate nothing in AOF ${name} to timestamp ${request.toTimestamp}`);
    return "ok";
  }
  report.print(
    `AOF analyzed: filename=${name}, size=${outcome.size}, ok_up_to=${validUpTo}, ` +
      `ok_up_to_line=${run.line}, diff=${diff}`,
  );
  if (!isInvalid) return "ok";
  const { problem } = outcome;
  if (problem !== undefined) result.problem = { offset: problem.offset, reason: problem.reason };
  if (!request.isFix) throw report.stop(`AOF ${name} is not valid. Use the --fix option to try fixing it.`);
  const isUseless = problem?.kind === "size" || problem?.kind === "version";
  if (isUseless || isEmptied(validUpTo, subject.hasTier)) {
    throw report.stop(`Failed to truncate AOF ${name} because that would not make it valid`);
  }
  if (!subject.isLast) throw report.stop(`Failed to truncate AOF ${name} because it is not the last file`);
  if (request.isDryRun) throw wouldCut(repair);
  await confirm(repair, run.input, request.isAnswered);
  await truncate(repair, `Failed to truncate AOF ${name}`);
  return "truncated";
}

/** --dry-run ends here. */
function wouldCut({ report, name, sizeBytes, validUpTo }: Repair): Stop {
  const lost = sizeBytes - validUpTo;
  return report.stop(
    `This would shrink the AOF ${name} from ${sizeBytes} bytes, with ${lost} bytes, to ${validUpTo} bytes`,
    EXIT_WOULD_CHANGE,
  );
}

/** How far the file is valid. Like Redis, the tool lets a plain file end inside an annotation: no command is lost by
 * it. */
function validPart(outcome: AofOutcome): number {
  const isHarmless = outcome.problem?.kind === "annotation" && !outcome.hasBlocks;
  return isHarmless ? outcome.size : outcome.validUpTo;
}

function printProblem(report: Report, name: string, outcome: AofOutcome): void {
  const { problem } = outcome;
  if (problem === undefined || validPart(outcome) !== outcome.validUpTo) return;
  if (problem.kind === "start") {
    report.print(`AOF ${name} format error`);
  } else if (problem.reason !== "") {
    const offset = problem.offset.toString(16).padStart(16, " ");
    report.print(`0x${offset}: ${asCText(problem.reason)}`);
  }
}
