/**
 * The text of INFO: sections, their choice and order, and field names in the order of the real Redis.
 */
import { describe, expect, test } from "vitest";
import { commandSpecs } from "../../../src/commands/all.ts";
import { CommandTable } from "../../../src/commands/table.ts";
import { humanBytes, percent, ratio, safeText } from "../../../src/server/info/fields.ts";
import { infoText } from "../../../src/server/info/info.ts";
import type {
  AofFacts,
  CounterFacts,
  InfoSource,
  ReplicationFacts,
  ScriptingFacts,
  ServerFacts,
  TierFacts,
} from "../../../src/server/info/info-source.ts";
import { LoopDelay } from "../../../src/server/loop-delay.ts";
import { Statistics } from "../../../src/server/statistics.ts";
import { RawClient } from "../../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

/** Names that Redis 7.0 does not have. */
const OWN_FIELDS = new Set([
  // Of Redis 7.2.
  "listener0",
  "listener1",
  "total_blocking_keys",
  "total_blocking_keys_on_nokey",
  "acl_access_denied_auth",
  "acl_access_denied_cmd",
  "acl_access_denied_key",
  "acl_access_denied_channel",
  "eventloop_cycles",
  "eventloop_duration_sum",
  "eventloop_duration_cmd_sum",
  "instantaneous_eventloop_cycles_per_sec",
  "instantaneous_eventloop_duration_usec",
  // Of Redis 7.4, and our own.
  "expired_subkeys",
  "tsredis_version",
  "node_version",
  "mem_javascript_heap",
  "mem_lua_reserved",
  "scrub_enabled",
  "scrub_rounds",
  "scrub_bytes_read",
  "scrub_damaged_records",
  "scrub_damaged_files",
]);

const SCRIPTING: ScriptingFacts = {
  scripts: 7,
  scriptBytes: 700,
  vmUsedBytes: 2048,
  libraries: 2,
  functions: 3,
  functionBytes: 100,
  functionVmUsedBytes: 1024,
  vmReservedBytes: 4096,
};

const SCRUB = { isEnabled: true, rounds: 2, bytesRead: 3000, recordsDamaged: 4, filesDamaged: 5 };
const AOF: AofFacts = {
  isEnabled: true,
  isRewriting: false,
  isRewriteScheduled: false,
  lastRewriteMs: 2500,
  presentRewriteMs: -1,
  isLastRewriteOk: true,
  rewrites: 3,
  rewriteFailuresInRow: 0,
  isLastWriteOk: false,
  currentBytes: 900,
  baseBytes: 300,
  bufferBytes: 12,
  pendingFsyncs: 1,
  delayedFsyncs: 4,
};

const TIER: TierFacts = {
  hotKeys: 5,
  coldKeys: 7,
  hotBytes: 1000,
  coldBytes: 5000,
  hotHits: 3,
  hotMisses: 6,
  records: 9,
  found: 1,
  absent: 2,
  absentUnread: 1,
  replacedUnread: 0,
  spilledEntries: 3,
  spilledBytes: 4,
  droppedEntries: 5,
  isWriting: true,
  pendingDeletes: 6,
  memoryWaiters: 7,
  memoryWaits: 8,
  failure: "disk: full\n",
  recordsDamaged: 0,
  levelFiles: [2, 3],
  pinnedKeys: 4,
  keptBytes: 0.5,
  readMicroseconds: [1, 2, 3],
  spilledBytesPerSecond: 5,
  levelZeroFiles: 2,
  undoBlocks: 3,
  generation: 4,
  lastCheckpointMs: 5999,
};

const RDB = {
  keysProcessed: 1,
  keysTotal: 8,
  changesSinceSave: 5,
  isSaving: false,
  lastSaveMs: 1_700_000_000_999,
  isLastSaveOk: true,
  lastSaveDurationMs: -1,
  presentSaveMs: -1,
  saves: 0,
  keysLoaded: 3,
  keysExpiredAtLoad: 2,
};

const LOADING = {
  startedMs: 1_700_000_000_000,
  totalBytes: 1000,
  loadedBytes: 250,
  usedMemoryBytes: 5000,
  secondsLeft: 29,
};

