/**
 * XPENDING: what was delivered by a consumer group and not yet acknowledged, in short or one by one.
 */
import { Int64 } from "../../base/int64.ts";
import { noSuchKeyOrGroup, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { pendingCount } from "../../types/stream/consumer-group.ts";
import type { OwnedEntries, PendingEntries } from "../../types/stream/pending-entries.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { isWord, longOrReply, textForError } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { endOrReply, startOrReply } from "./ids.ts";
import { replyName } from "./names.ts";
import { group, openGroup, openToRead, REFUSED, replyId, replyInt64 } from "./stream-access.ts";

const KEY = 1;
const GROUP = 2;
const IDLE = 3;
/** Arguments of the short form; at least of the other one, with IDLE, and at most. */
const SHORT_FORM = 3;
const LONG_FORM = 6;
const LONG_FORM_WITH_IDLE = 8;
const MAX_ARGUMENTS = 9;

const start = new StreamId();
const end = new StreamId();
const id = new StreamId();
const integer = new Int64();

/** The options of the long form. One object for all commands, as handlers run one at a time. */
class PendingOptions {
  minIdleMs = 0;
  count = 0;
  /** The argument with the consumer's name; 0 if there is none. */
  consumer = 0;

  /** Parses them, start and end too; false after an error reply. */
  parse(ctx: CommandContext): boolean {
    const { request, reply } = ctx;
    let from = IDLE;
    this.minIdleMs = 0;
    if (isWord(request, IDLE, "idle")) {
      this.minIdleMs = longOrReply(ctx, IDLE + 1);
      if (Number.isNaN(this.minIdleMs)) return false;
      if (request.argc < LONG_FORM_WITH_IDLE) {
        reply.error(SYNTAX_ERROR);
        return false;
      }
      from += 2;
    }
    this.count = longOrReply(ctx, from + 2);
    if (Number.isNaN(this.count)) return false;
    this.consumer = from + 3 < request.argc ? from + 3 : 0;
    return startOrReply(ctx, from, start) && endOrReply(ctx, from + 1, end);
  }
}

const options = new PendingOptions();

export const xpending = defineCommand({
  name: "xpending",
  group: "stream",
  since: "5.0.0",
  summary: "Answers what is pending in a consumer group",
  complexity:
    "O(log N + M), N in the pending entries, M in those looked at; the short form O(N) in consumers",
  arity: -3,
  flags: ["readonly"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply } = ctx;
    const isShort = request.argc === SHORT_FORM;
    if (!isShort) {
      if (request.argc < LONG_FORM || request.argc > MAX_ARGUMENTS) return reply.error(SYNTAX_ERROR);
      if (!options.parse(ctx)) return DONE;
    }
    const address = openToRead(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0 || !openGroup(ctx, GROUP))
      return reply.error(noSuchKeyOrGroup(textForError(request, KEY), textForError(request, GROUP)));
    return isShort ? replySummary(ctx) : replyPending(ctx);
  },
});

function replySummary({ reply, keyspace }: CommandContext): Outcome {
  const { pending, consumers } = group;
  const { blocks } = keyspace.memory;
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    return reply.nullArray();
  }
  pending.first();
  replyId(reply, pending.readId(id));
  pending.last();
  replyId(reply, pending.readId(id));
  const place = reply.end;
  let busy = 0;
  for (let found = consumers.first(); found; found = consumers.next()) {
    const count = pendingCount(blocks, consumers.address);
    if (count === 0) continue;
    reply.array(2);
    replyName(reply, blocks, consumers.address);
    reply.bulkText(String(count));
    busy++;
  }
  return reply.closeArray(place, busy);
}

function replyPending(ctx: CommandContext): Outcome {
  const { request, reply, keyspace } = ctx;
  const { pending } = group;
  let list: PendingEntries | OwnedEntries = pending;
  if (options.consumer !== 0) {
    const { buf, start: starts, len } = request;
    const consumer = group.consumers.find(buf, starts[options.consumer], len[options.consumer]);
    if (consumer === 0) return reply.emptyArray();
    list = group.openOwned(consumer);
  }
  const place = reply.end;
  let entries = 0;
  for (let found = list.seek(start); found && entries < options.count; found = list.next()) {
    if (list.readId(id).compare(end) > 0) break;
    if (list !== pending) pending.find(id);
    const idleMs = keyspace.nowMs - pending.timeMs;
    if (options.minIdleMs !== 0 && idleMs < options.minIdleMs) continue;
    reply.array(4);
    replyId(reply, id);
    replyName(reply, keyspace.memory.blocks, pending.consumer);
    reply.integer(Math.min(Math.max(0, idleMs), Number.MAX_SAFE_INTEGER));
    replyInt64(reply, pending.readCount(integer));
    entries++;
  }
  return reply.closeArray(place, entries);
}
