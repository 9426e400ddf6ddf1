/**
 * DEL and UNLINK. They do the same here: freeing an entry costs the same small time whatever its size.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { defineCommand, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";

const SUM_OVER_SHARDS = ["request_policy:multi_shard", "response_policy:agg_sum"];

function removeKeys(ctx: CommandContext): Outcome {
  const { buf, start, len, argc } = ctx.request;
  const { db } = ctx;
  let removed = 0;
  let wereUnchanged = false;
  for (let i = 1; i < argc; i++) {
    const address = db.peek(buf, start[i], len[i]);
    if (address === 0) continue;
    if (db.isUnchanged(address)) wereUnchanged = true;
    db.delete(address);
    notify(ctx, EVENT.generic, "del", i);
    removed++;
  }
  if (wereUnchanged && removed === argc - 1) ctx.effects.noteOldKeys();
  if (removed > 0) ctx.effects.verbatim();
  return ctx.reply.integer(removed);
}

export const del = defineCommand({
  name: "del",
  group: "generic",
  since: "1.0.0",
  summary: "Deletes keys",
  complexity: "O(N) in the number of keys",
  arity: -2,
  flags: ["write"],
  categories: ["keyspace"],
  keys: [keysFrom(1, 1, "RM", "delete")],
  tips: SUM_OVER_SHARDS,
  run: removeKeys,
});

export const unlink = defineCommand({
  name: "unlink",
  group: "generic",
  since: "4.0.0",
  summary: "Deletes keys, leaving expensive work to the background",
  complexity: "O(N) in the number of keys",
  arity: -2,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keysFrom(1, 1, "RM", "delete")],
  tips: SUM_OVER_SHARDS,
  run: removeKeys,
});
