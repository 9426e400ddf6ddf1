/**
 * How a command is declared: one entry, beside its handler, from which everything else follows (arity check, gates,
 * warming of cold keys, COMMAND INFO and GETKEYS). No second table anywhere.
 */
import type { WalkWish } from "../keyspace/tier-walk.ts";
import type { Outcome } from "../protocol/outcome.ts";
import type { Request } from "../protocol/request.ts";
import type { CommandContext } from "./context.ts";
import type { ConfigAccess } from "./services.ts";

/** Redis's command flags (COMMAND INFO), as far as commands here use them. `may_replicate` is not shown: the command
 * is `readonly` to its users, and yet may change how a value lies, and then has effects. Nor is `protected`: a
 * directive says who may use the command. */
export type CommandFlag =
  | "write"
  | "readonly"
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "asking"
  | "fast"
  | "no_auth"
  | "blocking"
  | "movablekeys"
  | "no_async_loading"
  | "no_multi"
  | "allow_busy"
  | "no_mandatory_keys"
  | "may_replicate"
  | "protected";

/** How a command uses the keys of one specification: Redis's key-spec flags, e.g. "RW", "ACCESS", "UPDATE". */
export type KeyFlag =
  | "RO"
  | "RW"
  | "OW"
  | "RM"
  | "access"
  | "update"
  | "insert"
  | "delete"
  | "not_key"
  | "incomplete"
  | "variable_flags";

interface KeySpecBase {
  readonly flags: readonly KeyFlag[];
  readonly notes?: string;
}

