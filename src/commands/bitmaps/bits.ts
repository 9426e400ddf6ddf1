/**
 * SETBIT and GETBIT: one bit of a string. Both touch a single byte, however long the string is.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { BIT_OFFSET_OUT_OF_RANGE, BIT_OUT_OF_RANGE, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { byteOf } from "../../types/string/bits.ts";
import { MAX_STRING_BYTES } from "../../types/string/string-value.ts";
import { longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import { notify } from "../key-event.ts";
import { bitOffsetOrReply } from "./bit-offset.ts";
import { isNoString, makeRoom, stringLength } from "./writable-string.ts";

export const setbit = defineCommand({
  name: "setbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Set or clear a bit of a string",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  categories: ["bitmap"],
  keys: [keyAt(1, "RW", "access", "update")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const { db, reply } = ctx;
    const { entries } = ctx.keyspace;
    const offset = bitOffsetOrReply(ctx, 2);
    if (Number.isNaN(offset)) return DONE;
    const bit = longOrReply(ctx, 3, BIT_OUT_OF_RANGE);
    if (Number.isNaN(bit)) return DONE;
    if (bit !== 0 && bit !== 1) return reply.error(BIT_OUT_OF_RANGE);
    const byte = byteOf(offset);
    if (byte >= MAX_STRING_BYTES) return reply.error(BIT_OFFSET_OUT_OF_RANGE);
    const found = db.lookupWrite(buf, start[1], len[1]);
    if (isNoString(ctx, found)) return reply.error(WRONG_TYPE);
    const grows = stringLength(ctx, found) <= byte;
    const address = makeRoom(ctx, found, byte + 1);
    const bytes = entries.valueBuffer(address);
    const i = entries.valueStart(address) + byte;
    const shift = 7 - (offset & 7);
    const old = (bytes[i] >>> shift) & 1;
    if (old !== bit) {
      db.beforeWrite(address);
      if (entries.huge.frozenCount > 0) entries.beforeChange(address, byte, byte + 1);
      bytes[i] ^= 1 << shift;
    }
    if (grows || old !== bit) {
      notify(ctx, EVENT.string, "setbit", 1);
      ctx.effects.verbatim();
    }
    return reply.integer(old);
  },
});

export const getbit = defineCommand({
  name: "getbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Get a bit of a string",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  categories: ["bitmap"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const { entries } = ctx.keyspace;
    const offset = bitOffsetOrReply(ctx, 2);
    if (Number.isNaN(offset)) return DONE;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (isNoString(ctx, address)) return ctx.reply.error(WRONG_TYPE);
    const byte = byteOf(offset);
    if (stringLength(ctx, address) <= byte) return ctx.reply.integer(0);
    const value = entries.valueBuffer(address)[entries.valueStart(address) + byte];
    return ctx.reply.integer((value >>> (7 - (offset & 7))) & 1);
  },
});
