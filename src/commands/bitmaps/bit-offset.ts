/**
 * The offset of a bit as an argument. It must lie in a string as long as proto-max-bulk-len allows.
 */
import { parseInt64, parseInteger } from "../../base/numbers.ts";
import { BIT_OFFSET_OUT_OF_RANGE } from "../../protocol/errors.ts";
import { byteOf } from "../../types/string/bits.ts";
import type { CommandContext } from "../context.ts";

const NUMBER_SIGN = 0x23;

/**
 * Argument `i` as an offset in bits; NaN after an error reply. With a `width`, "#" before the number counts fields of
 * so many bits instead. An offset over 2^53, which only an enormous limit lets pass, is rounded.
 */
export function bitOffsetOrReply(ctx: CommandContext, i: number, width = 0): number {
  const { buf, start, len } = ctx.request;
  const countsFields = width > 0 && len[i] > 0 && buf[start[i]] === NUMBER_SIGN;
  const offset = countsFields
    ? productOf(buf, start[i] + 1, len[i] - 1, width)
    : productOf(buf, start[i], len[i], 1);
  if (offset >= 0 && byteOf(offset) < ctx.server.config.protoMaxBulkLength) return offset;
  ctx.reply.error(BIT_OFFSET_OUT_OF_RANGE);
  return Number.NaN;
}

/** The 64-bit integer in these bytes, times `factor`, cut to 64 bits as in C; NaN if it is none. */
function productOf(buf: Buffer, start: number, length: number, factor: number): number {
  const product = parseInteger(buf, start, length) * factor;
  if (Number.isSafeInteger(product)) return product;
  const large = parseInt64(buf, start, length);
  return large === undefined ? Number.NaN : Number(BigInt.asIntN(64, large * BigInt(factor)));
}
