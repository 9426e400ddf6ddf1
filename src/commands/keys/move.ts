/**
 * Giving a value another key or another database: RENAME, RENAMENX, COPY, MOVE.
 *
 * A key that moves keeps its expiry and the memory of its last use; a copy keeps the expiry only.
 */

import type { Database } from "../../keyspace/database.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { copyEntry, moveEntry } from "../../keyspace/transfer.ts";
import { DB_INDEX_OUT_OF_RANGE, NO_SUCH_KEY, SAME_OBJECT, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { intArgument, intOrReply, isWord, sameArgument } from "../arguments.ts";
import { defineCommand, type ForeignKey, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify, notifyOf } from "../key-event.ts";

function runRename(ctx: CommandContext, onlyIfAbsent: boolean): Outcome {
  const { request, db } = ctx;
  const { buf, start, len } = request;
  const source = db.lookupWrite(buf, start[1], len[1]);
  if (source === 0) return ctx.reply.error(NO_SUCH_KEY);
  if (sameArgument(request, 1, 2)) return onlyIfAbsent ? ctx.reply.integer(0) : ctx.reply.ok();
  const target = db.lookupWrite(buf, start[2], len[2]);
  if (target !== 0) {
    if (onlyIfAbsent) return ctx.reply.integer(0);
    // First, so that clients that cache both keys are told of this one first, as by Redis.
    db.beforeWrite(source);
    db.delete(target);
  }
  moveEntry(ctx.keyspace, db, source, db, buf, start[2], len[2]);
  notify(ctx, EVENT.generic, "rename_from", 1);
  notify(ctx, EVENT.generic, "rename_to", 2);
  ctx.effects.verbatim();
  return onlyIfAbsent ? ctx.reply.integer(1) : ctx.reply.ok();
}

export const rename = defineCommand({
  name: "rename",
  group: "generic",
  since: "1.0.0",
  summary: "Renames a key, replacing what had the new name",
  complexity: "O(N) in the size of the value",
  arity: 3,
  flags: ["write"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "update")],
  run: (ctx) => runRename(ctx, false),
});

export const renamenx = defineCommand({
  name: "renamenx",
  group: "generic",
  since: "1.0.0",
  summary: "Renames a key if nothing has the new name",
  complexity: "O(N) in the size of the value",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "insert")],
  run: (ctx) => runRename(ctx, true),
});

export const move = defineCommand({
  name: "move",
  group: "generic",
  since: "1.0.0",
  summary: "Moves a key to another database",
  complexity: "O(N) in the size of the value",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "update")],
  foreignKey: (request) => ({ position: 1, dbIndex: intArgument(request, 2) }),
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const target = databaseOrReply(ctx, 2);
    if (target === undefined) return DONE;
    if (target === ctx.db) return ctx.reply.error(SAME_OBJECT);
    const source = ctx.db.lookupWrite(buf, start[1], len[1]);
    if (source === 0 || target.lookupWrite(buf, start[1], len[1]) !== 0) return ctx.reply.integer(0);
    moveEntry(ctx.keyspace, ctx.db, source, target, buf, start[1], len[1]);
    notify(ctx, EVENT.generic, "move_from", 1);
    notifyOf(ctx, target, EVENT.generic, "move_to", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});

export const copy = defineCommand({
  name: "copy",
  group: "generic",
  since: "6.2.0",
  summary: "Copies a key's value to another key",
  complexity: "O(N) in the size of the value",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access"), keyAt(2, "OW", "update")],
  foreignKey: copyTarget,
  run(ctx) {
    const { request, db } = ctx;
    const { buf, start, len, argc } = request;
    let target = db;
    let replace = false;
    for (let i = 3; i < argc; i++) {
      if (isWord(request, i, "replace")) {
        replace = true;
      } else if (isWord(request, i, "db") && i + 1 < argc) {
        const named = databaseOrReply(ctx, ++i);
        if (named === undefined) return DONE;
        target = named;
      } else {
        return ctx.reply.error(SYNTAX_ERROR);
      }
    }
    if (target === db && sameArgument(request, 1, 2)) return ctx.reply.error(SAME_OBJECT);
    const source = db.lookupRead(buf, start[1], len[1]);
    if (source === 0) return ctx.reply.integer(0);
    const existing = target.lookupWrite(buf, start[2], len[2]);
    if (existing !== 0) {
      if (!replace) return ctx.reply.integer(0);
      target.delete(existing);
    }
    copyEntry(ctx.keyspace, source, target, buf, start[2], len[2]);
    notifyOf(ctx, target, EVENT.generic, "copy_to", 2);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});

/** The key that COPY writes, if it is told a database. Of several DB options the last one counts. */
function copyTarget(request: Request): ForeignKey | undefined {
  let dbIndex = Number.NaN;
  for (let i = 3; i + 1 < request.argc; i++) {
    if (isWord(request, i, "db")) dbIndex = intArgument(request, ++i);
  }
  return Number.isNaN(dbIndex) ? undefined : { position: 2, dbIndex };
}

/** The database whose number is argument i; undefined after an error reply. */
function databaseOrReply(ctx: CommandContext, i: number): Database | undefined {
  const index = intOrReply(ctx, i);
  if (Number.isNaN(index)) return undefined;
  const database = ctx.keyspace.databases[index];
  if (database === undefined) ctx.reply.error(DB_INDEX_OUT_OF_RANGE);
  return database;
}
