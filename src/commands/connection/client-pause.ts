/**
 * CLIENT PAUSE and UNPAUSE: keeps clients waiting for a while, those that write or all.
 */
import { INVALID_PAUSE_MODE, wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import { millisecondsOrReply } from "../timeouts.ts";

const pause = defineCommand({
  name: "pause",
  group: "connection",
  since: "2.9.50",
  summary: "Keeps clients waiting for a while",
  complexity: "O(1)",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const { request, reply, client, server } = ctx;
    if (request.argc > 4) return reply.error(wrongSubcommandSyntax(request));
    const isForWrites = request.argc === 4 && isWord(request, 3, "write");
    if (request.argc === 4 && !isForWrites && !isWord(request, 3, "all"))
      return reply.error(INVALID_PAUSE_MODE);
    const timeoutMs = millisecondsOrReply(ctx, 2);
    if (Number.isNaN(timeoutMs)) return DONE;
    server.pause.begin(isForWrites ? "write" : "all", timeoutMs, client.isExecuting);
    return reply.ok();
  },
});

const unpause = defineCommand({
  name: "unpause",
  group: "connection",
  since: "6.2.0",
  summary: "Ends a pause",
  complexity: "O(N) in the number of clients that wait",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run({ reply, server }) {
    server.pause.end();
    return reply.ok();
  },
});

export const pauseSubcommands: readonly CommandSpec[] = [pause, unpause];
