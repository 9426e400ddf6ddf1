/**
 * Letting fields expire: HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT and HPERSIST, as in Redis 7.4.
 *
 * Whatever the form of the request, the log gets the instant (HPEXPIREAT), and only the fields that got it; or HDEL, if
 * the instant lies in the past. A replay must not depend on when it happens.
 */

import { parseInt64, parseInteger } from "../../base/numbers.ts";
import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  FIELD_COUNT_NOT_POSITIVE,
  FIELD_EXPIRE_TIME_NEGATIVE,
  invalidExpireTime,
  NOT_AN_INTEGER,
  NUMBER_OF_FIELDS_NOT_POSITIVE,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { NO_TIME } from "../../types/hash/timed-listpack.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { areFieldsOrReply } from "./field-arguments.ts";
import { openHash } from "./open.ts";

const TIME = 2;
const CONDITION = 3;
/** Of HPERSIST. */
const FIRST_PLAIN_FIELD = 4;
/** The latest instant that a field can be given, in milliseconds: the year 4199. */
const MAX_TIME = 2 ** 46 - 1;

/** What is answered for a field. */
const NO_FIELD = -2;
const NO_FIELD_TIME = -1;
const CONDITION_NOT_MET = 0;
const DONE_FOR_FIELD = 1;
const FIELD_DELETED = 2;

/** What distinguishes the four commands. */
interface ExpireForm {
  readonly name: string;
  readonly isAbsolute: boolean;
  readonly unitMs: number;
}

/** When a field may be given a time, by the time that it has; one that does not expire counts as infinitely late. */
type Condition = (present: number, wanted: number) => boolean;

const CONDITIONS: Readonly<Record<string, Condition>> = {
  nx: (present) => present === NO_TIME,
  xx: (present) => present !== NO_TIME,
  gt: (present, wanted) => present !== NO_TIME && wanted > present,
  lt: (present, wanted) => present === NO_TIME || wanted < present,
};
const ALWAYS: Condition = () => true;

function conditionOf(ctx: CommandContext): Condition {
  for (const word of Object.keys(CONDITIONS))
    if (isWord(ctx.request, CONDITION, word)) return CONDITIONS[word];
  return ALWAYS;
}

function runExpire(ctx: CommandContext, form: ExpireForm): Outcome {
  const { request, reply } = ctx;
  const { buf, start, len, argc } = request;
  const address = ctx.db.lookupWrite(buf, start[1], len[1]);
  const hash = address === 0 ? undefined : openHash(ctx, address);
  if (address !== 0 && hash === undefined) return DONE;
  const time = timeOrReply(ctx, form);
  if (Number.isNaN(time)) return DONE;
  const condition = conditionOf(ctx);
  const fieldsAt = condition === ALWAYS ? CONDITION : CONDITION + 1;
  if (!areFieldsOrReply(ctx, fieldsAt, FIELD_COUNT_NOT_POSITIVE)) return DONE;
  const first = fieldsAt + 2;
  reply.array(argc - first);
  const changed: Buffer[] = [];
  for (let i = first; i < argc; i++) {
    const outcome = hash === undefined ? NO_FIELD : setTime(ctx, hash, i, time, condition);
    if (outcome > CONDITION_NOT_MET) changed.push(request.bytes(i));
    reply.integer(outcome);
  }
  if (changed.length > 0) propagate(ctx, time, changed);
  if (changed.length > 0 && hash!.isGone) notify(ctx, EVENT.generic, "del", 1);
  return DONE;
}

/** Argument 2 as an instant in Unix milliseconds; NaN after an error reply. */
function timeOrReply(ctx: CommandContext, form: ExpireForm): number {
  const { buf, start, len } = ctx.request;
  const value = parseInteger(buf, start[TIME], len[TIME]);
  const large = Number.isNaN(value) ? parseInt64(buf, start[TIME], len[TIME]) : 0n;
  const time = value * form.unitMs + (form.isAbsolute ? 0 : ctx.keyspace.nowMs);
  let problem: string | undefined;
  if (large === undefined) problem = NOT_AN_INTEGER;
  else if (value < 0 || large < 0n) problem = FIELD_EXPIRE_TIME_NEGATIVE;
  else if (large > 0n || time > MAX_TIME) problem = invalidExpireTime(form.name);
  if (problem === undefined) return time;
  ctx.reply.error(problem);
  return Number.NaN;
}

