/**
 * SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites. They answer with one message for each name, a push in RESP3;
 * it is sent even to clients that want no replies.
 */

import { subscribeNotAllowed } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type ChannelUse, type CommandSpec, defineCommand, type KeySpec, keysFrom } from "../command.ts";
import type { CommandContext, SubscriptionKind } from "../context.ts";

interface Facts {
  readonly name: string;
  readonly since: string;
  readonly kind: SubscriptionKind;
  readonly what: string;
}

const COUNTED = "O(N) in the number of names";

/** Cluster clients find the node of a shard channel as they find that of a key. */
function keysOf(kind: SubscriptionKind): readonly KeySpec[] {
  return kind === "shardChannel" ? [keysFrom(1, 1, "not_key")] : [];
}

function command(
  { name, since, kind }: Facts,
  use: ChannelUse,
  rest: Pick<CommandSpec, "summary" | "complexity" | "arity" | "run">,
): CommandSpec {
  return defineCommand({
    ...rest,
    name,
    since,
    group: "pubsub",
    flags: ["pubsub", "noscript", "loading", "stale"],
    categories: [],
    keys: keysOf(kind),
    channels: { first: 1, last: -1, isPattern: kind === "pattern", use },
    isForSubscribers: true,
  });
}

function subscribing(facts: Facts): CommandSpec {
  return command(facts, "subscribe", {
    summary: `Subscribes to ${facts.what}`,
    complexity: COUNTED,
    arity: -2,
    run: (ctx) => subscribe(ctx, facts),
  });
}

function unsubscribing(facts: Facts): CommandSpec {
  return command(facts, "unsubscribe", {
    summary: `Ends subscriptions to ${facts.what}, or all of them`,
    complexity: COUNTED,
    arity: -1,
    run: (ctx) => unsubscribe(ctx, facts),
  });
}

function subscribe({ client, pubsub, reply, request }: CommandContext, { name, kind }: Facts): Outcome {
  // The others may be subscribed to within EXEC, for the sake of old clients.
  if (client.isExecuting && kind === "shardChannel") return reply.error(subscribeNotAllowed(name));
  for (let i = 1; i < request.argc; i++) pubsub.subscribe(kind, i);
  return DONE;
}

function unsubscribe({ pubsub, request }: CommandContext, { kind }: Facts): Outcome {
  if (request.argc === 1) pubsub.unsubscribeAll(kind);
  for (let i = 1; i < request.argc; i++) pubsub.unsubscribe(kind, i);
  return DONE;
}

export const subscribingCommands: readonly CommandSpec[] = [
  subscribing({ name: "subscribe", since: "2.0.0", kind: "channel", what: "channels" }),
  unsubscribing({ name: "unsubscribe", since: "2.0.0", kind: "channel", what: "channels" }),
  subscribing({ name: "psubscribe", since: "2.0.0", kind: "pattern", what: "patterns of channels" }),
  unsubscribing({ name: "punsubscribe", since: "2.0.0", kind: "pattern", what: "patterns of channels" }),
  subscribing({ name: "ssubscribe", since: "7.0.0", kind: "shardChannel", what: "shard channels" }),
  unsubscribing({ name: "sunsubscribe", since: "7.0.0", kind: "shardChannel", what: "shard channels" }),
];
