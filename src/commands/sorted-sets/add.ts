/**
 * ZADD and ZINCRBY. All arguments are checked before anything is changed.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { SYNTAX_ERROR, ZADD_GT_LT_NX, ZADD_INCR_PAIRS, ZADD_XX_AND_NX } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { doubleOrReply, isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { SortedSetAddition } from "../sorted-set-addition.ts";

const addition = new SortedSetAddition();
const LETTERS_FROM = 0x40;

export const zadd: CommandSpec = defineCommand({
  name: "zadd",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Add members to a sorted set, or change their scores",
  complexity: "O(log(N)) for each member",
  arity: -4,
  flags: ["write", "denyoom", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RW", "update")],
  run(ctx) {
    addition.begin(ctx.request.argc >>> 1);
    const scoresAt = readOptions(ctx.request);
    return add(ctx, scoresAt);
  },
});

export const zincrby: CommandSpec = defineCommand({
  name: "zincrby",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Add to the score of a member of a sorted set",
  complexity: "O(log(N))",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    addition.begin(1);
    addition.incr = true;
    // An increment may be spelled like an option of ZADD, and then it is taken for one.
    const scoresAt = readOptions(ctx.request);
    return add(ctx, scoresAt);
  },
});

/** Reads options from argument 2 on; returns the first argument that is none. */
function readOptions(request: Request): number {
  let i = 2;
  for (; i < request.argc; i++) {
    if (request.len[i] > 0 && request.buf[request.start[i]] < LETTERS_FROM) break;
    if (isWord(request, i, "nx")) addition.nx = true;
    else if (isWord(request, i, "xx")) addition.xx = true;
    else if (isWord(request, i, "ch")) addition.ch = true;
    else if (isWord(request, i, "incr")) addition.incr = true;
    else if (isWord(request, i, "gt")) addition.gt = true;
    else if (isWord(request, i, "lt")) addition.lt = true;
    else break;
  }
  return i;
}

function add(ctx: CommandContext, scoresAt: number): Outcome {
  const { request, reply } = ctx;
  const { nx, xx, gt, lt, incr, scores } = addition;
  const remaining = request.argc - scoresAt;
  if (remaining === 0 || remaining % 2 !== 0) return reply.error(SYNTAX_ERROR);
  const elements = remaining / 2;
  if (nx && xx) return reply.error(ZADD_XX_AND_NX);
  if ((gt && nx) || (lt && nx) || (gt && lt)) return reply.error(ZADD_GT_LT_NX);
  if (incr && elements > 1) return reply.error(ZADD_INCR_PAIRS);
  for (let i = 0; i < elements; i++) {
    const score = doubleOrReply(ctx, scoresAt + 2 * i);
    if (Number.isNaN(score)) return DONE;
    scores[i] = score;
  }
  if (!addition.apply(ctx, elements, scoresAt + 1, 2)) return DONE;
  if (addition.added + addition.changed > 0) {
    notify(ctx, EVENT.sortedSet, incr ? "zincr" : "zadd", 1);
    ctx.effects.verbatim();
  }
  if (incr) return addition.isProcessed ? reply.double(addition.score) : reply.null();
  return reply.integer(addition.ch ? addition.added + addition.changed : addition.added);
}
