/**
 * Walks over the keys of a database: SCAN, KEYS, RANDOMKEY. The walk itself is the keyspace's; where it must read the
 * disk, the client waits.
 */
import { KeyList } from "../../keyspace/key-list.ts";
import type { WalkWish } from "../../keyspace/tier-walk.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Request } from "../../protocol/request.ts";
import { keysUnreadable, scannedKeysUnreadable } from "../../protocol/tier-errors.ts";
import { isWord } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext, Continuation } from "../context.ts";
import { cursorOrReply, DEFAULT_COUNT, parseCursor, patternOf, scanOptionsOrReply } from "../scan-options.ts";

/** Keys that a step finds at once, and that are answered at once. */
const stepKeys = new KeyList();

/** Runs `finish` with the result of a walk, now or when it is there. */
function whenWalked<T>(ctx: CommandContext, result: T | Promise<T>, finish: Continuation<T>): Outcome {
  return result instanceof Promise ? ctx.suspend(result, finish) : finish(ctx, result);
}

export const scan = defineCommand({
  name: "scan",
  group: "generic",
  since: "2.8.0",
  summary: "Walks over the keys of a database in steps",
  complexity: "O(1) per step, O(N) for all, in the number of keys",
  arity: -2,
  flags: ["readonly"],
  categories: ["keyspace"],
  keys: [],
  tips: ["nondeterministic_output", "request_policy:special"],
  walkOf: scanOf,
  run(ctx) {
    const cursor = cursorOrReply(ctx, 1);
    if (Number.isNaN(cursor)) return DONE;
    const options = scanOptionsOrReply(ctx, 2, true);
    if (options === undefined) return DONE;
    const walked = ctx.server.walk.scan(ctx.client.dbIndex, cursor, options.count, options, stepKeys);
    return whenWalked(ctx, walked, ({ reply }, { cursor: next, damage, keys: found }) => {
      if (damage !== undefined) return reply.error(scannedKeysUnreadable(damage.message, next));
      reply.array(2);
      reply.bulkText(String(next));
      return replyKeys(reply, found);
    });
  },
});

/** The step that a SCAN asks for, if there is nothing wrong with it. */
function scanOf(request: Request): WalkWish | undefined {
  const cursor = parseCursor(request.text(1));
  if (cursor === undefined) return undefined;
  let count = DEFAULT_COUNT;
  let typeName: string | undefined;
  for (let i = 2; i + 1 < request.argc; i += 2) {
    if (isWord(request, i, "count")) count = Number(request.text(i + 1));
    else if (isWord(request, i, "type")) typeName = request.text(i + 1).toLowerCase();
  }
  return count >= 1 ? { kind: "scan", cursor, count, typeName } : undefined;
}

function replyKeys(reply: ReplyWriter, keys: KeyList): Outcome {
  reply.array(keys.count);
  keys.forEach((source, start, length) => {
    reply.bulkRange(source, start, length);
  });
  return DONE;
}

export const keys = defineCommand({
  name: "keys",
  group: "generic",
  since: "1.0.0",
  summary: "Lists the keys that match a pattern",
  complexity: "O(N) in the number of keys",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace", "dangerous"],
  keys: [],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  walkOf: () => ({ kind: "all", cursor: 0, count: 0 }),
  run(ctx) {
    const filter = { pattern: patternOf(ctx.request.bytes(1)) };
    const walked = ctx.server.walk.all(ctx.client.dbIndex, filter);
    return whenWalked(ctx, walked, ({ reply }, { damage, keys: found }) =>
      damage === undefined ? replyKeys(reply, found) : reply.error(keysUnreadable(damage.message)),
    );
  },
});

export const randomkey = defineCommand({
  name: "randomkey",
  group: "generic",
  since: "1.0.0",
  summary: "Names a random key",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly"],
  categories: ["keyspace"],
  keys: [],
  tips: ["request_policy:all_shards", "nondeterministic_output"],
  walkOf: () => ({ kind: "random", cursor: 0, count: 0 }),
  run: (ctx) =>
    whenWalked(ctx, ctx.server.walk.random(ctx.client.dbIndex), ({ reply }, key) =>
      key === undefined ? reply.null() : reply.bulk(key),
    ),
});
