/**
 * PFDEBUG and PFSELFTEST, which look into HyperLogLogs. (PFDEBUG's subcommands are no commands of their own, in Redis
 * neither: it is one command whose key is argument 2.)
 */
import {
  DAMAGED_HYPERLOGLOG,
  HYPERLOGLOG_NOT_SPARSE,
  NO_SUCH_HYPERLOGLOG,
  selfTestFailed,
  unknownPfdebugSubcommand,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { denseRegister } from "../../types/string/hyperloglog/dense.ts";
import { isSparse, REGISTERS } from "../../types/string/hyperloglog/format.ts";
import { selfTest } from "../../types/string/hyperloglog/self-test.ts";
import { describedLength, describeSparse } from "../../types/string/hyperloglog/sparse.ts";
import { isWord, textForError } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { checkHyperLogLog, holder, makeRaw, registerWriter } from "./entry.ts";

export const pfdebug = defineCommand({
  name: "pfdebug",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Show registers, opcodes or encoding of a HyperLogLog, or make it dense",
  complexity: "O(1) with a large constant",
  arity: 3,
  flags: ["write", "denyoom", "admin"],
  categories: ["hyperloglog"],
  keys: [keyAt(2, "RW", "access")],
  run(ctx) {
    const { request, reply } = ctx;
    const address = ctx.db.lookupWrite(request.buf, request.start[2], request.len[2]);
    if (address === 0) return reply.error(NO_SUCH_HYPERLOGLOG);
    if (!checkHyperLogLog(ctx, address)) return DONE;
    makeRaw(ctx, address);
    holder.begin(ctx, address);
    if (isWord(request, 1, "getreg")) return replyRegisters(ctx);
    if (isWord(request, 1, "decode")) return replyOpcodes(ctx);
    if (isWord(request, 1, "encoding"))
      return reply.simple(isSparse(holder.bytes, holder.start) ? "sparse" : "dense");
    if (!isWord(request, 1, "todense"))
      return reply.error(unknownPfdebugSubcommand(textForError(request, 1)));
    const wasSparse = isSparse(holder.bytes, holder.start);
    return makeDense(ctx) ? reply.integer(wasSparse ? 1 : 0) : DONE;
  },
});

export const pfselftest = defineCommand({
  name: "pfselftest",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Test the implementation of HyperLogLogs, which takes seconds",
  complexity: "N/A",
  arity: 1,
  flags: ["admin"],
  categories: ["hyperloglog"],
  keys: [],
  run(ctx) {
    const finding = selfTest(ctx.keyspace.random, ctx.server.config.hllSparseMaxBytes);
    return finding === undefined ? ctx.reply.ok() : ctx.reply.error(selfTestFailed(finding));
  },
});

/** GETREG makes the value dense first, as in Redis. */
function replyRegisters(ctx: CommandContext): Outcome {
  if (!makeDense(ctx)) return DONE;
  const { bytes, start } = holder;
  ctx.reply.array(REGISTERS);
  for (let i = 0; i < REGISTERS; i++) ctx.reply.integer(denseRegister(bytes, start, i));
  return DONE;
}

function replyOpcodes({ reply }: CommandContext): Outcome {
  const { bytes, start, length } = holder;
  if (!isSparse(bytes, start)) return reply.error(HYPERLOGLOG_NOT_SPARSE);
  // Fails, where the text is too long for any reply, before it is made.
  reply.reserve(describedLength(bytes, start, length));
  return reply.bulk(describeSparse(bytes, start, length));
}

/** Makes the holder's value dense if it is not; false if it is damaged, which was answered. */
function makeDense(ctx: CommandContext): boolean {
  if (!isSparse(holder.bytes, holder.start)) return true;
  if (registerWriter.makeDense(holder)) {
    ctx.effects.verbatim();
    return true;
  }
  ctx.reply.error(DAMAGED_HYPERLOGLOG);
  return false;
}
