/**
 * Streams in entries: finding them and making new ones; and answering ids and entries. One command runs at a time, so
 * they all work with the same objects.
 */
import type { Int64 } from "../../base/int64.ts";
import { NOT_AN_INTEGER, WRONG_TYPE } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { ROOT_BYTES, rootOf, setRoot } from "../../types/rooted.ts";
import { ConsumerGroup } from "../../types/stream/consumer-group.ts";
import { createStream, Stream } from "../../types/stream/stream.ts";
import { MAX_ID_TEXT, type StreamId } from "../../types/stream/stream-id.ts";
import { StreamRange } from "../../types/stream/stream-range.ts";
import { STREAM, STREAM_ENCODING } from "../../types/stream/stream-type.ts";
import type { CommandContext } from "../context.ts";

/** The stream that was opened last, and a walk over its entries. */
export const stream: Stream = new Stream();
export const range: StreamRange = new StreamRange();
/** The group that was opened last. */
export const group: ConsumerGroup = new ConsumerGroup();

/** What the functions below return after an error reply. (In the last unit of all memory no entry begins.) */
export const REFUSED = -1;

/** Looks up the key in argument i to read it: the entry's address, whose stream is opened; 0 if there is no such key,
 * REFUSED if it is no stream. */
export function openToRead(ctx: CommandContext, i: number): number {
  const { buf, start, len } = ctx.request;
  return openFound(ctx, ctx.db.lookupRead(buf, start[i], len[i]));
}

/** As `openToRead`, for commands that write. */
export function openToWrite(ctx: CommandContext, i: number): number {
  const { buf, start, len } = ctx.request;
  return openFound(ctx, ctx.db.lookupWrite(buf, start[i], len[i]));
}

/** As `openToRead`, of a key that was looked up: `address` is its entry's, or 0. */
export function openFound(ctx: CommandContext, address: number): number {
  if (address === 0) return 0;
  const { entries } = ctx.keyspace;
  if (entries.type(address) !== STREAM) {
    ctx.reply.error(WRONG_TYPE);
    return REFUSED;
  }
  openStream(ctx, address);
  return address;
}

/** Opens the stream of an entry. */
export function openStream(ctx: CommandContext, address: number): void {
  const { blocks, entries } = ctx.keyspace.memory;
  stream.open(blocks, rootOf(entries, address));
}

/** Makes the key in argument i, which was just looked up and is not there, an empty stream, and opens it. Returns the
 * entry's address. */
export function addStream(ctx: CommandContext, i: number): number {
  const { db, keyspace, request } = ctx;
  const { blocks, entries } = keyspace.memory;
  const address = db.add(STREAM, request.buf, request.start[i], request.len[i], ROOT_BYTES, 0);
  entries.setEncoding(address, STREAM_ENCODING);
  setRoot(entries, address, createStream(blocks.slabs));
  openStream(ctx, address);
  return address;
}

/** Opens the group that argument i names, of the open stream; says whether there is one. */
export function openGroup(ctx: CommandContext, i: number): boolean {
  const { buf, start, len } = ctx.request;
  const address = stream.openGroups()?.find(buf, start[i], len[i]) ?? 0;
  if (address === 0) return false;
  group.open(ctx.keyspace.memory.blocks, address);
  return true;
}

/** Reads argument i as an integer of 64 bits; false after an error reply. */
export function int64OrReply(
  ctx: CommandContext,
  i: number,
  into: Int64,
  message: string = NOT_AN_INTEGER,
): boolean {
  const { buf, start, len } = ctx.request;
  if (into.parse(buf, start[i], len[i])) return true;
  ctx.reply.error(message);
  return false;
}

const idText = Buffer.allocUnsafeSlow(MAX_ID_TEXT);

export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulkRange(idText, 0, id.write(idText, 0));
}

export function replyInt64(reply: ReplyWriter, value: Int64): void {
  if (value.isSafe) reply.integer(value.toNumber());
  else reply.bigInteger(value.toBigInt());
}

/** Answers the present entry of `range`: its id, and its fields and values. */
export function replyEntry(reply: ReplyWriter): void {
  const { entries } = range;
  const { field, value } = entries;
  reply.array(2);
  replyId(reply, entries.id);
  reply.array(2 * entries.pairs);
  entries.beginFields();
  for (let i = 0; i < entries.pairs; i++) {
    entries.readPair();
    reply.bulkRange(field.buffer, field.start, field.length);
    reply.bulkRange(value.buffer, value.start, value.length);
  }
}

/** Answers the entries of `range`, which was just begun, as an array; at most `count`, 0 is no limit. */
export function replyEntries(reply: ReplyWriter, count: number): void {
  const place = reply.end;
  let entries = 0;
  while ((count === 0 || entries < count) && range.next()) {
    replyEntry(reply);
    entries++;
  }
  reply.closeArray(place, entries);
}

/** Whether the log is being loaded: what it says was accepted once, and is not to be judged again. */
export function isLoaded(ctx: CommandContext): boolean {
  return !ctx.keyspace.expiring;
}
