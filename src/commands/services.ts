/**
 * What commands need of the server around them, declared here by the consumer and implemented in src/server. Keeps
 * the import direction: commands never import the server.
 */
import type { Client } from "./client.ts";
import type { CommandSpec } from "./command.ts";

export interface ConfigAccess {
  /** Names and values of directives whose names match one of the glob patterns, in table order. */
  get(patterns: readonly Buffer[]): [name: string, value: string][];
  /** Sets several directives or none. Returns the error text (without "-"), or undefined. */
  set(pairs: readonly [name: Buffer, value: Buffer][]): string | undefined;
  /** The password for AUTH; "" if none is set. */
  readonly requirepass: string;
  readonly maxmemoryPolicy: string;
}

export interface AofAccess {
  readonly enabled: boolean;
  /** Position reached by all that was appended so far. */
  readonly appendedPosition: number;
  /** Position known to be on disk. */
  readonly syncedPosition: number;
  /** Resolves to true when `position` is synced, to false after `timeoutMs` (0: never). `cancelled` frees the wait. */
  waitForSync(position: number, timeoutMs: number): Promise<boolean>;
  /** Starts or schedules a rewrite; the reply text, or an error. */
  rewrite(): { readonly status: string } | { readonly error: string };
}

export interface ShutdownOptions {
  readonly save: "default" | "save" | "nosave";
  readonly now: boolean;
  readonly force: boolean;
}

export interface ServerServices {
  readonly version: string;
  readonly config: ConfigAccess;
  readonly aof: AofAccess;
  /** All clients, in the order of their ids. */
  clients(): Iterable<Client>;
  /** Text of INFO for the given sections (lower case; empty: the default ones). */
  info(sections: readonly string[]): string;
  resetStatistics(): void;
  /** All commands, in the order of their declaration. */
  commands(): Iterable<CommandSpec>;
  /** A command or, by container and name, a subcommand; names in any case. */
  findCommand(name: string, subcommand?: string): CommandSpec | undefined;
  /** Ends the server; resolves only if that failed, to the reason. */
  shutdown(options: ShutdownOptions): Promise<string>;
  /** Cancels a shutdown under way; false if there is none. */
  abortShutdown(): boolean;
  /** Keys of the cold tier: all that a walk of both tiers needs (see keyspace/tier-walk.ts). */
  readonly walk: KeyWalk;
}

/** One key found by a walk. `type` is the entry type number. */
export interface WalkedKey {
  readonly key: Buffer;
  readonly type: number;
}

/** Walks keys of a database over both tiers. Synchronous while nothing is cold: then the promise is undefined. */
export interface KeyWalk {
  /**
   * The keys from `cursor` (a position in hash space, 0 to begin) on, about `count` of them, and the cursor to go on
   * with (0: done). Expired keys are left out.
   */
  scan(dbIndex: number, cursor: number, count: number): WalkResult | Promise<WalkResult>;
  /** All keys as of this moment. */
  all(dbIndex: number): WalkedKey[] | Promise<WalkedKey[]>;
  /** A random key, or undefined if the database is empty. */
  random(dbIndex: number): Buffer | undefined | Promise<Buffer | undefined>;
}

export interface WalkResult {
  readonly cursor: number;
  readonly keys: WalkedKey[];
}
