/**
 * Dumps: SAVE, BGSAVE, LASTSAVE.
 */
import { GENERAL_ERROR, SAVE_IN_PROGRESS, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import type { SaveReply } from "../services.ts";

export const save = defineCommand({
  name: "save",
  group: "server",
  since: "1.0.0",
  summary: "Writes a snapshot of all keys to the dump file, and answers when it is there",
  complexity: "O(N) in the number of keys",
  arity: 1,
  flags: ["no_async_loading", "admin", "noscript", "no_multi"],
  categories: [],
  keys: [],
  run(ctx) {
    const saving = ctx.server.saves.save();
    if (saving === undefined) return ctx.reply.error(SAVE_IN_PROGRESS);
    return ctx.suspend(saving, ({ reply }, isOk) => (isOk ? reply.ok() : reply.error(GENERAL_ERROR)));
  },
});

export const bgsave = defineCommand({
  name: "bgsave",
  group: "server",
  since: "1.0.0",
  summary: "Writes a snapshot of all keys to the dump file in the background",
  complexity: "O(1)",
  arity: -1,
  flags: ["no_async_loading", "admin", "noscript"],
  categories: [],
  keys: [],
  run(ctx) {
    const { client, reply, request, server } = ctx;
    const isScheduled = request.argc > 1;
    if (request.argc > 2 || (isScheduled && !isWord(request, 1, "schedule")))
      return reply.error(SYNTAX_ERROR);
    const result = server.saves.bgsave(isScheduled, client.isExecuting);
    return result instanceof Promise ? ctx.suspend(result, answer) : answer(ctx, result);
  },
});

function answer({ reply }: CommandContext, result: SaveReply) {
  return "error" in result ? reply.error(result.error) : reply.simple(result.status);
}

export const lastsave = defineCommand({
  name: "lastsave",
  group: "server",
  since: "1.0.0",
  summary: "Tells when the last snapshot was saved",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  keys: [],
  tips: ["nondeterministic_output"],
  run: ({ reply, server }) => reply.integer(server.saves.lastSaveSeconds),
});
