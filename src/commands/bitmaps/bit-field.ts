/**
 * BITFIELD and BITFIELD_RO: a string as fields of any width, read, set and counted up. All operations of a request
 * are checked before the first is done.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { BITFIELD_RO_WRITES, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Request } from "../../protocol/request.ts";
import {
  fitted,
  type Integer,
  readField,
  settable,
  sumOf,
  writeField,
} from "../../types/string/bit-field.ts";
import { byteOf } from "../../types/string/bits.ts";
import { isWord } from "../arguments.ts";
import { defineCommand, type KeyFlag, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { END, FieldOperations, kindAt, OPERATION, REFUSED } from "./field-operations.ts";
import { isNoString, makeRoom, stringLength } from "./writable-string.ts";

const NOTHING = Buffer.alloc(0);
const operation = new FieldOperations();

export const bitfield = defineCommand({
  name: "bitfield",
  group: "bitmap",
  since: "3.2.0",
  summary: "Get, set and increment fields of bits of a string",
  complexity: "O(1) for each operation",
  arity: -2,
  flags: ["write", "denyoom"],
  categories: ["bitmap"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "This command allows both access and modification of the key",
    },
  ],
  keyFlagsOf,
  run: (ctx) => runFields(ctx, false),
});

export const bitfieldRo = defineCommand({
  name: "bitfield_ro",
  group: "bitmap",
  since: "6.0.0",
  summary: "Get fields of bits of a string",
  complexity: "O(1) for each operation",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["bitmap"],
  keys: [keyAt(1, "RO", "access")],
  run: (ctx) => runFields(ctx, true),
});

/** A request that only gets reads the key; one that is wrong counts as one that writes. */
function keyFlagsOf(request: Request, nameAt: number): readonly KeyFlag[] {
  for (let i = nameAt + 2; i < request.argc; ) {
    const following = request.argc - i - 1;
    if (isWord(request, i, "overflow") && following >= 1) i += 2;
    else if (kindAt(request, i, following) === "get") i += 3;
    else return ["RW", "access", "update"];
  }
  return ["RO", "access"];
}

function runFields(ctx: CommandContext, isReadOnly: boolean): Outcome {
  const { reply } = ctx;
  let count = 0;
  /** Bytes that the string must have for what is written. */
  let neededBytes = 0;
  operation.rewind();
  for (;;) {
    const found = operation.next(ctx);
    if (found === REFUSED) return DONE;
    if (found === END) break;
    count++;
    if (operation.kind === "get") continue;
    neededBytes = Math.max(neededBytes, byteOf(operation.offset + operation.width - 1) + 1);
  }
  if (neededBytes === 0) return replyFields(ctx, count);
  return isReadOnly ? reply.error(BITFIELD_RO_WRITES) : changeFields(ctx, count, neededBytes);
}

function replyFields(ctx: CommandContext, count: number): Outcome {
  const { buf, start, len } = ctx.request;
  const { entries } = ctx.keyspace;
  const address = ctx.db.lookupRead(buf, start[1], len[1]);
  if (isNoString(ctx, address)) return ctx.reply.error(WRONG_TYPE);
  const bytes = address === 0 ? NOTHING : entries.valueBuffer(address);
  const at = address === 0 ? 0 : entries.valueStart(address);
  const end = at + stringLength(ctx, address);
  ctx.reply.array(count);
  operation.rewind();
  while (operation.next(ctx) === OPERATION) {
    const { offset, width, isSigned } = operation;
    replyInteger(ctx.reply, readField(bytes, at, end, offset, width, isSigned));
  }
  return DONE;
}

function changeFields(ctx: CommandContext, count: number, neededBytes: number): Outcome {
  const { buf, start, len } = ctx.request;
  const { db, reply } = ctx;
  const { entries } = ctx.keyspace;
  const found = db.lookupWrite(buf, start[1], len[1]);
  if (isNoString(ctx, found)) return reply.error(WRONG_TYPE);
  // The growth alone is a change, even if every operation then fails: Redis does not propagate that, and has a key
  // that its append-only file knows nothing of.
  const grows = stringLength(ctx, found) < neededBytes;
  let changes = grows;
  let hasEvent = false;
  const address = makeRoom(ctx, found, neededBytes);
  const bytes = entries.valueBuffer(address);
  const at = entries.valueStart(address);
  const end = at + entries.valueLength(address);
  reply.array(count);
  operation.rewind();
  while (operation.next(ctx) === OPERATION) {
    const { kind, offset, width, isSigned } = operation;
    const old = readField(bytes, at, end, offset, width, isSigned);
    if (kind === "get") {
      replyInteger(reply, old);
      continue;
    }
    const value = newValue(old);
    if (value === undefined) {
      reply.null();
      continue;
    }
    replyInteger(reply, kind === "set" ? old : value);
    if (value !== old || grows) hasEvent = true;
    if (value === old) continue;
    db.beforeWrite(address);
    if (entries.huge.frozenCount > 0)
      entries.beforeChange(address, byteOf(offset), byteOf(offset + width - 1) + 1);
    writeField(bytes, at, offset, width, value);
    changes = true;
  }
  if (hasEvent) notify(ctx, EVENT.string, "setbit", 1);
  if (changes) ctx.effects.verbatim();
  return DONE;
}

/** What the present operation makes of a field that holds `old`; undefined if it fails. */
function newValue(old: Integer): Integer | undefined {
  const { kind, operand, width, isSigned, overflow } = operation;
  const value = kind === "incrby" ? sumOf(old, operand) : settable(operand, width, isSigned);
  return fitted(value, width, isSigned, overflow);
}

function replyInteger(reply: ReplyWriter, value: Integer): Outcome {
  return typeof value === "number" ? reply.integer(value) : reply.bigInteger(value);
}
