/**
 * Reading entries by their ids: XRANGE, XREVRANGE, and XLEN.
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { endOrReply, startOrReply } from "./ids.ts";
import { openToRead, REFUSED, range, replyEntries, stream } from "./stream-access.ts";

const KEY = 1;
const FIRST_OPTION = 4;

const start = new StreamId();
const end = new StreamId();

export const xrange = defineCommand({
  name: "xrange",
  group: "stream",
  since: "5.0.0",
  summary: "Answers the entries between two ids",
  complexity: "O(log N + M), N in the entries of the stream, M in those answered",
  arity: -4,
  flags: ["readonly"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RO", "access")],
  run: (ctx) => replyRange(ctx, false),
});

export const xrevrange = defineCommand({
  name: "xrevrange",
  group: "stream",
  since: "5.0.0",
  summary: "Answers the entries between two ids, the last one first",
  complexity: "O(log N + M), N in the entries of the stream, M in those answered",
  arity: -4,
  flags: ["readonly"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RO", "access")],
  run: (ctx) => replyRange(ctx, true),
});

function replyRange(ctx: CommandContext, isReverse: boolean): Outcome {
  const { request, reply } = ctx;
  if (!startOrReply(ctx, isReverse ? 3 : 2, start) || !endOrReply(ctx, isReverse ? 2 : 3, end)) return DONE;
  // Below 0: all.
  let count = -1;
  for (let i = FIRST_OPTION; i < request.argc; i += 2) {
    if (!isWord(request, i, "count") || i + 1 === request.argc) return reply.error(SYNTAX_ERROR);
    count = longOrReply(ctx, i + 1);
    if (Number.isNaN(count)) return DONE;
    if (count < 0) count = 0;
  }
  const address = openToRead(ctx, KEY);
  if (address === REFUSED) return DONE;
  if (address === 0) return reply.emptyArray();
  if (count === 0) return reply.nullArray();
  stream.walk(range, start, end, isReverse);
  replyEntries(reply, Math.max(count, 0));
  return DONE;
}

export const xlen = defineCommand({
  name: "xlen",
  group: "stream",
  since: "5.0.0",
  summary: "Answers the number of entries of a stream",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RO")],
  run(ctx) {
    const address = openToRead(ctx, KEY);
    if (address === REFUSED) return DONE;
    return ctx.reply.integer(address === 0 ? 0 : stream.length);
  },
});
