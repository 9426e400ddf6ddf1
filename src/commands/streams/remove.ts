/**
 * Taking entries out of a stream: XDEL by their ids, XTRIM from the beginning.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DONE } from "../../protocol/outcome.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { idOrReply, readId } from "./ids.ts";
import { openToWrite, REFUSED, stream } from "./stream-access.ts";
import { propagateEdited, TrimOptions } from "./trim-options.ts";

const KEY = 1;
const FIRST_ID = 2;

const options = new TrimOptions();
const id = new StreamId();

export const xdel = defineCommand({
  name: "xdel",
  group: "stream",
  since: "5.0.0",
  summary: "Removes entries from a stream",
  complexity: "O(log N) for each entry, in the entries of the stream",
  arity: -3,
  flags: ["write", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "delete")],
  run(ctx) {
    const { request, reply } = ctx;
    const address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0) return reply.integer(0);
    // All of them first, lest a mistake in the last one come to light when others are gone.
    for (let i = FIRST_ID; i < request.argc; i++) if (!idOrReply(ctx, i, id)) return DONE;
    const removed = removeEntries(ctx, address);
    if (removed > 0) {
      notify(ctx, EVENT.stream, "xdel", KEY);
      ctx.effects.verbatim();
    }
    return reply.integer(removed);
  },
});

/** Removes the entries whose ids are in the arguments, of the open stream; returns how many there were. */
function removeEntries(ctx: CommandContext, address: number): number {
  const { request, db } = ctx;
  let removed = 0;
  let isFirst = false;
  for (let i = FIRST_ID; i < request.argc; i++) {
    readId(request, i, id);
    if (!stream.find(id)) continue;
    if (removed === 0) db.beforeWrite(address);
    stream.removeFound();
    if (id.compare(stream.firstId) === 0) isFirst = true;
    if (id.compare(stream.maxDeletedId) > 0) stream.maxDeletedId.set(id);
    removed++;
  }
  if (isFirst || (removed > 0 && stream.length === 0)) stream.updateFirstId();
  if (removed > 0) stream.store();
  return removed;
}

export const xtrim = defineCommand({
  name: "xtrim",
  group: "stream",
  since: "5.0.0",
  summary: "Removes the first entries of a stream, down to a length or up to an id",
  complexity: "O(N) in the nodes removed",
  arity: -4,
  flags: ["write"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "delete")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { reply } = ctx;
    if (options.parse(ctx, false) < 0) return DONE;
    const address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0) return reply.integer(0);
    if (!options.hasToTrim) return reply.integer(0);
    ctx.db.beforeWrite(address);
    const removed = options.trim();
    if (removed > 0) {
      notify(ctx, EVENT.stream, "xtrim", KEY);
      options.editBound();
      propagateEdited(ctx, options.edits);
    }
    return reply.integer(removed);
  },
});
