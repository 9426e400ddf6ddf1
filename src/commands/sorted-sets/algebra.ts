/**
 * ZUNION, ZINTER, ZDIFF, the same with a key to store the result under, and ZINTERCARD.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { LIMIT_NEGATIVE, noInputKeys, SYNTAX_ERROR, WEIGHT_NOT_A_FLOAT } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { doubleOrReply, isWord, longOrReply, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notifyStored } from "../key-event.ts";
import { sortedSetTools } from "../sorted-set-access.ts";
import { type Aggregate, intersect, subtract, unite } from "./combine.ts";
import { operandWalk } from "./operand-walk.ts";
import { type Operand, readOperands } from "./operands.ts";
import { replyElements } from "./reply.ts";

type Operation = "union" | "inter" | "diff";

/** What a command takes besides its keys. */
interface Allowed {
  /** WEIGHTS and AGGREGATE. */
  readonly weights: boolean;
  readonly withScores: boolean;
  readonly limit: boolean;
}

interface Combination {
  readonly operands: readonly Operand[];
  aggregate: Aggregate;
  withScores: boolean;
  /** 0: none. */
  limit: number;
}

const AGGREGATES: readonly Aggregate[] = ["sum", "min", "max"];

/** Reads the arguments from the number of keys on; undefined after an error reply. */
function readCombination(
  ctx: CommandContext,
  name: string,
  countAt: number,
  allowed: Allowed,
): Combination | undefined {
  const { request, reply } = ctx;
  const keys = longOrReply(ctx, countAt);
  if (Number.isNaN(keys)) return undefined;
  const last = countAt + keys;
  if (keys < 1 || last >= request.argc) {
    reply.error(keys < 1 ? noInputKeys(name) : SYNTAX_ERROR);
    return undefined;
  }
  const operands = readOperands(ctx, countAt + 1, last);
  if (operands === undefined) return undefined;
  const combination: Combination = { operands, aggregate: "sum", withScores: false, limit: 0 };
  for (let i = last + 1; i < request.argc; ) {
    const read = readOption(ctx, i, combination, allowed);
    if (read === 0) return undefined;
    i += read;
  }
  return combination;
}

/** Reads the option that begins with argument i; returns how many arguments it takes, or 0 after an error reply. */
function readOption(ctx: CommandContext, i: number, combination: Combination, allowed: Allowed): number {
  const { request, reply } = ctx;
  const { operands } = combination;
  const following = request.argc - i - 1;
  if (allowed.weights && following >= operands.length && isWord(request, i, "weights")) {
    for (const [k, operand] of operands.entries()) {
      operand.weight = doubleOrReply(ctx, i + 1 + k, WEIGHT_NOT_A_FLOAT);
      if (Number.isNaN(operand.weight)) return 0;
    }
    return 1 + operands.length;
  }
  if (allowed.weights && following >= 1 && isWord(request, i, "aggregate")) {
    const aggregate = AGGREGATES.find((word) => isWord(request, i + 1, word));
    if (aggregate !== undefined) {
      combination.aggregate = aggregate;
      return 2;
    }
  } else if (allowed.withScores && isWord(request, i, "withscores")) {
    combination.withScores = true;
    return 1;
  } else if (allowed.limit && following >= 1 && isWord(request, i, "limit")) {
    combination.limit = rangeOrReply(ctx, i + 1, 0, Infinity, LIMIT_NEGATIVE);
    return Number.isNaN(combination.limit) ? 0 : 2;
  }
  reply.error(SYNTAX_ERROR);
  return 0;
}

/** Begins the command's result, and makes it. */
function combine(ctx: CommandContext, operation: Operation, { operands, aggregate }: Combination): void {
  const walk = operandWalk(ctx.keyspace);
  walk.beginResult(sortedSetTools(ctx.keyspace).result.begin());
  if (operation === "union") unite(operands, aggregate, walk);
  else if (operation === "diff") subtract(operands, walk);
  else
    intersect(operands, aggregate, walk, (score) => {
      walk.take(score);
      return true;
    });
  walk.endResult();
}