/** Whether a field that gets this time goes at once. (Not while data is loaded: then the log says when it goes.) */
function isPast({ keyspace }: CommandContext, time: number): boolean {
  return time <= keyspace.nowMs && keyspace.expiring;
}

/** Gives the field that argument i names a time; returns what is to be answered. */
function setTime(
  ctx: CommandContext,
  hash: HashEntry,
  i: number,
  time: number,
  condition: Condition,
): number {
  const { buf, start, len } = ctx.request;
  const { fields } = hash;
  if (!hash.find(buf, start[i], len[i])) return NO_FIELD;
  if (!condition(fields.time, time)) return CONDITION_NOT_MET;
  hash.beforeWrite();
  if (!isPast(ctx, time)) {
    fields.setTime(buf, start[i], len[i], Math.max(1, time));
    return DONE_FOR_FIELD;
  }
  fields.removeFound(buf, start[i], len[i]);
  ctx.keyspace.expiredFields++;
  if (fields.size === 0) hash.delete();
  return FIELD_DELETED;
}

function propagate(ctx: CommandContext, time: number, fields: readonly Buffer[]): void {
  const key = ctx.request.bytes(1);
  notify(ctx, EVENT.hash, isPast(ctx, time) ? "hdel" : "hexpire", 1);
  if (isPast(ctx, time)) ctx.effects.command("HDEL", key, ...fields);
  else ctx.effects.command("HPEXPIREAT", key, time, "FIELDS", fields.length, ...fields);
}

function expireCommand(form: ExpireForm, summary: string): CommandSpec {
  return defineCommand({
    name: form.name,
    group: "hash",
    since: "7.4.0",
    summary,
    complexity: "O(N) in the number of fields",
    arity: -6,
    flags: ["write", "denyoom", "fast"],
    categories: ["hash"],
    keys: [keyAt(1, "RW", "update")],
    run: (ctx) => runExpire(ctx, form),
  });
}

export const hexpire: CommandSpec = expireCommand(
  { name: "hexpire", isAbsolute: false, unitMs: 1000 },
  "Let fields of a hash expire after some seconds",
);

export const hpexpire: CommandSpec = expireCommand(
  { name: "hpexpire", isAbsolute: false, unitMs: 1 },
  "Let fields of a hash expire after some milliseconds",
);

export const hexpireat: CommandSpec = expireCommand(
  { name: "hexpireat", isAbsolute: true, unitMs: 1000 },
  "Let fields of a hash expire at an instant given in seconds of Unix time",
);

export const hpexpireat: CommandSpec = expireCommand(
  { name: "hpexpireat", isAbsolute: true, unitMs: 1 },
  "Let fields of a hash expire at an instant given in milliseconds of Unix time",
);

export const hpersist = defineCommand({
  name: "hpersist",
  group: "hash",
  since: "7.4.0",
  summary: "Let fields of a hash expire no more",
  complexity: "O(N) in the number of fields",
  arity: -5,
  flags: ["write", "fast"],
  categories: ["hash"],
  keys: [keyAt(1, "RW", "update")],
  run(ctx) {
    const { request, reply } = ctx;
    const { buf, start, len, argc } = request;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    const hash = address === 0 ? undefined : openHash(ctx, address);
    if (address !== 0 && hash === undefined) return DONE;
    if (!areFieldsOrReply(ctx, 2, NUMBER_OF_FIELDS_NOT_POSITIVE)) return DONE;
    let changed = 0;
    reply.array(argc - FIRST_PLAIN_FIELD);
    for (let i = FIRST_PLAIN_FIELD; i < argc; i++) {
      const isThere = hash?.find(buf, start[i], len[i]) ?? false;
      const hasTime = isThere && hash!.fields.time !== NO_TIME;
      if (hasTime) {
        hash!.beforeWrite();
        hash!.fields.setTime(buf, start[i], len[i], NO_TIME);
        changed++;
      }
      reply.integer(hasTime ? DONE_FOR_FIELD : isThere ? NO_FIELD_TIME : NO_FIELD);
    }
    if (changed > 0) {
      notify(ctx, EVENT.hash, "hpersist", 1);
      ctx.effects.verbatim();
    }
    return DONE;
  },
});
