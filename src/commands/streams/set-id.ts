/**
 * XSETID: sets what a stream remembers besides its entries. Meant for logs and replicas.
 */

import { Int64 } from "../../base/int64.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  ENTRIES_ADDED_NEGATIVE,
  ENTRIES_ADDED_TOO_SMALL,
  NO_SUCH_KEY,
  SET_ID_BELOW_DELETED,
  SET_ID_BELOW_LAST,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { isWord } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { idOrReply } from "./ids.ts";
import { int64OrReply, isLoaded, openToWrite, REFUSED, stream } from "./stream-access.ts";

const KEY = 1;
const ID = 2;
const FIRST_OPTION = 3;

const id = new StreamId();
const maxDeletedId = new StreamId();
const entriesAdded = new Int64();
let hasEntriesAdded = false;
const lastLiveId = new StreamId();

export const xsetid = defineCommand({
  name: "xsetid",
  group: "stream",
  since: "5.0.0",
  summary: "Sets the last id of a stream",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "update")],
  run(ctx) {
    const { reply } = ctx;
    if (!idOrReply(ctx, ID, id)) return DONE;
    hasEntriesAdded = false;
    maxDeletedId.setMin();
    for (let i = FIRST_OPTION; i < ctx.request.argc; i += 2) {
      if (parseOption(ctx, i) !== undefined) return DONE;
    }
    const address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0) return reply.error(NO_SUCH_KEY);
    if (stream.length > 0) {
      stream.readLastLiveId(lastLiveId);
      if (id.compare(lastLiveId) < 0) return reply.error(SET_ID_BELOW_LAST);
      if (hasEntriesAdded && entriesAdded.high >= 0 && stream.length > entriesAdded.toNumber())
        return reply.error(ENTRIES_ADDED_TOO_SMALL);
    }
    ctx.db.beforeUnwatchedWrite(address);
    stream.lastId.set(id);
    if (hasEntriesAdded) stream.entriesAdded.setWords(entriesAdded.high, entriesAdded.low);
    if (!maxDeletedId.isZero) stream.maxDeletedId.set(maxDeletedId);
    stream.store();
    notify(ctx, EVENT.stream, "xsetid", KEY);
    ctx.effects.verbatim();
    return reply.ok();
  },
});

/** Parses the option at argument i and the value that follows; answers an error if they are wrong. */
function parseOption(ctx: CommandContext, i: number): Outcome | undefined {
  const { request, reply } = ctx;
  const hasNext = i + 1 < request.argc;
  if (hasNext && isWord(request, i, "entriesadded")) {
    if (!int64OrReply(ctx, i + 1, entriesAdded)) return DONE;
    hasEntriesAdded = true;
    return entriesAdded.high < 0 && !isLoaded(ctx) ? reply.error(ENTRIES_ADDED_NEGATIVE) : undefined;
  }
  if (hasNext && isWord(request, i, "maxdeletedid")) {
    if (!idOrReply(ctx, i + 1, maxDeletedId)) return DONE;
    return id.compare(maxDeletedId) < 0 ? reply.error(SET_ID_BELOW_DELETED) : undefined;
  }
  return reply.error(SYNTAX_ERROR);
}
