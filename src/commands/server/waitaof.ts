/**
 * WAITAOF (of Redis 7.2): waits until what the client wrote is safe in append-only files, its own and those of
 * replicas. (Replicas before 7.2 do not tell.)
 */
import { WAITAOF_WITHOUT_AOF } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { positiveOrReply, rangeOrReply } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { millisecondsOrReply } from "../timeouts.ts";

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
    const wish: Wish = {
      position: ctx.client.lastWritePosition,
      offset: ctx.server.replication.offsetOf(ctx.client),
      localWanted,
    };
    const isLocal = localWanted === 0 || aof.syncedPosition >= wish.position;
    const replicas = ctx.server.replication.countAcknowledged(wish.offset, true);
    if (ctx.client.isExecuting || (isLocal && replicas >= replicasWanted)) return replySafe(ctx, wish);
    return ctx.suspend(wait(ctx, wish, isLocal ? 0 : 1, replicasWanted, timeoutMs), (later) =>
      replySafe(later, wish),
    );
  },
});

/** What the client wants to be safe. */
interface Wish {
  /** In our own append-only file, and in the stream that replicas get. */
  readonly position: number;
  readonly offset: number;
  /** 1 if it has to be safe here. */
  readonly localWanted: number;
}

/** Resolves when both are reached, or the time is over. */
async function wait(
  { client, server }: CommandContext,
  { offset, position }: Wish,
  locals: number,
  count: number,
  timeoutMs: number,
): Promise<void> {
  const { aof, replication } = server;
  await Promise.all([
    locals === 1 ? aof.waitForSync(position, timeoutMs) : undefined,
    count > 0 ? replication.waitForReplicas(client, { offset, count, onDisk: true }, timeoutMs) : undefined,
  ]);
}

function replySafe(ctx: CommandContext, { localWanted, offset, position }: Wish): Outcome {
  const { aof, replication } = ctx.server;
  // It may have been switched off meanwhile.
  if (localWanted === 1 && !aof.enabled) return ctx.reply.error(WAITAOF_WITHOUT_AOF);
  ctx.reply.array(2);
  ctx.reply.integer(aof.enabled && aof.syncedPosition >= position ? 1 : 0);
  return ctx.reply.integer(replication.countAcknowledged(offset, true));
}
