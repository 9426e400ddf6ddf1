/**
 * PUBSUB: which channels and patterns anybody is subscribed to.
 */
import { globMatch } from "../../base/glob.ts";
import { wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext, SubscriptionKind } from "../context.ts";
import { helpCommand } from "../help.ts";

function subcommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary" | "complexity" | "arity" | "run">,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "pubsub",
    flags: ["pubsub", "loading", "stale"],
    categories: [],
    keys: [],
  });
}

function replyNames({ pubsub, reply, request }: CommandContext, kind: SubscriptionKind): Outcome {
  if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
  const pattern = request.argc === 3 ? request.bytes(2) : undefined;
  const names = [...pubsub.names(kind)].filter((name) => pattern === undefined || globMatch(pattern, name));
  reply.array(names.length);
  for (const name of names) reply.bulk(name);
  return DONE;
}

function replyCounts({ pubsub, reply, request }: CommandContext, kind: SubscriptionKind): Outcome {
  reply.array((request.argc - 2) * 2);
  for (let i = 2; i < request.argc; i++) {
    reply.bulkRange(request.buf, request.start[i], request.len[i]);
    reply.integer(pubsub.subscribers(kind, i));
  }
  return DONE;
}

const OF_NAMES = "O(N) in the number of channels";

const channels = subcommand({
  name: "channels",
  since: "2.8.0",
  summary: "Lists the channels that have subscribers",
  complexity: OF_NAMES,
  arity: -2,
  run: (ctx) => replyNames(ctx, "channel"),
});

const numsub = subcommand({
  name: "numsub",
  since: "2.8.0",
  summary: "Counts the subscribers of channels",
  complexity: OF_NAMES,
  arity: -2,
  run: (ctx) => replyCounts(ctx, "channel"),
});

const numpat = subcommand({
  name: "numpat",
  since: "2.8.0",
  summary: "Counts the patterns that have subscribers",
  complexity: "O(1)",
  arity: 2,
  run: ({ pubsub, reply }) => reply.integer(pubsub.count("pattern")),
});

const shardchannels = subcommand({
  name: "shardchannels",
  since: "7.0.0",
  summary: "Lists the shard channels that have subscribers",
  complexity: OF_NAMES,
  arity: -2,
  run: (ctx) => replyNames(ctx, "shardChannel"),
});

const shardnumsub = subcommand({
  name: "shardnumsub",
  since: "7.0.0",
  summary: "Counts the subscribers of shard channels",
  complexity: OF_NAMES,
  arity: -2,
  run: (ctx) => replyCounts(ctx, "shardChannel"),
});

const help = helpCommand("pubsub", { group: "pubsub", since: "6.2.0", categories: [] }, [
  "CHANNELS [<pattern>]",
  "    The channels that have subscribers, or those of them that match the pattern.",
  "NUMPAT",
  "    How many patterns have subscribers.",
  "NUMSUB [<channel> ...]",
  "    How many subscribers the channels have; who receives them by a pattern is not counted.",
  "SHARDCHANNELS [<pattern>]",
  "    As CHANNELS, of shard channels.",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    As NUMSUB, of shard channels.",
]);

export const pubsub: CommandSpec = defineCommand({
  name: "pubsub",
  group: "pubsub",
  since: "2.8.0",
  summary: "Container of commands about subscriptions",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [channels, help, numpat, numsub, shardchannels, shardnumsub],
});