/** Keys from argument `first` to `last` (negative: from the end, -1 is the last argument), every `step`. */
export interface KeyRangeSpec extends KeySpecBase {
  readonly kind: "range";
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Argument `countAt` says how many keys follow it. */
export interface CountedKeySpec extends KeySpecBase {
  readonly kind: "counted";
  readonly countAt: number;
}

/**
 * Keys behind a word that stands somewhere from argument `from` on (negative: looked for backwards from there, counted
 * from the end). `share` 0: one key; else all up to the end of the first `share`-th part of what follows the word.
 */
export interface KeywordKeySpec extends KeySpecBase {
  readonly kind: "keyword";
  /** In upper case. */
  readonly word: string;
  readonly from: number;
  readonly share: number;
}

/** Keys that no rule finds: the declaration's `keysOf` tells. */
export interface UnknownKeySpec extends KeySpecBase {
  readonly kind: "unknown";
}

/** Where keys stand in the arguments: Redis's key specifications. */
export type KeySpec = KeyRangeSpec | CountedKeySpec | KeywordKeySpec | UnknownKeySpec;

/** A key that a command needs in another database than the selected one. The number may be none of a database, if
 * the request is wrong: whoever fetches keys passes over it, and the command answers the error. */
export interface ForeignKey {
  /** The argument that holds the key. */
  readonly position: number;
  readonly dbIndex: number;
}

/** An argument that is a key, and what the command does to it. */
export interface KeyArgument {
  readonly position: number;
  readonly flags: readonly KeyFlag[];
}

/** What a command does with channels. */
export type ChannelUse = "publish" | "subscribe" | "unsubscribe";

/** Arguments that name channels, from `first` to `last` (negative: from the end), for access control. */
export interface ChannelSpec {
  readonly first: number;
  readonly last: number;
  /** They are patterns of names. */
  readonly isPattern: boolean;
  readonly use: ChannelUse;
}

export type CommandGroup =
  | "string"
  | "list"
  | "set"
  | "sorted-set"
  | "hash"
  | "stream"
  | "geo"
  | "bitmap"
  | "hyperloglog"
  | "generic"
  | "connection"
  | "transactions"
  | "scripting"
  | "cluster"
  | "pubsub"
  | "server";

/** Runs one command: reads ctx.request, answers through ctx.reply. Synchronous: see protocol/outcome.ts. */
export type Handler = (ctx: CommandContext) => Outcome;

export interface CommandSpec {
  /** Lower case. Of a subcommand: without the container's name. */
  readonly name: string;
  readonly group: CommandGroup;
  /** Redis version that introduced it. */
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** Number of arguments with the name(s); negative: at least that many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** ACL categories that the flags do not imply (without "@"). */
  readonly categories: readonly string[];
  readonly keys: readonly KeySpec[];
  /** Of a command with keys of kind "unknown", or a specification that is incomplete: all its keys in a request whose
   * name is argument `nameAt`. */
  readonly keysOf?: (request: Request, nameAt: number) => readonly KeyArgument[];
  /** Of a command that reaches into another database (MOVE, COPY): the key it needs there, besides `keys`. */
  readonly foreignKey?: (request: Request) => ForeignKey | undefined;
  /** Of a command that walks over keys (SCAN): how; undefined if the request is wrong. */
  readonly walkOf?: (request: Request) => WalkWish | undefined;
  /** Of a command whose keys have `variable_flags`: what a request, whose name is argument `nameAt`, does to them. */
  readonly keyFlagsOf?: (request: Request, nameAt: number) => readonly KeyFlag[];
  readonly channels?: ChannelSpec;
  readonly tips?: readonly string[];
  /** The arguments of a request that nobody else may see, in SLOWLOG, MONITOR or a log: passwords, and what may hold
   * some. */
  readonly secretsOf?: (request: Request, config: Pick<ConfigAccess, "isSensitive">) => readonly number[];
  /** CLIENT UNBLOCK ends its waiting, though it has not the flag "blocking" (WAIT). */
  readonly canBeUnblocked?: boolean;
  /** It deals with keys where they are: cold ones are not fetched for it. */
  readonly leavesKeysCold?: boolean;
  /** Between MULTI and EXEC it is executed at once. */
  readonly isNeverQueued?: boolean;
  /** A client in RESP2 that is subscribed to something may use it. */
  readonly isForSubscribers?: boolean;
  /** It runs scripts that may write: before it begins there must be memory for what they do. */
  readonly runsScripts?: boolean;
  readonly run?: Handler;
  readonly subcommands?: readonly CommandSpec[];
}

/** Declares a command; only for its type. */
export function defineCommand(spec: CommandSpec): CommandSpec {
  return spec;
}

/** One key, at argument `position`. */
export function keyAt(position: number, ...flags: KeyFlag[]): KeyRangeSpec {
  return { kind: "range", flags, first: position, last: position, step: 1 };
}

/** Keys from argument `first` to the last argument, every `step`. */
export function keysFrom(first: number, step: number, ...flags: KeyFlag[]): KeyRangeSpec {
  return { kind: "range", flags, first, last: -1, step };
}

/** Keys from argument `first` to `last` (negative: from the end). */
export function keysBetween(first: number, last: number, ...flags: KeyFlag[]): KeyRangeSpec {
  return { kind: "range", flags, first, last, step: 1 };
}

/** As many keys as argument `countAt` says, behind it. */
export function keysCountedAt(countAt: number, ...flags: KeyFlag[]): CountedKeySpec {
  return { kind: "counted", flags, countAt };
}

/** One key behind `word` (in upper case), which stands at argument `from` or later. */
export function keyAfter(word: string, from: number, ...flags: KeyFlag[]): KeywordKeySpec {
  return { kind: "keyword", flags, word, from, share: 0 };
}

/** Keys behind `word` (in upper case), which stands at argument `from` or later: the first of `share` equal parts of
 * all that follows. */
export function keysAfter(word: string, from: number, share: number, ...flags: KeyFlag[]): KeywordKeySpec {
  return { kind: "keyword", flags, word, from, share };
}

/** Keys that only the declaration's `keysOf` finds. */
export function unknownKeys(...flags: KeyFlag[]): UnknownKeySpec {
  return { kind: "unknown", flags };
}
