/**
 * The command line, as redis-server 7.0 takes it: `[file] [--directive [value ...]]... [-]`.
 *
 * Options become text in the syntax of a configuration file, which is loaded after the file and standard input, so
 * that quoting, several values and errors work the same everywhere.
 */

import { splitArguments } from "../../protocol/inline.ts";
import { quote } from "../../protocol/quoting.ts";
import { textOfBytes } from "./setting.ts";

export type CommandLine =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | {
      readonly kind: "run";
      /** As given; a first argument that does not begin with `-`. */
      readonly file: string | undefined;
      /** A lone `-` as the first or last argument: more configuration comes from standard input. */
      readonly readsStdin: boolean;
      /** The options as lines of configuration (a byte string); empty if there are none. */
      readonly options: string;
    };

/** Reads the arguments after the program's name. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const [first] = argv;
  if (first === "-v" || first === "--version") return { kind: "version" };
  if (first === "-h" || first === "--help") return { kind: "help" };
  const file = first === undefined || first.startsWith("-") ? undefined : first;
  let readsStdin = false;
  let options = "";
  // An option may be followed by values; only then is a word with `--` the next option, otherwise it is a value.
  let mayBeOption = true;
  for (let at = file === undefined ? 0 : 1; at < argv.length; at++) {
    const argument = argv[at] as string;
    const next = argv[at + 1];
    if (argument === "-" && (at === 0 || at === argv.length - 1)) {
      readsStdin = true;
    } else if (mayBeOption && argument.startsWith("--")) {
      options += `${options === "" ? "" : "\n"}${textOfBytes(argument.slice(2))} `;
      mayBeOption = splitArguments(Buffer.from(argument))?.length !== 1;
      // `--save` alone has always meant `save ""`: scripts build it from an empty list.
      const isBareSave = argument.toLowerCase() === "--save" && (next === undefined || next.startsWith("--"));
      if (isBareSave && !mayBeOption) {
        options += '""';
        mayBeOption = true;
      }
    } else {
      options += `${quote(textOfBytes(argument))} `;
      mayBeOption = true;
    }
  }
  return { kind: "run", file, readsStdin, options };
}

/** What `--help` prints; `program` is the name it was started by. */
export function helpText(program: string): string {
  return [
    `Usage: ${program} [/path/to/redis.conf] [options] [-]`,
    `       ${program} -                 read the configuration from standard input`,
    `       ${program} -v, --version     print the version`,
    `       ${program} -h, --help        print this help`,
    "",
    "Any directive of the configuration file can be given as an option, with its values after it:",
    `       ${program} --port 7000 --maxmemory 4gb --save 900 1 300 10`,
    `       ${program} /etc/redis.conf --appendfsync always`,
    `       echo 'maxmemory 128mb' | ${program} -`,
    "",
    "Options win over standard input, and standard input over the file.",
    "",
  ].join("\n");
}

/** What `--version` prints, in the form that scripts read from redis-server. */
export function versionText(version: string): string {
  return `tsredis server v=${version} redis=7.0.15 node=${process.versions.node} bits=64\n`;
}
