/**
 * XINFO: what is known of a stream, its groups and their consumers.
 */
import { Int64 } from "../../base/int64.ts";
import { NO_SUCH_KEY, noSuchGroup, wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { ACTIVE_TIME, pendingCount, readConsumerTime, SEEN_TIME } from "../../types/stream/consumer-group.ts";
import { isWord, longOrReply, textForError } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { replyEntriesRead, replyLag, replyStream, replyStreamInFull } from "./info-stream.ts";
import { replyName } from "./names.ts";
import { group, openGroup, openToRead, REFUSED, replyId, stream } from "./stream-access.ts";

const KEY = 2;
const GROUP = 3;
const FULL = 3;
const COUNT = 4;
/** Arguments of STREAM with FULL, and with FULL COUNT. */
const WITH_FULL = 4;
const WITH_COUNT = 6;
/** What FULL shows of each list unless COUNT says something else. */
const DEFAULT_COUNT = 10;

const facts = { group: "stream", since: "5.0.0", categories: ["stream"] } as const;

const time = new Int64();

/** Opens the stream; false after an error reply. */
function openOrReply(ctx: CommandContext): boolean {
  const address = openToRead(ctx, KEY);
  if (address === 0) ctx.reply.error(NO_SUCH_KEY);
  return address !== 0 && address !== REFUSED;
}

const streamInfo = defineCommand({
  ...facts,
  name: "stream",
  summary: "Answers what is known of a stream",
  complexity: "O(log N); FULL: O(M), M in what is shown",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(KEY, "RO", "access")],
  run(ctx) {
    const { request, reply } = ctx;
    if (!openOrReply(ctx)) return DONE;
    if (request.argc === KEY + 1) return replyStream(ctx);
    const isFull =
      (request.argc === WITH_FULL || request.argc === WITH_COUNT) &&
      isWord(request, FULL, "full") &&
      (request.argc === WITH_FULL || isWord(request, COUNT, "count"));
    if (!isFull) return reply.error(wrongSubcommandSyntax(request));
    let count = request.argc === WITH_COUNT ? longOrReply(ctx, COUNT + 1) : DEFAULT_COUNT;
    if (Number.isNaN(count)) return DONE;
    if (count < 0) count = DEFAULT_COUNT;
    return replyStreamInFull(ctx, count);
  },
});

const groupsInfo = defineCommand({
  ...facts,
  name: "groups",
  summary: "Answers what is known of the consumer groups of a stream",
  complexity: "O(N) in the groups",
  arity: 3,
  flags: ["readonly"],
  keys: [keyAt(KEY, "RO", "access")],
  run(ctx) {
    const { reply } = ctx;
    if (!openOrReply(ctx)) return DONE;
    const groups = stream.openGroups();
    reply.array(groups?.size ?? 0);
    for (let found = groups?.first() ?? false; found; found = groups!.next())
      replyGroup(ctx, groups!.address);
    return DONE;
  },
});

function replyGroup({ reply, keyspace }: CommandContext, address: number): void {
  const { blocks } = keyspace.memory;
  group.open(blocks, address);
  reply.map(6);
  reply.bulkText("name");
  replyName(reply, blocks, address);
  reply.bulkText("consumers");
  reply.integer(group.consumers.size);
  reply.bulkText("pending");
  reply.integer(group.pending.size);
  reply.bulkText("last-delivered-id");
  replyId(reply, group.lastId);
  reply.bulkText("entries-read");
  replyEntriesRead(reply);
  reply.bulkText("lag");
  replyLag(reply);
}

const consumersInfo = defineCommand({
  ...facts,
  name: "consumers",
  summary: "Answers what is known of the consumers of a group",
  complexity: "O(N) in the consumers",
  arity: 4,
  flags: ["readonly"],
  keys: [keyAt(KEY, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply, keyspace } = ctx;
    const { blocks } = keyspace.memory;
    if (!openOrReply(ctx)) return DONE;
    if (!openGroup(ctx, GROUP))
      return reply.error(noSuchGroup(textForError(request, GROUP), textForError(request, KEY)));
    const { consumers } = group;
    reply.array(consumers.size);
    for (let found = consumers.first(); found; found = consumers.next()) {
      const { address } = consumers;
      reply.map(4);
      reply.bulkText("name");
      replyName(reply, blocks, address);
      reply.bulkText("pending");
      reply.integer(pendingCount(blocks, address));
      reply.bulkText("idle");
      const seenMs = readConsumerTime(blocks, address, SEEN_TIME, time).toNumber();
      reply.integer(clampedToSafe(Math.max(0, keyspace.nowMs - seenMs)));
      reply.bulkText("inactive");
      const activeMs = readConsumerTime(blocks, address, ACTIVE_TIME, time).toNumber();
      reply.integer(activeMs === -1 ? -1 : clampedToSafe(keyspace.nowMs - activeMs));
    }
    return DONE;
  },
});

/** Times in payloads from elsewhere may be anything. */
function clampedToSafe(ms: number): number {
  return Math.min(Math.max(Number.MIN_SAFE_INTEGER, ms), Number.MAX_SAFE_INTEGER);
}

export const xinfo: CommandSpec = defineCommand({
  ...facts,
  name: "xinfo",
  summary: "Container of the commands that tell what is known of streams",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [
    streamInfo,
    groupsInfo,
    consumersInfo,
    helpCommand("xinfo", facts, [
      "CONSUMERS <key> <groupname>",
      "    Show consumers of <groupname>.",
      "GROUPS <key>",
      "    Show the stream consumer groups.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Show information about the stream.",
    ]),
  ],
});
