/**
 * What commands need of the server around them, declared here by the consumer and implemented in src/server. Keeps
 * the import direction: commands never import the server.
 */
import type { KeyList } from "../keyspace/key-list.ts";
import type { KeyFilter, WalkResult } from "../keyspace/tier-walk.ts";
import type { AccessControl } from "./access.ts";
import type { Client, ClientTracking } from "./client.ts";
import type { CommandSpec } from "./command.ts";
import type { Documentation } from "./documentation.ts";
import type { ReplicationAccess } from "./replication-access.ts";

export interface ConfigAccess {
  /** Names and values of directives whose names match one of the glob patterns, in table order. */
  get(patterns: readonly Buffer[]): [name: string, value: string][];
  /** Sets several directives or none. Returns the error text (without "-"), or undefined; a promise of it where the
   * server has to try first. */
  set(pairs: readonly [name: Buffer, value: Buffer][]): string | undefined | Promise<string | undefined>;
  /** Brings the configuration file to the present values, with `all` defaults too; the error text (without "-"), or
   * undefined. */
  rewrite(all?: boolean): string | undefined;
  /** Whether the value of a directive is a secret. */
  isSensitive(name: Buffer): boolean;
  readonly maxmemoryPolicy: string;
  /** Whether payloads of DUMP are compressed. */
  readonly rdbcompression: boolean;
  /** Bytes of the longest string that APPEND and SETRANGE may make; Infinity while data is loaded, because a limit
   * lowered since must not refuse what was once accepted. */
  readonly protoMaxBulkLength: number;
  /** Bytes of the longest sparse HyperLogLog; one that grows beyond becomes dense. */
  readonly hllSparseMaxBytes: number;
}

export interface AofAccess {
  readonly enabled: boolean;
  /** Position reached by all that was appended so far. */
  readonly appendedPosition: number;
  /** Position known to be on disk. */
  readonly syncedPosition: number;
  /** Resolves to true when `position` is synced, to false after `timeoutMs` (0: never). `cancelled` frees the wait. */
  waitForSync(position: number, timeoutMs: number): Promise<boolean>;
  /** Starts a rewrite, or with `later` has it start in the next turn; the reply text, or an error. */
  rewrite(later: boolean): { readonly status: string } | { readonly error: string };
}

/** What BGSAVE answers. */
export type SaveReply = { readonly status: string } | { readonly error: string };

export interface SaveAccess {
  /** Unix time of the last dump. */
  readonly lastSaveSeconds: number;
  /** Makes a dump; resolves to whether it succeeded. Undefined if one is made in the background. */
  save(): Promise<boolean> | undefined;
  /** Begins a dump in the background, or puts it off: until nothing else is in its way (`schedule`), or until the
   * transaction is over that executes. The answer comes when it is fixed what the dump will hold. */
  bgsave(schedule: boolean, isExecuting: boolean): SaveReply | Promise<SaveReply>;
  /** All databases were emptied. A promise if there is a dump to wait for. */
  flushed(): Promise<unknown> | undefined;
}

/** What DEBUG RELOAD does before it loads the dump file; `merge`: keys that are there already are replaced. */
export interface ReloadOptions {
  readonly save: boolean;
  readonly flush: boolean;
  readonly merge: boolean;
}

/** "in the cold tier": a part of the data lies there, and the append-only file by itself does not hold it. */
export type ReloadResult = "done" | "not saved" | "not loaded" | "in the cold tier";

export interface DebugAccess {
  /** Of all keys and values, as Redis makes it. */
  digest(): Promise<string>;
  /** Of the value of an entry. */
  digestOf(address: number): string;
  /** Bytes that the value of an entry takes in a snapshot. */
  packedBytes(address: number): number;
  reload(options: ReloadOptions): Promise<ReloadResult>;
  /** Replaces all data by what the append-only file holds. */
  reloadLog(): Promise<ReloadResult>;
  setActiveExpiry(isOn: boolean): void;
  pauseCron(isPaused: boolean): void;
  /** Whether the buffer of replies gives memory back that it has not needed for a while. */
  setReplyBufferResizing(isOn: boolean): void;
  /** From how many bytes on an element of a list is packed as a plain node, written as a size ("1mb"; 0 is the
   * default); false if it is none. */
  setPlainNodeBytes(size: string): boolean;
  /** Checksums of dump files and payloads are not looked at. */
  ignoresChecksums: boolean;
  /** Whether scripts may call commands that are not for scripts. */
  setScriptsUnlimited(areUnlimited: boolean): void;
  log(text: string): void;
}

