/**
 * CONFIG. What directives there are, and what they take, is the configuration's business.
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { argumentsFrom } from "../secrets.ts";

const get = defineCommand({
  name: "get",
  group: "server",
  since: "2.0.0",
  summary: "Tells the directives that match patterns, and their values",
  complexity: "O(N) in the number of directives",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: [],
  keys: [],
  run({ request, reply, server }) {
    const patterns: Buffer[] = [];
    for (let i = 2; i < request.argc; i++) patterns.push(request.bytes(i));
    const found = server.config.get(patterns);
    reply.map(found.length);
    for (const [name, value] of found) {
      reply.bulk(Buffer.from(name, "latin1"));
      reply.bulk(Buffer.from(value, "latin1"));
    }
    return DONE;
  },
});

function answerSet({ reply }: CommandContext, refusal: string | undefined): Outcome {
  return refusal === undefined ? reply.ok() : reply.error(refusal);
}

const set = defineCommand({
  name: "set",
  group: "server",
  since: "2.0.0",
  summary: "Sets directives: all that are given, or none",
  complexity: "O(N) in the number of directives",
  arity: -4,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: [],
  keys: [],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  secretsOf(request, { isSensitive }) {
    return argumentsFrom(request, 3).filter((i) => i % 2 === 1 && isSensitive(request.bytes(i - 1)));
  },
  run(ctx) {
    const { request, server } = ctx;
    if (request.argc % 2 !== 0) return ctx.reply.error(SYNTAX_ERROR);
    const pairs: [Buffer, Buffer][] = [];
    for (let i = 2; i < request.argc; i += 2) pairs.push([request.bytes(i), request.bytes(i + 1)]);
    const result = server.config.set(pairs);
    return result instanceof Promise ? ctx.suspend(result, answerSet) : answerSet(ctx, result);
  },
});

const resetstat = defineCommand({
  name: "resetstat",
  group: "server",
  since: "2.0.0",
  summary: "Sets the counters of INFO to zero",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: [],
  keys: [],
  run({ reply, server }) {
    server.resetStatistics();
    return reply.ok();
  },
});

const rewrite = defineCommand({
  name: "rewrite",
  group: "server",
  since: "2.8.0",
  summary: "Brings the configuration file to the present values",
  complexity: "O(N) in the number of directives",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: [],
  keys: [],
  run: (ctx) => answerSet(ctx, ctx.server.config.rewrite()),
});

const help = helpCommand("config", { group: "server", since: "5.0.0", categories: [] }, [
  "GET <pattern> [<pattern> ...]",
  "    Directives whose names match, and their values.",
  "SET <directive> <value> [<directive> <value> ...]",
  "    Set directives: all of them, or none if one is refused.",
  "RESETSTAT",
  "    Set the counters of INFO to zero.",
  "REWRITE",
  "    Bring the configuration file to the present values.",
]);

export const config = defineCommand({
  name: "config",
  group: "server",
  since: "2.0.0",
  summary: "Container of commands about the configuration",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [get, help, resetstat, rewrite, set],
});
