/** The command line of tsredis-export. */
import {
  describeOptions,
  type OptionSpec,
  parseOptions,
  UsageError,
  wholeNumber,
} from "../shared/options.ts";

export const USAGE = "Usage: tsredis-export [options] <data-directory> <output>\n";

const OPTIONS = {
  "--format": { value: "rdb|aof", help: "an RDB file (default), or commands" },
  "--match": { value: "PATTERN", help: "only keys that match this pattern, as KEYS understands it" },
  "--db": { value: "N[,N...]", help: "only these databases; may be given again", isRepeatable: true },
  "--config": { value: "FILE", help: "the server's configuration: names of files, number of databases" },
  "--databases": { value: "N", help: "how many databases the server has, where no configuration says it" },
  "--memory": { value: "SIZE", help: "memory for data while it is read (default 256mb)" },
  "--temp": {
    value: "FOLDER",
    help: "where what is needed meanwhile is kept: on another file system than the data, the tables of the cold tier are copied (default: the data directory)",
  },
  "--json": { help: "print one JSON object instead of text" },
  "--help": { help: "this text", short: "-h" },
  "--version": { help: "the version", short: "-v" },
} as const satisfies Record<string, OptionSpec>;

export const HELP = `${USAGE}
Writes all keys of a data directory, those of the cold tier too, to a file that stock Redis loads: what a server would
show that starts on the directory now. The directory is not changed. <output> must not exist; "-" is standard output,
and then everything said goes to standard error.

${describeOptions(OPTIONS)}

Exit status: 0 the file is written; 1 the data cannot be read, or the tool could not do its work; 4 a server, or another
process, has the directory open.
`;

const DEFAULT_MEMORY = "256mb";

export interface ExportRequest {
  readonly kind: "export";
  readonly folder: string;
  readonly output: string;
  readonly format: "rdb" | "aof";
  readonly pattern: Buffer | undefined;
  /** undefined: all. */
  readonly databases: ReadonlySet<number> | undefined;
  readonly config: string | undefined;
  readonly databaseCount: number | undefined;
  readonly memory: string;
  readonly temporary: string | undefined;
  readonly isJson: boolean;
}

export type Request =
  | ExportRequest
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "invalid"; readonly reason: string };

export function parseArguments(args: readonly string[]): Request {
  try {
    const { given, operands } = parseOptions(args, OPTIONS);
    if (given.has("--help")) return { kind: "help" };
    if (given.has("--version")) return { kind: "version" };
    if (operands.length !== 2) throw new UsageError("A data directory and a file to write to must be named");
    const format = given.get("--format") ?? "rdb";
    if (format !== "rdb" && format !== "aof") throw new UsageError(`There is no format '${format}'`);
    const pattern = given.get("--match");
    const count = given.get("--databases");
    return {
      kind: "export",
      folder: operands[0],
      output: operands[1],
      format,
      pattern: pattern === undefined ? undefined : Buffer.from(pattern),
      databases: databasesOf(given.get("--db")),
      config: given.get("--config"),
      databaseCount: count === undefined ? undefined : wholeNumber("--databases", count),
      memory: given.get("--memory") ?? DEFAULT_MEMORY,
      temporary: given.get("--temp"),
      isJson: given.has("--json"),
    };
  } catch (error) {
    if (error instanceof UsageError) return { kind: "invalid", reason: error.message };
    throw error;
  }
}

function databasesOf(text: string | undefined): ReadonlySet<number> | undefined {
  if (text === undefined) return undefined;
  return new Set(text.split(",").map((each) => wholeNumber("--db", each)));
}