/** A call that took long. */
export interface SlowLogEntry {
  /** Ascending, never used twice. */
  readonly id: number;
  readonly unixSeconds: number;
  readonly microseconds: number;
  /** Its arguments, cut where they are many or long. */
  readonly words: readonly Buffer[];
  readonly address: string;
  readonly name: string;
}

export interface SlowLogAccess {
  readonly length: number;
  /** The newest entries, newest first. */
  newest(count: number): Iterable<SlowLogEntry>;
  reset(): void;
}

/** The longest event of a kind within a second. */
export interface LatencySample {
  readonly unixSeconds: number;
  readonly milliseconds: number;
}

/** Events of a kind that took long: at least one. */
export interface LatencySeries {
  readonly longestMs: number;
  /** Oldest first. */
  readonly samples: readonly LatencySample[];
}

/** How long calls of a command took: levels of time in microseconds, and how many calls did not exceed them. */
export interface CommandHistogram {
  readonly command: string;
  readonly calls: number;
  readonly levels: readonly (readonly [microseconds: number, calls: number])[];
}

export interface LatencyAccess {
  /** latency-monitor-threshold and slowlog-log-slower-than. */
  readonly thresholdMs: number;
  readonly slowLogMicroseconds: number;
  all(): Iterable<readonly [event: string, series: LatencySeries]>;
  of(event: string): LatencySeries | undefined;
  /** Forgets events of a kind, or all; returns how many kinds that were. */
  reset(event?: string): number;
  /** Of all commands that were called; or of one, with its subcommands, by its full name in any case. */
  histograms(): Iterable<CommandHistogram>;
  histogramsOf(name: string): Iterable<CommandHistogram>;
}

/** Clients that are shown all commands. */
export interface MonitorAccess {
  add(client: Client): void;
  remove(client: Client): void;
}

/** Memory of the server as a whole, in bytes. */
export interface MemoryFigures {
  readonly usedBytes: number;
  readonly peakBytes: number;
  readonly startupBytes: number;
  readonly overheadBytes: number;
  /** Given out for data; taken from the system for that; and taken by the process. */
  readonly allocatedBytes: number;
  readonly slabBytes: number;
  readonly residentBytes: number;
  /** maxmemory; 0 for none. */
  readonly limitBytes: number;
  readonly clients: number;
  readonly clientBytes: number;
  /** The replication backlog; and what is held for slow replicas, with their connections. */
  readonly backlogBytes: number;
  readonly replicaBytes: number;
  readonly aofBufferBytes: number;
  readonly scripts: number;
  readonly scriptBytes: number;
  readonly functionBytes: number;
  readonly databases: readonly {
    readonly index: number;
    readonly keys: number;
    readonly mainBytes: number;
    readonly expiresBytes: number;
  }[];
}

export interface MemoryAccess {
  figures(): MemoryFigures;
  /** What the allocator has, and has given out, for people. */
  allocatorText(): string;
  /** Gives back what is not needed now. */
  purge(): void;
}

/** A key, or all that match a pattern. */
export type KeyChoice =
  | { readonly kind: "key"; readonly key: Buffer }
  | { readonly kind: "match"; readonly pattern: Buffer; matches(key: Buffer): boolean };

/** Where a key is. */
export interface KeyPlace {
  readonly isHot: boolean;
  /** Redis's names; a cold value has no encoding yet. */
  readonly type: string;
  readonly encoding: string | undefined;
  /** What it takes in memory. */
  readonly hotBytes: number;
  /** On disk, if there is one; `isCurrent`: the value is the same. */
  readonly record:
    | {
        readonly isCurrent: boolean;
        readonly isCompressed: boolean;
        /** Of the value before it was compressed, and of all that is stored. */
        readonly payloadBytes: number;
        readonly recordBytes: number;
      }
    | undefined;
  /** When it was used last, or how often, as the policy counts. */
  readonly idleSeconds: number | undefined;
  readonly frequency: number | undefined;
  /** 0 for never. */
  readonly expireMs: number;
  readonly isPinned: boolean;
}

