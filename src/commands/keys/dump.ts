/**
 * Values as payloads that another server can take over: DUMP and RESTORE (RESTORE-ASKING is the same, sent between
 * nodes of a cluster). The payload itself is types/dump-payload.ts: nothing here knows any type of values.
 *
 * RESTORE checks everything before it changes anything. The log gets the command with its time to live as an instant.
 */

import { ByteArena } from "../../base/byte-arena.ts";
import { parseInt64 } from "../../base/numbers.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  BAD_DUMP_DATA,
  INVALID_FREQUENCY,
  INVALID_IDLE_TIME,
  INVALID_TTL,
  SYNTAX_ERROR,
  TARGET_KEY_EXISTS,
  WRONG_DUMP_FOOTER,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { createDump, type DumpedValue, isDumpIntact, readDump } from "../../types/dump-payload.ts";
import { isWord, LONG_MAX, longOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";

const KEY = 1;
const TIME_TO_LIVE = 2;
const PAYLOAD = 3;
const FIRST_OPTION = 4;
const MAX_FREQUENCY = 255;
const NOT_GIVEN = -1;
/** An instant that has passed, whenever it is. */
const LONG_PAST = 1;

/** Holds the packed value while it is copied into the reply. */
const arena = new ByteArena();

export const dump = defineCommand({
  name: "dump",
  group: "generic",
  since: "2.6.0",
  summary: "Answers a value as a payload for RESTORE",
  complexity: "O(N) in the size of the value",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace"],
  keys: [keyAt(KEY, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, db, keyspace, reply, server } = ctx;
    const address = db.lookupRead(request.buf, request.start[KEY], request.len[KEY]);
    if (address === 0) return reply.null();
    const { type, value, footer } = createDump(keyspace.memory, address, arena, server.config.rdbcompression);
    reply.bulkParts([type, value, footer]);
    arena.reset();
    return DONE;
  },
});

/** RESTORE's options. One object for all commands, as handlers run one at a time. */
class RestoreOptions {
  replaces = false;
  isAbsolute = false;
  idleSeconds = NOT_GIVEN;
  frequency = NOT_GIVEN;

  /** Parses the options; false after an error reply. */
  parse(ctx: CommandContext): boolean {
    this.replaces = false;
    this.isAbsolute = false;
    this.idleSeconds = NOT_GIVEN;
    this.frequency = NOT_GIVEN;
    const { request, reply } = ctx;
    for (let i = FIRST_OPTION; i < request.argc; i++) {
      const hasNext = i + 1 < request.argc;
      if (isWord(request, i, "replace")) {
        this.replaces = true;
      } else if (isWord(request, i, "absttl")) {
        this.isAbsolute = true;
      } else if (hasNext && this.frequency === NOT_GIVEN && isWord(request, i, "idletime")) {
        this.idleSeconds = numberOrReply(ctx, ++i, Number.POSITIVE_INFINITY, INVALID_IDLE_TIME);
        if (this.idleSeconds < 0) return false;
      } else if (hasNext && this.idleSeconds === NOT_GIVEN && isWord(request, i, "freq")) {
        this.frequency = numberOrReply(ctx, ++i, MAX_FREQUENCY, INVALID_FREQUENCY);
        if (this.frequency < 0) return false;
      } else {
        reply.error(SYNTAX_ERROR);
        return false;
      }
    }
    return true;
  }
}

const options = new RestoreOptions();

/** Argument i as a number from 0 to `max`; -1 after an error reply, which is `message` for an integer out of range. */
function numberOrReply(ctx: CommandContext, i: number, max: number, message: string): number {
  const value = longOrReply(ctx, i);
  if (value >= 0 && value <= max) return value;
  if (!Number.isNaN(value)) ctx.reply.error(message);
  return -1;
}

/** The expiry that the request asks for, in Unix milliseconds, 0 for none; -1 after an error reply. */
function expiryOrReply(ctx: CommandContext): number {
  const timeToLive = numberOrReply(ctx, TIME_TO_LIVE, Number.POSITIVE_INFINITY, INVALID_TTL);
  if (timeToLive <= 0) return timeToLive;
  // Instants beyond 2^53 milliseconds (the year 287396) are valid in Redis; they become 2^53 - 1.
  if (options.isAbsolute) return Math.min(timeToLive, Number.MAX_SAFE_INTEGER);
  const { nowMs } = ctx.keyspace;
  if (timeToLive <= Number.MAX_SAFE_INTEGER) return Math.min(timeToLive + nowMs, Number.MAX_SAFE_INTEGER);
  // In Redis the sum overflows 64 bits into the past.
  const { buf, start, len } = ctx.request;
  const exact = parseInt64(buf, start[TIME_TO_LIVE], len[TIME_TO_LIVE])!;
  return exact + BigInt(nowMs) > LONG_MAX ? LONG_PAST : Number.MAX_SAFE_INTEGER;
}

function runRestore(ctx: CommandContext): Outcome {
  const { request, db, keyspace, reply } = ctx;
  const { buf, start, len } = request;
  if (!options.parse(ctx)) return DONE;
  if (!options.replaces && db.lookupWrite(buf, start[KEY], len[KEY]) !== 0)
    return reply.error(TARGET_KEY_EXISTS);
  const expireMs = expiryOrReply(ctx);
  if (expireMs < 0) return DONE;
  const payload = request.bytes(PAYLOAD);
  if (!isDumpIntact(payload, ctx.server.debugging.ignoresChecksums)) return reply.error(WRONG_DUMP_FOOTER);
  const dumped = readDump(keyspace.memory, payload);
  if (dumped === undefined) return reply.error(BAD_DUMP_DATA);
  const hadKey = options.replaces && deleteKey(ctx);
  if (expireMs !== 0 && expireMs <= keyspace.nowMs && keyspace.expiring) {
    if (hadKey) {
      notify(ctx, EVENT.generic, "del", KEY);
      ctx.effects.command("DEL", request.bytes(KEY));
    }
    return reply.ok();
  }
  addKey(ctx, dumped, expireMs);
  notify(ctx, EVENT.generic, "restore", KEY);
  propagate(ctx, expireMs);
  return reply.ok();
}

/**
 * Deletes the key that RESTORE replaces, also one past its expiry that nobody has noticed yet: as in Redis, the log
 * need not tell that it expired. False if there was none.
 */
function deleteKey(ctx: CommandContext): boolean {
  const { request, db } = ctx;
  const address = db.find(request.buf, request.start[KEY], request.len[KEY]);
  if (address === 0 || db.isTombstone(address)) return false;
  db.delete(address);
  return true;
}

/** Creates the key, which was the last one looked up and is absent. */
function addKey(ctx: CommandContext, { dataType, value }: DumpedValue, expireMs: number): void {
  const { request, db, keyspace } = ctx;
  const { accessClock, entries, memory } = keyspace;
  const { buf, start, len } = request;
  const address = db.add(dataType.type, buf, start[KEY], len[KEY], value.length, expireMs);
  value.fill(memory, address);
  db.setEncoding(address, value.encoding);
  const { frequency, idleSeconds } = options;
  // What the policy in force does not count is let pass.
  if (accessClock.lfu) {
    if (frequency !== NOT_GIVEN) entries.setAccess(address, accessClock.withFrequency(frequency));
  } else if (idleSeconds !== NOT_GIVEN) {
    entries.setAccess(address, accessClock.withIdle(idleSeconds));
  }
}

function propagate(ctx: CommandContext, expireMs: number): void {
  const { request, effects } = ctx;
  if (expireMs === 0 || options.isAbsolute) {
    effects.verbatim();
    return;
  }
  const rest: Buffer[] = [];
  for (let i = PAYLOAD; i < request.argc; i++) rest.push(request.bytes(i));
  effects.command(request.bytes(0), request.bytes(KEY), expireMs, ...rest, "ABSTTL");
}

function restoreCommand(facts: Pick<CommandSpec, "name" | "group" | "since" | "flags">): CommandSpec {
  return defineCommand({
    ...facts,
    summary: "Creates a key from a payload of DUMP",
    complexity: "O(N) in the size of the value",
    arity: -4,
    categories: ["keyspace", "dangerous"],
    keys: [keyAt(KEY, "OW", "update")],
    run: runRestore,
  });
}

export const restore: CommandSpec = restoreCommand({
  name: "restore",
  group: "generic",
  since: "2.6.0",
  flags: ["write", "denyoom"],
});

export const restoreAsking: CommandSpec = restoreCommand({
  name: "restore-asking",
  group: "server",
  since: "3.0.0",
  flags: ["write", "denyoom", "asking"],
});
