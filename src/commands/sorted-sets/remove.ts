/**
 * ZREM, and removing a range by rank, score or member.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { INVALID_MEMBER_RANGE, RANGE_NOT_A_FLOAT } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { MemberRange, ScoreRange } from "../../types/sorted-set/bounds.ts";
import { Selection } from "../../types/sorted-set/selection.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { longOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { readMemberRange, readScoreRange } from "./range-arguments.ts";

const scores = new ScoreRange();
const members = new MemberRange();
const selection = new Selection();
const ALL = -1;

export const zrem: CommandSpec = defineCommand({
  name: "zrem",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Remove members from a sorted set",
  complexity: "O(M*log(N)) for M members",
  arity: -3,
  flags: ["write", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RW", "delete")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.integer(0);
    const set = openSortedSet(ctx, address);
    if (set === undefined) return DONE;
    let removed = 0;
    let isGone = false;
    for (let i = 2; i < argc; i++) {
      if (!set.remove(buf, start[i], len[i])) continue;
      removed++;
      isGone = set.deleteIfEmpty();
      if (isGone) break;
    }
    if (removed > 0) {
      notify(ctx, EVENT.sortedSet, "zrem", 1);
      if (isGone) notify(ctx, EVENT.generic, "del", 1);
      ctx.effects.verbatim();
    }
    return ctx.reply.integer(removed);
  },
});

/** Declares a command that removes a range. */
function rangeRemoval(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  run: (ctx: CommandContext) => Outcome,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "sorted-set",
    complexity: "O(log(N)+M) for M removed members",
    arity: 4,
    flags: ["write"],
    categories: ["sortedset"],
    keys: [keyAt(1, "RW", "delete")],
    run,
  });
}

export const zremrangebyrank: CommandSpec = rangeRemoval(
  { name: "zremrangebyrank", since: "2.0.0", summary: "Remove the members within a range of ranks" },
  (ctx) => {
    const from = longOrReply(ctx, 2);
    if (Number.isNaN(from)) return DONE;
    const to = longOrReply(ctx, 3);
    if (Number.isNaN(to)) return DONE;
    return removeSelected(ctx, "zremrangebyrank", (elements) => selection.byRank(elements, from, to, false));
  },
);

export const zremrangebyscore: CommandSpec = rangeRemoval(
  { name: "zremrangebyscore", since: "1.2.0", summary: "Remove the members whose scores lie in a range" },
  (ctx) => {
    if (!readScoreRange(ctx.request, 2, 3, scores)) return ctx.reply.error(RANGE_NOT_A_FLOAT);
    return removeSelected(ctx, "zremrangebyscore", (elements) =>
      selection.between(elements, scores.lower, scores.upper, false, 0, ALL),
    );
  },
);

export const zremrangebylex: CommandSpec = rangeRemoval(
  { name: "zremrangebylex", since: "2.8.9", summary: "Remove the members in a lexicographical range" },
  (ctx) => {
    if (!readMemberRange(ctx.request, 2, 3, members)) return ctx.reply.error(INVALID_MEMBER_RANGE);
    return removeSelected(ctx, "zremrangebylex", (elements) =>
      selection.between(elements, members.lower, members.upper, false, 0, ALL),
    );
  },
);

function removeSelected(
  ctx: CommandContext,
  name: string,
  select: (elements: SortedElements) => void,
): Outcome {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupWrite(buf, start[1], len[1]);
  if (address === 0) return ctx.reply.integer(0);
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  select(set.elements);
  const { first, count } = selection;
  if (count > 0) {
    set.removeRange(first, count);
    notify(ctx, EVENT.sortedSet, name, 1);
    if (set.deleteIfEmpty()) notify(ctx, EVENT.generic, "del", 1);
    ctx.effects.verbatim();
  }
  return ctx.reply.integer(count);
}
