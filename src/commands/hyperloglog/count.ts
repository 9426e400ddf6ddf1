/**
 * PFCOUNT. Of one key it keeps what it counted in the value's header, so that counting again costs nothing; as in
 * Redis, that is a change like any other, and goes to the append-only file.
 */
import { DAMAGED_HYPERLOGLOG } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { newRegisters } from "../../types/string/hyperloglog/dense.ts";
import {
  countedCardinality,
  exactCardinality,
  isCounted,
  keepCardinality,
} from "../../types/string/hyperloglog/format.ts";
import { cardinalityOf, cardinalityOfUnion, mergeInto } from "../../types/string/hyperloglog/registers.ts";
import { LONG_MIN } from "../arguments.ts";
import { defineCommand, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { checkHyperLogLog, makeRaw } from "./entry.ts";

const TWO_63 = 2 ** 63;
const union = newRegisters();

export const pfcount = defineCommand({
  name: "pfcount",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Estimate how many different elements one or several HyperLogLogs have seen",
  complexity: "O(1) for one key, O(N) with a large constant for N keys",
  arity: -2,
  flags: ["readonly", "may_replicate"],
  categories: ["hyperloglog"],
  keys: [
    {
      ...keysFrom(1, 1, "RW", "access"),
      notes: "RW because it may change the internal representation of the key, and propagate to replicas",
    },
  ],
  run: (ctx) => (ctx.request.argc === 2 ? countOne(ctx) : countUnion(ctx)),
});

function countOne(ctx: CommandContext): Outcome {
  const { request, reply } = ctx;
  const { entries } = ctx.keyspace;
  const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
  if (address === 0) return reply.integer(0);
  if (!checkHyperLogLog(ctx, address)) return DONE;
  makeRaw(ctx, address);
  const bytes = entries.valueBuffer(address);
  const start = entries.valueStart(address);
  if (isCounted(bytes, start)) {
    const counted = countedCardinality(bytes, start);
    if (counted <= Number.MAX_SAFE_INTEGER) return reply.integer(counted);
    return reply.bigInteger(exactCardinality(bytes, start));
  }
  const cardinality = cardinalityOf(bytes, start, entries.valueLength(address));
  if (cardinality < 0) return reply.error(DAMAGED_HYPERLOGLOG);
  ctx.db.beforeWrite(address);
  if (entries.huge.frozenCount > 0) entries.beforeChange(address, 0, entries.valueLength(address));
  keepCardinality(entries.valueBuffer(address), entries.valueStart(address), cardinality);
  ctx.effects.verbatim();
  return replyCardinality(ctx, cardinality);
}

function countUnion(ctx: CommandContext): Outcome {
  const { buf, start, len, argc } = ctx.request;
  const { entries } = ctx.keyspace;
  union.fill(0);
  for (let i = 1; i < argc; i++) {
    const address = ctx.db.lookupRead(buf, start[i], len[i]);
    if (address === 0) continue;
    if (!checkHyperLogLog(ctx, address)) return DONE;
    const length = entries.valueLength(address);
    if (!mergeInto(union, entries.valueBuffer(address), entries.valueStart(address), length)) {
      return ctx.reply.error(DAMAGED_HYPERLOGLOG);
    }
  }
  return replyCardinality(ctx, cardinalityOfUnion(union));
}

/** More than 2^53 comes only of foreign strings, and what 64 bits do not hold is shown as Redis shows it. */
function replyCardinality(ctx: CommandContext, cardinality: number): Outcome {
  if (cardinality <= Number.MAX_SAFE_INTEGER) return ctx.reply.integer(cardinality);
  return ctx.reply.bigInteger(cardinality >= TWO_63 ? LONG_MIN : BigInt(cardinality));
}
