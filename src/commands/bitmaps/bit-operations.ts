/**
 * BITOP: combines strings bit by bit into another one. The result is computed where it will lie, also if that is one
 * of the sources.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { BITOP_NOT_SEVERAL_SOURCES, SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { type BitOperation, combineBits } from "../../types/string/bit-combination.ts";
import { RAW, STRING } from "../../types/string/string-value.ts";
import { isWord } from "../arguments.ts";
import { defineCommand, keyAt, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { isNoString, stringLength } from "./writable-string.ts";

const OPERATIONS: readonly BitOperation[] = ["and", "or", "xor", "not"];
const FIRST_SOURCE = 3;
const NOTHING = Buffer.alloc(0);

export const bitop = defineCommand({
  name: "bitop",
  group: "bitmap",
  since: "2.6.0",
  summary: "Combine strings bit by bit",
  complexity: "O(N) in the length of the strings",
  arity: -4,
  flags: ["write", "denyoom"],
  categories: ["bitmap"],
  keys: [keyAt(2, "OW", "update"), keysFrom(FIRST_SOURCE, 1, "RO", "access")],
  run(ctx) {
    const { request, db, reply } = ctx;
    const { buf, start, len, argc } = request;
    const operation = operationOf(request);
    if (operation === undefined) return reply.error(SYNTAX_ERROR);
    if (operation === "not" && argc !== 4) return reply.error(BITOP_NOT_SEVERAL_SOURCES);
    const sources: number[] = [];
    const lengths: number[] = [];
    let longest = 0;
    for (let i = FIRST_SOURCE; i < argc; i++) {
      const address = db.lookupRead(buf, start[i], len[i]);
      if (isNoString(ctx, address)) return reply.error(WRONG_TYPE);
      const length = stringLength(ctx, address);
      sources.push(address);
      lengths.push(length);
      longest = Math.max(longest, length);
    }
    if (longest === 0) return deleteTarget(ctx);
    const found = db.lookupWrite(buf, start[2], len[2]);
    const target = makeTarget(ctx, found, longest);
    combineInto(ctx, operation, found, target, sources, lengths);
    notify(ctx, EVENT.string, "set", 2);
    ctx.effects.verbatim();
    return reply.integer(longest);
  },
});

/** The operation that argument 1 names. */
function operationOf(request: Request): BitOperation | undefined {
  return OPERATIONS.find((operation) => isWord(request, 1, operation));
}

/** An empty result is no key. */
function deleteTarget(ctx: CommandContext): Outcome {
  const { buf, start, len } = ctx.request;
  const target = ctx.db.lookupWrite(buf, start[2], len[2]);
  if (target !== 0) {
    ctx.db.delete(target);
    notify(ctx, EVENT.generic, "del", 2);
    ctx.effects.verbatim();
  }
  return ctx.reply.integer(0);
}

/**
 * Makes the key in argument 2 a string of `length` bytes without expiry; if it was a string, it keeps its bytes as far
 * as there is room. `address` is what the lookup just made returned. Returns the string's address.
 */
function makeTarget(ctx: CommandContext, address: number, length: number): number {
  const { db } = ctx;
  const { entries } = ctx.keyspace;
  const isForeign = isNoString(ctx, address);
  if (isForeign) db.replace(address);
  let target: number;
  if (address === 0 || isForeign) {
    const { buf, start, len } = ctx.request;
    target = db.add(STRING, buf, start[2], len[2], length, 0);
  } else {
    db.beforeWrite(address);
    target = address;
    if (entries.valueLength(target) !== length) target = db.resizeValue(target, length);
    if (entries.expireMs(target) !== 0) target = db.setExpiry(target, 0);
  }
  entries.setEncoding(target, RAW);
  return target;
}

/** Computes the result. `found` is where the target lay before room was made: it may be one of the sources. */
function combineInto(
  ctx: CommandContext,
  operation: BitOperation,
  found: number,
  target: number,
  sources: readonly number[],
  lengths: readonly number[],
): void {
  const { entries } = ctx.keyspace;
  // From here on nothing moves, but for the target's bytes if an image needs them; so views on the values are safe.
  const views = sources.map((source, i) => {
    if (source === 0) return NOTHING;
    return entries.value(source === found ? target : source).subarray(0, lengths[i]);
  });
  if (entries.huge.frozenCount > 0) entries.beforeReplacing(target);
  combineBits(operation, views, entries.value(target));
}
