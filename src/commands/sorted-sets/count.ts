/**
 * How many elements there are: ZCARD, ZCOUNT, ZLEXCOUNT.
 */
import { INVALID_MEMBER_RANGE, RANGE_NOT_A_FLOAT } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type Bound, MemberRange, ScoreRange } from "../../types/sorted-set/bounds.ts";
import { Selection } from "../../types/sorted-set/selection.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { readMemberRange, readScoreRange } from "./range-arguments.ts";

const scores = new ScoreRange();
const members = new MemberRange();
const selection = new Selection();
const ALL = -1;

export const zcard: CommandSpec = defineCommand({
  name: "zcard",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Count the members of a sorted set",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.integer(0);
    const set = openSortedSet(ctx, address);
    return set === undefined ? DONE : ctx.reply.integer(set.elements.size);
  },
});

export const zcount: CommandSpec = defineCommand({
  name: "zcount",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Count the members of a sorted set whose scores lie in a range",
  complexity: "O(log(N))",
  arity: 4,
  flags: ["readonly", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    if (!readScoreRange(ctx.request, 2, 3, scores)) return ctx.reply.error(RANGE_NOT_A_FLOAT);
    return replyCount(ctx, scores.lower, scores.upper);
  },
});

export const zlexcount: CommandSpec = defineCommand({
  name: "zlexcount",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Count the members of a sorted set that lie in a lexicographical range",
  complexity: "O(log(N))",
  arity: 4,
  flags: ["readonly", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    if (!readMemberRange(ctx.request, 2, 3, members)) return ctx.reply.error(INVALID_MEMBER_RANGE);
    return replyCount(ctx, members.lower, members.upper);
  },
});

function replyCount(ctx: CommandContext, lower: Bound, upper: Bound): Outcome {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupRead(buf, start[1], len[1]);
  if (address === 0) return ctx.reply.integer(0);
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  selection.between(set.elements, lower, upper, false, 0, ALL);
  return ctx.reply.integer(selection.count);
}
