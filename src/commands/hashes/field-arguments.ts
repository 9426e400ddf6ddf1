/**
 * The end of commands about the times of fields: FIELDS, their number, their names.
 */
import { FIELDS_COUNT_MISMATCH, FIELDS_MISSING } from "../../protocol/errors.ts";
import { isWord, rangeOrReply } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

const LONG_MAX_DOUBLE = 2 ** 63;

/**
 * Whether argument `at` is FIELDS, followed by a number and as many names up to the end; if not, the error was
 * answered: `notPositive`, if the number is none above zero.
 */
export function areFieldsOrReply(ctx: CommandContext, at: number, notPositive: string): boolean {
  const { request, reply } = ctx;
  if (!isWord(request, at, "fields")) {
    reply.error(FIELDS_MISSING);
    return false;
  }
  const count = rangeOrReply(ctx, at + 1, 1, LONG_MAX_DOUBLE, notPositive);
  if (Number.isNaN(count)) return false;
  if (count === request.argc - at - 2) return true;
  reply.error(FIELDS_COUNT_MISMATCH);
  return false;
}
