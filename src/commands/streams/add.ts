/**
 * XADD. The entry goes from the request's bytes straight into the stream's last node. The log gets the id that was
 * chosen, and what was left where the stream was trimmed approximately.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import {
  STREAM_ENTRY_TOO_LARGE,
  STREAM_ID_TOO_SMALL,
  STREAM_ID_ZERO,
  STREAM_IDS_EXHAUSTED,
  wrongArity,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { MAX_ID_TEXT, StreamId } from "../../types/stream/stream-id.ts";
import { MAX_ENTRY_BYTES } from "../../types/stream/stream-node.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { addStream, openToWrite, REFUSED, stream } from "./stream-access.ts";
import { propagateEdited, TrimOptions } from "./trim-options.ts";

const KEY = 1;
/** To remove so many takes longer than all the rest. */
const MANY_ENTRIES = 1000;

const options = new TrimOptions();
const id = new StreamId();
const noId = new StreamId();
const idText = Buffer.allocUnsafeSlow(MAX_ID_TEXT);

export const xadd = defineCommand({
  name: "xadd",
  group: "stream",
  since: "5.0.0",
  summary: "Adds an entry to a stream",
  complexity: "O(log N) in the entries of the stream; trimming is O(N) in the nodes removed",
  arity: -5,
  flags: ["write", "denyoom", "fast"],
  categories: ["stream"],
  keys: [
    {
      ...keyAt(KEY, "RW", "update"),
      notes: "UPDATE instead of INSERT because of the optional trimming feature",
    },
  ],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply, keyspace } = ctx;
    const idAt = options.parse(ctx, true);
    if (idAt < 0) return DONE;
    const first = idAt + 1;
    const elements = request.argc - first;
    if (elements < 2 || elements % 2 === 1) return reply.error(wrongArity("xadd"));
    if (options.hasId && options.hasSequence && options.id.isZero) return reply.error(STREAM_ID_ZERO);
    let address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0 && !options.createsStream) return reply.null();
    if (address !== 0 && stream.lastId.isMax) return reply.error(STREAM_IDS_EXHAUSTED);
    if (!chooseId(ctx, address === 0 ? noId : stream.lastId)) return reply.error(STREAM_ID_TOO_SMALL);
    const bytes = bytesOf(request, first);
    if (bytes > MAX_ENTRY_BYTES) return reply.error(STREAM_ENTRY_TOO_LARGE);
    if (address === 0) address = addStream(ctx, KEY);
    else ctx.db.beforeWrite(address);
    stream.append(id, request, first, elements / 2, bytes, keyspace.memory.limits);
    const length = id.write(idText, 0);
    reply.bulkRange(idText, 0, length);
    notify(ctx, EVENT.stream, "xadd", KEY);
    const removed = options.trim();
    if (removed > 0) notify(ctx, EVENT.stream, "xtrim", KEY);
    if (removed >= MANY_ENTRIES) ctx.calls.noteLong();
    options.editBound();
    if (!options.hasId || !options.hasSequence) options.edits.put(idAt, idText, length);
    propagateEdited(ctx, options.edits);
    ctx.db.signalReady(address);
    return DONE;
  },
});

/** Sets `id` to that of the new entry; false if it would not be greater than the last one. */
function chooseId({ keyspace }: CommandContext, lastId: StreamId): boolean {
  if (!options.hasId) {
    id.setMs(keyspace.nowMs);
    // If the clock was set back, or the last id is of the same millisecond, sequence numbers go on.
    if (id.compare(lastId) <= 0 || id.isOfSameMs(lastId)) id.set(lastId).increment();
    return true;
  }
  id.set(options.id);
  if (!options.hasSequence && id.isOfSameMs(lastId)) {
    if (lastId.hasLastSequence) return false;
    id.set(lastId).increment();
  }
  return id.compare(lastId) > 0;
}

/** Bytes of all arguments from `first` on. */
function bytesOf(request: Request, first: number): number {
  let bytes = 0;
  for (let i = first; i < request.argc; i++) bytes += request.len[i];
  return bytes;
}
