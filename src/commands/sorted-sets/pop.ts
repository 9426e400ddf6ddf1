/**
 * Taking elements from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and BZPOPMIN, BZPOPMAX, BZMPOP, which wait for some. All
 * are propagated as ZPOPMIN or ZPOPMAX.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import {
  COUNT_NOT_GREATER_THAN_0,
  NUMKEYS_NOT_GREATER_THAN_0,
  SYNTAX_ERROR,
  VALUE_NOT_POSITIVE,
} from "../../protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../../protocol/outcome.ts";
import { SORTED_SET } from "../../types/sorted-set/sorted-set.ts";
import { isWord, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { secondsOrReply } from "../timeouts.ts";

/** How the answer looks: member and score by turns; in pairs; behind the key, by turns; behind the key, in pairs. */
type PopForm = "flat" | "pairs" | "key-and-flat" | "key-and-pairs";

interface Pop {
  readonly fromHighest: boolean;
  /** The command took no count: one element, and propagated as such. */
  readonly isSingle: boolean;
  readonly count: number;
  readonly form: PopForm;
}

/** Takes elements from the set at `address`, whose key is argument `keyAt`, and answers them; or answers an error. */
function pop(ctx: CommandContext, keyAt: number, address: number, what: Pop): Outcome {
  const { reply, request } = ctx;
  const { form, fromHighest } = what;
  const set = openSortedSet(ctx, address);
  if (set === undefined) return DONE;
  if (what.count === 0) return reply.emptyArray();
  const { elements } = set;
  const { size } = elements;
  const count = Math.min(what.count, size);
  if (form === "flat") reply.array(2 * count);
  else if (form === "pairs") reply.array(count);
  else reply.array(form === "key-and-flat" ? 2 * count + 1 : 2);
  const isWithKey = form === "key-and-flat" || form === "key-and-pairs";
  if (isWithKey) reply.bulkRange(request.buf, request.start[keyAt], request.len[keyAt]);
  if (form === "key-and-pairs") reply.array(count);
  const isPaired = form === "pairs" || form === "key-and-pairs";
  elements.seek(fromHighest ? size - 1 : 0);
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      if (fromHighest) elements.previous();
      else elements.next();
    }
    if (isPaired) reply.array(2);
    reply.bulkRange(elements.memberBuffer, elements.memberStart, elements.memberLength);
    reply.double(elements.score);
  }
  set.removeRange(fromHighest ? size - count : 0, count);
  notify(ctx, EVENT.sortedSet, fromHighest ? "zpopmax" : "zpopmin", keyAt);
  if (set.deleteIfEmpty()) notify(ctx, EVENT.generic, "del", keyAt);
  if (!isWithKey) ctx.effects.verbatim();
  else if (what.isSingle) ctx.effects.command(fromHighest ? "ZPOPMAX" : "ZPOPMIN", request.bytes(keyAt));
  else ctx.effects.command(fromHighest ? "ZPOPMAX" : "ZPOPMIN", request.bytes(keyAt), count);
  return DONE;
}

/** Declares ZPOPMIN or ZPOPMAX. */
function popCommand(name: string, summary: string, fromHighest: boolean): CommandSpec {
  const single: Pop = { fromHighest, isSingle: true, count: 1, form: "flat" };
  return defineCommand({
    name,
    group: "sorted-set",
    since: "5.0.0",
    summary,
    complexity: "O(log(N)*M) for M members",
    arity: -2,
    flags: ["write", "fast"],
    categories: ["sortedset"],
    keys: [keyAt(1, "RW", "access", "delete")],
    run(ctx) {
      const { db, reply, request } = ctx;
      if (request.argc > 3) return reply.error(SYNTAX_ERROR);
      let what = single;
      if (request.argc === 3) {
        const count = rangeOrReply(ctx, 2, 0, Infinity, VALUE_NOT_POSITIVE);
        if (Number.isNaN(count)) return DONE;
        what = { fromHighest, isSingle: false, count, form: reply.resp === 3 ? "pairs" : "flat" };
      }
      const address = db.lookupWrite(request.buf, request.start[1], request.len[1]);
      return address === 0 ? reply.emptyArray() : pop(ctx, 1, address, what);
    },
  });
}

export const zpopmin: CommandSpec = popCommand(
  "zpopmin",
  "Take the members with the lowest scores out of a sorted set",
  false,
);
export const zpopmax: CommandSpec = popCommand(
  "zpopmax",
  "Take the members with the highest scores out of a sorted set",
  true,
);

