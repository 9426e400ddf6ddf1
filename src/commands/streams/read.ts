/**
 * XREAD: entries after given ids, of several streams, or those to come. XREADGROUP: entries that a consumer group has
 * not yet delivered, or what is pending of a consumer.
 */
import {
  AWAITED_GROUP_GONE,
  AWAITED_STREAM_GONE,
  LAST_ID_IN_XREADGROUP,
  NEW_IDS_IN_XREAD,
  noSuchKeyOrGroupToRead,
} from "../../protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../../protocol/outcome.ts";
import { SEEN_TIME, setConsumerTime } from "../../types/stream/consumer-group.ts";
import { ID_WORDS, StreamId } from "../../types/stream/stream-id.ts";
import { STREAM } from "../../types/stream/stream-type.ts";
import { textForError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext, KeyWait } from "../context.ts";
import { consumerOf, type Delivery, deliverNew, replyHistory } from "./delivery.ts";
import { idOrReply, isCharacter } from "./ids.ts";
import { NOT_BLOCKING, ReadOptions } from "./read-options.ts";
import {
  group,
  openGroup,
  openStream,
  openToRead,
  REFUSED,
  range,
  replyEntries,
  stream,
} from "./stream-access.ts";

const DOLLAR = 0x24;
const GREATER = 0x3e;
const FIRST_KEYS = 8;
/** Entries that a client gets that had to wait and gave no COUNT: enough, but not all that a low id would bring. */
const AWAITED_COUNT = 1000;

const options = new ReadOptions();
const id = new StreamId();
/** The words of the ids of the present command: entries after them are wanted. */
let ids = new Int32Array(FIRST_KEYS * ID_WORDS);

export const xread = defineCommand({
  name: "xread",
  group: "stream",
  since: "5.0.0",
  summary: "Answers entries of several streams, or waits for them",
  complexity: "O(log N + M) for each stream, N in its entries, M in those answered",
  arity: -4,
  flags: ["readonly", "blocking", "movablekeys"],
  categories: ["stream"],
  keys: [{ kind: "keyword", word: "STREAMS", from: 1, share: 2, flags: ["RO", "access"] }],
  run: (ctx) => read(ctx, false),
});

export const xreadgroup = defineCommand({
  name: "xreadgroup",
  group: "stream",
  since: "5.0.0",
  summary: "Answers entries of several streams to a consumer of a group, or waits for them",
  complexity: "O(M log N) for each stream, N in its entries and pending entries, M in those answered",
  arity: -7,
  flags: ["write", "blocking", "movablekeys"],
  categories: ["stream"],
  keys: [{ kind: "keyword", word: "STREAMS", from: 4, share: 2, flags: ["RO", "access"] }],
  run: (ctx) => read(ctx, true),
});

function read(ctx: CommandContext, isForGroup: boolean): Outcome {
  const { reply } = ctx;
  if (!options.parse(ctx, isForGroup)) return DONE;
  if (options.keys * ID_WORDS > ids.length) ids = new Int32Array(options.keys * ID_WORDS);
  for (let k = 0; k < options.keys; k++) if (!parseId(ctx, k, isForGroup)) return DONE;
  const place = reply.end;
  let served = 0;
  for (let k = 0; k < options.keys; k++) {
    const address = openToRead(ctx, options.firstKey + k);
    if (address === 0) continue;
    id.readWords(ids, k * ID_WORDS);
    if (isForGroup ? serveGroup(ctx, k, address) : serve(ctx, k)) served++;
  }
  if (served > 0) return reply.resp === 2 ? reply.closeArray(place, served) : reply.closeMap(place, served);
  if (options.timeoutMs === NOT_BLOCKING) return reply.nullArray();
  return ctx.waitForKeys(isForGroup ? groupWait() : plainWait());
}

/** Reads the id of key number k, after looking whether the key is what it must be; false after an error reply. */
function parseId(ctx: CommandContext, k: number, isForGroup: boolean): boolean {
  const { request, reply } = ctx;
  const key = options.firstKey + k;
  const i = key + options.keys;
  const address = openToRead(ctx, key);
  if (address === REFUSED) return false;
  if (isForGroup && (address === 0 || !openGroup(ctx, options.group))) {
    reply.error(noSuchKeyOrGroupToRead(textForError(request, key), textForError(request, options.group)));
    return false;
  }
  if (isCharacter(request, i, DOLLAR)) {
    if (isForGroup) {
      reply.error(LAST_ID_IN_XREADGROUP);
      return false;
    }
    if (address === 0) id.setMin();
    else id.set(stream.lastId);
  } else if (isCharacter(request, i, GREATER)) {
    if (!isForGroup) {
      reply.error(NEW_IDS_IN_XREAD);
      return false;
    }
    id.setMax();
  } else if (!idOrReply(ctx, i, id)) {
    return false;
  }
  id.writeWords(ids, k * ID_WORDS);
  return true;
}

/** XREAD: answers the entries of the open stream, that of key number k, after `id`; false if there are none. */
function serve(ctx: CommandContext, k: number): boolean {
  if (!stream.hasEntryAfter(id)) return false;
  replyAfterKey(ctx, options.firstKey + k);
  replyEntriesAfter(ctx, id, options.count);
  return true;
}

