/**
 * What INFO reports, as facts: the server gathers them, info.ts gives them Redis's names. Bytes are bytes, times are
 * milliseconds unless the name says otherwise.
 */
import type { CompiledCommand } from "../../commands/table.ts";
import type { Statistics } from "../statistics.ts";

export interface ServerFacts {
  /** The version of Redis that clients may take us for, and our own. */
  readonly redisVersion: string;
  readonly version: string;
  readonly processId: number;
  /** 40 hexadecimal digits, different for each run. */
  readonly runId: string;
  readonly tcpPort: number;
  /** Unix time in microseconds. */
  readonly timeMicroseconds: number;
  readonly uptimeMs: number;
  readonly hz: number;
  /** Redis's clock of LRU: 24 bits of seconds. */
  readonly lruClock: number;
  readonly executable: string;
  /** "" if there is none. */
  readonly configFile: string;
  /** Where it listens: kind, addresses, port (0 for none). */
  readonly listeners: readonly {
    readonly kind: string;
    readonly binds: readonly string[];
    readonly port: number;
  }[];
}

/** A replica of this server. */
export interface ReplicaInfo {
  readonly ip: string;
  readonly port: number;
  readonly state: string;
  readonly acknowledged: number;
  /** Seconds since it was heard of; 0 until it gets the stream. */
  readonly lagSeconds: number;
}

export interface ReplicationFacts {
  readonly replicas: readonly ReplicaInfo[];
  /** Those that keep up; undefined if no writes depend on them. */
  readonly goodReplicas: number | undefined;
  readonly id: string;
  readonly offset: number;
  /** repl-backlog-size. */
  readonly backlogBytes: number;
  /** What is kept of the stream; undefined if there is none. */
  readonly held: { readonly firstOffset: number; readonly bytes: number } | undefined;
  readonly fullSyncs: number;
  readonly partialSyncs: number;
  readonly refusedPartialSyncs: number;
}

export interface ClientFacts {
  readonly connected: number;
  readonly maximum: number;
  /** Largest query buffer and reply buffer of any client lately. */
  readonly largestInputBytes: number;
  readonly largestOutputBytes: number;
  readonly blocked: number;
  /** Of them, those that do not wait for ever. */
  readonly withTimeout: number;
  /** With CLIENT TRACKING. */
  readonly tracking: number;
  /** Keys that clients wait for; and those of which they want to hear that they are gone. */
  readonly blockingKeys: number;
  readonly blockingKeysUntilGone: number;
}

export interface MemoryFacts {
  /** What counts against maxmemory. */
  readonly usedBytes: number;
  readonly peakBytes: number;
  /** Used by something else than keys and values: tables, buffers, connections. */
  readonly overheadBytes: number;
  /** Used when the server was still empty. */
  readonly startupBytes: number;
  /** What the operating system says the process takes. */
  readonly residentBytes: number;
  readonly systemBytes: number;
  /** 0 for none. */
  readonly maxmemoryBytes: number;
  readonly maxmemoryPolicy: string;
  readonly clientBytes: number;
  /** The stream for replicas: as backlog, and what is only held because they are slow, with their connections. */
  readonly backlogBytes: number;
  readonly replicaBytes: number;
  /** The stream as a whole. */
  readonly streamBytes: number;
  readonly aofBufferBytes: number;
  /** Buffers beyond the share that counts against maxmemory. */
  readonly uncountedBytes: number;
  /** Keys and values that wait to be freed in the background, and those that were. */
  readonly lazyPending: number;
  readonly lazyFreed: number;
  /** Given out for data. */
  readonly allocatedBytes: number;
  /** Memory taken from the system for slabs, used or not. */
  readonly slabBytes: number;
  readonly scripting: ScriptingFacts;
  /** The JavaScript heap, which holds no keys or values. */
  readonly heapBytes: number;
}

/** Scripts and functions: how many there are, bytes of their sources, what their VMs use, and have taken together. */
export interface ScriptingFacts {
  readonly scripts: number;
  readonly scriptBytes: number;
  readonly vmUsedBytes: number;
  readonly libraries: number;
  readonly functions: number;
  readonly functionBytes: number;
  readonly functionVmUsedBytes: number;
  readonly vmReservedBytes: number;
}

export interface LoadingFacts {
  readonly startedMs: number;
  readonly totalBytes: number;
  readonly loadedBytes: number;
  /** Memory that the data took where the RDB file was written. */
  readonly usedMemoryBytes: number;
  readonly secondsLeft: number;
}

export interface RdbFacts {
  /** Of the save under way; 0 if there is none. */
  readonly keysProcessed: number;
  readonly keysTotal: number;
  readonly changesSinceSave: number;
  readonly isSaving: boolean;
  /** Unix time. */
  readonly lastSaveMs: number;
  readonly isLastSaveOk: boolean;
  /** -1 before the first; and how long the present one has taken, -1 if there is none. */
  readonly lastSaveDurationMs: number;
  readonly presentSaveMs: number;
  readonly saves: number;
  /** Of the last file in RDB's form that was loaded. */
  readonly keysLoaded: number;
  readonly keysExpiredAtLoad: number;
}

