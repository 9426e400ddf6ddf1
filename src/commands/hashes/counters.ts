/**
 * HINCRBY and HINCRBYFLOAT. They leave a field's time as it is.
 */

import { parseInt64, parseInteger, writeInteger } from "../../base/numbers.ts";
import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  HASH_VALUE_NOT_A_FLOAT,
  HASH_VALUE_NOT_AN_INTEGER,
  INCREMENT_NOT_FINITE,
  INCREMENT_OVERFLOW,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  NOT_FINITE,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { NO_TIME } from "../../types/hash/timed-listpack.ts";
import {
  addLongDoubles,
  formatLongDouble,
  LONG_DOUBLE_ZERO,
  parseLongDouble,
} from "../../types/string/long-double.ts";
import { LONG_MAX, LONG_MIN } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { createHash, hashForWrite } from "./open.ts";

const FIELD = 2;
const INCREMENT = 3;
const MAX_INTEGER_TEXT = 20;

/** Holds the sum as text. */
const digits = Buffer.allocUnsafeSlow(MAX_INTEGER_TEXT);

export const hincrby = defineCommand({
  name: "hincrby",
  group: "hash",
  since: "2.0.0",
  summary: "Add to the integer that a field of a hash holds",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  categories: ["hash"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const by = parseInteger(buf, start[INCREMENT], len[INCREMENT]);
    if (Number.isNaN(by) && parseInt64(buf, start[INCREMENT], len[INCREMENT]) === undefined)
      return ctx.reply.error(NOT_AN_INTEGER);
    const hash = hashForWrite(ctx);
    if (hash === undefined) return DONE;
    const { value } = hash.fields;
    const isFound = hash.find(buf, start[FIELD], len[FIELD]);
    const sum = by + (isFound ? parseInteger(value.buffer, value.start, value.length) : 0);
    if (!Number.isSafeInteger(sum)) return addLarge(ctx, hash, isFound);
    assign(ctx, hash, digits, writeInteger(digits, 0, sum));
    notify(ctx, EVENT.hash, "hincrby", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(sum);
  },
});

/** Adds what may be any 64-bit integers to a field that is the present one, if there is it. */
function addLarge(ctx: CommandContext, hash: HashEntry, isFound: boolean): Outcome {
  const { buf, start, len } = ctx.request;
  const { value } = hash.fields;
  const old = isFound ? parseInt64(value.buffer, value.start, value.length) : 0n;
  if (old === undefined) return ctx.reply.error(HASH_VALUE_NOT_AN_INTEGER);
  const sum = old + parseInt64(buf, start[INCREMENT], len[INCREMENT])!;
  if (sum > LONG_MAX || sum < LONG_MIN) return ctx.reply.error(INCREMENT_OVERFLOW);
  assign(ctx, hash, digits, digits.write(sum.toString(), "latin1"));
  notify(ctx, EVENT.hash, "hincrby", 1);
  ctx.effects.verbatim();
  return ctx.reply.bigInteger(sum);
}

/** Sets the field in the arguments to the first `length` bytes of `text`. */
function assign(ctx: CommandContext, hash: HashEntry, text: Buffer, length: number): void {
  const { buf, start, len } = ctx.request;
  // With a field whose time had come the whole hash may have gone.
  const target = hash.isGone ? createHash(ctx) : hash;
  target.beforeWrite();
  target.fields.set(buf, start[FIELD], len[FIELD], text, 0, length, true);
}

export const hincrbyfloat = defineCommand({
  name: "hincrbyfloat",
  group: "hash",
  since: "2.6.0",
  summary: "Add to the floating point number that a field of a hash holds",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  categories: ["hash"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { request, reply } = ctx;
    const { buf, start, len } = request;
    const by = parseLongDouble(buf, start[INCREMENT], len[INCREMENT]);
    if (by === undefined) return reply.error(NOT_A_FLOAT);
    if (typeof by === "string") return reply.error(NOT_FINITE);
    const hash = hashForWrite(ctx);
    if (hash === undefined) return DONE;
    const { value } = hash.fields;
    const isFound = hash.find(buf, start[FIELD], len[FIELD]);
    const time = isFound ? hash.fields.time : NO_TIME;
    const old = isFound ? parseLongDouble(value.buffer, value.start, value.length) : LONG_DOUBLE_ZERO;
    if (old === undefined) return reply.error(HASH_VALUE_NOT_A_FLOAT);
    const sum = addLongDoubles(old, by);
    if (sum === undefined) return reply.error(INCREMENT_NOT_FINITE);
    const text = Buffer.from(formatLongDouble(sum), "latin1");
    assign(ctx, hash, text, text.length);
    notify(ctx, EVENT.hash, "hincrbyfloat", 1);
    // The sum and not the addition is repeated, so that nobody has to compute it to the same digit again.
    const [key, field] = [request.bytes(1), request.bytes(FIELD)];
    ctx.effects.command("HSET", key, field, text);
    if (time !== NO_TIME) ctx.effects.command("HPEXPIREAT", key, time, "FIELDS", 1, field);
    return reply.bulk(text);
  },
});
