/**
 * Elements taken from an end: LPOP, RPOP and, from the first of several lists, LMPOP. Popping itself is shared with the
 * commands that wait for something to pop (blocking.ts).
 */

import { EVENT } from "../../keyspace/key-events.ts";
import {
  COUNT_NOT_GREATER_THAN_0,
  NUMKEYS_NOT_GREATER_THAN_0,
  SYNTAX_ERROR,
  WRONG_TYPE,
  wrongArity,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { HEAD, TAIL } from "../../types/list/list-reader.ts";
import { isWord, positiveOrReply, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt, keysCountedAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { editList, endAt, isList } from "./access.ts";
import { replyElement, replyFromEnd } from "./element-replies.ts";

const KEY = 1;
const COUNT = 2;

/** Answers the element at one end of the list at `address` and removes it; the key too, if it was the last. */
export function popOne(ctx: CommandContext, i: number, address: number, end: number): Outcome {
  const { db, reply } = ctx;
  const list = editList(ctx, address);
  list.seekEnd(end);
  replyElement(reply, list);
  notify(ctx, EVENT.list, end === HEAD ? "lpop" : "rpop", i);
  if (list.size === 1) {
    db.delete(address);
    notify(ctx, EVENT.generic, "del", i);
  } else {
    db.beforeWrite(address);
    list.removePresent();
  }
  return DONE;
}

/** Answers up to `count` (at least 1) elements from one end, the outermost first, and removes them; the key too, if
 * none is left. Returns how many. */
function popSeveral(ctx: CommandContext, i: number, address: number, end: number, count: number): number {
  const { db, reply } = ctx;
  const list = editList(ctx, address);
  const popped = Math.min(count, list.size);
  replyFromEnd(reply, list, end, popped);
  notify(ctx, EVENT.list, end === HEAD ? "lpop" : "rpop", i);
  if (popped === list.size) {
    db.delete(address);
    notify(ctx, EVENT.generic, "del", i);
  } else {
    db.beforeWrite(address);
    list.removeFrom(end, popped);
  }
  return popped;
}

function runPop(ctx: CommandContext, name: string, end: number): Outcome {
  const { db, reply } = ctx;
  const { buf, start, len, argc } = ctx.request;
  if (argc > COUNT + 1) return reply.error(wrongArity(name));
  const hasCount = argc === COUNT + 1;
  const count = hasCount ? positiveOrReply(ctx, COUNT) : 1;
  if (Number.isNaN(count)) return DONE;
  const address = db.lookupWrite(buf, start[KEY], len[KEY]);
  if (address === 0) return hasCount ? reply.nullArray() : reply.null();
  if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
  if (count === 0) return reply.emptyArray();
  if (hasCount) popSeveral(ctx, KEY, address, end, count);
  else popOne(ctx, KEY, address, end);
  ctx.effects.verbatim();
  return DONE;
}

function popCommand(name: string, end: number, summary: string): CommandSpec {
  return defineCommand({
    name,
    group: "list",
    since: "1.0.0",
    summary,
    complexity: "O(N) in the number of elements returned",
    arity: -2,
    flags: ["write", "fast"],
    categories: ["list"],
    keys: [keyAt(KEY, "RW", "access", "delete")],
    run: (ctx) => runPop(ctx, name, end),
  });
}

export const lpop: CommandSpec = popCommand("lpop", HEAD, "Removes elements from the head of a list");

export const rpop: CommandSpec = popCommand("rpop", TAIL, "Removes elements from the tail of a list");

/** The arguments of LMPOP and BLMPOP. One object for all commands. */
class SeveralKeys {
  first = 0;
  last = 0;
  end = HEAD;
  count = 1;

  /** Parses them from the number of keys at argument `countAt` on; false after an error reply. */
  parse(ctx: CommandContext, countAt: number): boolean {
    const { request, reply } = ctx;
    const keys = rangeOrReply(ctx, countAt, 1, Number.POSITIVE_INFINITY, NUMKEYS_NOT_GREATER_THAN_0);
    if (Number.isNaN(keys)) return false;
    this.first = countAt + 1;
    this.last = countAt + keys;
    this.count = 1;
    const endPosition = this.last + 1;
    this.end = endPosition < request.argc ? endAt(ctx, endPosition) : -1;
    if (this.end === -1) {
      reply.error(SYNTAX_ERROR);
      return false;
    }
    return this.parseOptions(ctx, endPosition + 1);
  }

  private parseOptions(ctx: CommandContext, first: number): boolean {
    const { request, reply } = ctx;
    for (let i = first; i < request.argc; i += 2) {
      if (i > first || i + 1 >= request.argc || !isWord(request, i, "count")) {
        reply.error(SYNTAX_ERROR);
        return false;
      }
      this.count = rangeOrReply(ctx, i + 1, 1, Number.POSITIVE_INFINITY, COUNT_NOT_GREATER_THAN_0);
      if (Number.isNaN(this.count)) return false;
    }
    return true;
  }
}

export const severalKeys: SeveralKeys = new SeveralKeys();

/** Pops from the list in argument `i`, which lies at `address`, and answers with its key. The log gets a command that
 * does not look at other keys. */
export function popWithKey(
  ctx: CommandContext,
  i: number,
  address: number,
  end: number,
  count: number,
): Outcome {
  const { effects, reply, request } = ctx;
  reply.array(2);
  reply.bulkRange(request.buf, request.start[i], request.len[i]);
  const popped = popSeveral(ctx, i, address, end, count);
  effects.command(end === HEAD ? "LPOP" : "RPOP", request.bytes(i), popped);
  return DONE;
}

export const lmpop = defineCommand({
  name: "lmpop",
  group: "list",
  since: "7.0.0",
  summary: "Removes elements from the first of several lists that exists",
  complexity: "O(N+M) in the number of keys and the number of elements returned",
  arity: -4,
  flags: ["write"],
  categories: ["list"],
  keys: [keysCountedAt(1, "RW", "access", "delete")],
  run(ctx) {
    const { db, reply, request } = ctx;
    if (!severalKeys.parse(ctx, 1)) return DONE;
    const { first, last, end, count } = severalKeys;
    for (let i = first; i <= last; i++) {
      const address = db.lookupWrite(request.buf, request.start[i], request.len[i]);
      if (address === 0) continue;
      return isList(ctx, address) ? popWithKey(ctx, i, address, end, count) : reply.error(WRONG_TYPE);
    }
    return reply.nullArray();
  },
});
