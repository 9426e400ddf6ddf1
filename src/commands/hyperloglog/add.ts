/**
 * PFADD. Elements are hashed where they lie in the request, and registers raised where they lie in the entry.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DAMAGED_HYPERLOGLOG } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { placeOf, rankOf, registerOf } from "../../types/string/hyperloglog/element-hash.ts";
import { isSparse } from "../../types/string/hyperloglog/format.ts";
import { BufferHolder, type ValueHolder } from "../../types/string/hyperloglog/register-writer.ts";
import { isWhole } from "../../types/string/hyperloglog/sparse.ts";
import { CHANGED, DAMAGED, UNCHANGED } from "../../types/string/hyperloglog/sparse-update.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { addEmpty, checkHyperLogLog, holder, makeRaw, registerWriter } from "./entry.ts";

export const pfadd = defineCommand({
  name: "pfadd",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Add elements to a HyperLogLog",
  complexity: "O(1) for each element",
  arity: -2,
  flags: ["write", "denyoom", "fast"],
  categories: ["hyperloglog"],
  keys: [keyAt(1, "RW", "insert")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    let address = ctx.db.lookupWrite(buf, start[1], len[1]);
    const isNew = address === 0;
    if (isNew) address = addEmpty(ctx);
    else if (!checkHyperLogLog(ctx, address)) return DONE;
    makeRaw(ctx, address);
    if (!isNew && !canTakeAll(ctx, address)) return ctx.reply.error(DAMAGED_HYPERLOGLOG);
    holder.begin(ctx, address);
    const outcome = addElements(ctx, holder);
    if (outcome === DAMAGED) return ctx.reply.error(DAMAGED_HYPERLOGLOG);
    if (outcome === UNCHANGED && !isNew) return ctx.reply.integer(0);
    holder.markUncounted();
    notify(ctx, EVENT.string, "pfadd", 1);
    ctx.effects.verbatim();
    return ctx.reply.integer(1);
  },
});

/** Adds the arguments from the third on; says whether any of them changed a register. Ends at what is DAMAGED. */
function addElements(ctx: CommandContext, target: ValueHolder): number {
  const { buf, start, len, argc } = ctx.request;
  const { hllSparseMaxBytes } = ctx.server.config;
  let outcome: number = UNCHANGED;
  for (let i = 2; i < argc; i++) {
    const place = placeOf(buf, start[i], len[i]);
    const raised = registerWriter.raise(target, registerOf(place), rankOf(place), hllSparseMaxBytes);
    if (raised === DAMAGED) return DAMAGED;
    if (raised === CHANGED) outcome = CHANGED;
  }
  return outcome;
}

/**
 * Whether no element will meet damaged registers after others have changed some: a command that fails must not have
 * changed anything. Only several elements in a damaged value can; then they are added to a copy first.
 */
function canTakeAll(ctx: CommandContext, address: number): boolean {
  const { entries } = ctx.keyspace;
  if (ctx.request.argc <= 3) return true;
  const bytes = entries.valueBuffer(address);
  const start = entries.valueStart(address);
  if (!isSparse(bytes, start) || isWhole(bytes, start, entries.valueLength(address))) return true;
  registerWriter.begin();
  return addElements(ctx, new BufferHolder(entries.value(address))) !== DAMAGED;
}
