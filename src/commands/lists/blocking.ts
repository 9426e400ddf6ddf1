/**
 * Commands that wait until there is something to pop: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH. What they do is logged
 * as what the commands that do not wait would have done.
 */
import { SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { HEAD, TAIL } from "../../types/list/list-reader.ts";
import { LIST } from "../../types/list/list-value.ts";
import { type CommandSpec, defineCommand, keysBetween, keysCountedAt } from "../command.ts";
import type { CommandContext, KeyWait } from "../context.ts";
import { secondsOrReply } from "../timeouts.ts";
import { endAt, isList } from "./access.ts";
import { DESTINATION, MOVED_KEYS, moveElement, SOURCE } from "./move.ts";
import { popOne, popWithKey, severalKeys } from "./pop.ts";

const timeOut: KeyWait["timeOut"] = (ctx) => ctx.reply.nullArray();

/** Answers from the list in argument `i`, which lies at `address`. */
type Popping = (ctx: CommandContext, i: number, address: number) => Outcome;

/** Pops from the first of the keys in arguments `first` to `last` that is a list, or waits for one of them. */
function popOrWait(
  ctx: CommandContext,
  first: number,
  last: number,
  timeoutAt: number,
  pop: Popping,
): Outcome {
  const { reply, request } = ctx;
  const timeoutMs = secondsOrReply(ctx, timeoutAt);
  if (Number.isNaN(timeoutMs)) return DONE;
  for (let i = first; i <= last; i++) {
    const address = ctx.db.lookupWrite(request.buf, request.start[i], request.len[i]);
    if (address === 0) continue;
    return isList(ctx, address) ? pop(ctx, i, address) : reply.error(WRONG_TYPE);
  }
  return ctx.waitForKeys({
    type: LIST,
    first,
    last,
    timeoutMs,
    serve: (later, i) => pop(later, i, addressOf(later, i)),
    timeOut,
  });
}

/** Of the key in argument `i`, which exists. */
function addressOf({ db, request }: CommandContext, i: number): number {
  return db.lookupWrite(request.buf, request.start[i], request.len[i]);
}

/** What BLPOP and BRPOP do: an array of the key and the element. */
function popFrom(end: number): Popping {
  return (ctx, i, address) => {
    const { effects, reply, request } = ctx;
    reply.array(2);
    reply.bulkRange(request.buf, request.start[i], request.len[i]);
    popOne(ctx, i, address, end);
    effects.command(end === HEAD ? "LPOP" : "RPOP", request.bytes(i));
    return DONE;
  };
}

function blockingPop(name: string, end: number, summary: string): CommandSpec {
  const pop = popFrom(end);
  return defineCommand({
    name,
    group: "list",
    since: "2.0.0",
    summary,
    complexity: "O(N) in the number of keys",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    categories: ["list"],
    keys: [keysBetween(1, -2, "RW", "access", "delete")],
    run: (ctx) => popOrWait(ctx, 1, ctx.request.argc - 2, ctx.request.argc - 1, pop),
  });
}

export const blpop: CommandSpec = blockingPop(
  "blpop",
  HEAD,
  "Removes the first element of the first of several lists that exists, or waits for one",
);

export const brpop: CommandSpec = blockingPop(
  "brpop",
  TAIL,
  "Removes the last element of the first of several lists that exists, or waits for one",
);

export const blmpop = defineCommand({
  name: "blmpop",
  group: "list",
  since: "7.0.0",
  summary: "Removes elements from the first of several lists that exists, or waits for one",
  complexity: "O(N+M) in the number of keys and the number of elements returned",
  arity: -5,
  flags: ["write", "blocking"],
  categories: ["list"],
  keys: [keysCountedAt(2, "RW", "access", "delete")],
  run(ctx) {
    if (!severalKeys.parse(ctx, 2)) return DONE;
    const { first, last, end, count } = severalKeys;
    return popOrWait(ctx, first, last, 1, (later, i, address) => popWithKey(later, i, address, end, count));
  },
});

/** Writes what a move is in the log: the two words of BLMOVE, as they were given or as Redis puts them. */
type Propagation = (ctx: CommandContext, isServed: boolean) => void;

function moveOrWait(
  ctx: CommandContext,
  timeoutAt: number,
  from: number,
  to: number,
  propagate: Propagation,
): Outcome {
  const { db, reply, request } = ctx;
  const timeoutMs = secondsOrReply(ctx, timeoutAt);
  if (Number.isNaN(timeoutMs)) return DONE;
  const source = db.lookupWrite(request.buf, request.start[SOURCE], request.len[SOURCE]);
  if (source !== 0) {
    if (!isList(ctx, source)) return reply.error(WRONG_TYPE);
    if (moveElement(ctx, source, from, to)) propagate(ctx, false);
    return DONE;
  }
  return ctx.waitForKeys({
    type: LIST,
    first: SOURCE,
    last: SOURCE,
    timeoutMs,
    serve(later) {
      if (moveElement(later, addressOf(later, SOURCE), from, to)) propagate(later, true);
      return DONE;
    },
    timeOut,
    cannotWait: (now) => now.reply.null(),
  });
}

export const blmove = defineCommand({
  name: "blmove",
  group: "list",
  since: "6.2.0",
  summary: "Moves an element from one end of a list to one end of another, or waits for one",
  complexity: "O(1)",
  arity: 6,
  flags: ["write", "denyoom", "noscript", "blocking"],
  categories: ["list"],
  keys: MOVED_KEYS,
  run(ctx) {
    const from = endAt(ctx, 3);
    const to = endAt(ctx, 4);
    if (from === -1 || to === -1) return ctx.reply.error(SYNTAX_ERROR);
    return moveOrWait(ctx, 5, from, to, ({ effects, request }, isServed) => {
      const ends = isServed ? [wordOf(from), wordOf(to)] : [request.bytes(3), request.bytes(4)];
      effects.command("LMOVE", request.bytes(SOURCE), request.bytes(DESTINATION), ...ends);
    });
  },
});

function wordOf(end: number): string {
  return end === HEAD ? "left" : "right";
}

export const brpoplpush = defineCommand({
  name: "brpoplpush",
  group: "list",
  since: "2.2.0",
  summary: "Moves the last element of a list to the head of another, or waits for one",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "noscript", "blocking"],
  categories: ["list"],
  keys: MOVED_KEYS,
  run: (ctx) =>
    moveOrWait(ctx, 3, TAIL, HEAD, ({ effects, request }) =>
      effects.command("RPOPLPUSH", request.bytes(SOURCE), request.bytes(DESTINATION)),
    ),
});
