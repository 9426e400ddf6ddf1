/**
 * The frame of a tool with options and operands: from its command line to its exit status. (tsredis-check-aof has
 * redis-check-aof's command line, and a frame of its own.)
 */
import { type Console, EXIT_FAILED, EXIT_IN_USE, EXIT_OK, Stop, usageObject } from "./console.ts";
import { InUseError } from "./directory-lock.ts";
import { type OptionSpec, type ParsedOptions, parseOptions, UsageError } from "./options.ts";
import { ownVersion, type Surroundings } from "./surroundings.ts";
import { asBytes } from "./texts.ts";

/** Options that every tool has. */
export const COMMON_OPTIONS = {
  "--json": { help: "print one JSON object instead of text" },
  "--help": { help: "this text", short: "-h" },
  "--version": { help: "the version", short: "-v" },
} as const satisfies Record<string, OptionSpec>;

type CommonName = keyof typeof COMMON_OPTIONS;

export interface Tool<Name extends string, Request> {
  readonly name: string;
  readonly options: Readonly<Record<Name | CommonName, OptionSpec>>;
  /** One line. */
  readonly usage: string;
  readonly help: string;
  /** What the command line asks for. Throws UsageError. */
  readonly read: (options: ParsedOptions<Name | CommonName>) => Request;
  /** Does it; resolves to the exit status. */
  readonly run: (request: Request, surroundings: Surroundings) => Promise<number>;
}

/** Runs the tool; resolves to the exit status. */
export async function runTool<Name extends string, Request>(
  tool: Tool<Name, Request>,
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { files, output } = surroundings;
  let request: Request;
  try {
    const options = parseOptions<Name | CommonName>(args, tool.options);
    if (options.given.has("--help")) {
      output.write(tool.help);
      return EXIT_OK;
    }
    if (options.given.has("--version")) {
      output.write(`${tool.name} ${await ownVersion(files)}\n`);
      return EXIT_OK;
    }
    request = tool.read(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const text = `${error.message}\n${tool.usage}Try --help for all options.\n`;
    output.write(args.includes("--json") ? usageObject(error.message) : text);
    return EXIT_FAILED;
  }
  return tool.run(request, surroundings);
}

/**
 * The exit status of `work`, whatever ends it: what is wrong with files or data is printed, as `textOf` has it; a
 * mistake of ours, of which `textOf` says undefined, is thrown.
 */
export async function statusOf(
  console: Console,
  work: () => Promise<number>,
  textOf: (error: unknown) => string | undefined,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stop) return error.status;
    if (error instanceof InUseError) return console.stop(asBytes(error.message), EXIT_IN_USE).status;
    const text = textOf(error);
    if (text === undefined) throw error;
    return console.stop(text).status;
  }
}
