/**
 * SCRIPT: the scripts that the server keeps.
 */

import { DONE } from "../../protocol/outcome.ts";
import { INVALID_SCRIPT_FLUSH } from "../../protocol/script-errors.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import { helpCommand } from "../help.ts";

type Facts = Pick<CommandSpec, "name" | "summary" | "complexity" | "arity" | "flags" | "tips" | "run"> &
  Partial<Pick<CommandSpec, "since">>;

function scriptSubcommand(facts: Facts): CommandSpec {
  return defineCommand({ group: "scripting", since: "2.6.0", categories: ["scripting"], keys: [], ...facts });
}

const TO_ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"];

const load = scriptSubcommand({
  name: "load",
  summary: "Keeps a script, to be run by its SHA1",
  complexity: "O(N) in the length of the script",
  arity: 3,
  flags: ["noscript", "stale"],
  tips: TO_ALL_NODES,
  run: ({ scripts }) => scripts.load(2),
});

const exists = scriptSubcommand({
  name: "exists",
  summary: "Says which scripts the server knows",
  complexity: "O(N) in the number of scripts asked for",
  arity: -3,
  flags: ["noscript"],
  tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
  run({ request, reply, scripts }) {
    reply.array(request.argc - 2);
    for (let i = 2; i < request.argc; i++) reply.integer(scripts.has(i) ? 1 : 0);
    return DONE;
  },
});

const flush = scriptSubcommand({
  name: "flush",
  summary: "Forgets all scripts",
  complexity: "O(N) in the number of scripts",
  arity: -2,
  flags: ["noscript"],
  tips: TO_ALL_NODES,
  run({ request, reply, scripts }) {
    const isRight =
      request.argc === 2 ||
      (request.argc === 3 && (isWord(request, 2, "sync") || isWord(request, 2, "async")));
    if (!isRight) return reply.error(INVALID_SCRIPT_FLUSH);
    scripts.flush();
    return reply.ok();
  },
});

const kill = scriptSubcommand({
  name: "kill",
  summary: "Ends the script that runs, if it has written nothing",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
  run: ({ scripts }) => scripts.kill("script"),
});

const DEBUG_MODES = ["no", "yes", "sync"] as const;

const debug = scriptSubcommand({
  name: "debug",
  since: "3.2.0",
  summary: "Says whether the client's next scripts are debugged",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript"],
  run({ request, scripts }) {
    const mode = DEBUG_MODES.find((word) => isWord(request, 2, word));
    return scripts.setDebugging(mode);
  },
});

const help = helpCommand("script", { group: "scripting", since: "5.0.0", categories: ["scripting"] }, [
  "DEBUG (YES|SYNC|NO)",
  "    Whether the next scripts of this connection are debugged. What they change is",
  "    taken back (YES), or stays (SYNC).",
  "EXISTS <sha1> [<sha1> ...]",
  "    Which of the scripts the server knows.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets all scripts.",
  "KILL",
  "    Ends the script that runs, if it has written nothing.",
  "LOAD <script>",
  "    Keeps a script without running it.",
]);

export const script = defineCommand({
  name: "script",
  group: "scripting",
  since: "2.6.0",
  summary: "The scripts that the server keeps",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [debug, exists, flush, help, kill, load],
});
