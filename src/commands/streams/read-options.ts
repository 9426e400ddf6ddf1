/**
 * Arguments of XREAD and XREADGROUP, up to the keys.
 */
import {
  GROUP_NEEDS_XREADGROUP,
  MISSING_GROUP,
  NOACK_NEEDS_XREADGROUP,
  SYNTAX_ERROR,
  UNBALANCED_STREAMS,
} from "../../protocol/errors.ts";
import { cannotBlockInScript } from "../../protocol/script-errors.ts";
import { isWord, longOrReply } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { millisecondsOrReply } from "../timeouts.ts";

/** `timeoutMs` without BLOCK. */
export const NOT_BLOCKING = -1;

/** One object for all commands, as handlers run one at a time. */
export class ReadOptions {
  timeoutMs = NOT_BLOCKING;
  /** 0: no limit. */
  count = 0;
  /** Arguments with the names; 0 without GROUP. */
  group = 0;
  consumer = 0;
  isAcknowledged = false;
  /** The first key, and how many there are; behind them stand as many ids. */
  firstKey = 0;
  keys = 0;

  /** False after an error reply. */
  parse(ctx: CommandContext, isForGroup: boolean): boolean {
    const { request } = ctx;
    this.timeoutMs = NOT_BLOCKING;
    this.count = 0;
    this.group = 0;
    this.isAcknowledged = false;
    for (let i = 1; i < request.argc; i++) {
      const following = request.argc - i - 1;
      if (following > 0 && isWord(request, i, "block")) {
        if (ctx.client.isInScript) return refuse(ctx, cannotBlockInScript(request.text(0)));
        this.timeoutMs = millisecondsOrReply(ctx, ++i);
        if (Number.isNaN(this.timeoutMs)) return false;
      } else if (following > 0 && isWord(request, i, "count")) {
        this.count = Math.max(0, longOrReply(ctx, ++i));
        if (Number.isNaN(this.count)) return false;
      } else if (following > 0 && isWord(request, i, "streams")) {
        this.firstKey = i + 1;
        this.keys = following / 2;
        if (following % 2 !== 0) return refuse(ctx, UNBALANCED_STREAMS);
        return !isForGroup || this.group !== 0 || refuse(ctx, MISSING_GROUP);
      } else if (following > 1 && isWord(request, i, "group")) {
        if (!isForGroup) return refuse(ctx, GROUP_NEEDS_XREADGROUP);
        this.group = i + 1;
        this.consumer = i + 2;
        i += 2;
      } else if (isWord(request, i, "noack")) {
        if (!isForGroup) return refuse(ctx, NOACK_NEEDS_XREADGROUP);
        this.isAcknowledged = true;
      } else {
        break;
      }
    }
    return refuse(ctx, SYNTAX_ERROR);
  }
}

function refuse(ctx: CommandContext, text: string): false {
  ctx.reply.error(text);
  return false;
}
