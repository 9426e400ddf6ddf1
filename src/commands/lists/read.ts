/**
 * Looking into lists: LLEN, LINDEX, LRANGE, LPOS.
 */
import {
  COUNT_NEGATIVE,
  MAXLEN_NEGATIVE,
  RANK_ZERO,
  SYNTAX_ERROR,
  WRONG_TYPE,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { HEAD, type ListReader, TAIL } from "../../types/list/list-reader.ts";
import { ListSearch } from "../../types/list/list-search.ts";
import { isWord, longOrReply, rangeOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { elementAt, isList, readList } from "./access.ts";
import { replyElement, replyForward } from "./element-replies.ts";

export const llen = defineCommand({
  name: "llen",
  group: "list",
  since: "1.0.0",
  summary: "Tells the number of elements of a list",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["list"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.integer(0);
    if (!isList(ctx, address)) return ctx.reply.error(WRONG_TYPE);
    return ctx.reply.integer(readList(ctx, address).size);
  },
});

export const lindex = defineCommand({
  name: "lindex",
  group: "list",
  since: "1.0.0",
  summary: "Tells the element with an index",
  complexity: "O(log N) in the number of chunks of a few KB, and a walk within one",
  arity: 3,
  flags: ["readonly"],
  categories: ["list"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { reply } = ctx;
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return reply.null();
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const index = longOrReply(ctx, 2);
    if (Number.isNaN(index)) return DONE;
    const list = readList(ctx, address);
    return list.seek(index < 0 ? list.size + index : index) ? replyElement(reply, list) : reply.null();
  },
});

export const lrange = defineCommand({
  name: "lrange",
  group: "list",
  since: "1.0.0",
  summary: "Tells the elements between two indexes",
  complexity: "O(log N + M) in the size of the list and the number of elements returned",
  arity: 4,
  flags: ["readonly"],
  categories: ["list"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { reply } = ctx;
    const { buf, start, len } = ctx.request;
    let first = longOrReply(ctx, 2);
    if (Number.isNaN(first)) return DONE;
    let last = longOrReply(ctx, 3);
    if (Number.isNaN(last)) return DONE;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return reply.emptyArray();
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const list = readList(ctx, address);
    const { size } = list;
    if (first < 0) first = Math.max(0, size + first);
    if (last < 0) last += size;
    last = Math.min(last, size - 1);
    return first > last ? reply.emptyArray() : replyForward(reply, list, first, last - first + 1);
  },
});

const NO_LIMIT = Number.POSITIVE_INFINITY;
const NOT_GIVEN = -1;

/** LPOS's options. One object for all commands. */
class PositionOptions {
  /** Which of the matches is the first to be told, from 1. */
  rank = 1;
  end = HEAD;
  /** How many are told; NOT_GIVEN: the first one, and not as an array. */
  count = NOT_GIVEN;
  /** How many elements are compared. */
  limit = NO_LIMIT;

  /** Parses the options; false after an error reply. */
  parse(ctx: CommandContext): boolean {
    const { request, reply } = ctx;
    this.rank = 1;
    this.count = NOT_GIVEN;
    this.limit = NO_LIMIT;
    for (let i = 3; i < request.argc; i += 2) {
      const hasNext = i + 1 < request.argc;
      if (hasNext && isWord(request, i, "rank")) {
        this.rank = longOrReply(ctx, i + 1);
        if (Number.isNaN(this.rank)) return false;
        if (this.rank === 0) {
          reply.error(RANK_ZERO);
          return false;
        }
      } else if (hasNext && isWord(request, i, "count")) {
        this.count = rangeOrReply(ctx, i + 1, 0, NO_LIMIT, COUNT_NEGATIVE);
        if (Number.isNaN(this.count)) return false;
      } else if (hasNext && isWord(request, i, "maxlen")) {
        this.limit = rangeOrReply(ctx, i + 1, 0, NO_LIMIT, MAXLEN_NEGATIVE);
        if (Number.isNaN(this.limit)) return false;
        if (this.limit === 0) this.limit = NO_LIMIT;
      } else {
        reply.error(SYNTAX_ERROR);
        return false;
      }
    }
    this.end = this.rank < 0 ? TAIL : HEAD;
    this.rank = Math.abs(this.rank);
    return true;
  }
}

const options = new PositionOptions();
const search = new ListSearch();

export const lpos = defineCommand({
  name: "lpos",
  group: "list",
  since: "6.0.6",
  summary: "Tells where an element is",
  complexity: "O(N) in the number of elements compared",
  arity: -3,
  flags: ["readonly"],
  categories: ["list"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { reply } = ctx;
    const { buf, start, len } = ctx.request;
    if (!options.parse(ctx)) return DONE;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return options.count === NOT_GIVEN ? reply.null() : reply.emptyArray();
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    return replyPositions(ctx, readList(ctx, address));
  },
});

function replyPositions(ctx: CommandContext, list: ListReader): Outcome {
  const { reply } = ctx;
  search.begin(list, elementAt(ctx, 2), options.end, options.limit);
  let index = search.next();
  for (let rank = 1; rank < options.rank && index !== -1; rank++) index = search.next();
  if (options.count === NOT_GIVEN) return index === -1 ? reply.null() : reply.integer(index);
  const positions: number[] = [];
  const limit = options.count === 0 ? NO_LIMIT : options.count;
  for (; index !== -1; index = search.next()) {
    positions.push(index);
    if (positions.length === limit) break;
  }
  reply.array(positions.length);
  for (const position of positions) reply.integer(position);
  return DONE;
}