function runAndReply(ctx: CommandContext, name: string, operation: Operation): Outcome {
  const allowed = { weights: operation !== "diff", withScores: true, limit: false };
  const combination = readCombination(ctx, name, 1, allowed);
  if (combination === undefined) return DONE;
  combine(ctx, operation, combination);
  const { result } = sortedSetTools(ctx.keyspace);
  const { elements } = result;
  replyElements(ctx, elements, 0, elements.size, false, combination.withScores);
  result.discard();
  return DONE;
}

function runAndStore(ctx: CommandContext, name: string, operation: Operation): Outcome {
  const allowed = { weights: operation !== "diff", withScores: false, limit: false };
  const combination = readCombination(ctx, name, 2, allowed);
  if (combination === undefined) return DONE;
  combine(ctx, operation, combination);
  const { buf, start, len } = ctx.request;
  const { result } = sortedSetTools(ctx.keyspace);
  const { size } = result.elements;
  if (result.store(ctx.db, buf, start[1], len[1])) {
    notifyStored(ctx, EVENT.sortedSet, name, 1, size);
    ctx.effects.verbatim();
  }
  return ctx.reply.integer(size);
}

/** Declares a command that answers the result. */
function replyingCommand(operation: Operation, summary: string, complexity: string): CommandSpec {
  const name = `z${operation}`;
  return defineCommand({
    name,
    group: "sorted-set",
    since: "6.2.0",
    summary,
    complexity,
    arity: -3,
    flags: ["readonly"],
    categories: ["sortedset"],
    keys: [{ kind: "counted", flags: ["RO", "access"], countAt: 1 }],
    run: (ctx) => runAndReply(ctx, name, operation),
  });
}

/** Declares a command that stores the result. */
function storingCommand(
  operation: Operation,
  since: string,
  summary: string,
  complexity: string,
): CommandSpec {
  const name = `z${operation}store`;
  return defineCommand({
    name,
    group: "sorted-set",
    since,
    summary,
    complexity,
    arity: -4,
    flags: ["write", "denyoom"],
    categories: ["sortedset"],
    keys: [keyAt(1, "OW", "update"), { kind: "counted", flags: ["RO", "access"], countAt: 2 }],
    run: (ctx) => runAndStore(ctx, name, operation),
  });
}

const UNION_COST = "O(N)+O(M*log(M)) for N elements of all sets, M of the result";
const INTER_COST = "O(N*K)+O(M*log(M)) for K sets, N elements of the smallest, M of the result";
const DIFF_COST = "O(L + M*log(M)) for L elements of all sets, M of the result";

export const zunion: CommandSpec = replyingCommand("union", "Add up sorted sets", UNION_COST);
export const zinter: CommandSpec = replyingCommand("inter", "Intersect sorted sets", INTER_COST);
export const zdiff: CommandSpec = replyingCommand(
  "diff",
  "Subtract sorted sets from the first one",
  DIFF_COST,
);
export const zunionstore: CommandSpec = storingCommand(
  "union",
  "2.0.0",
  "Add up sorted sets, and store the result",
  UNION_COST,
);
export const zinterstore: CommandSpec = storingCommand(
  "inter",
  "2.0.0",
  "Intersect sorted sets, and store the result",
  INTER_COST,
);
export const zdiffstore: CommandSpec = storingCommand(
  "diff",
  "6.2.0",
  "Subtract sorted sets from the first one, and store the result",
  DIFF_COST,
);

export const zintercard: CommandSpec = defineCommand({
  name: "zintercard",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Count the members that several sorted sets have in common",
  complexity: "O(N*K) for K sets, N elements of the smallest",
  arity: -3,
  flags: ["readonly"],
  categories: ["sortedset"],
  keys: [{ kind: "counted", flags: ["RO", "access"], countAt: 1 }],
  run(ctx) {
    const allowed = { weights: false, withScores: false, limit: true };
    const combination = readCombination(ctx, "zintercard", 1, allowed);
    if (combination === undefined) return DONE;
    const { operands, limit } = combination;
    let count = 0;
    intersect(operands, "sum", operandWalk(ctx.keyspace), () => ++count !== limit);
    return ctx.reply.integer(count);
  },
});
