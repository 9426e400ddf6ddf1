/**
 * XCLAIM: gives pending entries to another consumer, by their ids.
 */
import { Int64 } from "../../base/int64.ts";
import {
  INVALID_XCLAIM_IDLE,
  INVALID_XCLAIM_MIN_IDLE,
  INVALID_XCLAIM_RETRYCOUNT,
  INVALID_XCLAIM_TIME,
  noSuchKeyOrGroup,
  unknownXclaimOption,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { isWord, longOrReply, textForError } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { consumerOf, giveToConsumer, propagateClaim, propagateGroupId } from "./delivery.ts";
import { idOrReply, readId } from "./ids.ts";
import {
  group,
  int64OrReply,
  openGroup,
  openToRead,
  REFUSED,
  range,
  replyEntry,
  replyId,
  stream,
} from "./stream-access.ts";

const KEY = 1;
const GROUP = 2;
const CONSUMER = 3;
const MIN_IDLE = 4;
const FIRST_ID = 5;

const id = new StreamId();

/** The options behind the ids. One object for all commands, as handlers run one at a time. */
class ClaimOptions {
  /** The argument after the last id. */
  endOfIds = 0;
  minIdleMs = 0;
  isForced = false;
  repliesIds = false;
  /** When the entries count as delivered. */
  timeMs = 0;
  /** How often they count as delivered; negative: as before, or once more. */
  readonly deliveries: Int64 = new Int64();
  readonly lastId: StreamId = new StreamId();

  /** Parses from argument MIN_IDLE on; false after an error reply. */
  parse(ctx: CommandContext): boolean {
    const { request, reply, keyspace } = ctx;
    this.minIdleMs = longOrReply(ctx, MIN_IDLE, INVALID_XCLAIM_MIN_IDLE);
    if (Number.isNaN(this.minIdleMs)) return false;
    this.isForced = false;
    this.repliesIds = false;
    this.timeMs = keyspace.nowMs;
    this.deliveries.setNumber(-1);
    this.lastId.setMin();
    let i = FIRST_ID;
    while (i < request.argc && readId(request, i, id)) i++;
    this.endOfIds = i;
    for (; i < request.argc; i++) {
      if (isWord(request, i, "force")) {
        this.isForced = true;
      } else if (isWord(request, i, "justid")) {
        this.repliesIds = true;
      } else {
        const parse = i + 1 < request.argc ? this.parserOf(request, i) : undefined;
        if (parse === undefined) {
          reply.error(unknownXclaimOption(textForError(request, i)));
          return false;
        }
        if (!parse(ctx, ++i)) return false;
      }
    }
    // Instants that cannot be are taken for the present one, lest clients whose clocks are ahead meet errors.
    if (this.timeMs < 0 || this.timeMs > keyspace.nowMs) this.timeMs = keyspace.nowMs;
    return true;
  }

  /** What parses the value of the option in argument i, and says whether it was right. */
  private parserOf(request: Request, i: number): ((ctx: CommandContext, at: number) => boolean) | undefined {
    if (isWord(request, i, "idle")) return this.parseIdle;
    if (isWord(request, i, "time")) return this.parseTime;
    if (isWord(request, i, "retrycount")) return this.parseDeliveries;
    return isWord(request, i, "lastid") ? this.parseLastId : undefined;
  }

  private readonly parseIdle = (ctx: CommandContext, at: number): boolean => {
    this.timeMs = ctx.keyspace.nowMs - longOrReply(ctx, at, INVALID_XCLAIM_IDLE);
    return !Number.isNaN(this.timeMs);
  };

  private readonly parseTime = (ctx: CommandContext, at: number): boolean => {
    this.timeMs = longOrReply(ctx, at, INVALID_XCLAIM_TIME);
    return !Number.isNaN(this.timeMs);
  };

  private readonly parseDeliveries = (ctx: CommandContext, at: number): boolean =>
    int64OrReply(ctx, at, this.deliveries, INVALID_XCLAIM_RETRYCOUNT);

  private readonly parseLastId = (ctx: CommandContext, at: number): boolean =>
    idOrReply(ctx, at, this.lastId);
}

const options = new ClaimOptions();

export const xclaim = defineCommand({
  name: "xclaim",
  group: "stream",
  since: "5.0.0",
  summary: "Gives pending entries to another consumer of the group",
  complexity: "O(log N) for each id, in the pending entries of the group",
  arity: -6,
  flags: ["write", "fast"],
  categories: ["stream"],
  keys: [keyAt(KEY, "RW", "update")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply } = ctx;
    const address = openToRead(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0 || !openGroup(ctx, GROUP))
      return reply.error(noSuchKeyOrGroup(textForError(request, KEY), textForError(request, GROUP)));
    if (!options.parse(ctx)) return DONE;
    const isAhead = options.lastId.compare(group.lastId) > 0;
    if (isAhead) {
      ctx.db.beforeUnwatchedWrite(address);
      group.lastId.set(options.lastId);
      group.store();
    }
    const effects = claimEntries(ctx, address);
    // The effects of claimed entries tell the last id too.
    if (isAhead && effects === 0) propagateGroupId(ctx, request.bytes(KEY), request.bytes(GROUP));
    return DONE;
  },
});

/** Claims what the options say, of the open group, and answers it. Returns how many effects the log was told. */
function claimEntries(ctx: CommandContext, address: number): number {
  const { request, reply, keyspace, db } = ctx;
  const { pending } = group;
  const key = request.bytes(KEY);
  const name = request.bytes(GROUP);
  const place = reply.end;
  let consumer = 0;
  let effects = 0;
  let claimed = 0;
  for (let i = FIRST_ID; i < options.endOfIds; i++) {
    readId(request, i, id);
    let isPending = pending.find(id);
    const isThere = stream.walk(range, id, id).next();
    if (isPending && isThere) {
      if (options.minIdleMs > 0 && keyspace.nowMs - pending.timeMs < options.minIdleMs) continue;
    } else if (isPending) {
      // It is no longer in the stream: no one can deal with it.
      propagateClaim(ctx, key, name, request.bytes(i));
      db.beforeUnwatchedWrite(address);
      group.removePending(id);
      effects++;
      continue;
    } else if (isThere && options.isForced) {
      db.beforeUnwatchedWrite(address);
      pending.add(id);
      pending.consumer = 0;
      pending.setCountToOne();
      isPending = true;
    }
    if (!isPending) continue;
    db.beforeUnwatchedWrite(address);
    if (consumer === 0) consumer = consumerOf(ctx, KEY, CONSUMER).address;
    giveToConsumer(ctx, consumer, id);
    pending.timeMs = options.timeMs;
    if (options.deliveries.high >= 0) pending.writeCount(options.deliveries);
    else if (!options.repliesIds) pending.incrementCount();
    if (options.repliesIds) replyId(reply, id);
    else replyEntry(reply);
    claimed++;
    propagateClaim(ctx, key, name, request.bytes(i));
    effects++;
  }
  reply.closeArray(place, claimed);
  return effects;
}
