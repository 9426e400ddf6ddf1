/**
 * The options of SET and GETEX, and the expiry they (and SETEX, PSETEX) set. Parsing allocates nothing: SET with EX
 * is what caches do all day.
 */
import { parseInt64, parseInteger } from "../../base/numbers.ts";
import { invalidExpireTime, NOT_AN_INTEGER } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

/** Options as bits of `StringOptions.flags`. */
export const NX = 1;
export const XX = 2;
export const GET_OLD = 4;
export const KEEPTTL = 8;
export const PERSIST = 16;
const EX = 32;
const PX = 64;
const EXAT = 128;
const PXAT = 256;
/** The options that give a time, and those of them that give an absolute one. */
export const EXPIRY = EX | PX | EXAT | PXAT;
export const ABSOLUTE = EXAT | PXAT;
const SECONDS = EX | EXAT;
/** At most one of these may be given (though the same one several times: the last counts). */
const LIFETIME = EXPIRY | KEEPTTL | PERSIST;

export const SET_OPTIONS = NX | XX | GET_OLD | KEEPTTL | EXPIRY;
export const GETEX_OPTIONS = PERSIST | EXPIRY;

interface Option {
  readonly word: string;
  readonly flag: number;
  /** Flags that must not have been given before. */
  readonly excludes: number;
}

const OPTIONS: readonly Option[] = [
  { word: "ex", flag: EX, excludes: LIFETIME & ~EX },
  { word: "px", flag: PX, excludes: LIFETIME & ~PX },
  { word: "nx", flag: NX, excludes: XX },
  { word: "xx", flag: XX, excludes: NX },
  { word: "get", flag: GET_OLD, excludes: 0 },
  { word: "exat", flag: EXAT, excludes: LIFETIME & ~EXAT },
  { word: "pxat", flag: PXAT, excludes: LIFETIME & ~PXAT },
  { word: "keepttl", flag: KEEPTTL, excludes: LIFETIME & ~KEEPTTL },
  { word: "persist", flag: PERSIST, excludes: LIFETIME & ~PERSIST },
];

/** Parsed options. One object for all commands, as handlers run one at a time. */
export class StringOptions {
  flags = 0;
  /** Position of the time among the arguments, if `flags` has one of EXPIRY. */
  expiryArgument = 0;

  /** Parses the arguments from `first` on; false if that is a syntax error. */
  parse(request: Request, first: number, allowed: number): boolean {
    this.flags = 0;
    for (let i = first; i < request.argc; i++) {
      const option = findOption(request, i);
      if (option === undefined || (option.flag & allowed) === 0 || (option.excludes & this.flags) !== 0)
        return false;
      if ((option.flag & EXPIRY) !== 0) {
        i++;
        if (i === request.argc) return false;
        this.expiryArgument = i;
      }
      this.flags |= option.flag;
    }
    return true;
  }

  /** The expiry that the options ask for: see `expiryTime`. */
  expiryTime(ctx: CommandContext, commandName: string): number {
    const isRelative = (this.flags & ABSOLUTE) === 0;
    return expiryTime(ctx, commandName, this.expiryArgument, (this.flags & SECONDS) !== 0, isRelative);
  }
}

function findOption(request: Request, i: number): Option | undefined {
  for (let k = 0; k < OPTIONS.length; k++) {
    if (isWord(request, i, OPTIONS[k].word)) return OPTIONS[k];
  }
  return undefined;
}

/** Times up to here are far from any overflow, in seconds too, relative or absolute. */
const UNSUSPICIOUS = 2 ** 40;
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Argument i as an expiry in Unix milliseconds, at least 1. 0: it is none, and the error was answered.
 * Times beyond 2^53 milliseconds (the year 287396) are valid in Redis; they become 2^53 - 1.
 */
export function expiryTime(
  ctx: CommandContext,
  commandName: string,
  i: number,
  isSeconds: boolean,
  isRelative: boolean,
): number {
  const { buf, start, len } = ctx.request;
  const base = isRelative ? ctx.keyspace.nowMs : 0;
  const value = parseInteger(buf, start[i], len[i]);
  if (value > 0 && value <= UNSUSPICIOUS) return value * (isSeconds ? 1000 : 1) + base;
  const exact = parseInt64(buf, start[i], len[i]);
  if (exact === undefined) {
    ctx.reply.error(NOT_AN_INTEGER);
    return 0;
  }
  const expiry = exact * (isSeconds ? 1000n : 1n) + BigInt(base);
  if (exact <= 0n || expiry > MAX_INT64) {
    ctx.reply.error(invalidExpireTime(commandName));
    return 0;
  }
  return Math.min(Number(expiry), Number.MAX_SAFE_INTEGER);
}
