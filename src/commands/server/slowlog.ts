/**
 * SLOWLOG: which calls took longest lately.
 */
import { SLOWLOG_COUNT_INVALID, wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import { helpCommand } from "../help.ts";

const DEFAULT_COUNT = 10;
const ALL = -1;

type Facts = Pick<CommandSpec, "name" | "summary" | "complexity" | "arity" | "tips" | "run">;

function slowlogSubcommand(facts: Facts): CommandSpec {
  return defineCommand({
    ...facts,
    group: "server",
    since: "2.2.12",
    flags: ["admin", "loading", "stale"],
    categories: [],
    keys: [],
  });
}

const get = slowlogSubcommand({
  name: "get",
  summary: "Tells the newest entries of the slow log",
  complexity: "O(N) in the number of entries returned",
  arity: -2,
  tips: ["request_policy:all_nodes", "nondeterministic_output"],
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
    let count = DEFAULT_COUNT;
    if (request.argc === 3) {
      count = rangeOrReply(ctx, 2, ALL, Number.MAX_VALUE, SLOWLOG_COUNT_INVALID);
      if (Number.isNaN(count)) return DONE;
      if (count === ALL) count = server.slowLog.length;
    }
    const entries = [...server.slowLog.newest(count)];
    reply.array(entries.length);
    for (const { id, unixSeconds, microseconds, words, address, name } of entries) {
      reply.array(6);
      reply.integer(id);
      reply.integer(unixSeconds);
      reply.integer(microseconds);
      reply.array(words.length);
      for (const word of words) reply.bulk(word);
      reply.bulkText(address);
      reply.bulk(Buffer.from(name, "latin1"));
    }
    return DONE;
  },
});

const len = slowlogSubcommand({
  name: "len",
  summary: "Counts the entries of the slow log",
  complexity: "O(1)",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
  run: ({ reply, server }) => reply.integer(server.slowLog.length),
});

const reset = slowlogSubcommand({
  name: "reset",
  summary: "Empties the slow log",
  complexity: "O(N) in the number of entries",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run({ reply, server }) {
    server.slowLog.reset();
    return reply.ok();
  },
});

const help = helpCommand("slowlog", { group: "server", since: "6.2.0", categories: [] }, [
  "GET [<count>]",
  "    The newest entries: 10 of them, or as many as asked for, or all (-1). Each has an id, the time, the duration",
  "    in microseconds, the arguments, the client's address and its name.",
  "LEN",
  "    The number of entries.",
  "RESET",
  "    Empty the log.",
]);

export const slowlog = defineCommand({
  name: "slowlog",
  group: "server",
  since: "2.2.12",
  summary: "Container of commands about the slow log",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [get, help, len, reset],
});
