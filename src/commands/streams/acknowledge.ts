/**
 * XACK: entries that a consumer has dealt with are no longer pending.
 */
import { DONE } from "../../protocol/outcome.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { defineCommand, keyAt } from "../command.ts";
import { idOrReply, readId } from "./ids.ts";
import { group, openGroup, openToRead, REFUSED } from "./stream-access.ts";

const KEY = 1;
const GROUP = 2;
const FIRST_ID = 3;

const id = new StreamId();

export const xack = defineCommand({
  name: "xack",
  group: "stream",
  since: "5.0.0",
  summary: "Removes entries from those that are pending in a consumer group",
  complexity: "O(log N) for each id, in the pending entries of the group",
  arity: -4,
  flags: ["write", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "update")],
  run(ctx) {
    const { request, reply, db } = ctx;
    const address = openToRead(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0 || !openGroup(ctx, GROUP)) return reply.integer(0);
    // All of them first, lest a mistake in the last one come to light when others are gone.
    for (let i = FIRST_ID; i < request.argc; i++) if (!idOrReply(ctx, i, id)) return DONE;
    let acknowledged = 0;
    for (let i = FIRST_ID; i < request.argc; i++) {
      readId(request, i, id);
      if (!group.pending.find(id)) continue;
      if (acknowledged === 0) db.beforeUnwatchedWrite(address);
      group.removePending(id);
      acknowledged++;
    }
    if (acknowledged > 0) ctx.effects.verbatim();
    return reply.integer(acknowledged);
  },
});
