/**
 * MGET, MSET, MSETNX: strings of many keys at once. They allocate nothing per key.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { setString } from "../../keyspace/strings.ts";
import { wrongArity } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { encodingOf, STRING } from "../../types/string/string-value.ts";
import { defineCommand, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { replyString } from "./get-set.ts";

export const mget = defineCommand({
  name: "mget",
  group: "string",
  since: "1.0.0",
  summary: "Get the values of several keys",
  complexity: "O(N) in the number of keys",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["string"],
  keys: [keysFrom(1, 1, "RO", "access")],
  tips: ["request_policy:multi_shard"],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const { db, reply } = ctx;
    const { entries } = ctx.keyspace;
    reply.array(argc - 1);
    for (let i = 1; i < argc; i++) {
      const address = db.lookupRead(buf, start[i], len[i]);
      if (address === 0 || entries.type(address) !== STRING) reply.null();
      else replyString(ctx, address);
    }
    return DONE;
  },
});

export const mset = defineCommand({
  name: "mset",
  group: "string",
  since: "1.0.1",
  summary: "Set the values of several keys",
  complexity: "O(N) in the number of keys",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [keysFrom(1, 2, "OW", "update")],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
  run(ctx) {
    if (ctx.request.argc % 2 === 0) return ctx.reply.error(wrongArity("mset"));
    assignAll(ctx);
    return ctx.reply.ok();
  },
});

export const msetnx = defineCommand({
  name: "msetnx",
  group: "string",
  since: "1.0.1",
  summary: "Set the values of several keys if none of them exists",
  complexity: "O(N) in the number of keys",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [keysFrom(1, 2, "OW", "insert")],
  tips: ["request_policy:multi_shard", "response_policy:agg_min"],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    if (argc % 2 === 0) return ctx.reply.error(wrongArity("msetnx"));
    for (let i = 1; i < argc; i += 2) {
      if (ctx.db.lookupWrite(buf, start[i], len[i]) !== 0) return ctx.reply.integer(0);
    }
    assignAll(ctx);
    return ctx.reply.integer(1);
  },
});

/** Sets every odd argument to the next one. A key that is named twice gets the last value. */
function assignAll(ctx: CommandContext): void {
  const { buf, start, len, argc } = ctx.request;
  const { db, keyspace } = ctx;
  let wereUnchanged = false;
  let areOld = true;
  for (let i = 1; i < argc; i += 2) {
    const value = start[i + 1];
    const valueLength = len[i + 1];
    const address = db.lookupWrite(buf, start[i], len[i]);
    if (address === 0) areOld = false;
    else if (db.isUnchanged(address)) wereUnchanged = true;
    const encoding = encodingOf(buf, value, valueLength);
    setString(keyspace, db, address, buf, start[i], len[i], buf, value, valueLength, encoding, 0);
    notify(ctx, EVENT.string, "set", i);
  }
  if (areOld && wereUnchanged) ctx.effects.noteOldKeys();
  ctx.effects.verbatim();
}
