/**
 * XAUTOCLAIM: gives pending entries to another consumer, one after the other from a given id on.
 */
import {
  CLAIM_COUNT_NOT_POSITIVE,
  INVALID_XAUTOCLAIM_MIN_IDLE,
  noSuchKeyOrGroup,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { isWord, longOrReply, rangeOrReply, textForError } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { consumerOf, giveToConsumer, propagateClaim } from "./delivery.ts";
import { startOrReply } from "./ids.ts";
import { group, openFound, openGroup, REFUSED, range, replyEntry, replyId, stream } from "./stream-access.ts";

const KEY = 1;
const GROUP = 2;
const CONSUMER = 3;
const MIN_IDLE = 4;
const START = 5;
const FIRST_OPTION = 6;
const DEFAULT_COUNT = 100;
/** The largest COUNT for which Redis can measure its memory. */
const MAX_COUNT = 2 ** 59 - 64;
/** So many pending entries are looked at for each that may be answered. */
const LOOKED_AT_PER_ANSWER = 10;

const id = new StreamId();
const start = new StreamId();

/** One object for all commands, as handlers run one at a time. */
class AutoClaimOptions {
  minIdleMs = 0;
  count = DEFAULT_COUNT;
  repliesIds = false;

  /** Parses from argument MIN_IDLE on; false after an error reply. */
  parse(ctx: CommandContext): boolean {
    const { request, reply } = ctx;
    this.count = DEFAULT_COUNT;
    this.repliesIds = false;
    this.minIdleMs = longOrReply(ctx, MIN_IDLE, INVALID_XAUTOCLAIM_MIN_IDLE);
    if (Number.isNaN(this.minIdleMs) || !startOrReply(ctx, START, start)) return false;
    for (let i = FIRST_OPTION; i < request.argc; i++) {
      if (i + 1 < request.argc && isWord(request, i, "count")) {
        this.count = rangeOrReply(ctx, ++i, 1, MAX_COUNT, CLAIM_COUNT_NOT_POSITIVE);
        if (Number.isNaN(this.count)) return false;
      } else if (isWord(request, i, "justid")) {
        this.repliesIds = true;
      } else {
        reply.error(SYNTAX_ERROR);
        return false;
      }
    }
    return true;
  }
}

const options = new AutoClaimOptions();

export const xautoclaim = defineCommand({
  name: "xautoclaim",
  group: "stream",
  since: "6.2.0",
  summary: "Gives pending entries that nobody has dealt with to another consumer of the group",
  complexity: "O(M log N), M in the entries looked at, at most ten times COUNT, N in the pending entries",
  arity: -6,
  flags: ["write", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "delete")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply, db } = ctx;
    const found = db.lookupRead(request.buf, request.start[KEY], request.len[KEY]);
    if (!options.parse(ctx)) return DONE;
    const address = openFound(ctx, found);
    if (address === REFUSED) return DONE;
    if (address === 0 || !openGroup(ctx, GROUP))
      return reply.error(noSuchKeyOrGroup(textForError(request, KEY), textForError(request, GROUP)));
    reply.array(3);
    claimEntries(ctx, address);
    return DONE;
  },
});

/** Claims what the options say, of the open group; answers where to go on, the entries claimed, and the ids of those
 * that the stream has no longer, and which are no longer pending either. */
function claimEntries(ctx: CommandContext, address: number): void {
  const { request, reply, keyspace, db } = ctx;
  const { pending } = group;
  const key = request.bytes(KEY);
  const name = request.bytes(GROUP);
  const place = reply.end;
  const removed: string[] = [];
  let consumer = 0;
  let claimed = 0;
  let lookedAt = 0;
  let found = pending.seek(start);
  while (
    found &&
    claimed + removed.length < options.count &&
    lookedAt < options.count * LOOKED_AT_PER_ANSWER
  ) {
    lookedAt++;
    pending.readId(id);
    if (!stream.walk(range, id, id).next()) {
      propagateClaim(ctx, key, name, id.toString());
      db.beforeUnwatchedWrite(address);
      group.removePending(id);
      removed.push(id.toString());
      found = pending.seek(id);
      continue;
    }
    if (options.minIdleMs <= 0 || keyspace.nowMs - pending.timeMs >= options.minIdleMs) {
      db.beforeUnwatchedWrite(address);
      if (consumer === 0) consumer = consumerOf(ctx, KEY, CONSUMER).address;
      giveToConsumer(ctx, consumer, id);
      pending.timeMs = keyspace.nowMs;
      if (!options.repliesIds) pending.incrementCount();
      if (options.repliesIds) replyId(reply, id);
      else replyEntry(reply);
      claimed++;
      propagateClaim(ctx, key, name, id.toString());
    }
    found = pending.next();
  }
  reply.closeArray(place, claimed);
  if (found) pending.readId(id);
  else id.setMin();
  const from = reply.end;
  replyId(reply, id);
  reply.moveBefore(place, from);
  reply.array(removed.length);
  for (const text of removed) reply.bulkText(text);
}
