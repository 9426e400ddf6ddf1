/** The command line of tsredis-check-rdb. With one operand and nothing else it is that of redis-check-rdb 7.0. */
import {
  describeOptions,
  type OptionSpec,
  type ParsedOptions,
  UsageError,
  wholeNumber,
} from "../shared/options.ts";
import { COMMON_OPTIONS } from "../shared/tool.ts";
import { VERSION_MAX, VERSION_MIN } from "./conversion.ts";

export const USAGE = "Usage: tsredis-check-rdb [options] <rdb-file-name>\n";

export const OPTIONS = {
  "--salvage": { value: "OUT", help: "write all readable keys to OUT, and list what is lost" },
  "--convert-to": {
    value: "VERSION",
    help: `write the file to --output as RDB version ${VERSION_MIN} to ${VERSION_MAX} (Redis 7.0 reads up to 10, 7.2 up to 11, 7.4 up to 12)`,
  },
  "--output": { value: "OUT", help: "where --convert-to writes" },
  "--drop-field-times": {
    help: "--convert-to: where the version has no fields that expire, keep them without their times",
  },
  "--to-aof": { value: "OUT", help: "write the keys as commands to OUT, an append-only file" },
  "--to-json": { value: "OUT", help: "write the keys to OUT, one JSON object on each line" },
  "--stats": { help: "show keys, types, expiries and largest values of each database" },
  ...COMMON_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

export const HELP = `${USAGE}
Checks RDB files of tsredis, Redis (versions 1 to 12) and Valkey: layout, values and checksum. "-" is standard input.

${describeOptions(OPTIONS)}

OUT must not exist. Exit status: 0 the file is valid, or OUT was written as wanted; 1 the file is not valid, or the tool
could not do its work.
`;

/** What is to be done besides checking. */
export type Deed =
  | { readonly kind: "check" }
  | { readonly kind: "salvage"; readonly output: string }
  | {
      readonly kind: "convert";
      readonly output: string;
      readonly version: number;
      readonly dropsFieldTimes: boolean;
    }
  | { readonly kind: "to-aof"; readonly output: string }
  | { readonly kind: "to-json"; readonly output: string };

export interface CheckRequest {
  readonly path: string;
  readonly deed: Deed;
  readonly wantsStatistics: boolean;
  readonly isJson: boolean;
}

/** What a command line asks for. Throws UsageError. */
export function readArguments({ given, operands }: ParsedOptions<keyof typeof OPTIONS>): CheckRequest {
  if (operands.length !== 1) throw new UsageError("Exactly one file must be named");
  return {
    path: operands[0],
    deed: deedOf(given),
    wantsStatistics: given.has("--stats"),
    isJson: given.has("--json"),
  };
}

function deedOf(given: ReadonlyMap<keyof typeof OPTIONS, string>): Deed {
  const deeds = (["--salvage", "--convert-to", "--to-aof", "--to-json"] as const).filter((name) =>
    given.has(name),
  );
  if (deeds.length > 1) throw new UsageError(`${deeds[0]} and ${deeds[1]} exclude each other`);
  for (const name of ["--output", "--drop-field-times"] as const) {
    if (given.has(name) && deeds[0] !== "--convert-to")
      throw new UsageError(`Option ${name} is of no use without --convert-to`);
  }
  const value = deeds[0] === undefined ? "" : given.get(deeds[0])!;
  if (value === "-" || given.get("--output") === "-")
    throw new UsageError("OUT must be a file, not standard output");
  switch (deeds[0]) {
    case undefined:
      return { kind: "check" };
    case "--salvage":
      return { kind: "salvage", output: value };
    case "--to-aof":
      return { kind: "to-aof", output: value };
    case "--to-json":
      return { kind: "to-json", output: value };
    case "--convert-to": {
      const version = wholeNumber("--convert-to", value);
      if (version < VERSION_MIN || version > VERSION_MAX)
        throw new UsageError(
          `RDB versions from ${VERSION_MIN} to ${VERSION_MAX} can be written, not ${version}`,
        );
      const output = given.get("--output");
      if (output === undefined) throw new UsageError("--convert-to needs --output OUT");
      return { kind: "convert", output, version, dropsFieldTimes: given.has("--drop-field-times") };
    }
  }
}
