/**
 * The server itself: INFO, TIME, BGREWRITEAOF, SHUTDOWN.
 */
import { NO_SHUTDOWN, SHUTDOWN_FAILED, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import type { ShutdownOptions } from "../services.ts";

const MICROSECONDS = 1e6;

export const info = defineCommand({
  name: "info",
  group: "server",
  since: "1.0.0",
  summary: "Reports facts and counters of the server",
  complexity: "O(1)",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["dangerous"],
  keys: [],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run({ request, reply, server }) {
    const sections: string[] = [];
    for (let i = 1; i < request.argc; i++) sections.push(request.text(i).toLowerCase());
    return reply.verbatim(server.info(sections), "txt");
  },
});

export const time = defineCommand({
  name: "time",
  group: "server",
  since: "2.6.0",
  summary: "Tells the server's time",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  categories: [],
  keys: [],
  tips: ["nondeterministic_output"],
  run({ keyspace, reply }) {
    const now = keyspace.clock.microseconds();
    reply.array(2);
    reply.bulkText(String(Math.floor(now / MICROSECONDS)));
    reply.bulkText(String(now % MICROSECONDS));
    return DONE;
  },
});

export const bgrewriteaof = defineCommand({
  name: "bgrewriteaof",
  group: "server",
  since: "1.0.0",
  summary: "Rewrites the append-only file in the background",
  complexity: "O(1)",
  arity: 1,
  flags: ["no_async_loading", "admin", "noscript"],
  categories: [],
  keys: [],
  run({ client, reply, server }) {
    // Not in the middle of a transaction: it belongs as a whole to the log before or to that behind.
    const result = server.aof.rewrite(client.isExecuting);
    return "error" in result ? reply.error(result.error) : reply.simple(result.status);
  },
});

export const shutdown = defineCommand({
  name: "shutdown",
  group: "server",
  since: "1.0.0",
  summary: "Ends the server, its data safe on disk",
  complexity: "O(N) in the number of keys if they are saved, else O(1)",
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
  categories: [],
  keys: [],
  run(ctx) {
    const { reply, scripts, server } = ctx;
    const wish = parseShutdown(ctx);
    if (wish === undefined) return reply.error(SYNTAX_ERROR);
    // A script that runs may have done but half of what it does.
    if (scripts.busyError !== undefined && (wish === "abort" || wish.save !== "nosave")) {
      return reply.error(scripts.busyError);
    }
    if (wish === "abort") return server.abortShutdown() ? reply.ok() : reply.error(NO_SHUTDOWN);
    // There is an answer only if the server lives on; the reason is in its log.
    return ctx.suspend(server.shutdown(wish), (later) => later.reply.error(SHUTDOWN_FAILED));
  },
});

/** What SHUTDOWN's options ask for; undefined if they contradict one another. */
function parseShutdown({ request }: CommandContext): ShutdownOptions | "abort" | undefined {
  const given = new Set<string>();
  for (let i = 1; i < request.argc; i++) {
    const option = ["nosave", "save", "now", "force", "abort"].find((word) => isWord(request, i, word));
    if (option === undefined) return undefined;
    given.add(option);
  }
  if (given.has("abort")) return given.size === 1 ? "abort" : undefined;
  if (given.has("save") && given.has("nosave")) return undefined;
  const save = given.has("save") ? "save" : given.has("nosave") ? "nosave" : "default";
  return { save, now: given.has("now"), force: given.has("force") };
}
