/** The command line of tsredis-export. */
import {
  describeOptions,
  type OptionSpec,
  type ParsedOptions,
  UsageError,
  wholeNumber,
} from "../shared/options.ts";
import { COMMON_OPTIONS } from "../shared/tool.ts";

export const USAGE = "Usage: tsredis-export [options] <data-directory> <output>\n";

export const OPTIONS = {
  "--format": { value: "rdb|aof", help: "an RDB file (default), or commands" },
  "--match": { value: "PATTERN", help: "only keys that match this pattern, as KEYS understands it" },
  "--db": { value: "N[,N...]", help: "only these databases; may be given again", isRepeatable: true },
  "--config": { value: "FILE", help: "the server's configuration: names of files, number of databases" },
  "--databases": { value: "N", help: "how many databases the server has, if no configuration says so" },
  "--memory": { value: "SIZE", help: "memory for data while it is read (default 256mb)" },
  "--temp": {
    value: "FOLDER",
    help: "folder for temporary files (default: the data directory); on another file system than the data, the tables of the cold tier are copied",
  },
  ...COMMON_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

export const HELP = `${USAGE}
Writes all keys of a data directory, those of the cold tier too, to a file that stock Redis loads: what a server would
hold if it were started on the directory now. The directory is not changed. <output> must not exist; "-" is standard output,
and then all messages go to standard error.

${describeOptions(OPTIONS)}

Exit status: 0 the file is written; 1 the data cannot be read, or the tool could not do its work; 4 a server, or another
process, has the directory open.
`;

const DEFAULT_MEMORY = "256mb";

export interface ExportRequest {
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

/** What a command line asks for. Throws UsageError. */
export function readArguments({ given, operands }: ParsedOptions<keyof typeof OPTIONS>): ExportRequest {
  if (operands.length !== 2) throw new UsageError("A data directory and a file to write to must be named");
  const format = given.get("--format") ?? "rdb";
  if (format !== "rdb" && format !== "aof") throw new UsageError(`There is no format '${format}'`);
  const pattern = given.get("--match");
  const count = given.get("--databases");
  return {
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
}

function databasesOf(text: string | undefined): ReadonlySet<number> | undefined {
  if (text === undefined) return undefined;
  return new Set(text.split(",").map((each) => wholeNumber("--db", each)));
}
