/**
 * SADD, SREM, SMOVE: the commands that add and remove members that they name.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DONE } from "../../protocol/outcome.ts";
import { sameArgument } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import { notify } from "../key-event.ts";
import { isSetOrReply, openSet, setTools } from "../set-access.ts";
import { intsetRoom } from "../value-room.ts";

const KEY = 1;
const FIRST_MEMBER = 2;

export const sadd = defineCommand({
  name: "sadd",
  group: "set",
  since: "1.0.0",
  summary: "Add members to a set",
  complexity: "O(1) for each member",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RW", "insert")],
  run(ctx) {
    const { db, reply } = ctx;
    const { buf, start, len, argc } = ctx.request;
    const address = db.lookupWrite(buf, start[KEY], len[KEY]);
    const set =
      address === 0
        ? setTools(ctx.keyspace).entry.create(
            db,
            buf,
            start[KEY],
            len[KEY],
            intsetRoom(ctx.request, FIRST_MEMBER),
          )
        : openSet(ctx, address);
    if (set === undefined) return DONE;
    const { members } = set;
    let added = 0;
    for (let i = FIRST_MEMBER; i < argc; i++) {
      if (members.find(buf, start[i], len[i])) continue;
      if (added === 0) set.beforeWrite();
      members.add();
      added++;
    }
    if (added > 0) {
      notify(ctx, EVENT.set, "sadd", KEY);
      ctx.effects.verbatim();
    }
    return reply.integer(added);
  },
});

export const srem = defineCommand({
  name: "srem",
  group: "set",
  since: "1.0.0",
  summary: "Remove members from a set; the key too, if no member is left",
  complexity: "O(1) for each member",
  arity: -3,
  flags: ["write", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RW", "delete")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupWrite(buf, start[KEY], len[KEY]);
    if (address === 0) return ctx.reply.integer(0);
    const set = openSet(ctx, address);
    if (set === undefined) return DONE;
    const { members } = set;
    let left = members.size;
    let removed = 0;
    for (let i = FIRST_MEMBER; i < argc && left > 0; i++) {
      if (!members.find(buf, start[i], len[i])) continue;
      if (removed === 0) set.beforeWrite();
      members.remove();
      removed++;
      left--;
    }
    if (removed > 0) notify(ctx, EVENT.set, "srem", KEY);
    if (left === 0) {
      set.delete();
      notify(ctx, EVENT.generic, "del", KEY);
    }
    if (removed > 0) ctx.effects.verbatim();
    return ctx.reply.integer(removed);
  },
});

const DESTINATION = 2;
const MEMBER = 3;

export const smove = defineCommand({
  name: "smove",
  group: "set",
  since: "1.0.0",
  summary: "Move a member from one set to another",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "RW", "insert")],
  run(ctx) {
    const { db, reply, request } = ctx;
    const { buf, start, len } = request;
    const { entry, other } = setTools(ctx.keyspace);
    const from = db.lookupWrite(buf, start[KEY], len[KEY]);
    const to = db.lookupWrite(buf, start[DESTINATION], len[DESTINATION]);
    if (from === 0) return reply.integer(0);
    if (!isSetOrReply(ctx, from) || (to !== 0 && !isSetOrReply(ctx, to))) return DONE;
    const source = entry.open(db, from).members;
    const isMember = source.find(buf, start[MEMBER], len[MEMBER]);
    if (sameArgument(request, KEY, DESTINATION) || !isMember) return reply.integer(isMember ? 1 : 0);
    entry.beforeWrite();
    source.remove();
    notify(ctx, EVENT.set, "srem", KEY);
    if (source.size === 0) {
      entry.delete();
      notify(ctx, EVENT.generic, "del", KEY);
    }
    let destination = other;
    if (to === 0) {
      // `create` works with the hash of the last lookup.
      db.find(buf, start[DESTINATION], len[DESTINATION]);
      destination = other.create(db, buf, start[DESTINATION], len[DESTINATION]);
    } else {
      destination = other.open(db, to);
    }
    if (!destination.members.find(buf, start[MEMBER], len[MEMBER])) {
      destination.beforeWrite();
      destination.members.add();
      notify(ctx, EVENT.set, "sadd", DESTINATION);
    }
    ctx.effects.verbatim();
    return reply.integer(1);
  },
});
