/**
 * ZRANGE with all its options, its older relatives, and ZRANGESTORE.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import {
  INVALID_MEMBER_RANGE,
  LIMIT_WITHOUT_BY,
  RANGE_NOT_A_FLOAT,
  SYNTAX_ERROR,
  WITHSCORES_AND_BYLEX,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { NotedElements } from "../../types/element-table/table-builder.ts";
import { MemberRange, ScoreRange } from "../../types/sorted-set/bounds.ts";
import { Selection } from "../../types/sorted-set/selection.ts";
import type { ElementVisitor, SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { SCORE_BYTES } from "../../types/sorted-set/table-score.ts";
import type { TreeSortedSet } from "../../types/sorted-set/tree-sorted-set.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notifyStored } from "../key-event.ts";
import { openSortedSet, sortedSetTools } from "../sorted-set-access.ts";
import { readMemberRange, readScoreRange } from "./range-arguments.ts";
import { replyElements } from "./reply.ts";

const BY_RANK = 0;
const BY_SCORE = 1;
const BY_MEMBER = 2;
const UNLIMITED = -1;
/** So few elements are copied one after the other. */
const FEW_ELEMENTS = 32;

/** What a command asks for. */
class RangeRequest {
  kind = BY_RANK;
  fromHighest = false;
  withScores = false;
  private offset = 0;
  private limit = UNLIMITED;
  private from = 0;
  private to = 0;
  private readonly scores = new ScoreRange();
  private readonly members = new MemberRange();
  readonly selection = new Selection();

  /**
   * Reads the range, which begins with argument `at`, and the options behind it. A command that says itself in which
   * way it selects (`kind`) has no options for that. Returns false after an error reply.
   */
  read(ctx: CommandContext, at: number, stores: boolean, kind?: number, fromHighest?: boolean): boolean {
    this.kind = kind ?? BY_RANK;
    this.fromHighest = fromHighest ?? false;
    this.withScores = false;
    this.offset = 0;
    this.limit = UNLIMITED;
    const options = this.readOptions(ctx, at + 2, stores, kind === undefined);
    if (!options) return false;
    if (this.limit !== UNLIMITED && this.kind === BY_RANK) ctx.reply.error(LIMIT_WITHOUT_BY);
    else if (this.withScores && this.kind === BY_MEMBER) ctx.reply.error(WITHSCORES_AND_BYLEX);
    else return this.readRange(ctx, at);
    return false;
  }

  private readOptions(ctx: CommandContext, from: number, stores: boolean, isOpen: boolean): boolean {
    const { request } = ctx;
    let hasKind = !isOpen;
    for (let i = from; i < request.argc; i++) {
      if (!stores && isWord(request, i, "withscores")) {
        this.withScores = true;
      } else if (isWord(request, i, "limit") && i + 2 < request.argc) {
        this.offset = longOrReply(ctx, i + 1);
        if (Number.isNaN(this.offset)) return false;
        this.limit = longOrReply(ctx, i + 2);
        if (Number.isNaN(this.limit)) return false;
        i += 2;
      } else if (isOpen && !this.fromHighest && isWord(request, i, "rev")) {
        this.fromHighest = true;
      } else if (!hasKind && isWord(request, i, "bylex")) {
        this.kind = BY_MEMBER;
        hasKind = true;
      } else if (!hasKind && isWord(request, i, "byscore")) {
        this.kind = BY_SCORE;
        hasKind = true;
      } else {
        ctx.reply.error(SYNTAX_ERROR);
        return false;
      }
    }
    return true;
  }

  private readRange(ctx: CommandContext, at: number): boolean {
    if (this.kind === BY_RANK) {
      this.from = longOrReply(ctx, at);
      if (Number.isNaN(this.from)) return false;
      this.to = longOrReply(ctx, at + 1);
      return !Number.isNaN(this.to);
    }
    // From the highest down, the upper end is named first.
    const lower = this.fromHighest ? at + 1 : at;
    const upper = this.fromHighest ? at : at + 1;
    if (this.kind === BY_SCORE) {
      if (readScoreRange(ctx.request, lower, upper, this.scores)) return true;
      ctx.reply.error(RANGE_NOT_A_FLOAT);
    } else {
      if (readMemberRange(ctx.request, lower, upper, this.members)) return true;
      ctx.reply.error(INVALID_MEMBER_RANGE);
    }
    return false;
  }

  select(elements: SortedElements): Selection {
    const { selection, fromHighest, offset, limit } = this;
    if (this.kind === BY_RANK) {
      selection.byRank(elements, this.from, this.to, fromHighest);
    } else {
      const { lower, upper } = this.kind === BY_SCORE ? this.scores : this.members;
      selection.between(elements, lower, upper, fromHighest, offset, limit);
    }
    return selection;
  }
}

const range = new RangeRequest();

