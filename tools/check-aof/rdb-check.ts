/**
 * Checks an RDB at the beginning of an AOF file, and says what redis-check-rdb 7.0 says about it.
 *
 * Differences: RDB versions up to 12 are accepted; values other than strings are checked for their layout in the
 * file, not inside their packed forms; where Redis names a line of its source ("Internal error in RDB ...
 * rdb.c:123"), only the reason is given.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { RdbError, RdbReader, type RdbRecord } from "../../src/persistence/rdb/reader.ts";
import { asCText } from "../shared/texts.ts";
import type { FileResult, Report } from "./report.ts";

const TYPE_NAMES = [
  "string",
  "list-linked",
  "set-hashtable",
  "zset-v1",
  "hash-hashtable",
  "zset-v2",
  "module-value",
  "",
  "",
  "hash-zipmap",
  "list-ziplist",
  "set-intset",
  "zset-ziplist",
  "hash-ziplist",
  "quicklist",
  "stream",
  "hash-listpack",
  "zset-listpack",
  "quicklist-v2",
];

export interface RdbCheck {
  readonly report: Report;
  readonly result: FileResult;
  readonly file: FileHandle;
  /** The file's name, in bytes. */
  readonly name: string;
  /** Whether the manifest names a cold tier. */
  readonly hasTier: boolean;
  readonly nowMs: number;
}

/** Returns the offset at which the RDB ends; undefined if it is not sane. */
export async function checkRdb(check: RdbCheck): Promise<number | undefined> {
  const { report, file } = check;
  const counts = { keys: 0, expires: 0, alreadyExpired: 0, tombstones: 0 };
  check.result.rdb = counts;
  report.print(`[offset 0] Checking RDB file ${asCText(check.name)}`);
  const reader = await RdbReader.open(file, { otherTypes: "skip", privateOpcodes: check.hasTier });
  let end = 0;
  const examine = async (): Promise<void> => {
    for await (const record of reader) {
      describe(report, record);
      end = record.endOffset;
      if (record.kind === "tombstone") counts.tombstones++;
      if (record.kind !== "entry") continue;
      counts.keys++;
      if (record.expireMs === undefined || record.expireMs === -1) continue;
      counts.expires++;
      if (record.expireMs < check.nowMs) counts.alreadyExpired++;
    }
  };
  try {
    await report.withProgress(await file.size(), () => reader.position, examine);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    if (error.key !== undefined) counts.keys++;
    printError(report, error, counts);
    check.result.problem = { offset: error.offset, reason: error.message };
    return undefined;
  }
  report.print(`[offset ${end}] \\o/ RDB looks OK! \\o/`);
  printCounts(report, counts);
  return end;
}

function describe(report: Report, record: RdbRecord): void {
  const at = `[offset ${record.endOffset}]`;
  switch (record.kind) {
    case "aux": {
      const key = asCText(record.key.toString("latin1"));
      const value = asCText(record.value.toString("latin1"));
      report.print(`${at} ${asCText(`AUX FIELD ${key} = '${value}'`)}`);
      break;
    }
    case "select":
      report.print(`${at} Selecting DB ID ${record.db}`);
      break;
    case "module-aux":
      report.print(`${at} MODULE AUX for: ${record.module}`);
      break;
    case "end":
      if (record.checksum === "ok") report.print(`${at} Checksum OK`);
      if (record.checksum === "disabled") {
        report.print(`${at} RDB file was saved with checksum disabled: no check performed.`);
      }
      break;
    case "header":
    case "resize":
    case "function":
    case "entry":
    case "tombstone":
    case "cold-keys":
      break;
  }
}

interface Counts {
  readonly keys: number;
  readonly expires: number;
  readonly alreadyExpired: number;
}

function printCounts(report: Report, counts: Counts): void {
  report.print(`[info] ${counts.keys} keys read`);
  report.print(`[info] ${counts.expires} expires`);
  report.print(`[info] ${counts.alreadyExpired} already expired`);
}

function printError(report: Report, error: RdbError, counts: Counts): void {
  report.print("--- RDB ERROR DETECTED ---");
  report.print(`[offset ${error.offset}] ${error.message}`);
  report.print(`[additional info] While doing: ${error.activity}`);
  if (error.key !== undefined) {
    report.print(`[additional info] Reading key '${asCText(error.key.toString("latin1"))}'`);
  }
  // redis-check-rdb says "type 0" until it has read its first key.
  const type = error.type ?? (counts.keys === 0 ? 0 : undefined);
  if (type !== undefined) {
    report.print(`[additional info] Reading type ${type} (${TYPE_NAMES[type] ?? "unknown"})`);
  }
  printCounts(report, counts);
}
