/**
 * SISMEMBER, SMISMEMBER, SCARD, SMEMBERS, SSCAN: the commands that read one set.
 */
import { DONE } from "../../protocol/outcome.ts";
import { defineCommand, keyAt } from "../command.ts";
import { cursorOrReply, replyNothingToScan, ScanReply, scanOptionsOrReply } from "../scan-options.ts";
import { openSet } from "../set-access.ts";
import { replySet } from "./reply.ts";

const KEY = 1;
const FIRST_MEMBER = 2;
/** A set of so few members is shown by one SSCAN, as by Redis 7.2, where it is a listpack: libraries rely on that when
 * they are told that version. */
const SHOWN_AT_ONCE = 128;

export const sismember = defineCommand({
  name: "sismember",
  group: "set",
  since: "1.0.0",
  summary: "Tell whether something is a member of a set",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    if (address === 0) return ctx.reply.integer(0);
    const set = openSet(ctx, address);
    if (set === undefined) return DONE;
    return ctx.reply.integer(set.members.find(buf, start[FIRST_MEMBER], len[FIRST_MEMBER]) ? 1 : 0);
  },
});

export const smismember = defineCommand({
  name: "smismember",
  group: "set",
  since: "6.2.0",
  summary: "Tell of several things whether they are members of a set",
  complexity: "O(1) for each",
  arity: -3,
  flags: ["readonly", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    const set = address === 0 ? undefined : openSet(ctx, address);
    if (set === undefined && address !== 0) return DONE;
    ctx.reply.array(argc - FIRST_MEMBER);
    for (let i = FIRST_MEMBER; i < argc; i++)
      ctx.reply.integer(set?.members.find(buf, start[i], len[i]) === true ? 1 : 0);
    return DONE;
  },
});

export const scard = defineCommand({
  name: "scard",
  group: "set",
  since: "1.0.0",
  summary: "Number of members of a set",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["set"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    if (address === 0) return ctx.reply.integer(0);
    const set = openSet(ctx, address);
    return set === undefined ? DONE : ctx.reply.integer(set.members.size);
  },
});

export const smembers = defineCommand({
  name: "smembers",
  group: "set",
  since: "1.0.0",
  summary: "All members of a set",
  complexity: "O(N) in the number of members",
  arity: 2,
  flags: ["readonly"],
  categories: ["set"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output_order"],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    if (address === 0) return ctx.reply.set(0);
    const set = openSet(ctx, address);
    return set === undefined ? DONE : replySet(ctx.reply, set.members);
  },
});

const CURSOR = 2;
const FIRST_OPTION = 3;

export const sscan = defineCommand({
  name: "sscan",
  group: "set",
  since: "2.8.0",
  summary: "Walk over the members of a set in steps",
  complexity: "O(1) per step, O(N) for all, in the number of members",
  arity: -3,
  flags: ["readonly"],
  categories: ["set"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const cursor = cursorOrReply(ctx, CURSOR);
    if (Number.isNaN(cursor)) return DONE;
    const address = ctx.db.lookupRead(buf, start[KEY], len[KEY]);
    if (address === 0) return replyNothingToScan(ctx);
    const set = openSet(ctx, address);
    if (set === undefined) return DONE;
    const options = scanOptionsOrReply(ctx, FIRST_OPTION, false);
    if (options === undefined) return DONE;
    const { members } = set;
    const scan = new ScanReply(ctx.reply, options);
    const count = members.size <= SHOWN_AT_ONCE ? Number.POSITIVE_INFINITY : options.count;
    const next = members.scan(cursor, count, () => {
      const { buffer, start: from, length } = members;
      if (scan.takes(buffer, from, length)) ctx.reply.bulkRange(buffer, from, length);
    });
    return scan.end(next, 1);
  },
});