/** What ZMPOP and BZMPOP ask for: the arguments from the number of keys on. Undefined after an error reply. */
function readMultiplePop(
  ctx: CommandContext,
  countAt: number,
): (Pop & { readonly last: number }) | undefined {
  const { request, reply } = ctx;
  const keys = rangeOrReply(ctx, countAt, 1, Infinity, NUMKEYS_NOT_GREATER_THAN_0);
  if (Number.isNaN(keys)) return undefined;
  const where = countAt + keys + 1;
  const isMin = where < request.argc && isWord(request, where, "min");
  if (!isMin && !(where < request.argc && isWord(request, where, "max"))) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  let count = 0;
  for (let i = where + 1; i < request.argc; i += 2) {
    if (count !== 0 || !isWord(request, i, "count") || i + 1 >= request.argc) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    count = rangeOrReply(ctx, i + 1, 1, Infinity, COUNT_NOT_GREATER_THAN_0);
    if (Number.isNaN(count)) return undefined;
  }
  const form: PopForm = "key-and-pairs";
  return { fromHighest: !isMin, isSingle: false, count: count === 0 ? 1 : count, form, last: where - 1 };
}

/** Pops from the first of the keys that has something. Undefined if none has. */
function popFirst(ctx: CommandContext, first: number, last: number, what: Pop): Outcome | undefined {
  const { buf, start, len } = ctx.request;
  for (let i = first; i <= last; i++) {
    const address = ctx.db.lookupWrite(buf, start[i], len[i]);
    if (address !== 0) return pop(ctx, i, address, what);
  }
  return undefined;
}

/** Pops from the first of the keys that has something, or waits until one has. */
function popOrWait(ctx: CommandContext, first: number, last: number, timeoutMs: number, what: Pop): Outcome {
  const outcome = popFirst(ctx, first, last, what);
  if (outcome !== undefined) return outcome;
  return ctx.waitForKeys({
    type: SORTED_SET,
    first,
    last,
    timeoutMs,
    serve(later, position) {
      return popFirst(later, position, position, what) ?? SUSPENDED;
    },
    timeOut: ({ reply }) => reply.nullArray(),
  });
}

/** Declares BZPOPMIN or BZPOPMAX. */
function blockingPopCommand(name: string, summary: string, fromHighest: boolean): CommandSpec {
  const what: Pop = { fromHighest, isSingle: true, count: 1, form: "key-and-flat" };
  return defineCommand({
    name,
    group: "sorted-set",
    since: "5.0.0",
    summary,
    complexity: "O(log(N))",
    arity: -3,
    flags: ["write", "noscript", "fast", "blocking"],
    categories: ["sortedset"],
    keys: [{ kind: "range", flags: ["RW", "access", "delete"], first: 1, last: -2, step: 1 }],
    run(ctx) {
      const timeoutAt = ctx.request.argc - 1;
      const timeoutMs = secondsOrReply(ctx, timeoutAt);
      return Number.isNaN(timeoutMs) ? DONE : popOrWait(ctx, 1, timeoutAt - 1, timeoutMs, what);
    },
  });
}

export const bzpopmin: CommandSpec = blockingPopCommand(
  "bzpopmin",
  "Take the member with the lowest score out of a sorted set, or wait for one",
  false,
);
export const bzpopmax: CommandSpec = blockingPopCommand(
  "bzpopmax",
  "Take the member with the highest score out of a sorted set, or wait for one",
  true,
);

export const zmpop: CommandSpec = defineCommand({
  name: "zmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Take members with the lowest or highest scores out of the first sorted set that is not empty",
  complexity: "O(K) + O(M*log(N)) for K keys and M members",
  arity: -4,
  flags: ["write"],
  categories: ["sortedset"],
  keys: [{ kind: "counted", flags: ["RW", "access", "delete"], countAt: 1 }],
  run(ctx) {
    const what = readMultiplePop(ctx, 1);
    if (what === undefined) return DONE;
    return popFirst(ctx, 2, what.last, what) ?? ctx.reply.nullArray();
  },
});

export const bzmpop: CommandSpec = defineCommand({
  name: "bzmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "As ZMPOP, but waits if all sorted sets are empty",
  complexity: "O(K) + O(M*log(N)) for K keys and M members",
  arity: -5,
  flags: ["write", "blocking"],
  categories: ["sortedset"],
  keys: [{ kind: "counted", flags: ["RW", "access", "delete"], countAt: 2 }],
  run(ctx) {
    const what = readMultiplePop(ctx, 2);
    if (what === undefined) return DONE;
    const timeoutMs = secondsOrReply(ctx, 1);
    return Number.isNaN(timeoutMs) ? DONE : popOrWait(ctx, 3, what.last, timeoutMs, what);
  },
});
