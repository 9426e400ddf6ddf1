/**
 * Timeouts of commands that wait: 0 is for ever.
 */
import {
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_A_FLOAT,
  TIMEOUT_NOT_AN_INTEGER,
  TIMEOUT_OUT_OF_RANGE,
} from "../protocol/errors.ts";
import { INFINITE, NEGATIVE_INFINITE, parseLongDouble } from "../types/string/long-double.ts";
import { longOrReply } from "./arguments.ts";
import type { CommandContext } from "./context.ts";

const MAX_INT64 = 2 ** 63;

/** Argument i as a timeout in whole milliseconds; NaN after an error reply. */
export function millisecondsOrReply(ctx: CommandContext, i: number): number {
  const timeoutMs = longOrReply(ctx, i, TIMEOUT_NOT_AN_INTEGER);
  if (Number.isNaN(timeoutMs)) return timeoutMs;
  if (timeoutMs < 0) ctx.reply.error(TIMEOUT_NEGATIVE);
  else if (timeoutMs > MAX_INT64 - ctx.keyspace.nowMs) ctx.reply.error(TIMEOUT_OUT_OF_RANGE);
  else return timeoutMs;
  return Number.NaN;
}

/** Argument i as a timeout in seconds, fractions allowed; returns milliseconds, rounded up, or NaN after an error
 * reply. */
export function secondsOrReply(ctx: CommandContext, i: number): number {
  const { buf, start, len } = ctx.request;
  const seconds = parseLongDouble(buf, start[i], len[i]);
  if (seconds === undefined) {
    ctx.reply.error(TIMEOUT_NOT_A_FLOAT);
    return Number.NaN;
  }
  // What no 64-bit integer holds turns negative in Redis.
  if (seconds !== INFINITE && seconds !== NEGATIVE_INFINITE) {
    const timeoutMs = Math.ceil(Number(seconds.significand) * 2 ** seconds.exponent * 1000);
    if (timeoutMs >= 0 && timeoutMs < MAX_INT64) return timeoutMs;
  }
  ctx.reply.error(TIMEOUT_NEGATIVE);
  return Number.NaN;
}
