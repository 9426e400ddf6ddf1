/**
 * What Redis answers about replication where there is none: ROLE and WAIT of a master without replicas, FAILOVER that
 * finds none, and REPLICAOF, which only a master to be can be told.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  FAILOVER_NEEDS_REPLICAS,
  FAILOVER_TIMEOUT_NOT_POSITIVE,
  INVALID_MASTER_PORT,
  NO_FAILOVER,
  NO_REPLICATION,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, longOrReply, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import { millisecondsOrReply } from "../timeouts.ts";

const MAX_PORT = 65_535;
/** Longest time that a timer of Node takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const role = defineCommand({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Tells the server's role in replication",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  keys: [],
  run({ reply }) {
    reply.array(3);
    reply.bulkText("master");
    reply.integer(0);
    return reply.emptyArray();
  },
});

function replicaOf(name: "replicaof" | "slaveof", since: string): CommandSpec {
  return defineCommand({
    name,
    group: "server",
    since,
    summary: "Makes the server a master; replicas are not available yet",
    complexity: "O(1)",
    arity: 3,
    flags: ["no_async_loading", "admin", "noscript", "stale"],
    categories: [],
    keys: [],
    run(ctx) {
      const { reply, request } = ctx;
      if (isWord(request, 1, "no") && isWord(request, 2, "one")) return reply.ok();
      const port = rangeOrReply(ctx, 2, 0, MAX_PORT, INVALID_MASTER_PORT);
      return Number.isNaN(port) ? DONE : reply.error(NO_REPLICATION);
    },
  });
}

export const replicaof = replicaOf("replicaof", "5.0.0");
export const slaveof = replicaOf("slaveof", "1.0.0");

export const failover = defineCommand({
  name: "failover",
  group: "server",
  since: "6.2.0",
  summary: "Hands over to a replica, of which there are none yet",
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
    return reply.error(FAILOVER_NEEDS_REPLICAS);
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
    const { client, reply } = ctx;
    const wanted = longOrReply(ctx, 1);
    if (Number.isNaN(wanted)) return DONE;
    const timeoutMs = millisecondsOrReply(ctx, 2);
    if (Number.isNaN(timeoutMs)) return DONE;
    if (wanted <= 0 || client.isExecuting) return reply.integer(0);
    return ctx.suspend(passTime(timeoutMs), (later) => later.reply.integer(0));
  },
});

/** Passes the time, for ever if it is 0. */
export async function passTime(milliseconds: number): Promise<void> {
  if (milliseconds === 0) return new Promise(() => {});
  for (let rest = milliseconds; rest > 0; rest -= MAX_TIMER_MS) {
    await sleep(Math.min(rest, MAX_TIMER_MS), undefined, { ref: false });
  }
}
