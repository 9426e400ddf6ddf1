/**
 * Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
 */
import {
  DB_INDEX_OUT_OF_RANGE,
  INVALID_FIRST_DB_INDEX,
  INVALID_SECOND_DB_INDEX,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { intOrReply, isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";

const LAZY_USER_FLUSH = [Buffer.from("lazyfree-lazy-user-flush")];
const ALL_SUCCEED = ["request_policy:all_shards", "response_policy:all_succeeded"];

/** Whether memory is to be freed in the background; undefined if the options are wrong. */
function parseFlush(ctx: CommandContext): boolean | undefined {
  const { request, server } = ctx;
  if (request.argc === 1) return server.config.get(LAZY_USER_FLUSH)[0][1] === "yes";
  if (request.argc !== 2) return undefined;
  if (isWord(request, 1, "async")) return true;
  return isWord(request, 1, "sync") ? false : undefined;
}

export const flushdb = defineCommand({
  name: "flushdb",
  group: "server",
  since: "1.0.0",
  summary: "Deletes all keys of the selected database",
  complexity: "O(N) in the number of keys in memory",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  keys: [],
  tips: ALL_SUCCEED,
  run(ctx) {
    const inBackground = parseFlush(ctx);
    if (inBackground === undefined) return ctx.reply.error(SYNTAX_ERROR);
    ctx.keyspace.flush(ctx.client.dbIndex, inBackground);
    // Even of an empty database: Redis logs it always.
    ctx.effects.verbatim();
    return ctx.reply.ok();
  },
});

export const flushall = defineCommand({
  name: "flushall",
  group: "server",
  since: "1.0.0",
  summary: "Deletes all keys of all databases",
  complexity: "O(N) in the number of keys in memory",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  keys: [],
  tips: ALL_SUCCEED,
  run(ctx) {
    const inBackground = parseFlush(ctx);
    if (inBackground === undefined) return ctx.reply.error(SYNTAX_ERROR);
    for (let i = 0; i < ctx.keyspace.databases.length; i++) ctx.keyspace.flush(i, inBackground);
    ctx.effects.verbatim();
    const saving = ctx.server.saves.flushed();
    if (saving === undefined || ctx.client.isExecuting) return ctx.reply.ok();
    // Whether that dump could be made is for the log.
    return ctx.suspend(saving, ({ reply }) => reply.ok());
  },
});

export const dbsize = defineCommand({
  name: "dbsize",
  group: "server",
  since: "1.0.0",
  summary: "Counts the keys of the selected database",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  run: ({ db, reply }) => reply.integer(db.size),
});

export const swapdb = defineCommand({
  name: "swapdb",
  group: "server",
  since: "4.0.0",
  summary: "Exchanges two databases",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace", "dangerous"],
  keys: [],
  run(ctx) {
    const { keyspace, reply } = ctx;
    const first = intOrReply(ctx, 1, INVALID_FIRST_DB_INDEX);
    if (Number.isNaN(first)) return DONE;
    const second = intOrReply(ctx, 2, INVALID_SECOND_DB_INDEX);
    if (Number.isNaN(second)) return DONE;
    if (keyspace.databases[first] === undefined || keyspace.databases[second] === undefined) {
      return reply.error(DB_INDEX_OUT_OF_RANGE);
    }
    if (first !== second) keyspace.swap(first, second);
    ctx.effects.verbatim();
    return reply.ok();
  },
});
