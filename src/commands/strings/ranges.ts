/**
 * Parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE, SUBSTR. Those that write touch only the part they write, so
 * that a string of any size can be filled piece by piece.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { OFFSET_OUT_OF_RANGE, STRING_TOO_LONG, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { MAX_STRING_BYTES, RAW, STRING, writeBytes, zeroBytes } from "../../types/string/string-value.ts";
import { isReversedFromEnd, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { assign } from "./get-set.ts";

export const append = defineCommand({
  name: "append",
  group: "string",
  since: "2.0.0",
  summary: "Append to the value of a key, which begins empty",
  complexity: "O(N) in the length of what is appended, amortized",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "insert")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const { entries } = ctx.keyspace;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) {
      assign(ctx, 0, 2, 0);
      notify(ctx, EVENT.string, "append", 1);
      ctx.effects.verbatim();
      return ctx.reply.integer(len[2]);
    }
    if (entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
    const length = entries.valueLength(address);
    if (isTooLong(ctx, length + len[2])) return ctx.reply.error(STRING_TOO_LONG);
    writePart(ctx, address, length, 2);
    notify(ctx, EVENT.string, "append", 1);
    return ctx.reply.integer(length + len[2]);
  },
});

export const strlen = defineCommand({
  name: "strlen",
  group: "string",
  since: "2.2.0",
  summary: "Get the length of the value of a key",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const { entries } = ctx.keyspace;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.integer(0);
    if (entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
    return ctx.reply.integer(entries.valueLength(address));
  },
});

export const setrange = defineCommand({
  name: "setrange",
  group: "string",
  since: "2.2.0",
  summary: "Overwrite part of the value of a key from an offset on",
  complexity: "O(N) in the length of what is written, and of the zeros before it",
  arity: 4,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const { db, reply } = ctx;
    const { entries } = ctx.keyspace;
    const offset = longOrReply(ctx, 2);
    if (Number.isNaN(offset)) return DONE;
    if (offset < 0) return reply.error(OFFSET_OUT_OF_RANGE);
    let address = db.lookupWrite(buf, start[1], len[1]);
    if (address !== 0 && entries.type(address) !== STRING) return reply.error(WRONG_TYPE);
    const length = address === 0 ? 0 : entries.valueLength(address);
    if (len[3] === 0) return reply.integer(length);
    if (isTooLong(ctx, offset + len[3])) return reply.error(STRING_TOO_LONG);
    if (address === 0) address = db.add(STRING, buf, start[1], len[1], 0, 0);
    writePart(ctx, address, offset, 3);
    notify(ctx, EVENT.string, "setrange", 1);
    return reply.integer(Math.max(length, offset + len[3]));
  },
});

export const getrange = defineCommand({
  name: "getrange",
  group: "string",
  since: "2.4.0",
  summary: "Get part of the value of a key",
  complexity: "O(N) in the length of the part",
  arity: 4,
  flags: ["readonly"],
  categories: ["string"],
  keys: [keyAt(1, "RO", "access")],
  run: replyRange,
});

/** The name that GETRANGE had before Redis 2.0. */
export const substr = defineCommand({
  name: "substr",
  group: "string",
  since: "1.0.0",
  summary: "Get part of the value of a key",
  complexity: "O(N) in the length of the part",
  arity: 4,
  flags: ["readonly"],
  categories: ["string"],
  keys: [keyAt(1, "RO", "access")],
  run: replyRange,
});

function replyRange(ctx: CommandContext): Outcome {
  const { request, reply } = ctx;
  const { entries } = ctx.keyspace;
  let first = longOrReply(ctx, 2);
  if (Number.isNaN(first)) return DONE;
  let last = longOrReply(ctx, 3);
  if (Number.isNaN(last)) return DONE;
  const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
  if (address === 0) return reply.bulkText("");
  if (entries.type(address) !== STRING) return reply.error(WRONG_TYPE);
  const length = entries.valueLength(address);
  if (isReversedFromEnd(request, first, last)) return reply.bulkText("");
  if (first < 0) first = Math.max(0, length + first);
  if (last < 0) last = Math.max(0, length + last);
  last = Math.min(last, length - 1);
  if (first > last) return reply.bulkText("");
  return reply.bulkRange(entries.valueBuffer(address), entries.valueStart(address) + first, last - first + 1);
}

function isTooLong(ctx: CommandContext, length: number): boolean {
  return length > ctx.server.config.protoMaxBulkLength || length > MAX_STRING_BYTES;
}

/** Writes argument `i` into the string from `offset` on, with zeros before it where the string is too short. */
function writePart(ctx: CommandContext, address: number, offset: number, i: number): void {
  const { buf, start, len } = ctx.request;
  const { db } = ctx;
  const { entries } = ctx.keyspace;
  const length = entries.valueLength(address);
  const end = offset + len[i];
  db.beforeWrite(address);
  const at = end > length ? db.resizeValue(address, end) : address;
  if (offset > length) zeroBytes(entries, at, length, offset);
  writeBytes(entries, at, offset, buf, start[i], len[i]);
  entries.setEncoding(at, RAW);
  ctx.effects.verbatim();
}