function replyRange(ctx: CommandContext, kind?: number, fromHighest?: boolean): Outcome {
  if (!range.read(ctx, 2, false, kind, fromHighest)) return DONE;
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupRead(buf, start[1], len[1]);
  if (address === 0) return ctx.reply.emptyArray();
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  const { first, count } = range.select(set.elements);
  return replyElements(ctx, set.elements, first, count, range.fromHighest, range.withScores);
}

/** Declares a command that answers a range. */
function rangeCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  kind?: number,
  fromHighest?: boolean,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "sorted-set",
    complexity: "O(log(N)+M) for M members in the answer",
    arity: -4,
    flags: ["readonly"],
    categories: ["sortedset"],
    keys: [keyAt(1, "RO", "access")],
    run: (ctx) => replyRange(ctx, kind, fromHighest),
  });
}

export const zrange: CommandSpec = rangeCommand({
  name: "zrange",
  since: "1.2.0",
  summary: "Members of a sorted set in a range of ranks, scores or members",
});

export const zrevrange: CommandSpec = rangeCommand(
  { name: "zrevrange", since: "1.2.0", summary: "Members in a range of ranks, from the highest score down" },
  BY_RANK,
  true,
);

export const zrangebyscore: CommandSpec = rangeCommand(
  { name: "zrangebyscore", since: "1.0.5", summary: "Members whose scores lie in a range" },
  BY_SCORE,
  false,
);

export const zrevrangebyscore: CommandSpec = rangeCommand(
  {
    name: "zrevrangebyscore",
    since: "2.2.0",
    summary: "Members whose scores lie in a range, from the highest score down",
  },
  BY_SCORE,
  true,
);

export const zrangebylex: CommandSpec = rangeCommand(
  { name: "zrangebylex", since: "2.8.9", summary: "Members in a lexicographical range" },
  BY_MEMBER,
  false,
);

export const zrevrangebylex: CommandSpec = rangeCommand(
  {
    name: "zrevrangebylex",
    since: "2.8.9",
    summary: "Members in a lexicographical range, from the last to the first",
  },
  BY_MEMBER,
  true,
);

/**
 * Copies the range to an empty set; returns how many elements it has. Redis adds one after the other to a listpack,
 * where -0 becomes 0, until it must be a large set (or is known to become one).
 */
function copyRange({ keyspace }: CommandContext, elements: SortedElements, target: TreeSortedSet): number {
  const { keyHash, limits } = keyspace.memory;
  const { zsetMaxListpackEntries, zsetMaxListpackValue } = limits;
  const { first, count } = range.select(elements);
  const noted = count > FEW_ELEMENTS ? new NotedElements(count, SCORE_BYTES) : undefined;
  let isSmall = range.kind !== BY_RANK || count <= zsetMaxListpackEntries;
  let zeros = 0;
  forEachOf(elements, first, count, range.fromHighest, (_, buffer, start, length) => {
    noted?.add(keyHash.of(buffer, start, length), length, SCORE_BYTES);
    isSmall &&= zeros < zsetMaxListpackEntries && length <= zsetMaxListpackValue;
    if (isSmall) zeros++;
  });
  if (noted !== undefined) target.beginBuild(noted);
  let copied = 0;
  forEachOf(elements, first, count, range.fromHighest, (score, buffer, start, length) => {
    const stored = copied++ < zeros && score === 0 ? 0 : score;
    if (noted === undefined) target.insert(stored, buffer, start, length);
    else target.build(stored, buffer, start, length);
  });
  if (noted !== undefined) target.arrange();
  return count;
}

/** Shows the elements of a range, `first` is the rank at its beginning. */
function forEachOf(
  elements: SortedElements,
  first: number,
  count: number,
  fromHighest: boolean,
  visit: ElementVisitor,
): void {
  for (let i = 0; i < count; i++) {
    if (i === 0) elements.seek(first);
    else if (fromHighest) elements.previous();
    else elements.next();
    visit(elements.score, elements.memberBuffer, elements.memberStart, elements.memberLength);
  }
}

export const zrangestore: CommandSpec = defineCommand({
  name: "zrangestore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Store a range of a sorted set under another key",
  complexity: "O(log(N)+M) for M stored members",
  arity: -5,
  flags: ["write", "denyoom"],
  categories: ["sortedset"],
  keys: [keyAt(1, "OW", "update"), keyAt(2, "RO", "access")],
  run(ctx) {
    if (!range.read(ctx, 3, true)) return DONE;
    const { buf, start, len } = ctx.request;
    const { result } = sortedSetTools(ctx.keyspace);
    const address = ctx.db.lookupRead(buf, start[2], len[2]);
    let stored = 0;
    if (address === 0) {
      result.begin();
    } else {
      const source = openSortedSet(ctx, address);
      if (source === undefined) return DONE;
      const { elements } = source;
      stored = copyRange(ctx, elements, result.begin());
    }
    if (result.store(ctx.db, buf, start[1], len[1])) {
      notifyStored(ctx, EVENT.sortedSet, "zrangestore", 1, stored);
      ctx.effects.verbatim();
    }
    return ctx.reply.integer(stored);
  },
});
