/**
 * HSET, HMSET, HSETNX: the commands that give fields values.
 */

import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { wrongArity } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { createHash, hashForWrite } from "./open.ts";

const FIRST_FIELD = 2;
const WRONG_TYPE_ANSWERED = -1;

function settingCommand(facts: Pick<CommandSpec, "name" | "summary" | "run">): CommandSpec {
  return defineCommand({
    ...facts,
    group: "hash",
    since: "2.0.0",
    complexity: "O(N) in the number of fields",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    categories: ["hash"],
    keys: [keyAt(1, "RW", "update")],
  });
}

export const hset: CommandSpec = settingCommand({
  name: "hset",
  summary: "Set fields of a hash to values",
  run(ctx) {
    if (ctx.request.argc % 2 === 1) return ctx.reply.error(wrongArity("hset"));
    const added = setFields(ctx);
    return added === WRONG_TYPE_ANSWERED ? DONE : ctx.reply.integer(added);
  },
});

export const hmset: CommandSpec = settingCommand({
  name: "hmset",
  summary: "Set fields of a hash to values: HSET with another reply",
  run(ctx) {
    if (ctx.request.argc % 2 === 1) return ctx.reply.error(wrongArity("hmset"));
    return setFields(ctx) === WRONG_TYPE_ANSWERED ? DONE : ctx.reply.ok();
  },
});

/** Sets the fields named in the arguments; returns how many are new, or WRONG_TYPE_ANSWERED. As in Redis, one whose
 * time has come is not new before it was removed: looking for that would be too much for such a frequent command. */
function setFields(ctx: CommandContext): number {
  const { buf, start, len, argc } = ctx.request;
  const hash = hashForWrite(ctx);
  if (hash === undefined) return WRONG_TYPE_ANSWERED;
  const { fields } = hash;
  hash.beforeWrite();
  makeReady(ctx, hash);
  let added = 0;
  for (let i = FIRST_FIELD; i < argc; i += 2) {
    if (fields.set(buf, start[i], len[i], buf, start[i + 1], len[i + 1], false)) added++;
  }
  notify(ctx, EVENT.hash, "hset", 1);
  ctx.effects.verbatim();
  return added;
}

/** Lets the hash become a table, if the arguments want that. */
function makeReady({ request: { len, argc } }: CommandContext, hash: HashEntry): void {
  let longest = 0;
  let total = 0;
  for (let i = FIRST_FIELD; i < argc; i++) {
    if (len[i] > longest) longest = len[i];
    total += len[i];
  }
  hash.fields.makeReadyFor(longest, total);
}

export const hsetnx = defineCommand({
  name: "hsetnx",
  group: "hash",
  since: "2.0.0",
  summary: "Set a field of a hash to a value if there is no such field",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  categories: ["hash"],
  keys: [keyAt(1, "RW", "insert")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    let hash = hashForWrite(ctx);
    if (hash === undefined) return DONE;
    if (hash.find(buf, start[2], len[2])) return ctx.reply.integer(0);
    if (hash.isGone) hash = createHash(ctx);
    hash.beforeWrite();
    makeReady(ctx, hash);
    hash.fields.set(buf, start[2], len[2], buf, start[3], len[3], false);
    notify(ctx, EVENT.hash, "hset", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});
