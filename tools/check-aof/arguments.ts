/**
 * The command line of tsredis-check-aof. Without any of the options that redis-check-aof does not know it is that of
 * redis-check-aof 7.0, to the letter: at most one option, before the file (and --json before it).
 */
import {
  describeOptions,
  type OptionSpec,
  parseOptions,
  UsageError,
  wholeNumber,
} from "../shared/options.ts";

export const USAGE =
  "Usage: tsredis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n";

const OPTIONS = {
  "--fix": { help: "cut the last file off where it stops being valid, after asking" },
  "--truncate-to-timestamp": {
    value: "T",
    help: "cut the last file off where the time (Unix seconds) first exceeds T; does not ask",
  },
  "--truncate-to-offset": {
    value: "[NAME:]N",
    help: "cut a file (without NAME: the last one) off at the end of the last command within its first N bytes; later files are taken out of the manifest",
  },
  "--across-files": {
    help: "with --truncate-to-timestamp: in an earlier file, too; later files are taken out of the manifest",
  },
  "--salvage": {
    help: "leave out what is damaged and keep everything else, in all files and the manifest, after asking",
  },
  "--output": {
    value: "FILE",
    help: "--salvage of a single file: write the result to FILE and leave the original as it is",
  },
  "--assume-db": {
    value: "N",
    help: "--salvage: the database of commands where it is not known; otherwise these are left out",
  },
  "--keep-doubtful": {
    help: "--salvage: keep commands behind damage even if they may be part of a value, or moved in the file",
  },
  "--keep-unknown": { help: "--salvage: keep commands that Redis 7 does not know (of modules)" },
  "--bad-to": { value: "FILE", help: "write the bytes that are left out or cut off to FILE" },
  "--dry-run": { help: "change nothing, say what would be done" },
  "--yes": { help: "do not ask" },
  "--no-backup": { help: "keep no copy of files that are changed" },
  "--stats": { help: "show commands, keys, databases, largest values and time span of each file" },
  "--json": { help: "print one JSON object instead of text" },
  "--help": { help: "this text", short: "-h" },
  "--version": { help: "the version", short: "-v" },
} as const satisfies Record<string, OptionSpec>;

type OptionName = keyof typeof OPTIONS;

/** Options that redis-check-aof has, or that may stand before its own. */
const STOCK: readonly OptionName[] = ["--fix", "--truncate-to-timestamp", "--json", "--help", "--version"];

export const HELP = `${USAGE}       tsredis-check-aof --salvage [options] <file.manifest|directory|file.aof>

Checks append-only files of tsredis and of Redis: all files of a manifest, or a single one ("-": standard input). An RDB
at the beginning of a file is checked too, and the checksums of blocks that tsredis wrote.

${describeOptions(OPTIONS)}

A file is copied to <file>.bak-<n> before it is changed.
Exit status: 0 all files are valid, or were made so; 1 something is wrong, or the tool could not do its work;
3 --dry-run found something to change; 4 a server, or another process, has the files open.
`;

/** What the user asked for. */
export interface CheckRequest {
  readonly kind: "check";
  readonly path: string;
  readonly isFix: boolean;
  /** Unix seconds; 0 means that nothing is to be cut. */
  readonly toTimestamp: bigint;
  readonly toOffset: { readonly name: string | undefined; readonly offset: number } | undefined;
  readonly acrossFiles: boolean;
  readonly isSalvage: boolean;
  readonly output: string | undefined;
  readonly assumedDatabase: number | undefined;
  readonly keepsDoubtful: boolean;
  readonly keepsUnknown: boolean;
  readonly badTo: string | undefined;
  readonly isDryRun: boolean;
  readonly isAnswered: boolean;
  readonly keepsBackup: boolean;
  readonly wantsStatistics: boolean;
  readonly isJson: boolean;
}

export type Request =
  | CheckRequest
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "usage" }
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "invalid-timestamp" };

const PLAIN: Omit<CheckRequest, "path"> = {
  kind: "check",
  isFix: false,
  toTimestamp: 0n,
  toOffset: undefined,
  acrossFiles: false,
  isSalvage: false,
  output: undefined,
  assumedDatabase: undefined,
  keepsDoubtful: false,
  keepsUnknown: false,
  badTo: undefined,
  isDryRun: false,
  isAnswered: false,
  keepsBackup: true,
  wantsStatistics: false,
  isJson: false,
};

