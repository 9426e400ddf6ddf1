/**
 * HDEL. As in Redis, a field whose time has come counts as one that was there, until it is removed.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DONE } from "../../protocol/outcome.ts";
import { defineCommand, keyAt } from "../command.ts";
import { notify } from "../key-event.ts";
import { openHash } from "./open.ts";

export const hdel = defineCommand({
  name: "hdel",
  group: "hash",
  since: "2.0.0",
  summary: "Remove fields of a hash",
  complexity: "O(N) in the number of fields",
  arity: -3,
  flags: ["write", "fast"],
  categories: ["hash"],
  keys: [keyAt(1, "RW", "delete")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.integer(0);
    const hash = openHash(ctx, address);
    if (hash === undefined) return DONE;
    const { fields } = hash;
    let removed = 0;
    for (let i = 2; i < argc && !hash.isGone; i++) {
      if (!fields.find(buf, start[i], len[i])) continue;
      if (removed === 0) hash.beforeWrite();
      fields.removeFound(buf, start[i], len[i]);
      removed++;
      if (fields.size === 0) hash.delete();
    }
    if (removed > 0) {
      notify(ctx, EVENT.hash, "hdel", 1);
      if (hash.isGone) notify(ctx, EVENT.generic, "del", 1);
      ctx.effects.verbatim();
    }
    return ctx.reply.integer(removed);
  },
});
