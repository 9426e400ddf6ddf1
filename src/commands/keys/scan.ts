/**
 * Walks over the keys of a database: SCAN, KEYS, RANDOMKEY. The walk itself is the keyspace's; where it must read the
 * disk, the client waits.
 */
import { globMatch } from "../../base/glob.ts";
import type { WalkedKey, WalkResult } from "../../keyspace/tier-walk.ts";
import { INVALID_CURSOR, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { dataTypeOf } from "../../types/registry.ts";
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
interface ScanFilter {
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
  run(ctx) {
    const cursor = parseCursor(ctx.request.text(1));
    if (cursor === undefined) return ctx.reply.error(INVALID_CURSOR);
    const filter = parseFilter(ctx);
    if (filter === undefined) return DONE;
    const walked = ctx.server.walk.scan(ctx.client.dbIndex, cursor, filter.count);
    return whenWalked(ctx, walked, (later, result) => replyScan(later, result, filter));
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

/** The options from argument 2 on; undefined after an error reply. */
function parseFilter(ctx: CommandContext): ScanFilter | undefined {
  const { request } = ctx;
  const filter: ScanFilter = { count: DEFAULT_COUNT, pattern: undefined, typeName: undefined };
  for (let i = 2; i < request.argc; i += 2) {
    const hasValue = i + 1 < request.argc;
    if (hasValue && isWord(request, i, "count")) {
      filter.count = longOrReply(ctx, i + 1);
      if (Number.isNaN(filter.count)) return undefined;
      if (filter.count < 1) {
        ctx.reply.error(SYNTAX_ERROR);
        return undefined;
      }
    } else if (hasValue && isWord(request, i, "match")) {
      const pattern = request.bytes(i + 1);
      filter.pattern = isStar(pattern) ? undefined : Buffer.from(pattern);
    } else if (hasValue && isWord(request, i, "type")) {
      filter.typeName = request.text(i + 1).toLowerCase();
    } else {
      ctx.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return filter;
}

/** The pattern that takes everything: unlike the matcher, which does not let it take the empty key. */
function isStar(pattern: Buffer): boolean {
  return pattern.length === 1 && pattern[0] === STAR;
}

function replyScan(ctx: CommandContext, result: WalkResult, filter: ScanFilter): Outcome {
  const { reply } = ctx;
  const found = result.keys.filter((key) => passes(key, filter));
  reply.array(2);
  reply.bulkText(String(result.cursor));
  reply.array(found.length);
  for (const { key } of found) reply.bulk(key);
  return DONE;
}

function passes({ key, type }: WalkedKey, filter: ScanFilter): boolean {
  if (filter.pattern !== undefined && !globMatch(filter.pattern, key)) return false;
  return filter.typeName === undefined || filter.typeName === dataTypeOf(type).name;
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
  run(ctx) {
    const pattern = Buffer.from(ctx.request.bytes(1));
    return whenWalked(ctx, ctx.server.walk.all(ctx.client.dbIndex), ({ reply }, all) => {
      const found = isStar(pattern) ? all : all.filter(({ key }) => globMatch(pattern, key));
      reply.array(found.length);
      for (const { key } of found) reply.bulk(key);
      return DONE;
    });
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
  run: (ctx) =>
    whenWalked(ctx, ctx.server.walk.random(ctx.client.dbIndex), ({ reply }, key) =>
      key === undefined ? reply.null() : reply.bulk(key),
    ),
});