export function parseArguments(args: readonly string[]): Request {
  const isExtended = args.some((arg) => {
    const name = arg.split("=", 1)[0];
    return name in OPTIONS && !STOCK.includes(name as OptionName);
  });
  return isExtended ? parseExtended(args) : parseStock(args);
}

function parseStock(args: readonly string[]): Request {
  const isJson = args[0] === "--json";
  const rest = isJson ? args.slice(1) : args;
  const [first, second, third] = rest;
  if (rest.length === 1) {
    if (first === "--help" || first === "-h") return { kind: "help" };
    if (first === "--version" || first === "-v") return { kind: "version" };
    return { ...PLAIN, path: first, isJson };
  }
  if (rest.length === 2 && first === "--fix") return { ...PLAIN, path: second, isFix: true, isJson };
  if (rest.length === 3 && first === "--truncate-to-timestamp") {
    const toTimestamp = timestampOf(second);
    if (toTimestamp === undefined) return { kind: "invalid-timestamp" };
    return { ...PLAIN, path: third, toTimestamp, isJson };
  }
  return { kind: "usage" };
}

function parseExtended(args: readonly string[]): Request {
  try {
    const { given, operands } = parseOptions<OptionName>(args, OPTIONS);
    if (given.has("--help")) return { kind: "help" };
    if (given.has("--version")) return { kind: "version" };
    if (operands.length !== 1) throw new UsageError("Exactly one file must be named");
    const deeds = (["--fix", "--truncate-to-timestamp", "--truncate-to-offset", "--salvage"] as const).filter(
      (name) => given.has(name),
    );
    if (deeds.length > 1) throw new UsageError(`${deeds[0]} and ${deeds[1]} exclude each other`);
    const needs = (name: OptionName, ...deedNames: OptionName[]): void => {
      if (!given.has(name) || deedNames.some((deed) => given.has(deed))) return;
      throw new UsageError(`Option ${name} is of no use without ${deedNames.join(" or ")}`);
    };
    for (const name of ["--output", "--assume-db", "--keep-doubtful", "--keep-unknown"] as const)
      needs(name, "--salvage");
    needs("--across-files", "--truncate-to-timestamp");
    for (const name of ["--bad-to", "--dry-run", "--yes", "--no-backup"] as const)
      needs(name, "--salvage", "--fix", "--truncate-to-offset", "--truncate-to-timestamp");
    const time = given.get("--truncate-to-timestamp");
    const toTimestamp = time === undefined ? 0n : timestampOf(time);
    if (toTimestamp === undefined) return { kind: "invalid-timestamp" };
    const offset = given.get("--truncate-to-offset");
    const db = given.get("--assume-db");
    return {
      kind: "check",
      path: operands[0],
      isFix: given.has("--fix"),
      toTimestamp,
      toOffset: offset === undefined ? undefined : placeOf(offset),
      acrossFiles: given.has("--across-files"),
      isSalvage: given.has("--salvage"),
      output: given.get("--output"),
      assumedDatabase: db === undefined ? undefined : wholeNumber("--assume-db", db),
      keepsDoubtful: given.has("--keep-doubtful"),
      keepsUnknown: given.has("--keep-unknown"),
      badTo: given.get("--bad-to"),
      isDryRun: given.has("--dry-run"),
      isAnswered: given.has("--yes"),
      keepsBackup: !given.has("--no-backup"),
      wantsStatistics: given.has("--stats"),
      isJson: given.has("--json"),
    };
  } catch (error) {
    if (error instanceof UsageError) return { kind: "invalid", reason: error.message };
    throw error;
  }
}

/** `NAME:N` or `N`. */
function placeOf(text: string): CheckRequest["toOffset"] {
  const colon = text.lastIndexOf(":");
  const offset = wholeNumber("--truncate-to-offset", text.slice(colon + 1));
  return { name: colon === -1 ? undefined : text.slice(0, colon), offset };
}

function timestampOf(text: string): bigint | undefined {
  const { value, rest } = leadingLong(text);
  return rest === "" ? value : undefined;
}

const LONG_MAX = 0x7fffffffffffffffn;

/** What C's strtol reads at the start of a text (0 if that is no number), and what it leaves; undefined beyond 64
 * bits. */
export function leadingLong(text: string): { value: bigint | undefined; rest: string } {
  const match = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  if (match === null) return { value: 0n, rest: text };
  const value = BigInt(match[1].replace("+", ""));
  const rest = text.slice(match[0].length);
  return { value: value > LONG_MAX || value < -LONG_MAX - 1n ? undefined : value, rest };
}
