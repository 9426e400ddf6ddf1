/**
 * SINTER, SUNION, SDIFF, the same with a key to store the result under, and SINTERCARD.
 */
import { EVENT } from "../../keyspace/key-events.ts";
import {
  LIMIT_NEGATIVE,
  NUMKEYS_NOT_GREATER_THAN_0,
  NUMKEYS_TOO_LARGE,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { SetMembers } from "../../types/set/set-members.ts";
import { isWord, LONG_MAX, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, type KeyFlag, keyAt, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notifyStored } from "../key-event.ts";
import { type SetResult, setTools } from "../set-access.ts";
import {
  FEW_UNITED,
  intersect,
  isEmptyDifference,
  isLookupCheaper,
  readSets,
  subtractByLookup,
  subtractByRemoval,
  unite,
  uniteFew,
} from "./combine.ts";
import { replyMember, replySet } from "./reply.ts";

type Operation = (ctx: CommandContext, sets: readonly number[]) => Outcome;
type Maker = (ctx: CommandContext, sets: readonly number[], into: SetResult) => void;

const DESTINATION = 1;

/** Answers members as `find` finds them. */
function replyFound(
  { reply }: CommandContext,
  find: (found: (members: SetMembers) => boolean) => void,
): Outcome {
  const place = reply.end;
  let count = 0;
  find((members) => {
    replyMember(reply, members);
    count++;
    return true;
  });
  return reply.closeSet(place, count);
}

/** Makes a set and answers it. */
function replyMade(ctx: CommandContext, sets: readonly number[], make: Maker): Outcome {
  const result = setTools(ctx.keyspace).result.begin();
  try {
    make(ctx, sets, result);
    result.settle();
    return replySet(ctx.reply, result.members);
  } finally {
    result.discard();
  }
}

/** Makes a set and stores it. */
function storeMade(ctx: CommandContext, name: string, sets: readonly number[], make: Maker): Outcome {
  const { buf, start, len } = ctx.request;
  const result = setTools(ctx.keyspace).result.begin();
  make(ctx, sets, result);
  result.settle();
  const { size } = result.members;
  if (result.store(ctx.db, buf, start[DESTINATION], len[DESTINATION])) {
    notifyStored(ctx, EVENT.set, name, DESTINATION, size);
    ctx.effects.verbatim();
  }
  return ctx.reply.integer(size);
}

const makeIntersection: Maker = (ctx, sets, into) => {
  intersect(ctx, sets, (members) => {
    into.addNew(members);
    return true;
  });
};

const makeDifference: Maker = (ctx, sets, into) => {
  if (isEmptyDifference(sets)) return;
  if (isLookupCheaper(ctx, sets)) subtractByLookup(ctx, sets, (members) => into.addNew(members));
  else subtractByRemoval(ctx, sets, into);
};

const replyUnion: Operation = (ctx, sets) => {
  const present = sets.filter((set) => set !== 0);
  if (present.length > FEW_UNITED) return replyMade(ctx, present, unite);
  return replyFound(ctx, (found) => {
    uniteFew(ctx, present, found);
  });
};

const replyDifference: Operation = (ctx, sets) => {
  if (isEmptyDifference(sets)) return ctx.reply.set(0);
  if (!isLookupCheaper(ctx, sets)) return replyMade(ctx, sets, subtractByRemoval);
  return replyFound(ctx, (found) => {
    subtractByLookup(ctx, sets, found);
  });
};

/** Declares a command that answers the result. */
function replyingCommand(name: string, summary: string, complexity: string, answer: Operation): CommandSpec {
  return defineCommand({
    name,
    group: "set",
    since: "1.0.0",
    summary,
    complexity,
    arity: -2,
    flags: ["readonly"],
    categories: ["set"],
    keys: [keysFrom(1, 1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    run(ctx) {
      const sets = readSets(ctx, 1, ctx.request.argc - 1);
      return sets === undefined ? DONE : answer(ctx, sets);
    },
  });
}

/** Declares a command that stores the result. */
function storingCommand(
  name: string,
  summary: string,
  complexity: string,
  use: KeyFlag,
  make: Maker,
): CommandSpec {
  return defineCommand({
    name,
    group: "set",
    since: "1.0.0",
    summary,
    complexity,
    arity: -3,
    flags: ["write", "denyoom"],
    categories: ["set"],
    keys: [keyAt(DESTINATION, use, "update"), keysFrom(DESTINATION + 1, 1, "RO", "access")],
    run(ctx) {
      const sets = readSets(ctx, DESTINATION + 1, ctx.request.argc - 1);
      return sets === undefined ? DONE : storeMade(ctx, name, sets, make);
    },
  });
}

const INTER_COST = "O(N*M) for M sets, N members of the smallest";
const TOTAL_COST = "O(N) in the number of members of all sets";

export const sinter: CommandSpec = replyingCommand(
  "sinter",
  "The members that several sets have in common",
  INTER_COST,
  (ctx, sets) =>
    replyFound(ctx, (found) => {
      intersect(ctx, sets, found);
    }),
);
export const sunion: CommandSpec = replyingCommand(
  "sunion",
  "All members of several sets",
  TOTAL_COST,
  replyUnion,
);
export const sdiff: CommandSpec = replyingCommand(
  "sdiff",
  "The members of the first set that are in no other one",
  TOTAL_COST,
  replyDifference,
);
export const sinterstore: CommandSpec = storingCommand(
  "sinterstore",
  "Store the members that several sets have in common",
  INTER_COST,
  "RW",
  makeIntersection,
);
export const sunionstore: CommandSpec = storingCommand(
  "sunionstore",
  "Store all members of several sets",
  TOTAL_COST,
  "OW",
  unite,
);
export const sdiffstore: CommandSpec = storingCommand(
  "sdiffstore",
  "Store the members of the first set that are in no other one",
  TOTAL_COST,
  "OW",
  makeDifference,
);

const KEY_COUNT = 1;

export const sintercard = defineCommand({
  name: "sintercard",
  group: "set",
  since: "7.0.0",
  summary: "Count the members that several sets have in common",
  complexity: INTER_COST,
  arity: -3,
  flags: ["readonly"],
  categories: ["set"],
  keys: [{ kind: "counted", flags: ["RO", "access"], countAt: KEY_COUNT }],
  run(ctx) {
    const { request, reply } = ctx;
    const keys = rangeOrReply(ctx, KEY_COUNT, 1, Number(LONG_MAX), NUMKEYS_NOT_GREATER_THAN_0);
    if (Number.isNaN(keys)) return DONE;
    const last = KEY_COUNT + keys;
    if (last >= request.argc) return reply.error(NUMKEYS_TOO_LARGE);
    const limit = limitOrReply(ctx, last + 1);
    if (Number.isNaN(limit)) return DONE;
    const sets = readSets(ctx, KEY_COUNT + 1, last);
    if (sets === undefined) return DONE;
    let count = 0;
    intersect(ctx, sets, () => ++count !== limit);
    return reply.integer(count);
  },
});

/** The number after LIMIT among the arguments from `from` on; 0 if there is no LIMIT, NaN after an error reply. */
function limitOrReply(ctx: CommandContext, from: number): number {
  const { request, reply } = ctx;
  let limit = 0;
  for (let i = from; i < request.argc; i += 2) {
    if (!isWord(request, i, "limit") || i + 1 === request.argc) {
      reply.error(SYNTAX_ERROR);
      return Number.NaN;
    }
    limit = rangeOrReply(ctx, i + 1, 0, Number(LONG_MAX), LIMIT_NEGATIVE);
    if (Number.isNaN(limit)) return limit;
  }
  return limit;
}
