/**
 * The command line of tsredis-check-aof: that of redis-check-aof 7.0 (at most one option, before the file), plus
 * --json before it, --help and --version.
 */
export const USAGE =
  "Usage: tsredis-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n";

export const HELP = `${USAGE}
Checks append-only files of tsredis and of Redis: all files of a manifest, or a single one. An RDB at the beginning of
a file is checked too, and the checksums of blocks that tsredis wrote.

  --fix                       cut off the last file where it stops being valid, after having asked
  --truncate-to-timestamp T   cut off the last file where the time (unix seconds) first passes T
  --json                      print one JSON object instead of text; may precede the options above
  --help, --version

A file is copied before it is cut. Exit status: 0 if all files are valid, or were made so; otherwise 1.
`;

/** What the user asked for. */
export interface CheckRequest {
  readonly kind: "check";
  readonly path: string;
  readonly isFix: boolean;
  /** Unix seconds; 0 means that nothing is to be cut. */
  readonly toTimestamp: bigint;
  readonly isJson: boolean;
}

export type Request =
  | CheckRequest
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "usage" }
  | { readonly kind: "invalid-timestamp" };

export function parseArguments(args: readonly string[]): Request {
  const isJson = args[0] === "--json";
  const rest = isJson ? args.slice(1) : args;
  const [first, second, third] = rest;
  if (rest.length === 1) {
    if (first === "--help" || first === "-h") return { kind: "help" };
    if (first === "--version" || first === "-v") return { kind: "version" };
    return { kind: "check", path: first, isFix: false, toTimestamp: 0n, isJson };
  }
  if (rest.length === 2 && first === "--fix") {
    return { kind: "check", path: second, isFix: true, toTimestamp: 0n, isJson };
  }
  if (rest.length === 3 && first === "--truncate-to-timestamp") {
    const { value, rest: unread } = leadingLong(second);
    if (value === undefined || unread !== "") return { kind: "invalid-timestamp" };
    return { kind: "check", path: third, isFix: false, toTimestamp: value, isJson };
  }
  return { kind: "usage" };
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
