/**
 * WAITAOF (of Redis 7.2): waits until what the client wrote is safe in append-only files. There are no replicas: who
 * wants their acknowledgement too waits for his whole timeout, as he would for replicas that are gone.
 */
import { WAITAOF_WITHOUT_AOF } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { positiveOrReply, rangeOrReply } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { millisecondsOrReply } from "../timeouts.ts";
import { passTime } from "./replication.ts";

export const waitaof = defineCommand({
  name: "waitaof",
  group: "generic",
  since: "7.2.0",
  summary: "Waits until the connection's writes are safe in append-only files",
  complexity: "O(1)",
  arity: 4,
  flags: ["blocking"],
  categories: ["connection"],
  keys: [],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  run(ctx) {
    const { aof } = ctx.server;
    const localWanted = rangeOrReply(ctx, 1, 0, 1);
    if (Number.isNaN(localWanted)) return DONE;
    const replicasWanted = positiveOrReply(ctx, 2);
    if (Number.isNaN(replicasWanted)) return DONE;
    const timeoutMs = millisecondsOrReply(ctx, 3);
    if (Number.isNaN(timeoutMs)) return DONE;
    if (localWanted === 1 && !aof.enabled) return ctx.reply.error(WAITAOF_WITHOUT_AOF);
    const position = ctx.client.lastWritePosition;
    if (ctx.client.isExecuting) return replySynced(ctx, position, localWanted);
    if (replicasWanted > 0) {
      return ctx.suspend(passTime(timeoutMs), (later) => replySynced(later, position, localWanted));
    }
    if (localWanted === 0 || aof.syncedPosition >= position) return replySynced(ctx, position, localWanted);
    return ctx.suspend(aof.waitForSync(position, timeoutMs), (later) =>
      replySynced(later, position, localWanted),
    );
  },
});

function replySynced(ctx: CommandContext, position: number, localWanted: number): Outcome {
  const { aof } = ctx.server;
  // It may have been switched off meanwhile.
  if (localWanted === 1 && !aof.enabled) return ctx.reply.error(WAITAOF_WITHOUT_AOF);
  ctx.reply.array(2);
  ctx.reply.integer(aof.enabled && aof.syncedPosition >= position ? 1 : 0);
  return ctx.reply.integer(0);
}
