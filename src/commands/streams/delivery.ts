/**
 * Handing entries to the consumers of a group (XREADGROUP), and what the log is told of it: not the command, but what
 * it has done, as XCLAIM and XGROUP commands.
 */

import { Int64 } from "../../base/int64.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  ACTIVE_TIME,
  SEEN_TIME,
  setConsumerTime,
  UNKNOWN_ENTRIES_READ,
} from "../../types/stream/consumer-group.ts";
import { nameOf } from "../../types/stream/named-objects.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { group, range, replyEntry, replyId, stream } from "./stream-access.ts";

const integer = new Int64();
const pendingId = new StreamId();

/** Where the key and the names of group and consumer stand in the request, and whether there is NOACK. */
export interface Delivery {
  readonly key: number;
  readonly group: number;
  readonly consumer: number;
  readonly isAcknowledged: boolean;
}

/** The consumer that argument i names, of the open group of the stream that argument `key` names: seen now, and made
 * if there is none. `isNew` says so. */
export function consumerOf(
  ctx: CommandContext,
  key: number,
  i: number,
): { readonly address: number; readonly isNew: boolean } {
  const { request, keyspace } = ctx;
  const { buf, start, len } = request;
  const found = group.consumers.find(buf, start[i], len[i]);
  if (found === 0) {
    const address = group.addConsumer(buf, start[i], len[i], keyspace.nowMs);
    notify(ctx, EVENT.stream, "xgroup-createconsumer", key);
    return { address, isNew: true };
  }
  setConsumerTime(keyspace.memory.blocks, found, SEEN_TIME, keyspace.nowMs);
  return { address: found, isNew: false };
}

/** Gives the present pending entry of the open group, whose id this is, to a consumer, which is active now. */
export function giveToConsumer({ keyspace }: CommandContext, consumer: number, pendingEntry: StreamId): void {
  group.giveTo(consumer, pendingEntry);
  setConsumerTime(keyspace.memory.blocks, consumer, ACTIVE_TIME, keyspace.nowMs);
}

/** Has the log give the present pending entry of the open group, whose id is argument or text `id`, to its consumer. */
export function propagateClaim(ctx: CommandContext, key: Buffer, name: Buffer, id: Buffer | string): void {
  const { pending } = group;
  const { blocks } = ctx.keyspace.memory;
  const consumer = nameOf(blocks, pending.consumer);
  const start = blocks.start(consumer);
  const owner = blocks.buffer(consumer).subarray(start, start + blocks.length(consumer));
  ctx.effects.command(
    "XCLAIM",
    key,
    name,
    owner,
    "0",
    id,
    "TIME",
    argumentOf(pending.readTime(integer)),
    "RETRYCOUNT",
    argumentOf(pending.readCount(integer)),
    "FORCE",
    "JUSTID",
    "LASTID",
    group.lastId.toString(),
  );
}

/** Has the log set how far the open group has read. */
export function propagateGroupId(ctx: CommandContext, key: Buffer, name: Buffer): void {
  const read = argumentOf(group.entriesRead);
  ctx.effects.command("XGROUP", "SETID", key, name, group.lastId.toString(), "ENTRIESREAD", read);
}

function argumentOf(value: Int64): number | string {
  return value.isSafe ? value.toNumber() : value.toBigInt().toString();
}

/**
 * Answers the entries of the open stream after `after`, at most `count` (0: all), and gives them to a consumer of the
 * open group.
 */
export function deliverNew(
  ctx: CommandContext,
  delivery: Delivery,
  consumer: number,
  after: StreamId,
  count: number,
): void {
  const { reply, request } = ctx;
  const key = request.bytes(delivery.key);
  const name = request.bytes(delivery.group);
  const place = reply.end;
  let entries = 0;
  let hasAdvanced = false;
  pendingId.set(after).increment();
  stream.walk(range, pendingId);
  while ((count === 0 || entries < count) && range.next()) {
    const { id } = range.entries;
    if (advanceTo(id)) hasAdvanced = true;
    replyEntry(reply);
    if (!delivery.isAcknowledged) {
      addPending(ctx, consumer, id);
      propagateClaim(ctx, key, name, id.toString());
    }
    entries++;
  }
  reply.closeArray(place, entries);
  if (!hasAdvanced) return;
  group.store();
  if (delivery.isAcknowledged) propagateGroupId(ctx, key, name);
}

/** Notes in the open group that it has read an entry. False if it had been there before. */
function advanceTo(id: StreamId): boolean {
  if (id.compare(group.lastId) <= 0) return false;
  const { entriesRead } = group;
  if (group.hasEntriesRead && !stream.hasDeletedFrom(id)) {
    entriesRead.add(1);
  } else if (stream.entriesAdded.high !== 0 || stream.entriesAdded.low !== 0) {
    if (!stream.countEntriesTo(id, entriesRead)) entriesRead.setNumber(UNKNOWN_ENTRIES_READ);
  }
  group.lastId.set(id);
  return true;
}

/** Makes an entry a consumer's. It may be another's, when the group has been set back. */
function addPending(ctx: CommandContext, consumer: number, id: StreamId): void {
  const { pending } = group;
  if (pending.add(id)) pending.consumer = 0;
  giveToConsumer(ctx, consumer, id);
  pending.timeMs = ctx.keyspace.nowMs;
  pending.setCountToOne();
}

/** Answers the pending entries of a consumer of the open group after `after`, at most `count` (0: all), as delivered
 * once more. Those that the stream has no longer come without fields. The log is told nothing, as in Redis. */
export function replyHistory(ctx: CommandContext, consumer: number, after: StreamId, count: number): void {
  const { reply, keyspace } = ctx;
  const { pending } = group;
  const owned = group.openOwned(consumer);
  const place = reply.end;
  let entries = 0;
  let found = pendingId.set(after).increment() && owned.seek(pendingId);
  for (; found && (count === 0 || entries < count); found = owned.next()) {
    owned.readId(pendingId);
    if (stream.walk(range, pendingId, pendingId).next()) {
      replyEntry(reply);
      pending.find(pendingId);
      pending.timeMs = keyspace.nowMs;
      pending.incrementCount();
    } else {
      reply.array(2);
      replyId(reply, pendingId);
      reply.nullArray();
    }
    entries++;
  }
  reply.closeArray(place, entries);
}
