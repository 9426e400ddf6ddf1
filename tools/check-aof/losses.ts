/**
 * Says what a salvage leaves out: for each gap where it is, why, and which commands and keys can still be read in it.
 * What is read there is not trusted; it is only shown.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { findCommand } from "../../src/persistence/aof/command-search.ts";
import { CommandWalk } from "../../src/persistence/aof/command-walk.ts";
import { knownCommand, needsSubcommand } from "../../src/persistence/aof/known-commands.ts";
import type { LostRange, SalvagePlan } from "../../src/persistence/aof/salvage.ts";
import { printable } from "../../src/persistence/aof/salvage-run.ts";
import { plural } from "../shared/texts.ts";
import type { Report } from "./report.ts";

export interface LostCommand {
  readonly name: string;
  /** Its first key as it is, if it can be read; long ones are cut. */
  readonly key?: string;
  readonly arguments: number;
}

export interface LostResult extends LostRange {
  /** Commands that can still be read in it, and the first of them. */
  readonly commandCount: number;
  readonly commands: readonly LostCommand[];
}

export interface SalvageResult {
  readonly commandsKept: number;
  readonly bytesLost: number;
  /** The first LISTED_RANGES. */
  readonly lost: readonly LostResult[];
  readonly lostRanges: number;
}

/** So many are listed; the others are counted. */
const LISTED_RANGES = 1000;
const LISTED_COMMANDS = 20;
const PRINTED_COMMANDS = 5;

export async function listLosses(file: FileHandle, plan: SalvagePlan): Promise<SalvageResult> {
  const lost: LostResult[] = [];
  for (const range of plan.lost.slice(0, LISTED_RANGES)) lost.push(await describe(file, range));
  return {
    commandsKept: plan.kept.reduce((sum, { commands }) => sum + commands, 0),
    bytesLost: plan.lost.reduce((sum, { start, end }) => sum + end - start, 0),
    lost,
    lostRanges: plan.lost.length,
  };
}

async function describe(file: FileHandle, range: LostRange): Promise<LostResult> {
  const commands: LostCommand[] = [];
  let commandCount = 0;
  for (let start: number | undefined = range.start; start !== undefined && range.kind !== "zeros"; ) {
    const walk = new CommandWalk(file, start, range.end);
    let reached: number = start;
    do {
      while (walk.next()) {
        commandCount++;
        reached = walk.endOffset;
        if (commands.length < LISTED_COMMANDS) commands.push(describeCommand(walk));
      }
    } while (await walk.advance());
    start = reached < range.end ? await findCommand(file, reached + 1, range.end) : undefined;
  }
  return { ...range, commandCount, commands };
}

function describeCommand(walk: CommandWalk): LostCommand {
  const key = keyOf(walk);
  return {
    name: walk.name === "" ? printable(walk.argument(0)!) : walk.name.toUpperCase(),
    ...(key === undefined ? {} : { key: printable(key) }),
    arguments: walk.argumentCount,
  };
}

/** The first key of a command, cut if it is long. */
export function keyOf(walk: CommandWalk): Buffer | undefined {
  const second = walk.argument(1)?.toString("latin1", 0, 32).toLowerCase() ?? "";
  const known = knownCommand(needsSubcommand(walk.name) ? `${walk.name}|${second}` : walk.name);
  return known === undefined || known.firstKey === 0 ? undefined : walk.argument(known.firstKey);
}

/** Prints the gaps of a file. */
export function printLosses(report: Report, name: string, size: number, result: SalvageResult): void {
  const { bytesLost, commandsKept, lost, lostRanges } = result;
  report.printNote(
    `AOF ${name}: ${bytesLost} of ${size} bytes, in ${plural(lostRanges, "place")}, cannot be kept; ` +
      `${plural(commandsKept, "command")} can`,
  );
  for (const { start, end, reason, commandCount, commands } of lost) {
    report.print(`  [offset ${start}] ${plural(end - start, "byte")}: ${reason}`);
    if (commandCount === 0) continue;
    const shown = commands
      .slice(0, PRINTED_COMMANDS)
      .map(({ name: command, key }) => (key === undefined ? command : `${command} '${key}'`));
    const more = commandCount > shown.length ? ` and ${commandCount - shown.length} more` : "";
    report.print(`    readable in it: ${shown.join(", ")}${more}`);
  }
  if (lostRanges > lost.length) report.print(`  and ${lostRanges - lost.length} more places`);
}
