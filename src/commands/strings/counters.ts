/**
 * INCR and its relatives. While value and increment are small enough for a double to hold exactly, the digits are
 * counted up where they lie, without allocating; beyond that BigInt covers the rest of the 64 bits.
 */

import { integerLength, parseInt64, parseInteger, writeDigits, writeInteger } from "../../base/numbers.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { KEEP_TTL, setString } from "../../keyspace/strings.ts";
import type { Entries } from "../../memory/entries.ts";
import {
  DECREMENT_OVERFLOW,
  INCREMENT_NOT_FINITE,
  INCREMENT_OVERFLOW,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  WRONG_TYPE,
} from "../../protocol/errors.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import {
  addLongDoubles,
  formatLongDouble,
  LONG_DOUBLE_ZERO,
  parseLongDouble,
} from "../../types/string/long-double.ts";
import { INT, STRING, textEncoding } from "../../types/string/string-value.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";

/** Integers of up to so many digits are counted up with 32-bit arithmetic. */
const SHORT_DIGITS = 9;
/** The least integer of so many digits, and the least that has more. */
const LEAST = Int32Array.from({ length: SHORT_DIGITS + 1 }, (_, digits) =>
  digits < 2 ? 0 : 10 ** (digits - 1),
);
const BEYOND = Int32Array.from({ length: SHORT_DIGITS + 1 }, (_, digits) => 10 ** digits);
const ZERO = 0x30;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

export const incr = defineCommand({
  name: "incr",
  group: "string",
  since: "1.0.0",
  summary: "Add one to the integer that a key holds",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run: (ctx) => increment(ctx, 1),
});

export const decr = defineCommand({
  name: "decr",
  group: "string",
  since: "1.0.0",
  summary: "Subtract one from the integer that a key holds",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run: (ctx) => increment(ctx, -1),
});

export const incrby = defineCommand({
  name: "incrby",
  group: "string",
  since: "1.0.0",
  summary: "Add to the integer that a key holds",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const by = parseInteger(buf, start[2], len[2]);
    if (!Number.isNaN(by)) return increment(ctx, by);
    const byLarge = parseInt64(buf, start[2], len[2]);
    return byLarge === undefined ? ctx.reply.error(NOT_AN_INTEGER) : incrementLarge(ctx, byLarge);
  },
});

export const decrby = defineCommand({
  name: "decrby",
  group: "string",
  since: "1.0.0",
  summary: "Subtract from the integer that a key holds",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const by = parseInteger(buf, start[2], len[2]);
    if (!Number.isNaN(by)) return increment(ctx, 0 - by); // and not -by, which may be -0
    const byLarge = parseInt64(buf, start[2], len[2]);
    if (byLarge === undefined) return ctx.reply.error(NOT_AN_INTEGER);
    return byLarge === MIN_INT64 ? ctx.reply.error(DECREMENT_OVERFLOW) : incrementLarge(ctx, -byLarge);
  },
});

export const incrbyfloat = defineCommand({
  name: "incrbyfloat",
  group: "string",
  since: "2.6.0",
  summary: "Add to the floating point number that a key holds",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { request, keyspace, db, reply } = ctx;
    const { buf, start, len } = request;
    const { entries } = keyspace;
    const address = db.lookupWrite(buf, start[1], len[1]);
    if (address !== 0 && entries.type(address) !== STRING) return reply.error(WRONG_TYPE);
    const value =
      address === 0
        ? LONG_DOUBLE_ZERO
        : parseLongDouble(
            entries.valueBuffer(address),
            entries.valueStart(address),
            entries.valueLength(address),
          );
    const by = value === undefined ? undefined : parseLongDouble(buf, start[2], len[2]);
    if (value === undefined || by === undefined) return reply.error(NOT_A_FLOAT);
    const sum = addLongDoubles(value, by);
    if (sum === undefined) return reply.error(INCREMENT_NOT_FINITE);
    const text = Buffer.from(formatLongDouble(sum), "latin1");
    const encoding = textEncoding(text.length);
    setString(keyspace, db, address, buf, start[1], len[1], text, 0, text.length, encoding, KEEP_TTL);
    notify(ctx, EVENT.string, "incrbyfloat", 1);
    // The sum and not the addition is repeated, so that nobody has to compute it to the same digit again.
    ctx.effects.command("SET", request.bytes(1), text, "KEEPTTL");
    return reply.bulk(text);
  },
});

