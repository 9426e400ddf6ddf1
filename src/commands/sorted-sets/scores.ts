/**
 * About single members: ZSCORE, ZMSCORE, ZRANK, ZREVRANK.
 */
import { SYNTAX_ERROR, wrongArity } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openSortedSet } from "../sorted-set-access.ts";

const MEMBER = 2;
const OPTION = 3;

export const zscore: CommandSpec = defineCommand({
  name: "zscore",
  group: "sorted-set",
  since: "1.2.0",
  summary: "The score of a member of a sorted set",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.null();
    const set = openSortedSet(ctx, address);
    if (set === undefined) return DONE;
    if (!set.elements.find(buf, start[MEMBER], len[MEMBER])) return ctx.reply.null();
    return ctx.reply.double(set.elements.score);
  },
});

export const zmscore: CommandSpec = defineCommand({
  name: "zmscore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "The scores of members of a sorted set",
  complexity: "O(N) for N members",
  arity: -3,
  flags: ["readonly", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    const set = address === 0 ? undefined : openSortedSet(ctx, address);
    if (set === undefined && address !== 0) return DONE;
    ctx.reply.array(argc - MEMBER);
    for (let i = MEMBER; i < argc; i++) {
      if (set?.elements.find(buf, start[i], len[i])) ctx.reply.double(set.elements.score);
      else ctx.reply.null();
    }
    return DONE;
  },
});

/** Declares ZRANK or ZREVRANK, with the option that Redis has from 7.2 on. */
function rankCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  fromHighest: boolean,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "sorted-set",
    complexity: "O(log(N))",
    arity: -3,
    flags: ["readonly", "fast"],
    categories: ["sortedset"],
    keys: [keyAt(1, "RO", "access")],
    run: (ctx) => replyRank(ctx, facts.name, fromHighest),
  });
}

export const zrank: CommandSpec = rankCommand(
  { name: "zrank", since: "2.0.0", summary: "The rank of a member of a sorted set" },
  false,
);

export const zrevrank: CommandSpec = rankCommand(
  { name: "zrevrank", since: "2.0.0", summary: "The rank of a member, counted from the highest score down" },
  true,
);

function replyRank(ctx: CommandContext, name: string, fromHighest: boolean): Outcome {
  const { db, reply, request } = ctx;
  const { buf, start, len, argc } = request;
  if (argc > OPTION + 1) return reply.error(wrongArity(name));
  const withScore = argc > OPTION;
  if (withScore && !isWord(request, OPTION, "withscore")) return reply.error(SYNTAX_ERROR);
  const address = db.lookupRead(buf, start[1], len[1]);
  if (address === 0) return withScore ? reply.nullArray() : reply.null();
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  const { elements } = set;
  const rank = elements.rankOf(buf, start[MEMBER], len[MEMBER]);
  if (rank < 0) return withScore ? reply.nullArray() : reply.null();
  if (withScore) reply.array(2);
  reply.integer(fromHighest ? elements.size - 1 - rank : rank);
  return withScore ? reply.double(elements.score) : DONE;
}
