/**
 * Walks over the keys of a database: SCAN, KEYS, RANDOMKEY. The walk itself is the keyspace's; where it must read the
 * disk, the client waits.
 */
import type { KeyList } from "../../keyspace/key-list.ts";
import type { WalkWish } from "../../keyspace/tier-walk.ts";
import { INVALID_CURSOR, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext, Continuation } from "../context.ts";

const DEFAULT_COUNT = 10;
const MAX_UINT64 = 2n ** 64n - 1n;
const STAR = 0x2a;

/** Runs `finish` with the result of a walk, now or when it is there. */
function whenWalked<T>(ctx: CommandContext, result: T | Promise<T>, finish: Continuation<T>): Outcome {
  return result instanceof Promise ? ctx.suspend(result, finish) : finish(ctx, result);
}

/** What SCAN's options ask for. They outlive the request, so bytes are copied. */
interface ScanOptions {
  count: number;
  pattern: Buffer | undefined;
  /** In lower case. */
  typeName: string | undefined;
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
    const cursor = parseCursor(ctx.request.text(1));
    if (cursor === undefined) return ctx.reply.error(INVALID_CURSOR);
    const options = parseOptions(ctx);
    if (options === undefined) return DONE;
    const walked = ctx.server.walk.scan(ctx.client.dbIndex, cursor, options.count, options);
    return whenWalked(ctx, walked, ({ reply }, result) => {
      reply.array(2);
      reply.bulkText(String(result.cursor));
      return replyKeys(reply, result.keys);
    });
  },
});

/**
 * A cursor as C's strtoul reads it (an empty text is 0, signs are taken, negatives wrap round), but without leading
 * blanks; undefined if it is none. Numbers that no walk can have handed out may lose their last digits.
 */
function parseCursor(text: string): number | undefined {
  const match = /^(?:([+-]?)(\d+))?(?:\0.*)?$/s.exec(text);
  if (match === null) return undefined;
  const [, sign = "", digits = "0"] = match;
  const magnitude = BigInt(digits);
  if (magnitude > MAX_UINT64) return undefined;
  return Number(sign === "-" ? BigInt.asUintN(64, -magnitude) : magnitude);
}

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

/** The options from argument 2 on; undefined after an error reply. */
function parseOptions(ctx: CommandContext): ScanOptions | undefined {
  const { request } = ctx;
  const options: ScanOptions = { count: DEFAULT_COUNT, pattern: undefined, typeName: undefined };
  for (let i = 2; i < request.argc; i += 2) {
    const hasValue = i + 1 < request.argc;
    if (hasValue && isWord(request, i, "count")) {
      options.count = longOrReply(ctx, i + 1);
      if (Number.isNaN(options.count)) return undefined;
      if (options.count < 1) {
        ctx.reply.error(SYNTAX_ERROR);
        return undefined;
      }
    } else if (hasValue && isWord(request, i, "match")) {
      const pattern = request.bytes(i + 1);
      options.pattern = isStar(pattern) ? undefined : Buffer.from(pattern);
    } else if (hasValue && isWord(request, i, "type")) {
      options.typeName = request.text(i + 1).toLowerCase();
    } else {
      ctx.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

/** The pattern that takes everything: unlike the matcher, which does not let it take the empty key. */
function isStar(pattern: Buffer): boolean {
  return pattern.length === 1 && pattern[0] === STAR;
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
    const pattern = ctx.request.bytes(1);
    const filter = { pattern: isStar(pattern) ? undefined : Buffer.from(pattern) };
    const walked = ctx.server.walk.all(ctx.client.dbIndex, filter);
    return whenWalked(ctx, walked, ({ reply }, found) => replyKeys(reply, found));
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
