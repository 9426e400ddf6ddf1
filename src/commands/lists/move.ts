/**
 * Elements that go from one list to another (or to the other end of the same one): LMOVE, RPOPLPUSH. The moving is
 * shared with the commands that wait for an element to move (blocking.ts).
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { HEAD, TAIL } from "../../types/list/list-reader.ts";
import { ElementValue } from "../../types/listpack/element-value.ts";
import { ElementView } from "../../types/listpack/element-view.ts";
import { GrowingBytes } from "../../types/packed-bytes.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { addList, editList, endAt, isList } from "./access.ts";

export const SOURCE = 1;
export const DESTINATION = 2;

const view = new ElementView();
const moved = new ElementValue();
/** The element on its way. */
const carried = new GrowingBytes();

/**
 * Moves an element from one end of the list at `source` (the key in argument 1) to one end of that in argument 2, which
 * may not exist yet, and answers it. False if the second key holds another type: then an error was answered.
 */
export function moveElement(ctx: CommandContext, source: number, from: number, to: number): boolean {
  const { db, reply, request } = ctx;
  const { buf, start, len } = request;
  const destination = db.lookupWrite(buf, start[DESTINATION], len[DESTINATION]);
  if (destination !== 0 && !isList(ctx, destination)) {
    reply.error(WRONG_TYPE);
    return false;
  }
  const list = editList(ctx, source);
  list.seekEnd(from);
  carry(list.buffer, list.start, list.at);
  reply.bulkRange(carried.buffer, 0, carried.length);
  const isOnly = list.size === 1;
  if (destination === source) {
    if (isOnly) {
      db.signalModified(source);
    } else {
      db.beforeWrite(source);
      list.removePresent();
      list.push(moved, to);
    }
    notifyMoved(ctx, from, to);
  } else {
    // As in Redis, so that clients that cache both lists are told of this one first.
    if (destination === 0) {
      addList(ctx, DESTINATION, moved);
    } else {
      db.beforeWrite(destination);
      editList(ctx, destination).push(moved, to);
    }
    notifyMoved(ctx, from, to);
    removeEnd(ctx, source, from, isOnly);
  }
  carried.clear();
  return true;
}

function notifyMoved(ctx: CommandContext, from: number, to: number): void {
  notify(ctx, EVENT.list, to === HEAD ? "lpush" : "rpush", DESTINATION);
  notify(ctx, EVENT.list, from === HEAD ? "lpop" : "rpop", SOURCE);
}

function removeEnd(ctx: CommandContext, source: number, from: number, isOnly: boolean): void {
  if (isOnly) {
    ctx.db.delete(source);
    notify(ctx, EVENT.generic, "del", SOURCE);
    return;
  }
  ctx.db.beforeWrite(source);
  const list = editList(ctx, source);
  list.seekEnd(from);
  list.removePresent();
}

/** Copies an element, since it must outlive its place. */
function carry(bytes: Buffer, start: number, at: number): void {
  view.read(bytes, start, at);
  carried.resize(view.length);
  view.buffer.copy(carried.buffer, 0, view.start, view.start + view.length);
  moved.set(carried.buffer, 0, view.length);
}

function runMove(ctx: CommandContext, from: number, to: number): Outcome {
  const { db, reply, request } = ctx;
  const source = db.lookupWrite(request.buf, request.start[SOURCE], request.len[SOURCE]);
  if (source === 0) return reply.null();
  if (!isList(ctx, source)) return reply.error(WRONG_TYPE);
  if (moveElement(ctx, source, from, to)) ctx.effects.verbatim();
  return DONE;
}

/** What both commands, and those that wait, do to their keys. */
export const MOVED_KEYS: CommandSpec["keys"] = [
  keyAt(SOURCE, "RW", "access", "delete"),
  keyAt(DESTINATION, "RW", "insert"),
];

export const lmove = defineCommand({
  name: "lmove",
  group: "list",
  since: "6.2.0",
  summary: "Moves an element from one end of a list to one end of another",
  complexity: "O(1)",
  arity: 5,
  flags: ["write", "denyoom"],
  categories: ["list"],
  keys: MOVED_KEYS,
  run(ctx) {
    const from = endAt(ctx, 3);
    const to = endAt(ctx, 4);
    return from === -1 || to === -1 ? ctx.reply.error(SYNTAX_ERROR) : runMove(ctx, from, to);
  },
});

export const rpoplpush = defineCommand({
  name: "rpoplpush",
  group: "list",
  since: "1.2.0",
  summary: "Moves the last element of a list to the head of another",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom"],
  categories: ["list"],
  keys: MOVED_KEYS,
  run: (ctx) => runMove(ctx, TAIL, HEAD),
});