/** The cold tier on an operator's word. What moves keys resolves to how many, and rejects if the disk fails. */
export interface TierControl {
  readonly isOn: boolean;
  /** As INFO shows it. */
  info(): readonly (readonly [name: string, value: string | number])[];
  explain(dbIndex: number, key: Buffer): Promise<KeyPlace | undefined>;
  warm(dbIndex: number, choice: KeyChoice): Promise<number>;
  demote(dbIndex: number, choice: KeyChoice): Promise<number>;
  pin(dbIndex: number, choice: KeyChoice): Promise<number>;
  unpin(dbIndex: number, choice: KeyChoice): Promise<number>;
}

/** What MIGRATE asks for. */
export interface MigrationOrder {
  readonly host: string;
  readonly port: number;
  /** Host and port as they were written: connections are kept under this name. */
  readonly target: string;
  /** The target's database. */
  readonly destination: bigint;
  /** The longest that connecting, or the next thing written or read, may take. */
  readonly timeoutMs: number;
  /** The keys stay here, too. */
  readonly copies: boolean;
  /** They may take the place of others there. */
  readonly replaces: boolean;
  readonly user: Buffer | undefined;
  readonly password: Buffer | undefined;
  readonly keys: readonly Buffer[];
}

export type MigrationResult = { readonly status: string } | { readonly error: string };

export interface MigrationAccess {
  /** Hands keys of a database over to another server. Until that is over, nobody else changes them. */
  migrate(dbIndex: number, order: MigrationOrder): Promise<MigrationResult>;
}

export interface ShutdownOptions {
  readonly save: "default" | "save" | "nosave";
  readonly now: boolean;
  readonly force: boolean;
}

/** What CLIENT TRACKING ON asks for; `prefixes` are added to those that the client has. */
export type TrackingOptions = Pick<
  ClientTracking,
  "redirect" | "isBroadcast" | "optIn" | "optOut" | "noLoop" | "prefixes"
>;

export interface TrackingAccess {
  /** Switches it on, or gives it other options. */
  enable(client: Client, options: TrackingOptions): void;
  disable(client: Client): void;
}

/** Who is kept waiting by CLIENT PAUSE. */
export type PauseMode = "write" | "all";

export interface PauseAccess {
  /** Begins a pause, or extends the present one: the stricter mode and the later end win. Within a transaction it
   * begins behind that. */
  begin(mode: PauseMode, timeoutMs: number, isExecuting: boolean): void;
  end(): void;
}

export interface ServerServices {
  readonly version: string;
  readonly access: AccessControl;
  readonly config: ConfigAccess;
  readonly aof: AofAccess;
  readonly saves: SaveAccess;
  readonly debugging: DebugAccess;
  readonly slowLog: SlowLogAccess;
  readonly latency: LatencyAccess;
  readonly monitors: MonitorAccess;
  readonly tier: TierControl;
  readonly memory: MemoryAccess;
  readonly migrations: MigrationAccess;
  readonly tracking: TrackingAccess;
  readonly pause: PauseAccess;
  readonly replication: ReplicationAccess;
  /** All clients, in the order of their ids. */
  clients(): Iterable<Client>;
  /** The client with that id. */
  client(id: number): Client | undefined;
  /** Text of INFO for the given sections (lower case; empty: the default ones). */
  info(sections: readonly string[]): string;
  resetStatistics(): void;
  /** All commands, in the order of their declaration. */
  commands(): Iterable<CommandSpec>;
  /** What is known of a command besides its declaration, by its full name. */
  documentation(fullName: string): Documentation | undefined;
  /** A command or, by container and name, a subcommand; names in any case. */
  findCommand(name: string, subcommand?: string): CommandSpec | undefined;
  /** Ends the server; resolves only if that failed, to the reason. */
  shutdown(options: ShutdownOptions): Promise<string>;
  /** Cancels a shutdown under way; false if there is none. */
  abortShutdown(): boolean;
  /** Walks over the keys of both tiers. */
  readonly walk: KeyWalk;
}

/** keyspace/tier-walk.ts, as commands see it. A promise comes back only if the disk must be read; without cold keys
 * those that `scan` finds are in `into`. */
export interface KeyWalk {
  scan(
    dbIndex: number,
    cursor: number,
    count: number,
    filter: KeyFilter,
    into?: KeyList,
  ): WalkResult | Promise<WalkResult>;
  all(dbIndex: number, filter: KeyFilter): WalkResult | Promise<WalkResult>;
  random(dbIndex: number): Buffer | undefined | Promise<Buffer | undefined>;
}
