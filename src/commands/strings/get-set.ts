/**
 * GET, SET and their relatives: the hottest commands. GET and SET (with NX, XX and KEEPTTL too) allocate nothing.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { KEEP_TTL, setString } from "../../keyspace/strings.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { encodingOf, STRING } from "../../types/string/string-value.ts";
import { isWord } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import {
  ABSOLUTE,
  EXPIRY,
  expiryTime,
  GET_OLD,
  GETEX_OPTIONS,
  KEEPTTL,
  NX,
  PERSIST,
  SET_OPTIONS,
  StringOptions,
  XX,
} from "./options.ts";

const options = new StringOptions();

export const get = defineCommand({
  name: "get",
  group: "string",
  since: "1.0.0",
  summary: "Get the value of a key",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.null();
    return replyString(ctx, address);
  },
});

export const set = defineCommand({
  name: "set",
  group: "string",
  since: "1.0.0",
  summary: "Set the string value of a key",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "RW and ACCESS due to the optional `GET` argument",
    },
  ],
  keyFlagsOf(request, nameAt) {
    for (let i = nameAt + 3; i < request.argc; i++) {
      if (isWord(request, i, "get")) return ["RW", "access", "update"];
    }
    return ["OW", "update"];
  },
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    if (argc > 3) return setWithOptions(ctx);
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    assign(ctx, address, 2, 0);
    notify(ctx, EVENT.string, "set", 1);
    ctx.effects.verbatim();
    return ctx.reply.ok();
  },
});

export const setnx = defineCommand({
  name: "setnx",
  group: "string",
  since: "1.0.0",
  summary: "Set the value of a key that does not exist yet",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "OW", "insert")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (address !== 0) return ctx.reply.integer(0);
    assign(ctx, 0, 2, 0);
    notify(ctx, EVENT.string, "set", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});

export const setex = defineCommand({
  name: "setex",
  group: "string",
  since: "2.0.0",
  summary: "Set the value of a key and its expiry in seconds",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [keyAt(1, "OW", "update")],
  run: (ctx) => setExpiring(ctx, "setex", true),
});

export const psetex = defineCommand({
  name: "psetex",
  group: "string",
  since: "2.6.0",
  summary: "Set the value of a key and its expiry in milliseconds",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [keyAt(1, "OW", "update")],
  run: (ctx) => setExpiring(ctx, "psetex", false),
});

export const getset = defineCommand({
  name: "getset",
  group: "string",
  since: "1.0.0",
  summary: "Set the value of a key and return what it was before",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { request } = ctx;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (!replyOldValue(ctx, address)) return DONE;
    assign(ctx, address, 2, 0);
    notify(ctx, EVENT.string, "set", 1);
    ctx.effects.command("SET", request.bytes(1), request.bytes(2));
    return DONE;
  },
});

export const getdel = defineCommand({
  name: "getdel",
  group: "string",
  since: "6.2.0",
  summary: "Return the value of a key and delete the key",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RW", "access", "delete")],
  run(ctx) {
    const { request } = ctx;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (!replyOldValue(ctx, address) || address === 0) return DONE;
    if (ctx.db.isUnchanged(address)) ctx.effects.noteOldKeys();
    ctx.db.delete(address);
    notify(ctx, EVENT.generic, "del", 1);
    ctx.effects.command("DEL", request.bytes(1));
    return DONE;
  },
});

export const getex = defineCommand({
  name: "getex",
  group: "string",
  since: "6.2.0",
  summary: "Return the value of a key and set or remove its expiry",
  complexity: "O(1)",
  arity: -2,
  flags: ["write", "fast"],
  categories: ["string"],
  keys: [{ ...keyAt(1, "RW", "access", "update"), notes: "RW and UPDATE because it changes the TTL" }],
  run(ctx) {
    const { request } = ctx;
    if (!options.parse(request, 2, GETEX_OPTIONS)) return ctx.reply.error(SYNTAX_ERROR);
    const { flags } = options;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (address === 0) return ctx.reply.null();
    if (ctx.keyspace.entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
    let expireMs = 0;
    if ((flags & EXPIRY) !== 0) {
      expireMs = options.expiryTime(ctx, "getex");
      if (expireMs === 0) return DONE;
    }
    replyString(ctx, address);
    if (expireMs !== 0) changeExpiry(ctx, address, expireMs, (flags & ABSOLUTE) !== 0);
    else if ((flags & PERSIST) !== 0 && ctx.keyspace.entries.expireMs(address) !== 0) {
      ctx.db.setExpiry(address, 0);
      notify(ctx, EVENT.generic, "persist", 1);
      ctx.effects.command("PERSIST", request.bytes(1));
    }
    return DONE;
  },
});

/** Answers the string at `address`, or WRONGTYPE. */
export function replyString(ctx: CommandContext, address: number): Outcome {
  const { entries } = ctx.keyspace;
  if (entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
  return ctx.reply.bulkRange(
    entries.valueBuffer(address),
    entries.valueStart(address),
    entries.valueLength(address),
  );
}

/** Sets the key in argument 1 to argument `i`, which must be propagated as SET next. `address` is what the lookup just
 * made returned. */
export function assign(ctx: CommandContext, address: number, i: number, expireMs: number): void {
  const { buf, start, len } = ctx.request;
  if (address !== 0 && ctx.db.isUnchanged(address)) ctx.effects.noteOldKeys();
  const encoding = encodingOf(buf, start[i], len[i]);
  setString(ctx.keyspace, ctx.db, address, buf, start[1], len[1], buf, start[i], len[i], encoding, expireMs);
}

/** Answers what the key held; false if that is no string (then WRONGTYPE was answered). */
function replyOldValue(ctx: CommandContext, address: number): boolean {
  if (address === 0) {
    ctx.reply.null();
    return true;
  }
  replyString(ctx, address);
  return ctx.keyspace.entries.type(address) === STRING;
}

function setExpiring(ctx: CommandContext, commandName: string, isSeconds: boolean): Outcome {
  const { request } = ctx;
  const expireMs = expiryTime(ctx, commandName, 2, isSeconds, true);
  if (expireMs === 0) return DONE;
  const address = ctx.db.lookupWrite(request.buf, request.start[1], request.len[1]);
  assign(ctx, address, 3, expireMs);
  notify(ctx, EVENT.string, "set", 1);
  notify(ctx, EVENT.generic, "expire", 1);
  ctx.effects.command("SET", request.bytes(1), request.bytes(3), "PXAT", expireMs);
  return ctx.reply.ok();
}

function setWithOptions(ctx: CommandContext): Outcome {
  const { request, reply } = ctx;
  if (!options.parse(request, 3, SET_OPTIONS)) return reply.error(SYNTAX_ERROR);
  const { flags } = options;
  let expireMs = (flags & KEEPTTL) !== 0 ? KEEP_TTL : 0;
  if ((flags & EXPIRY) !== 0) {
    expireMs = options.expiryTime(ctx, "set");
    if (expireMs === 0) return DONE;
  }
  const answersOld = (flags & GET_OLD) !== 0;
  const { buf, start, len } = request;
  const address = answersOld
    ? ctx.db.lookupRead(buf, start[1], len[1])
    : ctx.db.lookupWrite(buf, start[1], len[1]);
  if (answersOld && !replyOldValue(ctx, address)) return DONE;
  if ((flags & (address === 0 ? XX : NX)) !== 0) return answersOld ? DONE : reply.null();
  assign(ctx, address, 2, expireMs);
  notify(ctx, EVENT.string, "set", 1);
  if (expireMs > 0) notify(ctx, EVENT.generic, "expire", 1);
  if (expireMs > 0) ctx.effects.command("SET", request.bytes(1), request.bytes(2), "PXAT", expireMs);
  else if (answersOld) propagateWithoutGet(ctx);
  else ctx.effects.verbatim();
  return answersOld ? DONE : reply.ok();
}

/** Repeating a SET needs no reply, and its options without GET are known to older versions too. */
function propagateWithoutGet(ctx: CommandContext): void {
  const { request } = ctx;
  const args: Buffer[] = [];
  for (let i = 0; i < request.argc; i++) {
    if (i < 3 || !isWord(request, i, "get")) args.push(request.bytes(i));
  }
  ctx.effects.command(...args);
}

/** GETEX with a time: deletes the key if an absolute one has passed (not while loading: the log says what expired). */
function changeExpiry(ctx: CommandContext, address: number, expireMs: number, isAbsolute: boolean): void {
  const key = ctx.request.bytes(1);
  if (isAbsolute && expireMs <= ctx.keyspace.nowMs && ctx.keyspace.expiring) {
    ctx.db.delete(address);
    notify(ctx, EVENT.generic, "del", 1);
    ctx.effects.command("DEL", key);
    return;
  }
  ctx.db.setExpiry(address, expireMs);
  notify(ctx, EVENT.generic, "expire", 1);
  ctx.effects.command("PEXPIREAT", key, expireMs);
}