/** Adds a safe integer. */
function increment(ctx: CommandContext, by: number): Outcome {
  const { buf, start, len } = ctx.request;
  const { db } = ctx;
  const { entries } = ctx.keyspace;
  let address = db.lookupWrite(buf, start[1], len[1]);
  const sum = address === 0 ? -1 : shortSum(entries, address, by);
  if (sum >= 0) {
    db.beforeWrite(address);
    const end = entries.valueStart(address) + entries.valueLength(address);
    writeDigits(entries.valueBuffer(address), end, sum);
    if (entries.encoding(address) !== INT) entries.setEncoding(address, INT);
    notify(ctx, EVENT.string, "incrby", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(sum);
  }
  let value = by;
  if (address === 0) {
    address = db.add(STRING, buf, start[1], len[1], integerLength(value), 0);
    entries.setEncoding(address, INT);
  } else {
    if (entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
    const oldLength = entries.valueLength(address);
    value += parseInteger(entries.valueBuffer(address), entries.valueStart(address), oldLength);
    if (!Number.isSafeInteger(value)) return addLarge(ctx, address, BigInt(by));
    db.beforeWrite(address);
    const length = integerLength(value);
    if (length !== oldLength) address = db.resizeValue(address, length);
    if (entries.encoding(address) !== INT) entries.setEncoding(address, INT);
  }
  writeInteger(entries.valueBuffer(address), entries.valueStart(address), value);
  notify(ctx, EVENT.string, "incrby", 1);
  ctx.effects.verbatim();
  return ctx.reply.integer(value);
}

/**
 * The sum of `by` and an entry's value, if the value is a short integer, and the sum one of the same length that can
 * take its place; else -1. This is what counters mostly are, and in one short function it takes half the time.
 */
function shortSum(entries: Entries, address: number, by: number): number {
  const length = entries.valueLength(address);
  if (length > SHORT_DIGITS || length === 0 || entries.type(address) !== STRING) return -1;
  const bytes = entries.valueBuffer(address);
  const start = entries.valueStart(address);
  let value = 0;
  for (let i = start; i < start + length; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  // Leading zeros are no integer: their value is too short for the length.
  if (value < LEAST[length]) return -1;
  const sum = value + by;
  return sum >= LEAST[length] && sum < BEYOND[length] ? sum : -1;
}

/** Adds an integer of 64 bits. */
function incrementLarge(ctx: CommandContext, by: bigint): Outcome {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupWrite(buf, start[1], len[1]);
  if (address !== 0 && ctx.keyspace.entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
  return addLarge(ctx, address, by);
}

/** `address` is what the lookup just made returned: a string, or 0. */
function addLarge(ctx: CommandContext, address: number, by: bigint): Outcome {
  const { buf, start, len } = ctx.request;
  const { entries } = ctx.keyspace;
  const old =
    address === 0
      ? 0n
      : parseInt64(entries.valueBuffer(address), entries.valueStart(address), entries.valueLength(address));
  if (old === undefined) return ctx.reply.error(NOT_AN_INTEGER);
  const value = old + by;
  if (value > MAX_INT64 || value < MIN_INT64) return ctx.reply.error(INCREMENT_OVERFLOW);
  const text = Buffer.from(value.toString(), "latin1");
  setString(ctx.keyspace, ctx.db, address, buf, start[1], len[1], text, 0, text.length, INT, KEEP_TTL);
  notify(ctx, EVENT.string, "incrby", 1);
  ctx.effects.verbatim();
  return ctx.reply.bigInteger(value);
}
