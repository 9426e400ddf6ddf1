/**
 * INFO's facts, read off a running server.
 */
import { REDIS_VERSION } from "../../base/compatibility.ts";
import { machineMemoryBytes } from "../../base/machine-memory.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { Database } from "../../keyspace/database.ts";
import { settleCalls } from "../observation/calls.ts";
import type { ReplicaState } from "../replication/replica.ts";
import type { Server } from "../server.ts";
import type { Statistics } from "../statistics.ts";
import { VERSION } from "../version.ts";
import type {
  AofFacts,
  ClientFacts,
  CounterFacts,
  DatabaseFacts,
  EventLoopFacts,
  InfoSource,
  MemoryFacts,
  PersistenceFacts,
  ReplicationFacts,
  ScrubFacts,
  ServerFacts,
  TierFacts,
} from "./info-source.ts";

const RUN_ID_BYTES = 20;
const LRU_CLOCK_MASK = 0xff_ffff;
/** Keys looked at to estimate how long keys live on average. */
const TTL_SAMPLES = 64;
const HASH_SPACE = 0x1_0000_0000;
/** What Redis calls the states of replicas. */
const STATE_NAMES: Readonly<Record<ReplicaState, string>> = {
  waiting: "wait_bgsave",
  saving: "wait_bgsave",
  sending: "send_bulk",
  online: "online",
};

export class ServerInfoSource implements InfoSource {
  readonly statistics: Statistics;
  readonly runId: string;
  private readonly own: Server;
  private readonly startupBytes: number;
  private readonly systemBytes = machineMemoryBytes();

  /** To be made before data is loaded: what the empty server uses is a fact of its own. */
  constructor(server: Server, statistics: Statistics) {
    this.own = server;
    this.statistics = statistics;
    this.runId = server.world.random.bytes(RUN_ID_BYTES).toString("hex");
    this.startupBytes = server.budget.usedBytes;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    const { aof, clients, dispatcher, expiry, keyspace, saves, table } = this.own;
    this.statistics.reset(table.all);
    clients.totalReceived = 0;
    clients.rejected = 0;
    dispatcher.calls.total = 0;
    keyspace.expired = 0;
    keyspace.expiredFields = 0;
    keyspace.evicted = 0;
    keyspace.lazyFreed = 0;
    this.own.replication.resetCounters();
    expiry.timeouts = 0;
    expiry.spentMs = 0;
    Object.assign(this.own.acl.denialCounts, { auth: 0, command: 0, key: 0, channel: 0 });
    this.own.eventLoop.reset();
    saves.saves = 0;
    aof.rewrites = 0;
    aof.failuresInRow = 0;
    if (aof.files !== undefined) aof.files.writer.schedule.delayed = 0;
    this.own.clientEviction.evicted = 0;
    keyspace.hits = 0;
    keyspace.misses = 0;
    this.own.warmer?.resetCounters();
  }

  commands(): Iterable<CompiledCommand> {
    return this.own.table.all;
  }

  latencyPercentiles(): readonly number[] | undefined {
    const { values } = this.own.config;
    return values["latency-tracking"] ? values["latency-tracking-info-percentiles"] : undefined;
  }

  server(): ServerFacts {
    const { clock, config, startedMs } = this.own;
    return {
      redisVersion: REDIS_VERSION,
      version: VERSION,
      processId: process.pid,
      runId: this.runId,
      tcpPort: config.values.port || config.values["tls-port"],
      timeMicroseconds: clock.microseconds(),
      uptimeMs: clock.nowMs - startedMs,
      hz: config.values.hz,
      lruClock: Math.floor(clock.nowMs / 1000) & LRU_CLOCK_MASK,
      executable: process.argv[1] ?? process.execPath,
      configFile: config.file ?? "",
      listeners: this.listeners(),
    };
  }

  clients(): ClientFacts {
    const { clients, config } = this.own;
    const { keys } = this.own.dispatcher.waiting;
    let largestInputBytes = 0;
    let largestOutputBytes = 0;
    for (const client of clients) {
      largestInputBytes = Math.max(largestInputBytes, client.queryBufferBytes + client.queryBufferFreeBytes);
      largestOutputBytes = Math.max(largestOutputBytes, client.outputBufferBytes);
    }
    return {
      connected: clients.size,
      maximum: config.values.maxclients,
      largestInputBytes,
      largestOutputBytes,
      blocked: clients.measure().blocked,
      withTimeout: this.own.dispatcher.waiting.withTimeout,
      blockingKeys: keys.all,
      blockingKeysUntilGone: keys.untilGone,
      tracking: this.own.tracking.clients,
    };
  }

