/**
 * tsredis-check-rdb from arguments to exit status. A check says what redis-check-rdb 7.0 says; the other deeds read
 * what can be read, write it elsewhere, and list what is lost.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { printable } from "../../src/persistence/aof/salvage-run.ts";
import { type LostPart, salvageRdb } from "../../src/persistence/rdb/salvage.ts";
import { newScratchMemory } from "../../src/persistence/rdb/value-check.ts";
import { Console, EXIT_FAILED, EXIT_OK } from "../shared/console.ts";
import { FileWriter } from "../shared/file-writer.ts";
import { checkRdb, type RdbResult, rdbTypeText } from "../shared/rdb-check.ts";
import { spool } from "../shared/spool.ts";
import { type Surroundings } from "../shared/surroundings.ts";
import { asBytes, errorText, isSystemError, namedErrorText, plural } from "../shared/texts.ts";
import { runTool, statusOf } from "../shared/tool.ts";
import { type CheckRequest, type Deed, HELP, OPTIONS, readArguments, USAGE } from "./arguments.ts";
import { AofOutput, JsonOutput, type Output, RdbFileOutput } from "./outputs.ts";
import { RdbStatistics } from "./statistics.ts";

/** What of a damaged file is listed in JSON. */
interface LostResult {
  readonly start: number;
  readonly end: number;
  readonly reason: string;
  readonly key?: string;
  readonly type?: string;
  readonly db: number;
}

interface Result extends RdbResult {
  sizeBytes?: number;
  statistics?: object;
  keysKept?: number;
  lost?: LostResult[];
  lostParts?: number;
  remarks?: readonly string[];
}

/** So many are listed; the others are counted. */
const LISTED_PARTS = 1000;
/** The version written where the file's own is not known, or is Valkey's: what Redis 7.0 and 7.2 read. */
const VERSION_OF_LOST_HEADER = 10;
const VERSION_FOR_VALKEY = 11;
const VERSION_MAX = 12;

/** Runs the tool; resolves to the exit status. */
export function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const tool = {
    name: "tsredis-check-rdb",
    options: OPTIONS,
    usage: USAGE,
    help: HELP,
    read: readArguments,
    run: (request: CheckRequest) => new RdbTool(request, surroundings).run(),
  };
  return runTool(tool, args, surroundings);
}

class RdbTool {
  readonly #request: CheckRequest;
  readonly #surroundings: Surroundings;
  readonly #console: Console;
  readonly #result: Result = {};
  readonly #statistics: RdbStatistics | undefined;

