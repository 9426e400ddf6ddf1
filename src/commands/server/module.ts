/**
 * MODULE: there are no modules here, and clients that ask learn so.
 */
import { defineCommand } from "../command.ts";
import { helpCommand } from "../help.ts";

const list = defineCommand({
  name: "list",
  group: "server",
  since: "4.0.0",
  summary: "Lists the modules that are loaded: none",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript"],
  categories: [],
  keys: [],
  tips: ["nondeterministic_output_order"],
  run: ({ reply }) => reply.array(0),
});

const help = helpCommand("module", { group: "server", since: "5.0.0", categories: [] }, [
  "LIST",
  "    The modules that are loaded: none, and none can be.",
]);

export const module = defineCommand({
  name: "module",
  group: "server",
  since: "4.0.0",
  summary: "Container of commands about modules",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [help, list],
});
