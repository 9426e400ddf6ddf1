/**
 * CLIENT UNBLOCK: ends the wait of another client's blocking command.
 */
import { INVALID_UNBLOCK_REASON, wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand } from "../command.ts";

export const unblock = defineCommand({
  name: "unblock",
  group: "connection",
  since: "5.0.0",
  summary: "Ends the wait of a client's blocking command",
  complexity: "O(1)",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc > 4) return reply.error(wrongSubcommandSyntax(request));
    const asError = request.argc === 4 && isWord(request, 3, "error");
    if (request.argc === 4 && !asError && !isWord(request, 3, "timeout"))
      return reply.error(INVALID_UNBLOCK_REASON);
    const id = longOrReply(ctx, 2);
    if (Number.isNaN(id)) return DONE;
    const target = server.client(id);
    if (target?.unblock === undefined) return reply.integer(0);
    target.unblock(asError);
    return reply.integer(1);
  },
});
