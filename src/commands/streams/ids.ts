/**
 * Ids in arguments. What answers an error itself returns false then, and the caller returns DONE without another word.
 */
import { INVALID_INTERVAL_END, INVALID_INTERVAL_START, INVALID_STREAM_ID } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/request.ts";
import { NO_ID, parseStreamId, type StreamId } from "../../types/stream/stream-id.ts";
import type { CommandContext } from "../context.ts";

const MINUS = 0x2d;
const PLUS = 0x2b;
const OPEN_PARENTHESIS = 0x28;

/** Whether argument i is this one character. */
export function isCharacter(request: Request, i: number, code: number): boolean {
  return request.len[i] === 1 && request.buf[request.start[i]] === code;
}

/** Whether argument i is an id, which it reads: "ms-seq" or "ms". */
export function readId(request: Request, i: number, id: StreamId): boolean {
  return parseStreamId(id, request.buf, request.start[i], request.len[i], false, false) !== NO_ID;
}

export function idOrReply(ctx: CommandContext, i: number, id: StreamId): boolean {
  return readId(ctx.request, i, id) || refuse(ctx, INVALID_STREAM_ID);
}

/** As `idOrReply`; "-" and "+" are the least and the greatest id as well. */
export function anyIdOrReply(ctx: CommandContext, i: number, id: StreamId): boolean {
  return boundOrReply(ctx, i, id, false);
}

/** The first id of an interval: what `anyIdOrReply` takes, or with "(" before an id, the next one. */
export function startOrReply(ctx: CommandContext, i: number, id: StreamId): boolean {
  if (!isExclusive(ctx.request, i)) return boundOrReply(ctx, i, id, false);
  if (!exclusiveOrReply(ctx, i, id, false)) return false;
  return id.increment() || refuse(ctx, INVALID_INTERVAL_START);
}

/** The last id of an interval, likewise. Of milliseconds alone it is the last one. */
export function endOrReply(ctx: CommandContext, i: number, id: StreamId): boolean {
  if (!isExclusive(ctx.request, i)) return boundOrReply(ctx, i, id, true);
  if (!exclusiveOrReply(ctx, i, id, true)) return false;
  return id.decrement() || refuse(ctx, INVALID_INTERVAL_END);
}

function isExclusive(request: Request, i: number): boolean {
  return request.len[i] > 1 && request.buf[request.start[i]] === OPEN_PARENTHESIS;
}

function exclusiveOrReply(ctx: CommandContext, i: number, id: StreamId, toLast: boolean): boolean {
  const { buf, start, len } = ctx.request;
  const isId = parseStreamId(id, buf, start[i] + 1, len[i] - 1, toLast, false) !== NO_ID;
  return isId || refuse(ctx, INVALID_STREAM_ID);
}

function boundOrReply(ctx: CommandContext, i: number, id: StreamId, toLast: boolean): boolean {
  const { request } = ctx;
  if (isCharacter(request, i, MINUS)) id.setMin();
  else if (isCharacter(request, i, PLUS)) id.setMax();
  else {
    const { buf, start, len } = request;
    if (parseStreamId(id, buf, start[i], len[i], toLast, false) === NO_ID)
      return refuse(ctx, INVALID_STREAM_ID);
  }
  return true;
}

function refuse(ctx: CommandContext, text: string): false {
  ctx.reply.error(text);
  return false;
}