  memory(): MemoryFacts {
    const { aof, budget, clients, config, dispatcher, keyspace, replication } = this.own;
    const { slabs, huge } = keyspace.entries;
    const { bytes, replicaBytes } = clients.measure();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      usedBytes: budget.usedBytes,
      peakBytes: budget.peakBytes,
      overheadBytes: budget.overheadBytes,
      startupBytes: this.startupBytes,
      residentBytes: rss,
      systemBytes: this.systemBytes,
      maxmemoryBytes: budget.limit,
      maxmemoryPolicy: config.values["maxmemory-policy"],
      clientBytes: bytes,
      backlogBytes: replication.backlogBytes,
      replicaBytes: replicaBytes + replication.surplusBytes,
      streamBytes: replication.backlogBytes + replication.surplusBytes,
      aofBufferBytes: aof.files?.writer.memoryBytes ?? 0,
      uncountedBytes: Math.max(0, budget.usedBytes - budget.chargedBytes) + replication.surplusBytes,
      lazyPending: keyspace.lazyPending,
      lazyFreed: keyspace.lazyFreed,
      allocatedBytes: keyspace.entries.allocatedBytes,
      slabBytes: slabs.reservedBytes + huge.allocatedBytes,
      scripting: dispatcher.scripts.facts,
      heapBytes: heapUsed,
    };
  }

  persistence(): PersistenceFacts {
    const { clock, isLoading, progress, saves } = this.own;
    const { startedMs, totalBytes, loadedBytes, usedMemoryBytes } = progress;
    const secondsLeft = progress.secondsLeft(clock.nowMs);
    return {
      loading: isLoading ? { startedMs, totalBytes, loadedBytes, usedMemoryBytes, secondsLeft } : undefined,
      rdb: {
        keysProcessed: saves.keysDone,
        keysTotal: saves.keysTotal,
        changesSinceSave: saves.changesSinceSave,
        isSaving: saves.isInBackground,
        lastSaveMs: saves.lastSaveMs,
        isLastSaveOk: saves.lastSaveOk,
        lastSaveDurationMs: saves.lastDurationMs,
        presentSaveMs: saves.savingForMs,
        saves: saves.saves,
        keysLoaded: saves.keysLoaded,
        keysExpiredAtLoad: saves.keysExpiredAtLoad,
      },
      aof: this.aof(),
      scrub: this.scrub(),
    };
  }

  private scrub(): ScrubFacts {
    const { config, scrubber } = this.own;
    const { bytesRead, filesDamaged, recordsDamaged, rounds } = scrubber;
    const isEnabled = config.values["scrub-bytes-per-second"] > 0;
    return { isEnabled, rounds, bytesRead, recordsDamaged, filesDamaged };
  }

  counters(): CounterFacts {
    const { clients, dispatcher, keyspace, tracking } = this.own;
    return {
      connectionsReceived: clients.totalReceived,
      connectionsRejected: clients.rejected,
      commandsProcessed: dispatcher.calls.total,
      expired: keyspace.expired,
      expiryTimeouts: this.own.expiry.timeouts,
      expiryMs: this.own.expiry.spentMs,
      stalePercent: 100 * this.own.expiry.staleShare,
      expiredFields: keyspace.expiredFields,
      evicted: keyspace.evicted,
      evictedClients: this.own.clientEviction.evicted,
      hits: keyspace.hits,
      misses: keyspace.misses,
      channels: dispatcher.pubsub.count("channel"),
      patterns: dispatcher.pubsub.count("pattern"),
      shardChannels: dispatcher.pubsub.count("shardChannel"),
      trackedKeys: tracking.table.size,
      trackedItems: tracking.table.items,
      trackedPrefixes: tracking.broadcast.size,
      migrationSockets: this.own.migrations.targets.count,
      denials: this.own.acl.denialCounts,
      eventLoop: this.eventLoop(),
    };
  }

  private eventLoop(): EventLoopFacts {
    const { cycles, cyclesPerSecond, microseconds, microsecondsPerCycle } = this.own.eventLoop;
    let commandMicroseconds = 0;
    for (const command of this.commands()) {
      for (const each of [command, ...(command.subcommands?.all ?? [])]) {
        settleCalls(each);
        commandMicroseconds += each.microseconds;
      }
    }
    return { cycles, cyclesPerSecond, microseconds, microsecondsPerCycle, commandMicroseconds };
  }

  private listeners(): ServerFacts["listeners"] {
    const { bind, port, "tls-port": tlsPort, unixsocket } = this.own.config.values;
    return [
      ...(port === 0 ? [] : [{ kind: "tcp", binds: bind, port }]),
      ...(unixsocket === "" ? [] : [{ kind: "unix", binds: [unixsocket], port: 0 }]),
      ...(tlsPort === 0 ? [] : [{ kind: "tls", binds: bind, port: tlsPort }]),
    ];
  }

  replication(): ReplicationFacts {
    const { config, replication } = this.own;
    const { fullSyncs, id, offset, partialSyncs, refusedPartialSyncs, stream } = replication;
    const { values } = config;
    const isNeeded = values["min-replicas-to-write"] > 0 && values["min-replicas-max-lag"] > 0;
    return {
      replicas: replication.replicas.map((replica) => ({
        ip: replica.ip,
        port: replica.traits.listeningPort,
        state: STATE_NAMES[replica.state],
        acknowledged: replica.acknowledged,
        lagSeconds: replica.state === "online" ? replication.lagSeconds(replica) : 0,
      })),
      goodReplicas: isNeeded ? replication.goodCount : undefined,
      id,
      offset,
      backlogBytes: values["repl-backlog-size"],
      held: stream && { firstOffset: stream.firstOffset, bytes: offset - stream.firstOffset },
      fullSyncs,
      partialSyncs,
      refusedPartialSyncs,
    };
  }

  databases(): DatabaseFacts[] {
    return this.own.keyspace.databases.map((database) => ({
      index: database.index,
      keys: database.size,
      expires: database.volatile.size,
      averageTtlMs: this.averageTtlMs(database),
    }));
  }

  tier(): TierFacts | undefined {
    const { aof, dispatcher, keyspace, spiller, tier, warmer } = this.own;
    if (tier === undefined || spiller === undefined || warmer === undefined) return undefined;
    const { databases, entries } = keyspace;
    const { fileBytes, generation, levelFiles, levelZeroFiles, records, recordsDamaged, undoBlocks } =
      tier.statistics();
    const { absent, absentUnread, found, replacedUnread } = warmer;
    return {
      hotKeys: sum(databases, ({ table, tombstones }) => table.size - tombstones),
      coldKeys: sum(databases, ({ coldSize }) => coldSize),
      hotBytes: entries.allocatedBytes,
      coldBytes: fileBytes,
      hotHits: Math.max(0, keyspace.hits - found),
      hotMisses: found + absent + absentUnread,
      records,
      found,
      absent,
      absentUnread,
      replacedUnread,
      spilledEntries: spiller.spilledEntries,
      spilledBytes: spiller.spilledBytes,
      droppedEntries: spiller.droppedEntries,
      isWriting: spiller.writing,
      pendingDeletes: spiller.pendingDeletes,
      memoryWaiters: dispatcher.gates.waiting,
      memoryWaits: dispatcher.gates.waits,
      failure: spiller.failure,
      recordsDamaged,
      levelZeroFiles,
      levelFiles,
      keptBytes: spiller.inUse.bytes,
      pinnedKeys: sum(databases, ({ pinned }) => pinned?.size ?? 0),
      readMicroseconds: [50, 99, 99.9].map((percent) => warmer.readTimes.percentile(percent) / 1000) as [
        number,
        number,
        number,
      ],
      spilledBytesPerSecond: this.statistics.spillRate.value,
      undoBlocks,
      generation,
      lastCheckpointMs: aof.lastCheckpointMs,
    };
  }

  private aof(): AofFacts {
    const { aof } = this.own;
    const writer = aof.files?.writer;
    return {
      isEnabled: aof.enabled,
      isRewriting: aof.isRewriting,
      isRewriteScheduled: aof.isScheduled,
      lastRewriteMs: aof.lastRewriteMs,
      presentRewriteMs: aof.rewritingForMs,
      isLastRewriteOk: aof.lastRewriteOk,
      rewrites: aof.rewrites,
      rewriteFailuresInRow: aof.failuresInRow,
      isLastWriteOk: aof.failureText === undefined,
      currentBytes: aof.currentSize,
      baseBytes: aof.baseBytes,
      bufferBytes: writer?.pendingBytes ?? 0,
      pendingFsyncs: writer?.pendingFsync ?? 0,
      delayedFsyncs: writer?.delayedFsync ?? 0,
    };
  }

  /** An estimate, from a handful of keys that lie together in hash order, which is no order in time. */
  private averageTtlMs({ volatile }: Database): number {
    const { clock, keyspace } = this.own;
    const addresses: number[] = [];
    const start = keyspace.random.next();
    volatile.collect(start, HASH_SPACE, TTL_SAMPLES, addresses);
    if (addresses.length < TTL_SAMPLES) volatile.collect(0, start, TTL_SAMPLES - addresses.length, addresses);
    if (addresses.length === 0) return 0;
    const left = sum(addresses, (address) => Math.max(0, keyspace.entries.expireMs(address) - clock.nowMs));
    return left / addresses.length;
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
