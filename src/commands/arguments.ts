/**
 * Reading arguments the way Redis's commands do: option words in any case, integers of C's types. The `...OrReply`
 * functions answer the error themselves and return NaN; the caller then returns DONE without another word.
 */
import { sameBytes } from "../base/byte-copy.ts";
import { parseDoubleBytes, parseInt64, parseInteger } from "../base/numbers.ts";
import { NOT_A_FLOAT, NOT_AN_INTEGER, VALUE_NOT_POSITIVE, valueNotBetween } from "../protocol/errors.ts";
import type { Request } from "../protocol/request.ts";
import type { CommandContext } from "./context.ts";

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
/** Largest double below 2^63: where a 64-bit integer that no double holds exactly is cut off. */
const MAX_INT64_DOUBLE = 2 ** 63 - 1024;
export const LONG_MAX = 2n ** 63n - 1n;
export const LONG_MIN = -(2n ** 63n);

/** Whether argument i is `word` (given in lower case ASCII), in any case. Allocates nothing. */
export function isWord(request: Request, i: number, word: string): boolean {
  if (request.len[i] !== word.length) return false;
  const { buf } = request;
  const start = request.start[i];
  for (let k = 0; k < word.length; k++) {
    let byte = buf[start + k];
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    if (byte !== word.charCodeAt(k)) return false;
  }
  return true;
}

/** Argument i for use in an error text: where C's "%s" would end, at the first NUL. */
export function textForError(request: Request, i: number): string {
  const text = request.text(i);
  const nul = text.indexOf("\0");
  return nul === -1 ? text : text.slice(0, nul);
}

/** Whether two arguments are the same bytes. */
export function sameArgument(request: Request, i: number, k: number): boolean {
  const { buf, start, len } = request;
  return len[i] === len[k] && sameBytes(buf, start[i], buf, start[k], len[i]);
}

/**
 * Argument i as an integer of 64 bits. The few that a double does not hold exactly (over 2^53) are rounded, towards
 * the inside of the range. `message` is the error text, if not the usual one.
 */
export function longOrReply(ctx: CommandContext, i: number, message: string = NOT_AN_INTEGER): number {
  const { buf, start, len } = ctx.request;
  const value = parseInteger(buf, start[i], len[i]);
  if (!Number.isNaN(value)) return value;
  const large = parseInt64(buf, start[i], len[i]);
  if (large !== undefined) return Math.min(Number(large), MAX_INT64_DOUBLE);
  ctx.reply.error(message);
  return Number.NaN;
}

/** Argument i as a C int; `message` replaces both error texts. */
export function intOrReply(ctx: CommandContext, i: number, message?: string): number {
  return rangeOrReply(ctx, i, INT_MIN, INT_MAX, message);
}

/** Argument i as an integer from `min` to `max`; `message` replaces both error texts. */
export function rangeOrReply(
  ctx: CommandContext,
  i: number,
  min: number,
  max: number,
  message?: string,
): number {
  const value = longOrReply(ctx, i, message);
  if (Number.isNaN(value) || (value >= min && value <= max)) return value;
  ctx.reply.error(message ?? valueNotBetween(min, max));
  return Number.NaN;
}

/** Argument i as an integer that is not negative. */
export function positiveOrReply(ctx: CommandContext, i: number): number {
  return rangeOrReply(ctx, i, 0, MAX_INT64_DOUBLE, VALUE_NOT_POSITIVE);
}

/** Argument i as a double. `message` is the error text, if not the usual one. */
export function doubleOrReply(ctx: CommandContext, i: number, message: string = NOT_A_FLOAT): number {
  const { buf, start, len } = ctx.request;
  const value = parseDoubleBytes(buf, start[i], len[i]);
  if (Number.isNaN(value)) ctx.reply.error(message);
  return value;
}

/** Argument i as a number, NaN if it is none; for callers that only look ahead. */
export function intArgument(request: Request, i: number): number {
  return parseInteger(request.buf, request.start[i], request.len[i]);
}

/**
 * Whether arguments 2 and 3, read as `first` and `last`, both count from the end and are in the wrong order. Two that
 * a double confuses are compared exactly.
 */
export function isReversedFromEnd(request: Request, first: number, last: number): boolean {
  if (first >= 0 || last >= 0) return false;
  if (first !== last || first >= Number.MIN_SAFE_INTEGER) return first > last;
  const { buf, start, len } = request;
  return parseInt64(buf, start[2], len[2])! > parseInt64(buf, start[3], len[3])!;
}
