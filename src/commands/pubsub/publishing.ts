/**
 * PUBLISH and SPUBLISH. A message is no data: it goes to those who are subscribed now, here or at a replica, and not to
 * the append-only file.
 */
import type { Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";

const facts = {
  group: "pubsub",
  arity: 3,
  flags: ["pubsub", "loading", "stale", "fast", "may_replicate"],
  categories: [],
  channels: { first: 1, last: 1, isPattern: false, use: "publish" },
} as const;

/** To serve so many receivers, or to look at so many patterns, takes longer than all the rest. */
const MANY = 16;

function send(ctx: CommandContext, kind: "channel" | "shardChannel"): Outcome {
  const { effects, pubsub, reply } = ctx;
  const receivers = pubsub.publish(kind, 1, 2);
  if (receivers >= MANY || pubsub.count("pattern") >= MANY) ctx.calls.noteLong();
  effects.toReplicas();
  return reply.integer(receivers);
}

export const publish: CommandSpec = defineCommand({
  ...facts,
  name: "publish",
  since: "2.0.0",
  summary: "Sends a message to the subscribers of a channel",
  complexity: "O(N+M) in the number of receivers and that of patterns anybody is subscribed to",
  keys: [],
  run: (ctx) => send(ctx, "channel"),
});

export const spublish: CommandSpec = defineCommand({
  ...facts,
  name: "spublish",
  since: "7.0.0",
  summary: "Sends a message to the subscribers of a shard channel",
  complexity: "O(N) in the number of receivers",
  keys: [keyAt(1, "not_key")],
  run: (ctx) => send(ctx, "shardChannel"),
});
