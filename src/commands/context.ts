/**
 * What a handler gets: the request, where to answer, the client, the database, and the services of the server. One
 * object per server, its fields set before each command: nothing is allocated for a command.
 */
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Outcome } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { ArgumentEdits } from "./argument-edits.ts";
import type { Client } from "./client.ts";
import type { ServerServices } from "./services.ts";

/** What a command changed, as the commands that repeat the change: to the append-only file. */
export interface Effects {
  /** Said before an effect that replaces or deletes keys: all that it names existed. Worth saying where they were on
   * disk unchanged, since a start then need not read them. */
  noteOldKeys(): void;
  /** The command exactly as received. */
  verbatim(): void;
  /** The command exactly as received, but to replicas only: it changes no data (PUBLISH). */
  toReplicas(): void;
  /** Another command in its place (relative times made absolute, random choices fixed). Numbers are integers. */
  command(...args: (string | Buffer | number)[]): void;
  /** The command as received, but with other texts in the place of some arguments. */
  edited(edits: ArgumentEdits): void;
  /**
   * The command `name` with two arguments: the key that is argument `key` of the request, and `length` bytes of `buf`
   * from `start`. As `command`, without an object for either: what a random choice is repeated by.
   */
  member(name: string, key: number, buf: Buffer, start: number, length: number): void;
}

/** Continues a suspended command when what it waited for is there; answers through ctx.reply. */
export type Continuation<T> = (ctx: CommandContext, value: T) => Outcome;

/** What a command waits for when none of its keys holds what it needs (BLPOP, XREAD with BLOCK). */
export interface KeyWait {
  /** Entry type of the values it needs; keys of other types are not for it. */
  readonly type: number;
  /** The keys, as arguments from `first` to `last`. */
  readonly first: number;
  readonly last: number;
  /** Milliseconds; 0 is for ever. */
  readonly timeoutMs: number;
  /**
   * The key at argument `position` now holds a value of the type, or it was signalled (Database.signalReady). The
   * request is the waiting client's. Answers and returns DONE, or returns SUSPENDED to wait on, in the same place of
   * the queue.
   */
  serve(ctx: CommandContext, position: number): Outcome;
  /** The time is over: answers. */
  timeOut(ctx: CommandContext): Outcome;
  /** Answers where a client cannot wait, if otherwise than when the time is over (BLMOVE). */
  cannotWait?(ctx: CommandContext): Outcome;
  /** Also calls `serve` when the key was deleted, or holds another type (XREADGROUP). */
  readonly wakesOnLoss?: boolean;
}

/** The transaction of the present client. */
export interface TransactionControl {
  /** From now on its commands are queued. */
  begin(): void;
  /** Ends the transaction, if there is one, and all watches. */
  discard(): void;
  /** Executes what was queued, if no command was refused and no watched key changed; answers, and ends it. */
  execute(): Outcome;
  /** Watches the key in that argument of the request, which is in memory or absent. */
  watch(argument: number): void;
  /** Ends all watches. */
  unwatch(): void;
}

/** What to run, and with what: places in the request. */
export interface ScriptCall {
  /** The argument that is the script, its SHA1, or the name of the function. */
  readonly kind: "source" | "sha" | "function";
  readonly script: number;
  readonly firstKey: number;
  readonly keys: number;
  /** The script may only read. */
  readonly isReadOnly: boolean;
}

/** A library of functions, as FUNCTION LIST shows it. */
export interface LibraryFacts {
  readonly name: string;
  readonly source: Buffer;
  readonly functions: readonly {
    readonly name: string;
    readonly description: string | undefined;
    readonly flags: readonly string[];
  }[];
}

/** What becomes of libraries that are there when others are restored. */
export type RestorePolicy = "append" | "replace" | "flush";

