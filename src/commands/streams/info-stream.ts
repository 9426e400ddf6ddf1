/**
 * What XINFO STREAM answers, in short and in full.
 */
import { Int64 } from "../../base/int64.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { ACTIVE_TIME, pendingCount, readConsumerTime, SEEN_TIME } from "../../types/stream/consumer-group.ts";
import { radixNodesOf } from "../../types/stream/radix-nodes.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import type { CommandContext } from "../context.ts";
import { replyName } from "./names.ts";
import { group, range, replyEntries, replyEntry, replyId, replyInt64, stream } from "./stream-access.ts";

const id = new StreamId();
const integer = new Int64();
const lag = new Int64();
const MIN_ID: StreamId = new StreamId().setMin();
const MAX_ID: StreamId = new StreamId().setMax();

/** XINFO STREAM key. */
export function replyStream(ctx: CommandContext): Outcome {
  const { reply } = ctx;
  reply.map(10);
  replyCounts(ctx);
  reply.bulkText("groups");
  reply.integer(stream.openGroups()?.size ?? 0);
  reply.bulkText("first-entry");
  replyEdge(reply, false);
  reply.bulkText("last-entry");
  return replyEdge(reply, true);
}

/** What both forms begin with: seven pairs. */
function replyCounts({ reply, keyspace }: CommandContext): void {
  reply.bulkText("length");
  reply.integer(stream.length);
  reply.bulkText("radix-tree-keys");
  reply.integer(stream.nodes);
  reply.bulkText("radix-tree-nodes");
  reply.integer(radixNodesOf(keyspace.memory.blocks, stream.root));
  reply.bulkText("last-generated-id");
  replyId(reply, stream.lastId);
  reply.bulkText("max-deleted-entry-id");
  replyId(reply, stream.maxDeletedId);
  reply.bulkText("entries-added");
  replyInt64(reply, stream.entriesAdded);
  reply.bulkText("recorded-first-entry-id");
  replyId(reply, stream.firstId);
}

/** The first or last entry. */
function replyEdge(reply: ReplyWriter, isLast: boolean): Outcome {
  if (!stream.walk(range, MIN_ID, MAX_ID, isLast).next()) return reply.null();
  replyEntry(reply);
  return DONE;
}

/** XINFO STREAM key FULL; at most `count` of each list, 0: all. */
export function replyStreamInFull(ctx: CommandContext, count: number): Outcome {
  const { reply } = ctx;
  reply.map(9);
  replyCounts(ctx);
  reply.bulkText("entries");
  stream.walk(range);
  replyEntries(reply, count);
  reply.bulkText("groups");
  const groups = stream.openGroups();
  reply.array(groups?.size ?? 0);
  for (let found = groups?.first() ?? false; found; found = groups!.next())
    replyGroupInFull(ctx, groups!.address, count);
  return DONE;
}

function replyGroupInFull(ctx: CommandContext, address: number, count: number): void {
  const { reply, keyspace } = ctx;
  const { blocks } = keyspace.memory;
  const { consumers, pending } = group.open(blocks, address);
  reply.map(7);
  reply.bulkText("name");
  replyName(reply, blocks, address);
  reply.bulkText("last-delivered-id");
  replyId(reply, group.lastId);
  reply.bulkText("entries-read");
  replyEntriesRead(reply);
  reply.bulkText("lag");
  replyLag(reply);
  reply.bulkText("pel-count");
  reply.integer(pending.size);
  reply.bulkText("pending");
  const shown = count === 0 ? pending.size : Math.min(count, pending.size);
  reply.array(shown);
  pending.first();
  for (let i = 0; i < shown; i++) {
    reply.array(4);
    replyId(reply, pending.readId(id));
    replyName(reply, blocks, pending.consumer);
    replyDelivery(reply);
    pending.next();
  }
  reply.bulkText("consumers");
  reply.array(consumers.size);
  for (let found = consumers.first(); found; found = consumers.next())
    replyConsumerInFull(ctx, consumers.address, count);
}

function replyConsumerInFull({ reply, keyspace }: CommandContext, address: number, count: number): void {
  const { blocks } = keyspace.memory;
  reply.map(5);
  reply.bulkText("name");
  replyName(reply, blocks, address);
  reply.bulkText("seen-time");
  replyInt64(reply, readConsumerTime(blocks, address, SEEN_TIME, integer));
  reply.bulkText("active-time");
  replyInt64(reply, readConsumerTime(blocks, address, ACTIVE_TIME, integer));
  const all = pendingCount(blocks, address);
  reply.bulkText("pel-count");
  reply.integer(all);
  reply.bulkText("pending");
  const shown = count === 0 ? all : Math.min(count, all);
  const owned = group.openOwned(address);
  reply.array(shown);
  owned.first();
  for (let i = 0; i < shown; i++) {
    reply.array(3);
    replyId(reply, owned.readId(id));
    group.pending.find(id);
    replyDelivery(reply);
    owned.next();
  }
}

/** When the present pending entry was delivered, and how often. */
function replyDelivery(reply: ReplyWriter): void {
  replyInt64(reply, group.pending.readTime(integer));
  replyInt64(reply, group.pending.readCount(integer));
}

/** How many entries the open group has read, if that is known. */
export function replyEntriesRead(reply: ReplyWriter): void {
  if (group.hasEntriesRead) replyInt64(reply, group.entriesRead);
  else reply.null();
}

/** How many entries of the open stream the open group has still to read, if that can be told. */
export function replyLag(reply: ReplyWriter): void {
  const { entriesAdded } = stream;
  const { entriesRead } = group;
  lag.setWords(entriesAdded.high, entriesAdded.low);
  if (group.hasEntriesRead && !stream.hasDeletedFrom(group.lastId)) {
    // A stream to which nothing was ever added has no lag, whatever a group says.
    if (entriesAdded.high !== 0 || entriesAdded.low !== 0) lag.subtract(entriesRead);
  } else if (stream.countEntriesTo(group.lastId, integer)) {
    lag.subtract(integer);
  } else {
    reply.null();
    return;
  }
  replyInt64(reply, lag);
}
