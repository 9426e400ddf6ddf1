/**
 * Setting and removing expiries: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST.
 *
 * Whatever the form of the request, the log gets the instant (PEXPIREAT), or DEL if that lies in the past: a replay
 * must not depend on when it happens.
 */

import { parseInt64, parseInteger } from "../../base/numbers.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { EXPIRES } from "../../memory/entries.ts";
import {
  EXPIRE_GT_AND_LT,
  EXPIRE_NX_AND_OTHERS,
  invalidExpireTime,
  NOT_AN_INTEGER,
  unsupportedOption,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { isWord, LONG_MAX, LONG_MIN, textForError } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
/** Past this a product with 1000 and the sum with the time of day leave the range of exact doubles. */
const MAX_EXACT_ARGUMENT = Number.MAX_SAFE_INTEGER / 1000 - 2 ** 42;

/** What distinguishes the four commands. */
interface ExpireForm {
  readonly name: string;
  readonly isAbsolute: boolean;
  readonly unitMs: number;
}

function runExpire(ctx: CommandContext, form: ExpireForm): Outcome {
  const { request, keyspace } = ctx;
  const conditions = parseConditions(ctx);
  if (conditions < 0) return DONE;
  const expireMs = parseExpireTime(ctx, form);
  if (Number.isNaN(expireMs)) return DONE;
  const address = ctx.db.lookupWrite(request.buf, request.start[1], request.len[1]);
  if (address === 0) return ctx.reply.integer(0);
  if (conditions !== 0 && !conditionsHold(conditions, keyspace.entries.expireMs(address), expireMs)) {
    return ctx.reply.integer(0);
  }
  if (expireMs <= keyspace.nowMs && keyspace.expiring) {
    ctx.db.delete(address);
    notify(ctx, EVENT.generic, "del", 1);
    ctx.effects.command("DEL", request.bytes(1));
    return ctx.reply.integer(1);
  }
  // While data is loaded a key may get an expiry in the past, and waits for the log to delete it. 0 would mean none.
  ctx.db.setExpiry(address, Math.max(1, expireMs));
  notify(ctx, EVENT.generic, "expire", 1);
  propagateExpiry(ctx, form, expireMs);
  return ctx.reply.integer(1);
}

function propagateExpiry(ctx: CommandContext, form: ExpireForm, expireMs: number): void {
  const { request } = ctx;
  if (form.isAbsolute && form.unitMs === 1) {
    ctx.effects.verbatim();
  } else if (request.argc === 3) {
    ctx.effects.command("PEXPIREAT", request.bytes(1), expireMs);
  } else {
    const options: Buffer[] = [];
    for (let i = 3; i < request.argc; i++) options.push(request.bytes(i));
    ctx.effects.command("PEXPIREAT", request.bytes(1), expireMs, ...options);
  }
}

/** The options from argument 3 on as bits; -1 after an error reply. */
function parseConditions(ctx: CommandContext): number {
  const { request } = ctx;
  let bits = 0;
  for (let i = 3; i < request.argc; i++) {
    if (isWord(request, i, "nx")) bits |= NX;
    else if (isWord(request, i, "xx")) bits |= XX;
    else if (isWord(request, i, "gt")) bits |= GT;
    else if (isWord(request, i, "lt")) bits |= LT;
    else {
      ctx.reply.error(unsupportedOption(textForError(request, i)));
      return -1;
    }
  }
  if ((bits & NX) !== 0 && bits !== NX) {
    ctx.reply.error(EXPIRE_NX_AND_OTHERS);
    return -1;
  }
  if ((bits & (GT | LT)) === (GT | LT)) {
    ctx.reply.error(EXPIRE_GT_AND_LT);
    return -1;
  }
  return bits;
}

/** `current` is the key's expiry, 0 for none, which counts as infinitely late. */
function conditionsHold(conditions: number, current: number, wanted: number): boolean {
  const hasExpiry = current !== 0;
  if ((conditions & NX) !== 0 && hasExpiry) return false;
  if ((conditions & XX) !== 0 && !hasExpiry) return false;
  if ((conditions & GT) !== 0 && (!hasExpiry || wanted <= current)) return false;
  return (conditions & LT) === 0 || !hasExpiry || wanted < current;
}

/**
 * Argument 2 as an instant in Unix milliseconds; NaN after an error reply. Instants beyond 2^53 milliseconds (the
 * year 287396) are valid in Redis; they become 2^53 - 1.
 */
function parseExpireTime(ctx: CommandContext, form: ExpireForm): number {
  const { buf, start, len } = ctx.request;
  const base = form.isAbsolute ? 0 : ctx.keyspace.nowMs;
  const value = parseInteger(buf, start[2], len[2]);
  if (Math.abs(value) <= MAX_EXACT_ARGUMENT) return value * form.unitMs + base;
  const large = parseInt64(buf, start[2], len[2]);
  if (large === undefined) {
    ctx.reply.error(NOT_AN_INTEGER);
    return Number.NaN;
  }
  const unit = BigInt(form.unitMs);
  const isOutOfRange = large > LONG_MAX / unit || large < LONG_MIN / unit;
  const expireMs = large * unit + BigInt(base);
  if (isOutOfRange || expireMs > LONG_MAX) {
    ctx.reply.error(invalidExpireTime(form.name));
    return Number.NaN;
  }
  return Math.min(Number(expireMs), Number.MAX_SAFE_INTEGER);
}

function expireCommand(form: ExpireForm, since: string, summary: string): CommandSpec {
  return defineCommand({
    name: form.name,
    group: "generic",
    since,
    summary,
    complexity: "O(1)",
    arity: -3,
    flags: ["write", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RW", "update")],
    run: (ctx) => runExpire(ctx, form),
  });
}

export const expire: CommandSpec = expireCommand(
  { name: "expire", isAbsolute: false, unitMs: 1000 },
  "1.0.0",
  "Lets a key expire after some seconds",
);

export const pexpire: CommandSpec = expireCommand(
  { name: "pexpire", isAbsolute: false, unitMs: 1 },
  "2.6.0",
  "Lets a key expire after some milliseconds",
);

export const expireat: CommandSpec = expireCommand(
  { name: "expireat", isAbsolute: true, unitMs: 1000 },
  "1.2.0",
  "Lets a key expire at an instant given in seconds of Unix time",
);

export const pexpireat: CommandSpec = expireCommand(
  { name: "pexpireat", isAbsolute: true, unitMs: 1 },
  "2.6.0",
  "Lets a key expire at an instant given in milliseconds of Unix time",
);

export const persist = defineCommand({
  name: "persist",
  group: "generic",
  since: "2.2.0",
  summary: "Removes a key's expiry",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (address === 0 || (ctx.keyspace.entries.head(address) & EXPIRES) === 0) return ctx.reply.integer(0);
    ctx.db.setExpiry(address, 0);
    notify(ctx, EVENT.generic, "persist", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});
