/**
 * SRANDMEMBER and SPOP: members that chance chooses. SPOP is repeated by the log as the removal of what it chose.
 */

import { parseInt64 } from "../../base/numbers.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { SYNTAX_ERROR, valueNotBetween } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { SetMembers } from "../../types/set/set-members.ts";
import { LONG_MAX, LONG_MIN, longOrReply, positiveOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { openSet, type SetEntry, setTools } from "../set-access.ts";
import { LEAST_BULK_BYTES, replyMember, replySet } from "./reply.ts";

const KEY = 1;
const COUNT = 2;
/** SPOP makes a new set of those that stay if the popped ones are so many times more. */
const FEW_STAY = 5;

export const srandmember = defineCommand({
  name: "srandmember",
  group: "set",
  since: "1.0.0",
  summary: "One or several random members of a set",
  complexity: "O(N) in the number of members that are returned",
  arity: -2,
  flags: ["readonly"],
  categories: ["set"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply } = ctx;
    const { buf, start, len, argc } = request;
    const hasCount = argc > COUNT;
    if (argc > COUNT + 1) return reply.error(SYNTAX_ERROR);
    const count = hasCount ? countOrReply(ctx) : 1;
    if (Number.isNaN(count)) return DONE;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    if (address === 0) return hasCount ? reply.emptyArray() : reply.null();
    const set = openSet(ctx, address);
    if (set === undefined) return DONE;
    if (hasCount) return replySeveral(ctx, set.members, count);
    set.members.openRandom(ctx.keyspace.random);
    return replyMember(reply, set.members);
  },
});

/** The count, beyond 2^53 rounded; NaN after an error reply. */
function countOrReply(ctx: CommandContext): number {
  const { buf, start, len } = ctx.request;
  const count = longOrReply(ctx, COUNT);
  if (Number.isNaN(count) || Number.isSafeInteger(count)) return count;
  if (parseInt64(buf, start[COUNT], len[COUNT]) !== LONG_MIN) return count;
  ctx.reply.error(valueNotBetween(-LONG_MAX, LONG_MAX));
  return Number.NaN;
}

/** `count` different members or, if it is negative, so many of which each is any. */
function replySeveral(ctx: CommandContext, members: SetMembers, count: number): Outcome {
  const { reply } = ctx;
  const { random } = ctx.keyspace;
  const { size } = members;
  const replies = count < 0 ? -count : Math.min(count, size);
  reply.reserve(replies * LEAST_BULK_BYTES);
  reply.array(replies);
  if (count < 0) {
    for (let i = 0; i < replies; i++) {
      members.openRandom(random);
      replyMember(reply, members);
    }
  } else if (count < size) {
    members.sample(count, random, () => replyMember(reply, members));
  } else {
    members.begin();
    while (members.next()) replyMember(reply, members);
  }
  return DONE;
}

export const spop = defineCommand({
  name: "spop",
  group: "set",
  since: "1.0.0",
  summary: "Remove one or several random members of a set, and return them",
  complexity: "O(N) in the number of members that are returned",
  arity: -2,
  flags: ["write", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RW", "access", "delete")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply } = ctx;
    const { buf, start, len, argc } = request;
    const hasCount = argc > COUNT;
    if (argc > COUNT + 1) return reply.error(SYNTAX_ERROR);
    const count = hasCount ? positiveOrReply(ctx, COUNT) : 1;
    if (Number.isNaN(count)) return DONE;
    const address = ctx.db.lookupWrite(buf, start[KEY], len[KEY]);
    if (address === 0) return hasCount ? reply.set(0) : reply.null();
    const set = openSet(ctx, address);
    if (set === undefined) return DONE;
    if (hasCount) return popSeveral(ctx, set, count);
    popOne(ctx, set);
    notify(ctx, EVENT.set, "spop", KEY);
    if (set.members.size === 0) {
      set.delete();
      notify(ctx, EVENT.generic, "del", KEY);
    }
    return DONE;
  },
});

/** Removes a random member, answers it, and has the log remove it. */
function popOne(ctx: CommandContext, set: SetEntry): void {
  const { members } = set;
  members.openRandom(ctx.keyspace.random);
  replyMember(ctx.reply, members);
  logRemoval(ctx, members);
  set.beforeWrite();
  members.remove();
}

/** Has the log remove the present member. */
function logRemoval(ctx: CommandContext, { buffer, start, length }: SetMembers): void {
  ctx.effects.member("SREM", KEY, buffer, start, length);
}

function popSeveral(ctx: CommandContext, set: SetEntry, count: number): Outcome {
  const { reply } = ctx;
  const { size } = set.members;
  if (count === 0) return reply.set(0);
  notify(ctx, EVENT.set, "spop", KEY);
  if (count >= size) {
    replySet(reply, set.members);
    ctx.effects.command("DEL", ctx.request.bytes(KEY));
    set.delete();
    notify(ctx, EVENT.generic, "del", KEY);
    return DONE;
  }
  reply.set(count);
  const staying = size - count;
  if (staying * FEW_STAY <= count) popAllBut(ctx, set, staying);
  else for (let i = 0; i < count; i++) popOne(ctx, set);
  return DONE;
}

/** Removes and answers all members but `staying` random ones, of which a new set is made. */
function popAllBut(ctx: CommandContext, set: SetEntry, staying: number): void {
  const { members } = set;
  const result = setTools(ctx.keyspace).result.begin();
  try {
    members.sample(staying, ctx.keyspace.random, () => result.addPresentOf(members));
    members.begin();
    while (members.next()) {
      if (result.members.findPresentOf(members)) continue;
      replyMember(ctx.reply, members);
      logRemoval(ctx, members);
    }
    set.replaceBy(result);
  } finally {
    result.discard();
  }
}