const SERVER: ServerFacts = {
  redisVersion: "7.2.4",
  version: "0.1.0",
  processId: 42,
  runId: "f".repeat(40),
  tcpPort: 6379,
  timeMicroseconds: 1_700_000_010_000_000,
  uptimeMs: 2 * 86_400_000 + 1500,
  hz: 10,
  lruClock: 7,
  executable: "/bin/server",
  configFile: "",
  listeners: [
    { kind: "tcp", binds: ["127.0.0.1", "-::1"], port: 6379 },
    { kind: "unix", binds: ["/tmp/s"], port: 0 },
  ],
};

const REPLICATION: ReplicationFacts = {
  replicas: [
    { ip: "10.0.0.7", port: 6380, state: "online", acknowledged: 90, lagSeconds: 1 },
    { ip: "10.0.0.8", port: 0, state: "wait_bgsave", acknowledged: 0, lagSeconds: 0 },
  ],
  goodReplicas: 1,
  id: "a".repeat(40),
  offset: 120,
  backlogBytes: 1024,
  held: { firstOffset: 20, bytes: 100 },
  fullSyncs: 2,
  partialSyncs: 3,
  refusedPartialSyncs: 4,
};

const COUNTERS: CounterFacts = {
  connectionsReceived: 11,
  connectionsRejected: 1,
  commandsProcessed: 12,
  expired: 1,
  expiryTimeouts: 2,
  expiryMs: 3,
  expiredFields: 11,
  evicted: 2,
  evictedClients: 9,
  hits: 3,
  misses: 4,
  channels: 6,
  patterns: 7,
  shardChannels: 8,
  trackedKeys: 21,
  trackedItems: 22,
  trackedPrefixes: 23,
  migrationSockets: 24,
  stalePercent: 25.5,
  denials: { auth: 1, command: 2, key: 3, channel: 4 },
  eventLoop: {
    cycles: 26,
    microseconds: 27,
    commandMicroseconds: 28,
    cyclesPerSecond: 29,
    microsecondsPerCycle: 30,
  },
};

function source(parts: Partial<InfoSource> = {}): InfoSource {
  const table = new CommandTable(commandSpecs);
  return {
    statistics: new Statistics(),
    commands: () => table.all,
    latencyPercentiles: () => undefined,
    server: () => SERVER,
    clients: () => ({
      connected: 3,
      maximum: 100,
      largestInputBytes: 5,
      largestOutputBytes: 6,
      blocked: 1,
      withTimeout: 1,
      tracking: 2,
      blockingKeys: 31,
      blockingKeysUntilGone: 32,
    }),
    memory: () => ({
      usedBytes: 3 * 1024 * 1024,
      peakBytes: 4 * 1024 * 1024,
      overheadBytes: 1024 * 1024,
      startupBytes: 512 * 1024,
      residentBytes: 6 * 1024 * 1024,
      systemBytes: 2 ** 34,
      maxmemoryBytes: 0,
      maxmemoryPolicy: "noeviction",
      clientBytes: 2048,
      backlogBytes: 1024,
      replicaBytes: 512,
      streamBytes: 1536,
      aofBufferBytes: 0,
      slabBytes: 4 * 1024 * 1024,
      allocatedBytes: 2 * 1024 * 1024,
      uncountedBytes: 0,
      lazyPending: 1,
      lazyFreed: 2,
      scripting: SCRIPTING,
      heapBytes: 9,
    }),
    persistence: () => ({ loading: LOADING, rdb: RDB, aof: AOF, scrub: SCRUB }),
    counters: () => COUNTERS,
    replication: () => ({ ...REPLICATION, replicas: [], goodReplicas: undefined }),
    databases: () => [
      { index: 0, keys: 2, expires: 1, averageTtlMs: 1234.9 },
      { index: 1, keys: 0, expires: 0, averageTtlMs: 0 },
      { index: 5, keys: 1, expires: 0, averageTtlMs: 0 },
    ],
    tier: () => TIER,
    ...parts,
  };
}

