/**
 * What XADD and XTRIM have in common: the options that say how the stream is trimmed, the trimming, and what the log is
 * told of it.
 */
import {
  INVALID_STREAM_ID,
  LIMIT_OF_EXACT_TRIM,
  LIMIT_WITHOUT_STRATEGY,
  NO_TRIM_STRATEGY,
  STREAM_MAXLEN_NEGATIVE,
  SYNTAX_ERROR,
  TRIM_LIMIT_NEGATIVE,
  TWO_TRIM_STRATEGIES,
} from "../../protocol/errors.ts";
import { MAX_ID_TEXT, NO_ID, OPEN_ID, parseStreamId, StreamId } from "../../types/stream/stream-id.ts";
import { ArgumentEdits } from "../argument-edits.ts";
import { isWord, longOrReply } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { idOrReply, isCharacter } from "./ids.ts";
import { isLoaded, stream } from "./stream-access.ts";

const NOT_TRIMMED = 0;
const BY_LENGTH = 1;
const BY_ID = 2;

const STAR = 0x2a;
const TILDE = 0x7e;
const EQUALS = 0x3d;
const EQUALS_TEXT = Buffer.from("=");

/** An approximate trim of nobody's limit ends after so many nodes, full ones; and at least and at most so many
 * entries. */
const NODES_AT_ONCE = 100;
const DEFAULT_ENTRIES_AT_ONCE = 10_000;
const MAX_ENTRIES_AT_ONCE = 1_000_000;

/** Options of XADD and XTRIM. One object for all commands, as handlers run one at a time. */
export class TrimOptions {
  /** XADD: whether an id was given, and whether all of it. */
  hasId = false;
  hasSequence = false;
  readonly id: StreamId = new StreamId();
  createsStream = true;
  /** What the log needs to be told. */
  readonly edits: ArgumentEdits = new ArgumentEdits();
  private strategy = NOT_TRIMMED;
  private isExact = true;
  private maxLength = 0;
  private readonly minId = new StreamId();
  private limit = 0;
  private hasLimit = false;
  /** Which argument is the length or id. */
  private boundAt = 0;
  private readonly boundText = Buffer.allocUnsafeSlow(MAX_ID_TEXT);
  private readonly firstId = new StreamId();

  /**
   * Parses the options from argument 2 on.
   * @returns the argument that ended them: XADD's id, XTRIM's end; -1 after an error reply
   */
  parse(ctx: CommandContext, isAdd: boolean): number {
    const { request, reply } = ctx;
    this.reset();
    let i = 2;
    for (; i < request.argc; i++) {
      const hasNext = i + 1 < request.argc;
      if (isAdd && isCharacter(request, i, STAR)) break;
      if (hasNext && isWord(request, i, "maxlen")) {
        i = this.parseMaxLength(ctx, i + 1);
      } else if (hasNext && isWord(request, i, "minid")) {
        i = this.parseMinId(ctx, i + 1);
      } else if (hasNext && isWord(request, i, "limit")) {
        if (!this.parseLimit(ctx, ++i)) return -1;
      } else if (isAdd && isWord(request, i, "nomkstream")) {
        this.createsStream = false;
      } else if (isAdd) {
        if (!this.parseId(ctx, i)) return -1;
        break;
      } else {
        reply.error(SYNTAX_ERROR);
        return -1;
      }
      if (i < 0) return -1;
    }
    return this.check(ctx, isAdd) ? i : -1;
  }

  private reset(): void {
    this.hasId = false;
    this.hasSequence = false;
    this.createsStream = true;
    this.edits.clear();
    this.strategy = NOT_TRIMMED;
    this.isExact = true;
    this.limit = 0;
    this.hasLimit = false;
  }

  /** Parses the length after MAXLEN; returns its argument, or -1 after an error reply. */
  private parseMaxLength(ctx: CommandContext, i: number): number {
    const at = this.parseSign(ctx, i);
    if (at < 0) return -1;
    this.maxLength = longOrReply(ctx, at);
    if (this.maxLength >= 0) {
      this.strategy = BY_LENGTH;
      this.boundAt = at;
      return at;
    }
    if (!Number.isNaN(this.maxLength)) ctx.reply.error(STREAM_MAXLEN_NEGATIVE);
    return -1;
  }