/** XREADGROUP: as `serve`; `id` is the greatest one for entries not yet delivered, and anything else for those that are
 * pending, which are answered even if there are none. */
function serveGroup(ctx: CommandContext, k: number, address: number): boolean {
  const key = options.firstKey + k;
  openGroup(ctx, options.group);
  const isHistory = !id.isMax;
  if (!isHistory && !stream.hasEntryAfter(group.lastId)) {
    noteAttempt(ctx, address, options.consumer);
    return false;
  }
  ctx.db.beforeUnwatchedWrite(address);
  replyAfterKey(ctx, key);
  const { group: name, consumer: consumerAt, isAcknowledged } = options;
  const delivery = { key, group: name, consumer: consumerAt, isAcknowledged };
  const consumer = consumerFor(ctx, delivery);
  if (isHistory) replyHistory(ctx, consumer, id, options.count);
  else deliverNew(ctx, delivery, consumer, id.set(group.lastId), options.count);
  return true;
}

/** That a consumer asks counts even if there is nothing for it, as in Redis 7.2; only what it gets makes a new one. */
function noteAttempt({ request, keyspace, db }: CommandContext, address: number, i: number): void {
  const consumer = group.consumers.find(request.buf, request.start[i], request.len[i]);
  if (consumer === 0) return;
  db.beforeUnwatchedWrite(address);
  setConsumerTime(keyspace.memory.blocks, consumer, SEEN_TIME, keyspace.nowMs);
}

/** The consumer of a delivery. The entries it gets tell the log of a new one, unless they are not even pending. */
function consumerFor(ctx: CommandContext, { key, group: name, consumer, isAcknowledged }: Delivery): number {
  const { address, isNew } = consumerOf(ctx, key, consumer);
  if (isNew && isAcknowledged) {
    const { request } = ctx;
    const names = [request.bytes(key), request.bytes(name), request.bytes(consumer)];
    ctx.effects.command("XGROUP", "CREATECONSUMER", ...names);
  }
  return address;
}

/** Begins the answer of one stream with its key. */
function replyAfterKey({ request, reply }: CommandContext, key: number): void {
  if (reply.resp === 2) reply.array(2);
  reply.bulkRange(request.buf, request.start[key], request.len[key]);
}

function replyEntriesAfter({ reply }: CommandContext, after: StreamId, count: number): void {
  id.set(after).increment();
  stream.walk(range, id);
  replyEntries(reply, count);
}

/** What a client waits for that has called XREAD. */
function plainWait(): KeyWait {
  const { firstKey, keys, timeoutMs } = options;
  const count = options.count || AWAITED_COUNT;
  const wanted = ids.slice(0, keys * ID_WORDS);
  return {
    type: STREAM,
    first: firstKey,
    last: firstKey + keys - 1,
    timeoutMs,
    serve(ctx, key) {
      if (openAwaited(ctx, key) === 0) return SUSPENDED;
      id.readWords(wanted, (key - firstKey) * ID_WORDS);
      if (stream.lastId.compare(id) <= 0) return SUSPENDED;
      replyOneStream(ctx, key);
      replyEntriesAfter(ctx, id, count);
      return DONE;
    },
    timeOut: ({ reply }) => reply.nullArray(),
  };
}

/** What a client waits for that has called XREADGROUP. */
function groupWait(): KeyWait {
  const { firstKey, keys, timeoutMs, group: name, consumer, isAcknowledged } = options;
  const count = options.count || AWAITED_COUNT;
  return {
    type: STREAM,
    first: firstKey,
    last: firstKey + keys - 1,
    timeoutMs,
    wakesOnLoss: true,
    serve(ctx, key) {
      const address = openAwaited(ctx, key);
      if (address === 0) return ctx.reply.error(AWAITED_STREAM_GONE);
      if (!openGroup(ctx, name)) return ctx.reply.error(AWAITED_GROUP_GONE);
      // Others may have been given what has come.
      if (stream.lastId.compare(group.lastId) <= 0) return SUSPENDED;
      const delivery = { key, group: name, consumer, isAcknowledged };
      ctx.db.beforeUnwatchedWrite(address);
      replyOneStream(ctx, key);
      deliverNew(ctx, delivery, consumerFor(ctx, delivery), id.set(group.lastId), count);
      return DONE;
    },
    timeOut: ({ reply }) => reply.nullArray(),
  };
}

/** Opens the stream that the key in argument i holds now; 0 if it holds none. Nothing is counted. */
function openAwaited(ctx: CommandContext, i: number): number {
  const { request, db, keyspace } = ctx;
  const address = db.peek(request.buf, request.start[i], request.len[i]);
  if (address === 0 || keyspace.entries.type(address) !== STREAM) return 0;
  openStream(ctx, address);
  return address;
}

/** Begins an answer that is of one stream only. */
function replyOneStream(ctx: CommandContext, key: number): void {
  if (ctx.reply.resp === 2) ctx.reply.array(1);
  else ctx.reply.map(1);
  replyAfterKey(ctx, key);
}
