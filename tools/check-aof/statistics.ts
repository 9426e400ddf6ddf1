/**
 * What is in an AOF file: commands, databases, keys, the largest values, the time it spans. Constant memory: distinct
 * keys are estimated by a HyperLogLog (standard error below one percent).
 */
import type { FileHandle } from "../../src/base/files.ts";
import { CommandWalk } from "../../src/persistence/aof/command-walk.ts";
import { databaseOf, printable } from "../../src/persistence/aof/salvage-run.ts";
import { DistinctKeys } from "../shared/distinct-keys.ts";
import { Largest } from "../shared/largest.ts";
import { plural } from "../shared/texts.ts";
import { keyOf } from "./losses.ts";
import type { Report } from "./report.ts";

export interface LargeValue {
  readonly command: string;
  readonly db: number;
  readonly key: string | undefined;
  readonly offset: number;
  /** Length of the command's longest argument. */
  readonly bytes: number;
}

export interface StatisticsResult {
  readonly commands: number;
  readonly transactions: number;
  /** Calls by name, most frequent first. */
  readonly byName: Readonly<Record<string, number>>;
  /** Commands by database. */
  readonly byDatabase: Readonly<Record<string, number>>;
  /** Distinct first keys, estimated. */
  readonly distinctKeys: number;
  readonly largest: readonly LargeValue[];
  /** Unix seconds of the first and last timestamp; absent if there are none. */
  readonly firstTimestamp?: number;
  readonly lastTimestamp?: number;
}

/** As many of the largest are kept. */
const LARGEST = 10;
/** Further names, of commands that do not exist, are counted together. */
const NAMES_MAX = 1000;

export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Statistics of the usable parts of a file. `onProgress` is told how far reading has come. */
export async function collectStatistics(
  file: FileHandle,
  parts: readonly Part[],
  onProgress: (position: number) => void,
): Promise<StatisticsResult> {
  const collector = new Collector();
  for (const { start, end } of parts) {
    const walk = new CommandWalk(file, start, end);
    do {
      while (walk.next()) collector.take(walk);
      onProgress(walk.offset);
    } while (await walk.advance());
  }
  return collector.result();
}

class Collector {
  #commands = 0;
  #transactions = 0;
  #db = 0;
  readonly #byName = new Map<string, number>();
  readonly #byDatabase = new Map<number, number>();
  readonly #keys = new DistinctKeys();
  readonly #largest = new Largest<LargeValue>(LARGEST);
  #first: number | undefined;
  #last: number | undefined;

  take(walk: CommandWalk): void {
    const { name } = walk;
    this.#commands++;
    const isCounted = name !== "" && (this.#byName.size < NAMES_MAX || this.#byName.has(name));
    const shown = isCounted ? name : "(others)";
    this.#byName.set(shown, (this.#byName.get(shown) ?? 0) + 1);
    this.#first ??= walk.timestampSeconds;
    this.#last = walk.timestampSeconds ?? this.#last;
    if (name === "exec") this.#transactions++;
    if (name === "select") this.#db = databaseOf(walk) ?? this.#db;
    if (name === "select" || name === "multi" || name === "exec") return;
    this.#byDatabase.set(this.#db, (this.#byDatabase.get(this.#db) ?? 0) + 1);
    const key = keyOf(walk);
    if (key !== undefined) this.#keys.add(this.#db, key);
    if (!this.#largest.wants(walk.longestArgument)) return;
    this.#largest.add(walk.longestArgument, {
      command: name,
      db: this.#db,
      key: key === undefined ? undefined : printable(key),
      offset: walk.offset,
      bytes: walk.longestArgument,
    });
  }

  result(): StatisticsResult {
    const byCount = [...this.#byName].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const databases = [...this.#byDatabase].sort((a, b) => a[0] - b[0]);
    return {
      commands: this.#commands,
      transactions: this.#transactions,
      byName: Object.fromEntries(byCount.map(([name, count]) => [name.toUpperCase(), count])),
      byDatabase: Object.fromEntries(databases),
      distinctKeys: this.#keys.estimate(),
      largest: this.#largest.sorted(),
      ...(this.#first === undefined ? {} : { firstTimestamp: this.#first }),
      ...(this.#last === undefined ? {} : { lastTimestamp: this.#last }),
    };
  }
}

/** Prints the statistics of a file. */
export function printStatistics(report: Report, name: string, statistics: StatisticsResult): void {
  const { commands, transactions, byName, byDatabase, distinctKeys, largest } = statistics;
  const { firstTimestamp, lastTimestamp } = statistics;
  report.print(`Statistics of AOF ${name}:`);
  report.print(
    `  ${plural(commands, "command")}, ${plural(transactions, "transaction")}, about ${distinctKeys} distinct keys`,
  );
  for (const [command, count] of Object.entries(byName)) report.print(`  ${command}: ${count}`);
  for (const [db, count] of Object.entries(byDatabase))
    report.print(`  database ${db}: ${plural(count, "command")}`);
  if (firstTimestamp !== undefined) {
    report.print(`  time: ${dateOf(firstTimestamp)} to ${dateOf(lastTimestamp ?? firstTimestamp)}`);
  }
  for (const { command, db, key, offset, bytes } of largest) {
    const of = key === undefined ? "" : ` of '${key}' in database ${db}`;
    report.print(`  largest: ${bytes} bytes in ${command.toUpperCase()}${of}, at offset ${offset}`);
  }
}

function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