  /** Parses the id after MINID, likewise. */
  private parseMinId(ctx: CommandContext, i: number): number {
    const at = this.parseSign(ctx, i);
    if (at < 0 || !idOrReply(ctx, at, this.minId)) return -1;
    this.strategy = BY_ID;
    this.boundAt = at;
    return at;
  }

  /** Parses "~" or "=", if one of them stands there; returns the argument that follows, or -1 after an error reply. */
  private parseSign({ request, reply }: CommandContext, i: number): number {
    if (this.strategy !== NOT_TRIMMED) {
      reply.error(TWO_TRIM_STRATEGIES);
      return -1;
    }
    this.isExact = true;
    if (i + 1 >= request.argc) return i;
    if (isCharacter(request, i, TILDE)) this.isExact = false;
    else if (!isCharacter(request, i, EQUALS)) return i;
    return i + 1;
  }

  private parseLimit(ctx: CommandContext, i: number): boolean {
    this.limit = longOrReply(ctx, i);
    this.hasLimit = true;
    if (this.limit < 0) ctx.reply.error(TRIM_LIMIT_NEGATIVE);
    return this.limit >= 0;
  }

  private parseId({ request, reply }: CommandContext, i: number): boolean {
    const { buf, start, len } = request;
    const kind = parseStreamId(this.id, buf, start[i], len[i], false, true);
    this.hasId = true;
    this.hasSequence = kind !== OPEN_ID;
    if (kind === NO_ID) reply.error(INVALID_STREAM_ID);
    return kind !== NO_ID;
  }

  private check(ctx: CommandContext, isAdd: boolean): boolean {
    const { reply } = ctx;
    if (this.limit !== 0 && this.strategy === NOT_TRIMMED) {
      reply.error(LIMIT_WITHOUT_STRATEGY);
      return false;
    }
    if (!isAdd && this.strategy === NOT_TRIMMED) {
      reply.error(NO_TRIM_STRATEGY);
      return false;
    }
    if (isLoaded(ctx)) {
      // The log says what was left after trimming, whatever the limit was.
      this.limit = 0;
    } else if (this.hasLimit) {
      if (this.isExact) {
        reply.error(LIMIT_OF_EXACT_TRIM);
        return false;
      }
    } else if (!this.isExact) {
      const entries = NODES_AT_ONCE * ctx.keyspace.memory.limits.streamNodeMaxEntries;
      this.limit = entries <= 0 ? DEFAULT_ENTRIES_AT_ONCE : Math.min(entries, MAX_ENTRIES_AT_ONCE);
    }
    return true;
  }

  /** Whether there is something in the open stream that may have to go. */
  get hasToTrim(): boolean {
    if (this.strategy !== BY_ID) return stream.length > this.maxLength;
    stream.readFirstId(this.firstId, true);
    return this.firstId.compare(this.minId) < 0;
  }

  /** Trims the open stream as the options say; returns how many entries were removed. */
  trim(): number {
    if (this.strategy === BY_LENGTH) return stream.trimToLength(this.maxLength, this.isExact, this.limit);
    if (this.strategy === BY_ID) return stream.trimToId(this.minId, this.isExact, this.limit);
    return 0;
  }

  /** After trimming approximately: has the log say exactly what was left. */
  editBound(): void {
    if (this.strategy === NOT_TRIMMED || this.isExact) return;
    const { edits, boundText, boundAt, firstId } = this;
    edits.put(boundAt - 1, EQUALS_TEXT, EQUALS_TEXT.length);
    if (this.strategy === BY_LENGTH) {
      edits.put(boundAt, boundText, boundText.write(String(stream.length)));
    } else {
      stream.readFirstId(firstId, true);
      edits.put(boundAt, boundText, firstId.write(boundText, 0));
    }
  }
}

/** Has the log repeat the command, as far as there is something to tell with the edits made. */
export function propagateEdited(ctx: CommandContext, edits: ArgumentEdits): void {
  if (edits.isEmpty) ctx.effects.verbatim();
  else ctx.effects.edited(edits);
}
