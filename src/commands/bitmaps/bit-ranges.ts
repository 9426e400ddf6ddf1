/**
 * BITCOUNT and BITPOS: the bits of a string, or of a range of it that is given in bytes or in bits.
 */
import { BIT_NEITHER_ONE_NOR_ZERO, SYNTAX_ERROR, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { countOnes, findBit } from "../../types/string/bits.ts";
import { isReversedFromEnd, isWord, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import { isNoString, stringLength } from "./writable-string.ts";

/** Bits that one step of a range's indexes stands for. */
const BYTE = 8;
const BIT = 1;

export const bitcount = defineCommand({
  name: "bitcount",
  group: "bitmap",
  since: "2.6.0",
  summary: "Count the ones in a string",
  complexity: "O(N) in the length of the range",
  arity: -2,
  flags: ["readonly"],
  categories: ["bitmap"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { request, reply } = ctx;
    const { entries } = ctx.keyspace;
    const { argc } = request;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    // As in Redis, nobody looks at the other arguments then.
    if (address === 0) return reply.integer(0);
    if (isNoString(ctx, address)) return reply.error(WRONG_TYPE);
    if (argc === 3 || argc > 5) return reply.error(SYNTAX_ERROR);
    const length = entries.valueLength(address);
    let unit = BYTE;
    let first = 0;
    let last = length - 1;
    if (argc > 2) {
      first = longOrReply(ctx, 2);
      if (Number.isNaN(first)) return DONE;
      last = longOrReply(ctx, 3);
      if (Number.isNaN(last)) return DONE;
      if (isReversedFromEnd(request, first, last)) return reply.integer(0);
      if (argc === 5) unit = unitOf(request, 4);
      if (unit === 0) return reply.error(SYNTAX_ERROR);
      const units = (length * BYTE) / unit;
      first = fromStart(first, units);
      last = Math.min(fromStart(last, units), units - 1);
    }
    const bytes = entries.valueBuffer(address);
    return reply.integer(countOnes(bytes, entries.valueStart(address), first * unit, (last + 1) * unit));
  },
});

export const bitpos = defineCommand({
  name: "bitpos",
  group: "bitmap",
  since: "2.8.7",
  summary: "Find the first one or zero in a string",
  complexity: "O(N) in the length of the range",
  arity: -3,
  flags: ["readonly"],
  categories: ["bitmap"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { request, reply } = ctx;
    const { entries } = ctx.keyspace;
    const { argc } = request;
    const bit = longOrReply(ctx, 2);
    if (Number.isNaN(bit)) return DONE;
    if (bit !== 0 && bit !== 1) return reply.error(BIT_NEITHER_ONE_NOR_ZERO);
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    // An endless row of zeros; nobody looks at the other arguments then.
    if (address === 0) return reply.integer(bit === 1 ? -1 : 0);
    if (isNoString(ctx, address)) return reply.error(WRONG_TYPE);
    if (argc > 6) return reply.error(SYNTAX_ERROR);
    const length = stringLength(ctx, address);
    const first = argc > 3 ? longOrReply(ctx, 3) : 0;
    if (Number.isNaN(first)) return DONE;
    const unit = argc === 6 ? unitOf(request, 5) : BYTE;
    if (unit === 0) return reply.error(SYNTAX_ERROR);
    const last = argc > 4 ? longOrReply(ctx, 4) : length - 1;
    if (Number.isNaN(last)) return DONE;
    const units = (length * BYTE) / unit;
    const firstBit = fromStart(first, units) * unit;
    const endBit = (Math.min(fromStart(last, units), units - 1) + 1) * unit;
    const bytes = entries.valueBuffer(address);
    const found = findBit(bytes, entries.valueStart(address), firstBit, endBit, bit);
    if (found >= 0) return reply.integer(found);
    // Zeros follow the string, unless a range ends it.
    const isOpen = bit === 0 && argc < 5 && firstBit < endBit;
    return reply.integer(isOpen ? length * BYTE : -1);
  },
});

/** The unit that argument `i` names; 0 if it names none. */
function unitOf(request: Request, i: number): number {
  if (isWord(request, i, "bit")) return BIT;
  return isWord(request, i, "byte") ? BYTE : 0;
}

/** An index that, if it is negative, counts from the end of `units`. */
function fromStart(index: number, units: number): number {
  return index < 0 ? Math.max(0, units + index) : index;
}