export interface AofFacts {
  readonly isEnabled: boolean;
  readonly isRewriting: boolean;
  readonly isRewriteScheduled: boolean;
  /** -1 before the first; and how long the present one has taken, -1 if there is none. */
  readonly lastRewriteMs: number;
  readonly presentRewriteMs: number;
  readonly isLastRewriteOk: boolean;
  readonly rewrites: number;
  readonly rewriteFailuresInRow: number;
  readonly isLastWriteOk: boolean;
  /** Of all files; and what that was after the last rewrite. */
  readonly currentBytes: number;
  readonly baseBytes: number;
  /** Not yet written. */
  readonly bufferBytes: number;
  readonly pendingFsyncs: number;
  readonly delayedFsyncs: number;
}

export interface PersistenceFacts {
  /** Absent when nothing is being loaded. */
  readonly loading: LoadingFacts | undefined;
  readonly rdb: RdbFacts;
  readonly aof: AofFacts;
  readonly scrub: ScrubFacts;
}

/** What looking for damage has found since the process began. */
export interface ScrubFacts {
  readonly isEnabled: boolean;
  /** Times that all was read. */
  readonly rounds: number;
  readonly bytesRead: number;
  readonly recordsDamaged: number;
  readonly filesDamaged: number;
}

/** Turns of the event loop, and the time that it was at work; of that, for commands. */
export interface EventLoopFacts {
  readonly cycles: number;
  readonly microseconds: number;
  readonly commandMicroseconds: number;
  readonly cyclesPerSecond: number;
  readonly microsecondsPerCycle: number;
}

/** Counters that are kept where things happen; the rest of INFO's Stats is in Statistics. */
export interface CounterFacts {
  readonly connectionsReceived: number;
  readonly connectionsRejected: number;
  readonly commandsProcessed: number;
  readonly expired: number;
  /** Cycles of active expiry that ran out of time, and how long all cycles took. */
  readonly expiryTimeouts: number;
  readonly expiryMs: number;
  /** How many of 100 keys with an expiry are past it: an estimate. */
  readonly stalePercent: number;
  readonly expiredFields: number;
  readonly evicted: number;
  readonly evictedClients: number;
  readonly hits: number;
  readonly misses: number;
  /** Names that clients are subscribed to. */
  readonly channels: number;
  readonly patterns: number;
  readonly shardChannels: number;
  /** Keys that are tracked, the clients of each added up, and prefixes. */
  readonly trackedKeys: number;
  readonly trackedItems: number;
  readonly trackedPrefixes: number;
  /** Connections that MIGRATE keeps. */
  readonly migrationSockets: number;
  /** What access control has denied. */
  readonly denials: Readonly<Record<"auth" | "command" | "key" | "channel", number>>;
  readonly eventLoop: EventLoopFacts;
}

export interface DatabaseFacts {
  readonly index: number;
  readonly keys: number;
  readonly expires: number;
  readonly averageTtlMs: number;
}

/** The cold tier. */
export interface TierFacts {
  readonly hotKeys: number;
  /** Keys that are on disk only. */
  readonly coldKeys: number;
  readonly hotBytes: number;
  /** Bytes of the files that hold all records. */
  readonly coldBytes: number;
  /** Keys that were read and found in memory; keys that were looked for and not found there. */
  readonly hotHits: number;
  readonly hotMisses: number;
  /** All records on disk, those under hot keys included. */
  readonly records: number;
  /** Keys looked for on disk: found, and not. */
  readonly found: number;
  readonly absent: number;
  /** Known to be absent without asking the tier. */
  readonly absentUnread: number;
  /** Replaced or deleted by the append-only file's commands, without a read. */
  readonly replacedUnread: number;
  readonly spilledEntries: number;
  readonly spilledBytes: number;
  /** Entries that left memory without a write, because their record was up to date. */
  readonly droppedEntries: number;
  /** A batch is being written. */
  readonly isWriting: boolean;
  /** Deleted keys whose records are still to be deleted. */
  readonly pendingDeletes: number;
  /** Clients whose write waits for memory now, and how often one had to. */
  readonly memoryWaiters: number;
  readonly memoryWaits: number;
  /** Reason of the last failed batch; "" after a good one. */
  readonly failure: string;
  readonly recordsDamaged: number;
  readonly levelZeroFiles: number;
  /** Table files of each of LevelDB's levels. */
  readonly levelFiles: readonly number[];
  /** Names that are pinned. */
  readonly pinnedKeys: number;
  /** Of large values that are in use, and stay for that. */
  readonly keptBytes: number;
  /** How long cold keys took to be read: microseconds that half of them, 99 % and 99.9 % did not exceed. */
  readonly readMicroseconds: readonly [number, number, number];
  readonly spilledBytesPerSecond: number;
  readonly undoBlocks: number;
  readonly generation: number;
  /** Unix time of the last checkpoint; 0 before the first. */
  readonly lastCheckpointMs: number;
}

export interface InfoSource {
  readonly statistics: Statistics;
  /** Commands without their subcommands, which they hold. */
  commands(): Iterable<CompiledCommand>;
  /** latency-tracking-info-percentiles; undefined while latencies are not recorded. */
  latencyPercentiles(): readonly number[] | undefined;
  server(): ServerFacts;
  clients(): ClientFacts;
  memory(): MemoryFacts;
  persistence(): PersistenceFacts;
  counters(): CounterFacts;
  replication(): ReplicationFacts;
  /** All databases, or those with keys. */
  databases(): Iterable<DatabaseFacts>;
  /** Undefined while the cold tier is off. */
  tier(): TierFacts | undefined;
}
