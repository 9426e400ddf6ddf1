/**
 * The master's role: ROLE, and WAIT for replicas; FAILOVER and REPLICAOF, which need a server that can become a
 * replica, and are refused.
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import {
  CANNOT_BE_REPLICA,
  FAILOVER_NEEDS_REPLICAS,
  FAILOVER_TIMEOUT_NOT_POSITIVE,
  INVALID_MASTER_PORT,
  NO_FAILOVER,
} from "../../protocol/replication-errors.ts";
import { isWord, longOrReply, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { millisecondsOrReply } from "../timeouts.ts";

const MAX_PORT = 65_535;

export const role = defineCommand({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Tells the server's role in replication",
  complexity: "O(N) in the number of replicas",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  keys: [],
  run({ reply, server }) {
    const { replication } = server;
    const replicas = [...replication.online()];
    reply.array(3);
    reply.bulkText("master");
    reply.integer(replication.offset);
    reply.array(replicas.length);
    for (const { acknowledged, ip, port } of replicas) {
      reply.array(3);
      reply.bulkText(ip);
      reply.bulkText(String(port));
      reply.bulkText(String(acknowledged));
    }
    return DONE;
  },
});

function replicaOf(name: "replicaof" | "slaveof", since: string): CommandSpec {
  return defineCommand({
    name,
    group: "server",
    since,
    summary: "Makes the server a master; it cannot be a replica yet",
    complexity: "O(1)",
    arity: 3,
    flags: ["no_async_loading", "admin", "noscript", "stale"],
    categories: [],
    keys: [],
    run(ctx) {
      const { reply, request } = ctx;
      if (isWord(request, 1, "no") && isWord(request, 2, "one")) return reply.ok();
      const port = rangeOrReply(ctx, 2, 0, MAX_PORT, INVALID_MASTER_PORT);
      return Number.isNaN(port) ? DONE : reply.error(CANNOT_BE_REPLICA);
    },
  });
}

export const replicaof = replicaOf("replicaof", "5.0.0");
export const slaveof = replicaOf("slaveof", "1.0.0");

export const failover = defineCommand({
  name: "failover",
  group: "server",
  since: "6.2.0",
  summary: "Hands over to a replica, which this server cannot yet",
  complexity: "O(1)",
  arity: -1,
  flags: ["admin", "noscript", "stale"],
  categories: [],
  keys: [],
  run(ctx) {
    const { reply, request } = ctx;
    if (request.argc === 2 && isWord(request, 1, "abort")) return reply.error(NO_FAILOVER);
    const given = new Set<string>();
    for (let i = 1; i < request.argc; i++) {
      const option = ["timeout", "to", "force"].find((word) => isWord(request, i, word));
      const values = option === "timeout" ? 1 : option === "to" ? 2 : 0;
      if (option === undefined || given.has(option) || i + values >= request.argc) {
        return reply.error(SYNTAX_ERROR);
      }
      given.add(option);
      i += values;
      if (values === 0) continue;
      const number = longOrReply(ctx, i);
      if (Number.isNaN(number)) return DONE;
      if (option === "timeout" && number <= 0) return reply.error(FAILOVER_TIMEOUT_NOT_POSITIVE);
    }
    return reply.error(ctx.server.replication.count === 0 ? FAILOVER_NEEDS_REPLICAS : CANNOT_BE_REPLICA);
  },
});

export const wait = defineCommand({
  name: "wait",
  group: "generic",
  since: "3.0.0",
  summary: "Waits until replicas have the connection's writes",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript"],
  categories: ["connection"],
  keys: [],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  canBeUnblocked: true,
  run(ctx) {
    const { client } = ctx;
    const { replication } = ctx.server;
    const count = longOrReply(ctx, 1);
    if (Number.isNaN(count)) return DONE;
    const timeoutMs = millisecondsOrReply(ctx, 2);
    if (Number.isNaN(timeoutMs)) return DONE;
    const offset = replication.offsetOf(client);
    const answer = ({ reply }: CommandContext): Outcome =>
      reply.integer(replication.countAcknowledged(offset, false));
    if (replication.countAcknowledged(offset, false) >= count || client.isExecuting) return answer(ctx);
    return ctx.suspend(
      replication.waitForReplicas(client, { offset, count, onDisk: false }, timeoutMs),
      answer,
    );
  },
});
