/**
 * Checks an RDB, in a file of its own or at the beginning of an AOF file, and says what redis-check-rdb 7.0 says
 * about it. Each value is decoded as the server would do it.
 *
 * Differences: RDB versions up to 12, and Valkey's, are accepted; where Redis names a line of its source ("Internal
 * error in RDB ... rdb.c:123"), only the reason is given.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { type RdbEntry, RdbError, RdbReader, type RdbRecord } from "../../src/persistence/rdb/reader.ts";
import { newScratchMemory, whyNotLoadable } from "../../src/persistence/rdb/value-check.ts";
import { LOADABLE_RDB_TYPES } from "../../src/types/registry.ts";
import type { Console } from "./console.ts";
import { asCText } from "./texts.ts";

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
  "stream-v2",
  "set-listpack",
  "stream-v3",
  "hash-hashtable-md-pre-release",
  "hash-listpack-md-pre-release",
  "hash-hashtable-md",
  "hash-listpack-md",
];

/** What redis-check-rdb calls a value's type. */
export function rdbTypeText(type: number): string {
  return TYPE_NAMES[type] ?? "unknown";
}

/** What was found. */
export interface RdbResult {
  rdb?: { keys: number; expires: number; alreadyExpired: number; tombstones: number };
  problem?: { offset: number; reason: string };
}

export interface RdbCheck {
  readonly report: Console;
  readonly result: RdbResult;
  readonly file: FileHandle;
  /** The file's name, in bytes. */
  readonly name: string;
  /** Whether the manifest names a cold tier. */
  readonly hasTier: boolean;
  readonly nowMs: number;
  /** Is shown each entry, its value decoded or (of other types than string) as `payload`. */
  readonly onEntry?: (entry: RdbEntry) => void;
}

/** Returns the offset at which the RDB ends; undefined if it is not sane. */
export async function checkRdb(check: RdbCheck): Promise<number | undefined> {
  const { report, file } = check;
  const counts = { keys: 0, expires: 0, alreadyExpired: 0, tombstones: 0 };
  check.result.rdb = counts;
  report.print(`[offset 0] Checking RDB file ${asCText(check.name)}`);
  const reader = await RdbReader.open(file, {
    otherTypes: "skip",
    loadableTypes: LOADABLE_RDB_TYPES,
    privateOpcodes: check.hasTier,
  });
  const memory = newScratchMemory();
  let end = 0;
  const examine = async (): Promise<void> => {
    for await (const record of reader) {
      describe(report, record);
      end = record.endOffset;
      if (record.kind === "tombstone") counts.tombstones++;
      if (record.kind !== "entry") continue;
      const reason = whyNotLoadable(memory, record);
      if (reason !== undefined) throw damagedValue(record, reason);
      check.onEntry?.(record);
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

/** A value of the right length that no server would load. */
function damagedValue({ endOffset, key, type }: RdbEntry, reason: string): RdbError {
  return new RdbError("corrupt", reason, { offset: endOffset, activity: "read-object-value", key, type });
}

/** What stands in an AUX field, without what has to stay secret: reports are shown to others. */
function withoutSeed(value: string): string {
  return value.replace(/"seed":"[0-9a-f]*"/, '"seed":"..."');
}

function describe(report: Console, record: RdbRecord): void {
  const at = `[offset ${record.endOffset}]`;
  switch (record.kind) {
    case "aux": {
      const key = asCText(record.key.toString("latin1"));
      const value = asCText(withoutSeed(record.value.toString("latin1")));
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

function printCounts(report: Console, counts: Counts): void {
  report.print(`[info] ${counts.keys} keys read`);
  report.print(`[info] ${counts.expires} expires`);
  report.print(`[info] ${counts.alreadyExpired} already expired`);
}

function printError(report: Console, error: RdbError, counts: Counts): void {
  report.print("--- RDB ERROR DETECTED ---");
  report.print(`[offset ${error.offset}] ${error.message}`);
  report.print(`[additional info] While doing: ${error.activity}`);
  if (error.key !== undefined) {
    report.print(`[additional info] Reading key '${asCText(error.key.toString("latin1"))}'`);
  }
  // redis-check-rdb says "type 0" until it has read its first key.
  const type = error.type ?? (counts.keys === 0 ? 0 : undefined);
  if (type !== undefined) {
    report.print(`[additional info] Reading type ${type} (${rdbTypeText(type)})`);
  }
  printCounts(report, counts);
}