  constructor(request: CheckRequest, surroundings: Surroundings) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#console = new Console(request.isJson, surroundings.output, surroundings.terminal);
    this.#statistics = request.wantsStatistics ? new RdbStatistics() : undefined;
  }

  async run(): Promise<number> {
    const { path } = this.#request;
    const status = await statusOf(this.#console, () => this.#examineInput(path), textOf);
    if (this.#statistics !== undefined) this.#result.statistics = this.#statistics.result();
    this.#console.finishJson({ path, valid: status === EXIT_OK, exitStatus: status, ...this.#result });
    return status;
  }

  async #examineInput(path: string): Promise<number> {
    if (path !== "-") return this.#examine(path, path);
    const copy = await spool(this.#surroundings.input);
    try {
      return await this.#examine(copy.path, path);
    } finally {
      await copy.remove();
    }
  }

  async #examine(path: string, shownPath: string): Promise<number> {
    const { files } = this.#surroundings;
    const { deed } = this.#request;
    let file: FileHandle;
    try {
      if ((await files.stat(path))?.isDirectory === true)
        throw Object.assign(new Error(), { code: "EISDIR", syscall: "open" });
      file = await files.open(path, "read");
    } catch (error) {
      // redis-check-rdb says no more than this.
      if (deed.kind === "check") this.#console.print(`[offset 0] Checking RDB file ${asBytes(shownPath)}`);
      throw this.#console.stop(`Cannot open file ${asBytes(shownPath)}: ${errorText(error)}`);
    }
    try {
      this.#result.sizeBytes = await file.size();
      if (deed.kind === "check") return await this.#check(file, shownPath);
      return await this.#write(file, deed);
    } finally {
      await file.close();
    }
  }

  async #check(file: FileHandle, shownPath: string): Promise<number> {
    const statistics = this.#statistics;
    const end = await checkRdb({
      report: this.#console,
      result: this.#result,
      file,
      name: asBytes(shownPath),
      hasTier: false,
      nowMs: this.#surroundings.nowMs,
      ...(statistics === undefined ? {} : { onEntry: (entry) => statistics.add(entry) }),
    });
    statistics?.print(this.#console);
    return end === undefined ? EXIT_FAILED : EXIT_OK;
  }

  async #write(file: FileHandle, deed: Exclude<Deed, { kind: "check" }>): Promise<number> {
    const { files } = this.#surroundings;
    if ((await files.stat(deed.output)) !== undefined)
      throw this.#console.stop(`${asBytes(deed.output)} exists already`);
    const temporary = `${deed.output}.part`;
    const writer = await FileWriter.create(files, temporary);
    let isWorthKeeping: boolean;
    try {
      isWorthKeeping = await this.#console.withToldProgress(await file.size(), (onProgress) =>
        this.#copy(file, deed, writer, onProgress),
      );
      if (isWorthKeeping) await writer.finish();
    } catch (error) {
      await writer.discard();
      throw error;
    }
    if (!isWorthKeeping) {
      await writer.discard();
      this.#console.printBad(`Nothing was written to ${asBytes(deed.output)}`);
      return EXIT_FAILED;
    }
    await files.rename(temporary, deed.output);
    this.#console.printGood(`${plural(this.#result.keysKept!, "key")} written to ${asBytes(deed.output)}`);
    return EXIT_OK;
  }

  /** Writes all that can be read. False if the file is damaged and the deed is not for damaged files. */
  async #copy(
    file: FileHandle,
    deed: Exclude<Deed, { kind: "check" }>,
    writer: FileWriter,
    onProgress: (position: number) => void,
  ): Promise<boolean> {
    const memory = newScratchMemory();
    const lost: LostResult[] = [];
    let lostParts = 0;
    let keysKept = 0;
    let output: Output | undefined;
    const options = { memory, expectsWhole: deed.kind !== "salvage", onProgress };
    for await (const record of salvageRdb(file, options)) {
      output ??= await outputFor(deed, writer, record.kind === "header" ? record.version : undefined);
      if (record.kind === "lost") {
        lostParts++;
        this.#sayLost(record, lost);
      } else if (record.kind === "aux") {
        await output.aux(record.key, record.value);
      } else if (record.kind === "function") {
        await output.function(record.code);
      } else if (record.kind === "module-aux") {
        this.#console.printNote(`Data of the module type ${record.module} is left out`);
      } else if (record.kind === "entry") {
        this.#statistics?.add(record);
        await output.entry(record);
        keysKept++;
      }
    }
    await output?.end();
    const remarks = output?.remarks ?? [];
    for (const remark of remarks) this.#console.printNote(remark);
    Object.assign(this.#result, { keysKept, lost, lostParts, remarks });
    this.#statistics?.print(this.#console);
    if (lostParts === 0) return true;
    this.#console.printNote(
      `${plural(lostParts, "part")} of the file cannot be read; ${plural(keysKept, "key")} can`,
    );
    if (deed.kind === "salvage") return keysKept > 0;
    this.#console.printBad("The file is damaged: use --salvage first");
    return false;
  }

  #sayLost({ start, end, reason, key, type, db, losesContext }: LostPart, lost: LostResult[]): void {
    const at = `[offset ${start}] ${plural(end - start, "byte")} lost: ${reason}`;
    this.#console.printNote(at);
    if (key !== undefined) {
      const of = type === undefined ? "" : ` (${rdbTypeText(type)})`;
      this.#console.print(`  key '${printable(key)}'${of} of database ${db}`);
    }
    if (losesContext && end > start) {
      this.#console.print(
        `  what follows is taken to be in database ${db}; its first key may have had an expiry`,
      );
    }
    if (lost.length >= LISTED_PARTS) return;
    lost.push({
      start,
      end,
      reason,
      db,
      ...(key === undefined ? {} : { key: printable(key) }),
      ...(type === undefined ? {} : { type: rdbTypeText(type) }),
    });
  }
}

async function outputFor(
  deed: Exclude<Deed, { kind: "check" }>,
  writer: FileWriter,
  version: number | undefined,
): Promise<Output> {
  switch (deed.kind) {
    case "to-aof":
      return new AofOutput(writer);
    case "to-json":
      return new JsonOutput(writer);
    case "convert":
      return RdbFileOutput.begin(writer, deed.version, deed.dropsFieldTimes);
    case "salvage": {
      const known = version ?? VERSION_OF_LOST_HEADER;
      return RdbFileOutput.begin(writer, known > VERSION_MAX ? VERSION_FOR_VALKEY : known, false);
    }
  }
}

/** The text of an error that tells of files, and not of a mistake of ours. */
function textOf(error: unknown): string | undefined {
  return isSystemError(error) ? asBytes(namedErrorText(error)) : undefined;
}
