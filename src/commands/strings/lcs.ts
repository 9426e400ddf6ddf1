/**
 * LCS: the longest common subsequence of two strings, its length, or where it lies in both.
 */
import {
  LCS_LENGTH_AND_INDEXES,
  LCS_NO_MEMORY,
  LCS_NOT_STRINGS,
  LCS_TOO_MUCH_MEMORY,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type CommonRun, LongestCommonSubsequence } from "../../types/string/longest-common-subsequence.ts";
import { STRING } from "../../types/string/string-value.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand, keysBetween } from "../command.ts";
import type { CommandContext } from "../context.ts";

/** Bytes of a cell of the table that Redis makes, whose size is what the limit is about. */
const TABLE_CELL_BYTES = 4;
const EMPTY = Buffer.alloc(0);

interface LcsOptions {
  readonly length: boolean;
  readonly indexes: boolean;
  readonly runLengths: boolean;
  readonly minRunLength: number;
}

export const lcs = defineCommand({
  name: "lcs",
  group: "string",
  since: "7.0.0",
  summary: "Find the longest common subsequence of two strings",
  complexity: "O(N*M) in the lengths of the two strings",
  arity: -3,
  flags: ["readonly"],
  categories: ["string"],
  keys: [keysBetween(1, 2, "RO", "access")],
  run(ctx) {
    const first = lookupString(ctx, 1);
    const second = lookupString(ctx, 2);
    if (first === undefined || second === undefined) return ctx.reply.error(LCS_NOT_STRINGS);
    const options = parseOptions(ctx);
    if (options === undefined) return DONE;
    if (options.length && options.indexes) return ctx.reply.error(LCS_LENGTH_AND_INDEXES);
    const tableBytes = (first.length + 1) * (second.length + 1) * TABLE_CELL_BYTES;
    if (tableBytes > ctx.server.config.protoMaxBulkLength) return ctx.reply.error(LCS_TOO_MUCH_MEMORY);
    let found: LongestCommonSubsequence;
    try {
      found = new LongestCommonSubsequence(first, second, !options.length);
    } catch (failure) {
      if (!(failure instanceof RangeError)) throw failure;
      return ctx.reply.error(LCS_NO_MEMORY);
    }
    if (options.indexes) return replyIndexes(ctx, found, options);
    return options.length ? ctx.reply.integer(found.length) : ctx.reply.bulk(found.bytes());
  },
});

/** The string under the key in argument i, empty if there is none; undefined if it is no string. */
function lookupString(ctx: CommandContext, i: number): Buffer | undefined {
  const { request } = ctx;
  const { entries } = ctx.keyspace;
  const address = ctx.db.lookupRead(request.buf, request.start[i], request.len[i]);
  if (address === 0) return EMPTY;
  return entries.type(address) === STRING ? entries.value(address) : undefined;
}

/** Undefined if they are wrong; then the error was answered. */
function parseOptions(ctx: CommandContext): LcsOptions | undefined {
  const { request } = ctx;
  let length = false;
  let indexes = false;
  let runLengths = false;
  let minRunLength = 0;
  for (let i = 3; i < request.argc; i++) {
    if (isWord(request, i, "idx")) indexes = true;
    else if (isWord(request, i, "len")) length = true;
    else if (isWord(request, i, "withmatchlen")) runLengths = true;
    else if (isWord(request, i, "minmatchlen") && i + 1 < request.argc) {
      minRunLength = longOrReply(ctx, ++i);
      if (Number.isNaN(minRunLength)) return undefined;
    } else {
      ctx.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return { length, indexes, runLengths, minRunLength };
}

function replyIndexes(ctx: CommandContext, found: LongestCommonSubsequence, options: LcsOptions): Outcome {
  const { reply } = ctx;
  const runs: CommonRun[] = [];
  for (const run of found.runs()) {
    if (run.length >= options.minRunLength) runs.push(run);
  }
  reply.map(2);
  reply.bulkText("matches");
  reply.array(runs.length);
  for (const run of runs) {
    reply.array(options.runLengths ? 3 : 2);
    replySpan(ctx, run.first, run.length);
    replySpan(ctx, run.second, run.length);
    if (options.runLengths) reply.integer(run.length);
  }
  reply.bulkText("len");
  return reply.integer(found.length);
}

/** First and last offset of a run. */
function replySpan(ctx: CommandContext, start: number, length: number): void {
  ctx.reply.array(2);
  ctx.reply.integer(start);
  ctx.reply.integer(start + length - 1);
}
