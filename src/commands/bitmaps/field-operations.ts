/**
 * The subcommands of a BITFIELD request, read one after the other. A request is read twice: once to find its mistakes
 * and how far it writes, before anything is done, and once to do it. So nothing has to be kept, however many there are.
 */
import { parseInt64, parseInteger } from "../../base/numbers.ts";
import {
  BIT_OFFSET_OUT_OF_RANGE,
  INVALID_BITFIELD_TYPE,
  INVALID_OVERFLOW_TYPE,
  NOT_AN_INTEGER,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import type { Request } from "../../protocol/request.ts";
import { type Integer, integerOf, type Overflow } from "../../types/string/bit-field.ts";
import { byteOf } from "../../types/string/bits.ts";
import { MAX_STRING_BYTES } from "../../types/string/string-value.ts";
import { isWord } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { bitOffsetOrReply } from "./bit-offset.ts";

export type FieldOperationKind = "get" | "set" | "incrby";

/** What `next` found. */
export const OPERATION = 1;
export const END = 2;
/** The request is wrong, and the error was answered. */
export const REFUSED = 3;

const FIRST_SUBCOMMAND = 2;
const MAX_SIGNED_WIDTH = 64;
const MAX_UNSIGNED_WIDTH = 63;
const LETTER_I = 0x69;
const LETTER_U = 0x75;
const OVERFLOWS: readonly Overflow[] = ["wrap", "sat", "fail"];

export class FieldOperations {
  // The operation that `next` found last.
  kind: FieldOperationKind = "get";
  overflow: Overflow = "wrap";
  isSigned = false;
  /** Bits of the field. */
  width = 0;
  /** The field's first bit. */
  offset = 0;
  /** Of "set" the value, of "incrby" the increment. */
  operand: Integer = 0;
  private position = FIRST_SUBCOMMAND;

  /** Goes back to before the first operation. */
  rewind(): void {
    this.position = FIRST_SUBCOMMAND;
    this.overflow = "wrap";
  }

  /** Reads the next operation into the fields: OPERATION, END or REFUSED. */
  next(ctx: CommandContext): number {
    const { request } = ctx;
    for (;;) {
      const i = this.position;
      if (i >= request.argc) return END;
      const following = request.argc - i - 1;
      if (isWord(request, i, "overflow") && following >= 1) {
        const overflow = OVERFLOWS.find((name) => isWord(request, i + 1, name));
        if (overflow === undefined) return refuse(ctx, INVALID_OVERFLOW_TYPE);
        this.overflow = overflow;
        this.position += 2;
        continue;
      }
      const kind = kindAt(request, i, following);
      if (kind === undefined) return refuse(ctx, SYNTAX_ERROR);
      this.kind = kind;
      this.position += kind === "get" ? 3 : 4;
      return this.parseField(ctx, i + 1);
    }
  }

  /** Reads type, offset and operand from argument `i` on. */
  private parseField(ctx: CommandContext, i: number): number {
    const { request } = ctx;
    if (!this.parseType(request, i)) return refuse(ctx, INVALID_BITFIELD_TYPE);
    this.offset = bitOffsetOrReply(ctx, i + 1, this.width);
    if (Number.isNaN(this.offset)) return REFUSED;
    if (this.kind === "get") return OPERATION;
    if (byteOf(this.offset + this.width - 1) >= MAX_STRING_BYTES) return refuse(ctx, BIT_OFFSET_OUT_OF_RANGE);
    const { buf, start, len } = request;
    this.operand = parseInteger(buf, start[i + 2], len[i + 2]);
    if (!Number.isNaN(this.operand)) return OPERATION;
    const large = parseInt64(buf, start[i + 2], len[i + 2]);
    if (large === undefined) return refuse(ctx, NOT_AN_INTEGER);
    this.operand = integerOf(large);
    return OPERATION;
  }

  /** "i" or "u", and the width. It ends where a C string does. */
  private parseType(request: Request, i: number): boolean {
    const { buf, start, len } = request;
    if (len[i] === 0) return false;
    const sign = buf[start[i]];
    if (sign !== LETTER_I && sign !== LETTER_U) return false;
    let end = start[i] + 1;
    while (end < start[i] + len[i] && buf[end] !== 0) end++;
    this.isSigned = sign === LETTER_I;
    this.width = parseInteger(buf, start[i] + 1, end - start[i] - 1);
    return this.width >= 1 && this.width <= (this.isSigned ? MAX_SIGNED_WIDTH : MAX_UNSIGNED_WIDTH);
  }
}

/** The subcommand that argument `i` names, if as many arguments follow as it needs. */
export function kindAt(request: Request, i: number, following: number): FieldOperationKind | undefined {
  if (isWord(request, i, "get") && following >= 2) return "get";
  if (following < 3) return undefined;
  if (isWord(request, i, "set")) return "set";
  return isWord(request, i, "incrby") ? "incrby" : undefined;
}

function refuse(ctx: CommandContext, text: string): number {
  ctx.reply.error(text);
  return REFUSED;
}
