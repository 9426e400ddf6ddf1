/**
 * HRANDFIELD. Fields whose time has come are removed before any is drawn.
 */
import { parseInt64 } from "../../base/numbers.ts";
import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { SYNTAX_ERROR, VALUE_OUT_OF_RANGE, valueNotBetween } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { RandomFields } from "../../types/hash/random-fields.ts";
import { isWord, LONG_MAX, LONG_MIN, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openHash } from "./open.ts";

const COUNT = 2;
const WITH_VALUES = 3;
const MAX_PAIRS = LONG_MAX / 2n;
/** The least that a bulk string takes in a reply. */
const BULK_BYTES = 6;

const randomFields = new RandomFields();

export const hrandfield = defineCommand({
  name: "hrandfield",
  group: "hash",
  since: "6.2.0",
  summary: "Get one or several random fields of a hash",
  complexity: "O(N) in the number of fields that are returned",
  arity: -2,
  flags: ["readonly"],
  categories: ["hash"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply, keyspace } = ctx;
    const hasCount = request.argc > COUNT;
    const count = hasCount ? countOrReply(ctx) : 1;
    if (Number.isNaN(count)) return DONE;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (address === 0) return hasCount ? reply.array(0) : reply.null();
    const hash = openHash(ctx, address);
    if (hash === undefined) return DONE;
    hash.removeAllDue();
    if (hasCount) return replySeveral(ctx, hash, count, request.argc > WITH_VALUES);
    if (hash.isGone) return reply.null();
    hash.fields.openRandom(keyspace.random);
    const { field } = hash.fields;
    return reply.bulkRange(field.buffer, field.start, field.length);
  },
});

/** The count, beyond 2^53 rounded, after all arguments were checked; NaN after an error reply. */
function countOrReply(ctx: CommandContext): number {
  const { request, reply } = ctx;
  const { buf, start, len, argc } = request;
  const count = longOrReply(ctx, COUNT);
  if (Number.isNaN(count)) return count;
  const exact = Number.isSafeInteger(count) ? 0n : parseInt64(buf, start[COUNT], len[COUNT])!;
  let problem: string | undefined;
  if (exact === LONG_MIN) problem = valueNotBetween(-LONG_MAX, LONG_MAX);
  else if (argc > WITH_VALUES && (argc > WITH_VALUES + 1 || !isWord(request, WITH_VALUES, "withvalues")))
    problem = SYNTAX_ERROR;
  else if (argc > WITH_VALUES && (exact < -MAX_PAIRS || exact > MAX_PAIRS)) problem = VALUE_OUT_OF_RANGE;
  if (problem === undefined) return count;
  reply.error(problem);
  return Number.NaN;
}

/** `count` different fields or, if it is negative, so many of which each is any. */
function replySeveral(ctx: CommandContext, hash: HashEntry, count: number, withValues: boolean): Outcome {
  const { reply, keyspace } = ctx;
  const { fields } = hash;
  if (hash.isGone || count === 0) return reply.array(0);
  const size = count < 0 ? -count : Math.min(count, fields.size);
  const isNested = withValues && reply.resp > 2;
  // What no reply can hold fails before it is made.
  reply.reserve(size * BULK_BYTES);
  reply.array(withValues && !isNested ? 2 * size : size);
  const { field, value } = fields;
  const visit = (): void => {
    if (isNested) reply.array(2);
    reply.bulkRange(field.buffer, field.start, field.length);
    if (withValues) reply.bulkRange(value.buffer, value.start, value.length);
  };
  if (count < 0) {
    randomFields.draw(fields, size, keyspace.random, visit);
  } else if (size < fields.size) {
    randomFields.drawDistinct(fields, size, keyspace.random, visit);
  } else {
    fields.begin();
    while (fields.next()) visit();
  }
  return DONE;
}
