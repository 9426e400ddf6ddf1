/**
 * Questions about keys whatever their type: EXISTS, TYPE; and TOUCH, which is the question with a trace.
 */
import { dataTypeOf } from "../../types/registry.ts";
import { defineCommand, keyAt, keysFrom } from "../command.ts";
import { lookupNoTouch } from "./lookup.ts";

const SUM_OVER_SHARDS = ["request_policy:multi_shard", "response_policy:agg_sum"];

export const exists = defineCommand({
  name: "exists",
  group: "generic",
  since: "1.0.0",
  summary: "Counts those of the given keys that exist",
  complexity: "O(N) in the number of keys",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keysFrom(1, 1, "RO")],
  tips: SUM_OVER_SHARDS,
  run(ctx) {
    let found = 0;
    for (let i = 1; i < ctx.request.argc; i++) {
      if (lookupNoTouch(ctx, i) !== 0) found++;
    }
    return ctx.reply.integer(found);
  },
});

export const type = defineCommand({
  name: "type",
  group: "generic",
  since: "1.0.0",
  summary: "Names the type of a key's value",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO")],
  run(ctx) {
    const address = lookupNoTouch(ctx, 1);
    return ctx.reply.simple(address === 0 ? "none" : dataTypeOf(ctx.keyspace.entries.type(address)).name);
  },
});

export const touch = defineCommand({
  name: "touch",
  group: "generic",
  since: "3.2.1",
  summary: "Marks keys as used now, and counts those that exist",
  complexity: "O(N) in the number of keys",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keysFrom(1, 1, "RO")],
  tips: SUM_OVER_SHARDS,
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    let touched = 0;
    for (let i = 1; i < argc; i++) {
      const address = ctx.db.lookupRead(buf, start[i], len[i]);
      if (address === 0) continue;
      // A client with NO-TOUCH means the side effect of other commands, not the whole purpose of this one.
      if (!ctx.keyspace.touching) ctx.db.touch(address);
      touched++;
    }
    return ctx.reply.integer(touched);
  },
});
