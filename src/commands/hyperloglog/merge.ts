/**
 * PFMERGE. The destination is one of the HyperLogLogs that are merged.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DAMAGED_HYPERLOGLOG } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { foursOf, newRegisters, nextSetRegister } from "../../types/string/hyperloglog/dense.ts";
import { isSparse, REGISTERS } from "../../types/string/hyperloglog/format.ts";
import { mergeInto } from "../../types/string/hyperloglog/registers.ts";
import { defineCommand, keyAt, keysFrom } from "../command.ts";
import { notify } from "../key-event.ts";
import { addEmpty, checkHyperLogLog, holder, makeRaw, registerWriter } from "./entry.ts";

const union = newRegisters();
const fours = foursOf(union);

export const pfmerge = defineCommand({
  name: "pfmerge",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Merge HyperLogLogs into one",
  complexity: "O(N) with a large constant for N HyperLogLogs",
  arity: -2,
  flags: ["write", "denyoom"],
  categories: ["hyperloglog"],
  keys: [keyAt(1, "RW", "access", "insert"), keysFrom(2, 1, "RO", "access")],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const { db, reply } = ctx;
    const { entries } = ctx.keyspace;
    let isDense = false;
    union.fill(0);
    for (let i = 1; i < argc; i++) {
      const source = db.lookupRead(buf, start[i], len[i]);
      if (source === 0) continue;
      if (!checkHyperLogLog(ctx, source)) return DONE;
      const bytes = entries.valueBuffer(source);
      const valueStart = entries.valueStart(source);
      if (!isSparse(bytes, valueStart)) isDense = true;
      if (!mergeInto(union, bytes, valueStart, entries.valueLength(source)))
        return reply.error(DAMAGED_HYPERLOGLOG);
    }
    let address = db.lookupWrite(buf, start[1], len[1]);
    if (address === 0) address = addEmpty(ctx);
    makeRaw(ctx, address);
    holder.begin(ctx, address);
    if (isDense) registerWriter.replace(holder, union);
    else raiseAll(ctx.server.config.hllSparseMaxBytes);
    holder.markUncounted();
    notify(ctx, EVENT.string, "pfadd", 1);
    ctx.effects.verbatim();
    return reply.ok();
  },
});

/** Raises the registers one by one, in their order, as Redis does: the opcodes come out the same. */
function raiseAll(sparseMaxBytes: number): void {
  for (let k = nextSetRegister(union, fours, 0); k < REGISTERS; k = nextSetRegister(union, fours, k + 1))
    registerWriter.raise(holder, k, union[k], sparseMaxBytes);
}