function titles(text: string): string[] {
  return [...text.matchAll(/^# (\w+)\r$/gm)].map((match) => match[1]);
}

function fieldNames(text: string): string[] {
  return [...text.matchAll(/^([^#:\r\n]+):/gm)].map((match) => match[1]);
}

describe("sections", () => {
  const usual =
    "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Tier Keyspace".split(
      " ",
    );

  test("are those asked for, in their own order, once each", () => {
    expect(titles(infoText(source(), []))).toEqual(usual);
    expect(titles(infoText(source(), ["default"]))).toEqual(usual);
    const stats = [...usual.slice(0, 8), "Commandstats", ...usual.slice(8)];
    const all = [...stats.slice(0, 10), "Latencystats", ...stats.slice(10)];
    expect(titles(infoText(source(), ["all"]))).toEqual(all);
    expect(titles(infoText(source(), ["everything", "server"]))).toEqual(all);
    expect(titles(infoText(source(), ["default", "commandstats"]))).toEqual(stats);
    expect(titles(infoText(source(), ["keyspace", "server", "keyspace"]))).toEqual(["Server", "Keyspace"]);
    expect(infoText(source(), ["nothing"])).toBe("");
  });

  test("are parted by empty lines and end in line ends", () => {
    expect(infoText(source(), ["cluster", "keyspace", "modules"])).toBe(
      "# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n" +
        "db0:keys=2,expires=1,avg_ttl=1234\r\ndb5:keys=1,expires=0,avg_ttl=0\r\n",
    );
  });

  test("that of replication tells of replicas, and of what is kept for them", () => {
    const lines = [
      "# Replication",
      "role:master",
      "connected_slaves:2",
      "min_slaves_good_slaves:1",
      "slave0:ip=10.0.0.7,port=6380,state=online,offset=90,lag=1",
      "slave1:ip=10.0.0.8,port=0,state=wait_bgsave,offset=0,lag=0",
      "master_failover_state:no-failover",
      `master_replid:${"a".repeat(40)}`,
      `master_replid2:${"0".repeat(40)}`,
      "master_repl_offset:120",
      "second_repl_offset:-1",
      "repl_backlog_active:1",
      "repl_backlog_size:1024",
      "repl_backlog_first_byte_offset:21",
      "repl_backlog_histlen:100",
      "",
    ];
    expect(infoText(source({ replication: () => REPLICATION }), ["replication"])).toBe(lines.join("\r\n"));
  });

  test("the tier's is there if there is a tier", () => {
    expect(infoText(source({ tier: () => undefined }), ["tier"])).toBe("");
    const text = infoText(source(), ["tier"]);
    expect(text).toContain("cold_keys:7\r\n");
    expect(text).toContain("tier_last_write_status:disk_ full_\r\n");
    expect(text).toContain("tier_last_checkpoint_time:5\r\n");
  });
});

describe("values", () => {
  test("of memory", () => {
    const text = infoText(source(), ["memory"]);
    for (const line of [
      "used_memory:3145728",
      "used_memory_human:3.00M",
      "used_memory_peak_perc:75.00%",
      "used_memory_dataset:2097152",
      "used_memory_dataset_perc:80.00%",
      "total_system_memory_human:16.00G",
      "maxmemory:0",
      "maxmemory_human:0B",
      "used_memory_vm_eval:2048",
      "number_of_cached_scripts:7",
      "used_memory_scripts_human:800B",
      "mem_fragmentation_ratio:2.00",
    ]) {
      expect(text).toContain(`\r\n${line}\r\n`);
    }
  });

  test("of Redis 7.2", () => {
    const text = infoText(source(), ["server", "clients", "stats"]);
    for (const line of [
      "listener0:name=tcp,bind=127.0.0.1,bind=-::1,port=6379",
      "listener1:name=unix,bind=/tmp/s",
      "total_blocking_keys:31",
      "total_blocking_keys_on_nokey:32",
      "acl_access_denied_auth:1",
      "acl_access_denied_cmd:2",
      "acl_access_denied_key:3",
      "acl_access_denied_channel:4",
      "eventloop_cycles:26",
      "eventloop_duration_sum:27",
      "eventloop_duration_cmd_sum:28",
      "instantaneous_eventloop_cycles_per_sec:29",
      "instantaneous_eventloop_duration_usec:30",
      "expired_stale_perc:25.50",
      "migrate_cached_sockets:24",
    ]) {
      expect(text).toContain(`\r\n${line}\r\n`);
    }
  });

  test("of persistence", () => {
    const text = infoText(source(), ["persistence"]);
    for (const line of [
      "loading:1",
      "loading_rdb_used_mem:5000",
      "loading_loaded_perc:25.00",
      "loading_eta_seconds:29",
      "rdb_last_save_time:1700000000",
      "current_fork_perc:12.50",
      "current_save_keys_processed:1",
      "current_save_keys_total:8",
      "rdb_last_load_keys_expired:2",
      "rdb_last_load_keys_loaded:3",
      "aof_last_rewrite_time_sec:2",
      "aof_current_rewrite_time_sec:-1",
      "aof_last_write_status:err",
      "aof_current_size:900",
      "scrub_enabled:1",
      "scrub_rounds:2",
      "scrub_bytes_read:3000",
      "scrub_damaged_records:4",
      "scrub_damaged_files:5",
    ]) {
      expect(text).toContain(`\r\n${line}\r\n`);
    }
    const off = { loading: undefined, rdb: RDB, aof: { ...AOF, isEnabled: false }, scrub: SCRUB };
    const rest = infoText(source({ persistence: () => off }), ["persistence"]);
    expect(rest).toContain("aof_enabled:0");
    expect(rest).not.toMatch(/aof_current_size|loading_/);
  });

  test("of commands and errors", () => {
    const statistics = new Statistics();
    for (const text of ["ERR a", "OOM b", "ERR c"]) statistics.countError(text);
    const table = new CommandTable(commandSpecs);
    const commands = () => table.all;
    Object.assign(table.findByName("get") ?? {}, { calls: 4, microseconds: 10.4, rejectedCalls: 1 });
    Object.assign(table.findByName("client", "list") ?? {}, { failedCalls: 2 });
    expect(infoText(source({ statistics, commands }), ["commandstats", "errorstats"])).toBe(
      "# Commandstats\r\n" +
        "cmdstat_get:calls=4,usec=10,usec_per_call=2.50,rejected_calls=1,failed_calls=0\r\n" +
        "cmdstat_client|list:calls=0,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=2\r\n" +
        "\r\n# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_OOM:count=1\r\n",
    );
  });

  test("of the event loop, where it is measured", () => {
    const statistics = new Statistics();
    expect(infoText(source({ statistics }), ["stats"])).not.toContain("event_loop");
    statistics.loopDelay = new LoopDelay();
    const text = infoText(source({ statistics }), ["stats"]);
    for (const name of ["p50", "p99", "p999", "max"]) {
      expect(text).toMatch(new RegExp(`\\r\\nevent_loop_delay_${name}_ms:\\d+\\.\\d{3}\\r\\n`));
    }
  });

  test("for people", () => {
    expect([0, 1023, 1024, 1536, 1024 ** 3 * 2.5, 1024 ** 5].map(humanBytes)).toEqual([
      "0B",
      "1023B",
      "1.00K",
      "1.50K",
      "2.50G",
      "1.00P",
    ]);
    expect([percent(1, 0), percent(1, 3), ratio(1, 0), ratio(2, 3)]).toEqual([
      "0.00%",
      "33.33%",
      "0.00",
      "0.67",
    ]);
    expect(safeText("a:b#c\r\n")).toBe("a_b_c__");
  });
});

describe.skipIf(!hasRedisServer)(
  "fields as in the real Redis (skipped where redis-server is missing)",
  () => {
    test("have its names, in its order", async () => {
      const folder = temporaryFolder();
      const server = await startRedisServer(["--save", "", "--appendonly", "yes"], folder);
      try {
        const redis = await RawClient.connect(server.port);
        for (const section of [
          "server",
          "clients",
          "memory",
          "persistence",
          "stats",
          "replication",
          "cpu",
          "cluster",
        ]) {
          const expected = fieldNames(await redis.text("INFO", section));
          const idle = { ...source().persistence(), loading: undefined };
          const actual = fieldNames(infoText(source({ persistence: () => idle }), [section]));
          const shared = actual.filter((name) => !OWN_FIELDS.has(name));
          expect(shared.length).toBeGreaterThan(0);
          expect(
            expected.filter((name) => shared.includes(name)),
            section,
          ).toEqual(shared);
        }
        redis.close();
      } finally {
        await server.stop();
        removeFolder(folder);
      }
    });
  },
);
