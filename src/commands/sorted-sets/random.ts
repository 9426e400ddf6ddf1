/**
 * ZRANDMEMBER: ranks are drawn, so that every element is as likely as any other.
 */
import { parseInt64 } from "../../base/numbers.ts";
import { SYNTAX_ERROR, VALUE_OUT_OF_RANGE, valueNotBetween } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { isWord, LONG_MAX, LONG_MIN, longOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { replyElement, replyElements, replyHeader } from "./reply.ts";

const COUNT = 2;
const OPTION = 3;
/** From so large a part of the set on, it is gone through as a whole instead of drawing ranks one by one. */
const LARGE_PART = 1 / 3;
/** No element takes fewer bytes in a reply: "$0", and two ends of lines. */
const LEAST_REPLY_BYTES = 6;

export const zrandmember: CommandSpec = defineCommand({
  name: "zrandmember",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Random members of a sorted set",
  complexity: "O(N*log(M)) for N members out of M",
  arity: -2,
  flags: ["readonly"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run: (ctx) => (ctx.request.argc > COUNT ? replyMany(ctx) : replyOne(ctx)),
});

function replyOne(ctx: CommandContext): Outcome {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupRead(buf, start[1], len[1]);
  if (address === 0) return ctx.reply.null();
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  set.elements.seek(ctx.keyspace.random.below(set.elements.size));
  replyElement(ctx, set.elements, false);
  return DONE;
}

function replyMany(ctx: CommandContext): Outcome {
  const { db, reply, request } = ctx;
  const { buf, start, len, argc } = request;
  const count = longOrReply(ctx, COUNT);
  if (Number.isNaN(count)) return DONE;
  const exact = parseInt64(buf, start[COUNT], len[COUNT])!;
  if (exact === LONG_MIN) return reply.error(valueNotBetween(-LONG_MAX, LONG_MAX));
  const withScores = argc > OPTION;
  if (argc > OPTION + 1 || (withScores && !isWord(request, OPTION, "withscores")))
    return reply.error(SYNTAX_ERROR);
  if (withScores && (exact < -LONG_MAX / 2n || exact > LONG_MAX / 2n)) return reply.error(VALUE_OUT_OF_RANGE);
  const address = db.lookupRead(buf, start[1], len[1]);
  if (address === 0) return reply.emptyArray();
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  const { elements } = set;
  if (count < 0) return replyRepeating(ctx, elements, -count, withScores);
  const { size } = elements;
  if (count >= size) return replyElements(ctx, elements, size - 1, size, true, withScores);
  replyHeader(ctx, count, withScores);
  if (count > size * LARGE_PART) replySample(ctx, elements, count, withScores);
  else replyDrawn(ctx, elements, count, withScores);
  return DONE;
}

/** Elements that may come more than once. */
function replyRepeating(
  ctx: CommandContext,
  elements: SortedElements,
  count: number,
  withScores: boolean,
): Outcome {
  const { random } = ctx.keyspace;
  const { size } = elements;
  // A number that no reply can hold is refused before it takes any time.
  ctx.reply.reserve(count * LEAST_REPLY_BYTES);
  replyHeader(ctx, count, withScores);
  for (let i = 0; i < count; i++) {
    elements.seek(random.below(size));
    replyElement(ctx, elements, withScores);
  }
  return DONE;
}

/** Different elements, a large part of all: each is taken with the chance that so many are still wanted of those left
 * (selection sampling, Knuth's algorithm S). */
function replySample(
  ctx: CommandContext,
  elements: SortedElements,
  count: number,
  withScores: boolean,
): void {
  const { random } = ctx.keyspace;
  const { size } = elements;
  let wanted = count;
  elements.seek(0);
  for (let rank = 0; wanted > 0; rank++, elements.next()) {
    if (random.below(size - rank) >= wanted) continue;
    replyElement(ctx, elements, withScores);
    wanted--;
  }
}

/** Different elements, a small part of all. */
function replyDrawn(ctx: CommandContext, elements: SortedElements, count: number, withScores: boolean): void {
  const { random } = ctx.keyspace;
  const ranks = new Set<number>();
  while (ranks.size < count) ranks.add(random.below(elements.size));
  for (const rank of ranks) {
    elements.seek(rank);
    replyElement(ctx, elements, withScores);
  }
}
