/**
 * What SCAN, HSCAN, SSCAN and ZSCAN share: reading cursor and options, and answering a step of a walk through a
 * collection.
 *
 *   const cursor = cursorOrReply(ctx, 2);                   // NaN: the error was answered
 *   ... look the key up; if there is none: replyNothingToScan(ctx)
 *   const options = scanOptionsOrReply(ctx, 3, false);      // undefined: the error was answered
 *   const scan = new ScanReply(ctx.reply, options);
 *   const next = collection.scan(cursor, options.count, (...) => { if (scan.takes(...)) reply.bulkRange(...); });
 *   return scan.end(next, replies for each);
 */
import { globMatch } from "../base/glob.ts";
import { INVALID_CURSOR, SYNTAX_ERROR } from "../protocol/errors.ts";
import { DONE, type Outcome } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { isWord, longOrReply } from "./arguments.ts";
import type { CommandContext } from "./context.ts";

/** About how many elements a step visits if the client does not say. */
export const DEFAULT_COUNT = 10;
const MAX_UINT64 = 2n ** 64n - 1n;
const STAR = 0x2a;

/** They may outlive the request, so bytes are copied. */
export interface ScanOptions {
  /** About how many elements a step visits: at least 1; beyond 2^53 rounded. */
  count: number;
  /** Undefined: all are taken. */
  pattern: Buffer | undefined;
  /** In lower case. Undefined: all are taken. */
  typeName: string | undefined;
}

/**
 * A cursor as C's strtoul reads it (an empty text is 0, signs are taken, negatives wrap round), but without leading
 * blanks; undefined if it is none. Numbers that no walk can have handed out may lose their last digits.
 */
export function parseCursor(text: string): number | undefined {
  // Nearly always.
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const match = /^(?:([+-]?)(\d+))?(?:\0.*)?$/s.exec(text);
  if (match === null) return undefined;
  const [, sign = "", digits = "0"] = match;
  const magnitude = BigInt(digits);
  if (magnitude > MAX_UINT64) return undefined;
  return Number(sign === "-" ? BigInt.asUintN(64, -magnitude) : magnitude);
}

/** Argument i as a cursor; NaN after an error reply. */
export function cursorOrReply(ctx: CommandContext, i: number): number {
  const cursor = parseCursor(ctx.request.text(i));
  if (cursor !== undefined) return cursor;
  ctx.reply.error(INVALID_CURSOR);
  return Number.NaN;
}

/** The options from argument `from` on; undefined after an error reply. TYPE is one of them only with `takesType`. */
export function scanOptionsOrReply(
  ctx: CommandContext,
  from: number,
  takesType: boolean,
): ScanOptions | undefined {
  const { request } = ctx;
  const options: ScanOptions = { count: DEFAULT_COUNT, pattern: undefined, typeName: undefined };
  for (let i = from; i < request.argc; i += 2) {
    const hasValue = i + 1 < request.argc;
    if (hasValue && isWord(request, i, "count")) {
      options.count = longOrReply(ctx, i + 1);
      if (Number.isNaN(options.count)) return undefined;
      if (options.count < 1) {
        ctx.reply.error(SYNTAX_ERROR);
        return undefined;
      }
    } else if (hasValue && isWord(request, i, "match")) {
      options.pattern = patternOf(request.bytes(i + 1));
    } else if (hasValue && takesType && isWord(request, i, "type")) {
      options.typeName = request.text(i + 1).toLowerCase();
    } else {
      ctx.reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

/** The pattern, to be kept; undefined for the one that takes everything (which the matcher does not let take the empty
 * text). */
export function patternOf(bytes: Buffer): Buffer | undefined {
  const isStar = bytes.length === 1 && bytes[0] === STAR;
  return isStar ? undefined : Buffer.from(bytes);
}

/** What is answered where there is no collection: the walk is at its end. */
export function replyNothingToScan({ reply }: CommandContext): Outcome {
  reply.array(2);
  reply.bulkText("0");
  return reply.emptyArray();
}

/** The reply to a step of a walk: elements are written first, as they are found, and what precedes them at the end. */
export class ScanReply {
  private readonly reply: ReplyWriter;
  private readonly pattern: Buffer | undefined;
  private readonly place: number;
  private taken = 0;

  constructor(reply: ReplyWriter, options: ScanOptions) {
    this.reply = reply;
    this.pattern = options.pattern;
    this.place = reply.end;
  }

  /** Whether the element is to be answered. Then its replies must be written at once. */
  takes(buf: Buffer, start: number, length: number): boolean {
    const { pattern } = this;
    if (pattern !== undefined && !globMatch(pattern, buf.subarray(start, start + length))) return false;
    this.taken++;
    return true;
  }

  /** Finishes the reply. For each element that was taken, `repliesForEach` replies were written. */
  end(cursor: number, repliesForEach: number): Outcome {
    const { reply, place } = this;
    const from = reply.end;
    reply.array(2);
    reply.bulkText(String(cursor));
    reply.array(this.taken * repliesForEach);
    reply.moveBefore(place, from);
    return DONE;
  }
}
