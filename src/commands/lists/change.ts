/**
 * Changes within lists: LSET, LINSERT, LREM, LTRIM.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { HEAD, TAIL } from "../../types/list/list-reader.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import { notify } from "../key-event.ts";
import { editList, elementAt, isList } from "./access.ts";

export const lset = defineCommand({
  name: "lset",
  group: "list",
  since: "1.0.0",
  summary: "Replaces the element with an index",
  complexity: "O(log N) in the number of chunks of a few KB, and a walk within one",
  arity: 4,
  flags: ["write", "denyoom"],
  categories: ["list"],
  keys: [keyAt(1, "RW", "update")],
  run(ctx) {
    const { db, reply } = ctx;
    const { buf, start, len } = ctx.request;
    const address = db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) return reply.error(NO_SUCH_KEY);
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const index = longOrReply(ctx, 2);
    if (Number.isNaN(index)) return DONE;
    const list = editList(ctx, address);
    if (!list.seek(index < 0 ? list.size + index : index)) return reply.error(INDEX_OUT_OF_RANGE);
    db.beforeWrite(address);
    list.replacePresent(elementAt(ctx, 3));
    notify(ctx, EVENT.list, "lset", 1);
    ctx.effects.verbatim();
    return reply.ok();
  },
});

export const linsert = defineCommand({
  name: "linsert",
  group: "list",
  since: "2.2.0",
  summary: "Inserts an element before or behind the first one that is equal to another",
  complexity: "O(N) in the number of elements before it",
  arity: 5,
  flags: ["write", "denyoom"],
  categories: ["list"],
  keys: [keyAt(1, "RW", "insert")],
  run(ctx) {
    const { db, reply, request } = ctx;
    const isBehind = isWord(request, 2, "after");
    if (!isBehind && !isWord(request, 2, "before")) return reply.error(SYNTAX_ERROR);
    const address = db.lookupWrite(request.buf, request.start[1], request.len[1]);
    if (address === 0) return reply.integer(0);
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const list = editList(ctx, address);
    if (!list.find(elementAt(ctx, 3))) return reply.integer(-1);
    db.beforeWrite(address);
    list.insertBeside(elementAt(ctx, 4), isBehind ? TAIL : HEAD);
    notify(ctx, EVENT.list, "linsert", 1);
    ctx.effects.verbatim();
    return reply.integer(list.size);
  },
});

export const lrem = defineCommand({
  name: "lrem",
  group: "list",
  since: "1.0.0",
  summary: "Removes elements that are equal to another",
  complexity: "O(N) in the number of elements compared",
  arity: 4,
  flags: ["write"],
  categories: ["list"],
  keys: [keyAt(1, "RW", "delete")],
  run(ctx) {
    const { db, reply } = ctx;
    const { buf, start, len } = ctx.request;
    const count = longOrReply(ctx, 2);
    if (Number.isNaN(count)) return DONE;
    const address = db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) return reply.integer(0);
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const list = editList(ctx, address);
    const value = elementAt(ctx, 3);
    if (!list.find(value)) return reply.integer(0);
    db.beforeWrite(address);
    const limit = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
    const removed = list.removeEqual(value, count < 0 ? TAIL : HEAD, limit);
    notify(ctx, EVENT.list, "lrem", 1);
    if (list.size === 0) {
      db.delete(list.address);
      notify(ctx, EVENT.generic, "del", 1);
    }
    ctx.effects.verbatim();
    return reply.integer(removed);
  },
});

export const ltrim = defineCommand({
  name: "ltrim",
  group: "list",
  since: "1.0.0",
  summary: "Removes all elements but those between two indexes",
  complexity: "O(log N + M) in the size of the list and the number of chunks of a few KB removed",
  arity: 4,
  flags: ["write"],
  categories: ["list"],
  keys: [keyAt(1, "RW", "delete")],
  run(ctx) {
    const { db, reply } = ctx;
    const { buf, start, len } = ctx.request;
    let first = longOrReply(ctx, 2);
    if (Number.isNaN(first)) return DONE;
    let last = longOrReply(ctx, 3);
    if (Number.isNaN(last)) return DONE;
    const address = db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) return reply.ok();
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    const list = editList(ctx, address);
    const { size } = list;
    if (first < 0) first = Math.max(0, size + first);
    if (last < 0) last += size;
    last = Math.min(last, size - 1);
    if (first === 0 && last === size - 1) {
      db.signalModified(address);
      notify(ctx, EVENT.list, "ltrim", 1);
      return reply.ok();
    }
    notify(ctx, EVENT.list, "ltrim", 1);
    if (first > last) {
      db.delete(address);
      notify(ctx, EVENT.generic, "del", 1);
    } else {
      db.beforeWrite(address);
      list.removeFrom(HEAD, first);
      list.removeFrom(TAIL, size - 1 - last);
    }
    ctx.effects.verbatim();
    return reply.ok();
  },
});