/** Libraries of functions. Errors are texts of error replies. */
export interface FunctionControl {
  /** What runs for long. */
  readonly running:
    | {
        readonly kind: "script" | "function";
        readonly name: string;
        /** The command that called it. */
        readonly words: readonly Buffer[];
        readonly durationMs: number;
      }
    | undefined;
  /** Whether there is a function of the name in that argument. */
  has(argument: number): boolean;
  /** Loads a library: its name, or the error. */
  create(source: Buffer, replace: boolean): { readonly name: string } | string;
  /** Deletes the library of the name in that argument; false if there is none. */
  remove(argument: number): boolean;
  flush(): void;
  list(): Iterable<LibraryFacts>;
  dump(compress: boolean): Buffer;
  /** Loads the libraries of the payload in that argument; the error. */
  restore(argument: number, policy: RestorePolicy, ignoresChecksum: boolean): string | undefined;
}

/** Patterns are of channels. */
export type SubscriptionKind = "channel" | "pattern" | "shardChannel";

/** Publish and subscribe, of the present client. Names and messages are arguments of the request. */
export interface PubSubControl {
  /** Subscribes to what the argument names, and tells the client. */
  subscribe(kind: SubscriptionKind, argument: number): void;
  /** Ends that subscription, if there is one, and tells the client. */
  unsubscribe(kind: SubscriptionKind, argument: number): void;
  /** Ends all of a kind, and tells the client of each; that there was none, too. */
  unsubscribeAll(kind: SubscriptionKind): void;
  /** Ends all of all kinds, without telling. */
  forget(): void;
  /** Sends the message in argument `payload` to those who are to get it; says how many. */
  publish(kind: "channel" | "shardChannel", channel: number, payload: number): number;
  /** Names that anybody is subscribed to, and how many there are. */
  names(kind: SubscriptionKind): Iterable<Buffer>;
  count(kind: SubscriptionKind): number;
  /** How many are subscribed to the name in that argument. */
  subscribers(kind: SubscriptionKind, argument: number): number;
}

/** Scripts. */
export interface ScriptControl {
  readonly functions: FunctionControl;
  /** Set while a script runs for long: what others are told. */
  readonly busyError: string | undefined;
  /** Runs one, and answers what it returns. */
  run(call: ScriptCall): Outcome;
  /** Compiles and keeps the script in that argument; answers its SHA1. */
  load(argument: number): Outcome;
  /** Whether the script is known whose SHA1 is in that argument. */
  has(argument: number): boolean;
  /** Forgets all scripts. */
  flush(): void;
  /** SCRIPT DEBUG, of the present client: with `yes`, what its scripts change is taken back; undefined is no mode.
   * Answers. */
  setDebugging(mode: "no" | "yes" | "sync" | undefined): Outcome;
  /** Whether scripts of the present client are debugged. */
  readonly isDebugging: boolean;
  /** Has the script debugged that `evaluate` runs, which answers. */
  debug(evaluate: () => Outcome): Outcome;
  /** Ends the running script (or function), if it has written nothing; answers. */
  kill(kind: "script" | "function"): Outcome;
}

/** How long calls take. */
export interface CallTimes {
  /** The present call, of a command with the flag "fast", does more than such calls do: it is timed alone. */
  noteLong(): void;
}

export interface CommandContext {
  readonly request: Request;
  readonly reply: ReplyWriter;
  readonly client: Client;
  /** The client's selected database. */
  readonly db: Database;
  readonly keyspace: Keyspace;
  readonly effects: Effects;
  readonly server: ServerServices;
  readonly transactions: TransactionControl;
  readonly scripts: ScriptControl;
  readonly pubsub: PubSubControl;
  readonly calls: CallTimes;
  /** Parks the client until `work` settles, then runs `finish` (or answers the error `work` rejected with). Used by
   * the few commands that read the disk or wait for it. Not while the client executes a transaction. */
  suspend<T>(work: Promise<T>, finish: Continuation<T>): Outcome;
  /**
   * For keys that a command finds in values (SORT with BY): undefined if all are in memory or known to be absent. Else
   * they are asked for, and the handler returns what this returns (it runs again, from the beginning, when they are
   * there). Nothing may have been changed or answered before.
   */
  fetchKeys(keys: Iterable<Buffer>): Outcome | undefined;
  /**
   * Makes the client wait for its keys; the first that waits for a key is the first to be served. Where a client cannot
   * wait (MULTI, scripts, a log that is replayed) its time is over at once. Nothing may have been changed before.
   */
  waitForKeys(wait: KeyWait): Outcome;
}
