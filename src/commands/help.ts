/**
 * HELP of container commands.
 */
import { DONE } from "../protocol/outcome.ts";
import { type CommandSpec, defineCommand } from "./command.ts";

/** What HELP of a container answers, in the form of Redis's: `lines` are usages, each followed by indented lines that
 * explain it. */
export function helpLines(container: string, lines: readonly string[]): string[] {
  return [
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...lines,
    "HELP",
    "    Prints this help.",
  ];
}

/** The HELP subcommand of a container; see `helpLines`. */
export function helpCommand(
  container: string,
  facts: Pick<CommandSpec, "group" | "since" | "categories">,
  lines: readonly string[],
): CommandSpec {
  const all = helpLines(container, lines);
  return defineCommand({
    ...facts,
    name: "help",
    summary: "Explains the subcommands",
    complexity: "O(1)",
    arity: 2,
    flags: ["loading", "stale"],
    keys: [],
    run({ reply }) {
      reply.array(all.length);
      for (const line of all) reply.simple(line);
      return DONE;
    },
  });
}
