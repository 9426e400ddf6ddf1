/**
 * Every directive there is, one line each: Redis 7.0's, with its names, defaults and ranges, and tsredis's own.
 * docs/configuration.md describes them for people; a test keeps the two in step.
 *
 * The status (first argument) says how far a directive has an effect, see `SettingStatus`. A feature that starts to
 * obey one changes that word to "used", and adds it to the document.
 */
import { machineMemoryBytes } from "../../base/machine-memory.ts";
import { EVICTION_POLICIES } from "../../keyspace/eviction.ts";
import { INT_MIN, LONG_MAX, UINT_MAX, ULONG_MAX } from "./numbers.ts";
import {
  enumeration,
  integer,
  memory,
  memoryOrPercent,
  octal,
  type Setting,
  secret,
  text,
  yesNo,
} from "./setting.ts";
import {
  activeDefragmentation,
  addresses,
  eventClasses,
  flags,
  folder,
  masterAddress,
  numbers,
  outputBufferLimits,
  percentiles,
  savePoints,
} from "./special-settings.ts";

const fixed = { immutable: true } as const;
/** Of ours. */
const ownFixed = { immutable: true, toleratesSame: true } as const;
const hidden = { hidden: true } as const;
const rereads = { rereads: true } as const;

const LOCAL_FACILITIES = [
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
] as const;
const PROTECTED_ACTIONS = ["no", "yes", "local"] as const;
const SHUTDOWN_FLAGS = ["default", "save", "nosave", "now", "force"] as const;

export const settings = {
  // Network and clients
  port: integer("used", 6379, { max: 65535 }),
  bind: addresses("used", "127.0.0.1 -::1"),
  "protected-mode": yesNo("used", "yes"),
  "tcp-backlog": integer("used", 511, fixed),
  timeout: integer("used", 0, { unit: "seconds" }),
  "tcp-keepalive": integer("used", 300, { unit: "seconds" }),
  maxclients: integer("used", 10000, { min: 1, max: UINT_MAX }),
  requirepass: secret("used"),
  "proto-max-bulk-len": memory("used", "512mb", { min: 1 << 20 }),
  "client-query-buffer-limit": memory("used", "1gb", { min: 1 << 20 }),
  "client-output-buffer-limit": outputBufferLimits(
    "used",
    "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
  ),
  "busy-reply-threshold": integer("used", 5000, {
    max: LONG_MAX,
    alias: "lua-time-limit",
    unit: "milliseconds",
  }),
  "bind-source-addr": text("ignored", ""),
  unixsocket: text("used", "", fixed),
  unixsocketperm: octal("used", "0", 0o777, fixed),
  "socket-mark-id": integer("ignored", 0, { max: UINT_MAX, ...fixed }),
  "maxmemory-clients": memoryOrPercent("used", "0"),
  "tracking-table-max-keys": integer("used", 1_000_000, { max: LONG_MAX }),

  // General
  dir: folder("used", { protected: true, deniedWhileLoading: true }),
  databases: integer("used", 16, { min: 1, ...fixed }),
  loglevel: enumeration("used", "notice", ["debug", "verbose", "notice", "warning"]),
  logfile: text("used", "", fixed),
  pidfile: text("used", "", fixed),
  hz: integer("used", 10, { cap: [1, 500], unit: "times a second" }),
  "enable-protected-configs": enumeration("used", "no", PROTECTED_ACTIONS, fixed),
  "enable-debug-command": enumeration("used", "no", PROTECTED_ACTIONS, fixed),
  "enable-module-command": enumeration("ignored", "no", PROTECTED_ACTIONS, fixed),
  daemonize: yesNo("used", "no", fixed),
  supervised: enumeration("ignored", "no", ["upstart", "systemd", "auto", "no"], fixed),
  "always-show-logo": yesNo("ignored", "no", fixed),
  "set-proc-title": yesNo("ignored", "yes", fixed),
  "proc-title-template": text("ignored", "{title} {listen-addr} {server-mode}"),
  "syslog-enabled": yesNo("ignored", "no", fixed),
  "syslog-ident": text("ignored", "redis", fixed),
  "syslog-facility": enumeration("ignored", "local0", ["user", ...LOCAL_FACILITIES], fixed),
  "dynamic-hz": yesNo("ignored", "yes"),
  "io-threads": integer("ignored", 1, { min: 1, max: 128, ...fixed }),
  "io-threads-do-reads": yesNo("ignored", "no", fixed),
  "disable-thp": yesNo("ignored", "yes", fixed),
  "oom-score-adj": enumeration("ignored", "no", ["no", "yes", "relative", "absolute"], {
    synonyms: { relative: "yes" },
  }),
  "oom-score-adj-values": numbers(
    "ignored",
    "0 200 800",
    3,
    "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
  ),
  server_cpulist: text("ignored", "", fixed),
  bio_cpulist: text("ignored", "", fixed),
  aof_rewrite_cpulist: text("ignored", "", fixed),
  bgsave_cpulist: text("ignored", "", fixed),
  "ignore-warnings": text("ignored", ""),
  "crash-log-enabled": yesNo("ignored", "yes"),
  "crash-memcheck-enabled": yesNo("ignored", "yes"),
  "use-exit-on-panic": yesNo("ignored", "no", hidden),
  "watchdog-period": integer("ignored", 0, { unit: "milliseconds", ...hidden }),
  "shutdown-timeout": integer("used", 10, { unit: "seconds" }),
  "shutdown-on-sigint": flags("used", "default", SHUTDOWN_FLAGS, checkShutdown),
  "shutdown-on-sigterm": flags("used", "default", SHUTDOWN_FLAGS, checkShutdown),
  "propagation-error-behavior": enumeration("ignored", "ignore", ["ignore", "panic", "panic-on-replicas"]),

  // Memory and expiry
  maxmemory: memory("used", halfOfMemory, { max: ULONG_MAX }),
  "maxmemory-policy": enumeration("used", "noeviction", EVICTION_POLICIES),
  "maxmemory-samples": integer("used", 5, { min: 1 }),
  "maxmemory-eviction-tenacity": integer("stored", 10, { max: 100 }),
  "lfu-log-factor": integer("used", 10),
  "lfu-decay-time": integer("used", 1, { unit: "minutes" }),
  "active-expire-effort": integer("stored", 1, { min: 1, max: 10 }),
  "lazyfree-lazy-eviction": yesNo("stored", "no"),
  "lazyfree-lazy-expire": yesNo("stored", "no"),
  "lazyfree-lazy-server-del": yesNo("stored", "no"),
  "lazyfree-lazy-user-del": yesNo("stored", "no"),
  "lazyfree-lazy-user-flush": yesNo("used", "no"),
  activerehashing: yesNo("ignored", "yes"),
  "jemalloc-bg-thread": yesNo("ignored", "yes"),
  activedefrag: activeDefragmentation(),
  "active-defrag-cycle-min": integer("ignored", 1, { min: 1, max: 99 }),
  "active-defrag-cycle-max": integer("ignored", 25, { min: 1, max: 99 }),
  "active-defrag-threshold-lower": integer("ignored", 10, { max: 1000 }),
  "active-defrag-threshold-upper": integer("ignored", 100, { max: 1000 }),
  "active-defrag-max-scan-fields": integer("ignored", 1000, { min: 1, max: LONG_MAX }),
  "active-defrag-ignore-bytes": memory("ignored", "100mb", { min: 1 }),

  // Cold tier
  "cold-tier": yesNo("used", "yes", ownFixed),
  "cold-tier-cache-size": memory("used", "8mb", { min: 1 << 20, max: 2 ** 40, ...ownFixed }),
  "cold-tier-compression": yesNo("used", "yes"),
  "cold-tier-spill-all": yesNo("used", "no", ownFixed),

  // Append-only file
  appendonly: yesNo("used", "yes", { deniedWhileLoading: true }),
  appendfilename: text("used", "appendonly.aof", {
    check: checkName("appendfilename", "a filename"),
    ...fixed,
  }),
  appenddirname: text("used", "appendonlydir", { check: checkName("appenddirname", "a dirname"), ...fixed }),
  appendfsync: enumeration("used", "everysec", ["everysec", "always", "no"]),
  "no-appendfsync-on-rewrite": yesNo("stored", "no"),
  "auto-aof-rewrite-percentage": integer("used", 50, { unit: "percent" }),
  "auto-aof-rewrite-min-size": memory("used", "64mb"),
  "aof-load-truncated": yesNo("used", "yes"),
  "aof-use-rdb-preamble": yesNo("used", "yes"),
  "aof-timestamp-enabled": yesNo("used", "yes"),
  "aof-disable-auto-gc": yesNo("used", "no"),
  "aof-rewrite-incremental-fsync": yesNo("used", "yes"),

  // Snapshots
  save: savePoints("used", "3600 1 300 100 60 10000"),
  dbfilename: text("used", "dump.rdb", { check: checkBaseName("dbfilename", "a filename"), protected: true }),
  rdbcompression: yesNo("used", "yes"),
  rdbchecksum: yesNo("used", "yes", fixed),
  "stop-writes-on-bgsave-error": yesNo("used", "yes"),
  "sanitize-dump-payload": enumeration("stored", "no", ["no", "yes", "clients"]),
  "rdb-save-incremental-fsync": yesNo("used", "yes"),
  "save-max-bytes-per-second": memory("used", "0"),
  "scrub-bytes-per-second": memory("used", "256kb", { max: 2 ** 40 }),
  "rdb-del-sync-files": yesNo("ignored", "no"),
  "rdb-key-save-delay": integer("used", 0, { min: INT_MIN, unit: "microseconds", ...hidden }),
  "key-load-delay": integer("used", 0, { min: INT_MIN, unit: "microseconds", ...hidden }),
  "loading-process-events-interval-bytes": integer("used", 2 << 20, {
    min: 1024,
    unit: "bytes",
    ...hidden,
  }),

  // Data types: from which size on a value is no longer kept in its packed form
  "list-max-listpack-size": integer("used", -2, { min: INT_MIN, alias: "list-max-ziplist-size" }),
  "list-compress-depth": integer("stored", 0),
  "hash-max-listpack-entries": integer("used", 512, { max: LONG_MAX, alias: "hash-max-ziplist-entries" }),
  "hash-max-listpack-value": memory("used", "64", { alias: "hash-max-ziplist-value" }),
  "set-max-intset-entries": integer("used", 512, { max: LONG_MAX }),
  "zset-max-listpack-entries": integer("used", 128, { max: LONG_MAX, alias: "zset-max-ziplist-entries" }),
  "zset-max-listpack-value": memory("used", "64", { alias: "zset-max-ziplist-value" }),
  "stream-node-max-bytes": memory("used", "4096"),
  "stream-node-max-entries": integer("used", 100, { max: LONG_MAX }),
  "hll-sparse-max-bytes": memory("used", "3000"),

  // Observation
  "slowlog-log-slower-than": integer("used", 10000, { min: -1, max: LONG_MAX, unit: "microseconds" }),
  "slowlog-max-len": integer("used", 128, { max: LONG_MAX }),
  "latency-monitor-threshold": integer("used", 0, { max: LONG_MAX, unit: "milliseconds" }),
  "latency-tracking": yesNo("used", "yes"),
  "latency-tracking-info-percentiles": percentiles("used", "50 99 99.9"),
  "notify-keyspace-events": eventClasses("used"),
  "acllog-max-len": integer("used", 128, { max: LONG_MAX }),

  // Access control
  aclfile: text("used", "", fixed),
  "acl-pubsub-default": enumeration("used", "resetchannels", ["allchannels", "resetchannels"]),

  // Replication
  replicaof: masterAddress("ignored", { alias: "slaveof", ...fixed }),
  masteruser: secret("ignored"),
  masterauth: secret("ignored"),
  "replica-announced": yesNo("ignored", "yes"),
  "replica-announce-ip": text("ignored", "", { alias: "slave-announce-ip" }),
  "replica-announce-port": integer("ignored", 0, { max: 65535, alias: "slave-announce-port" }),
  "replica-priority": integer("ignored", 100, { alias: "slave-priority" }),
  "replica-lazy-flush": yesNo("ignored", "no", { alias: "slave-lazy-flush" }),
  "replica-serve-stale-data": yesNo("ignored", "yes", { alias: "slave-serve-stale-data" }),
  "replica-read-only": yesNo("ignored", "yes", { alias: "slave-read-only" }),
  "replica-ignore-maxmemory": yesNo("ignored", "yes", { alias: "slave-ignore-maxmemory" }),
  "replica-ignore-disk-write-errors": yesNo("ignored", "no"),
  "min-replicas-to-write": integer("used", 0, { alias: "min-slaves-to-write" }),
  "min-replicas-max-lag": integer("used", 10, { alias: "min-slaves-max-lag", unit: "seconds" }),
  "repl-timeout": integer("used", 60, { min: 1, unit: "seconds" }),
  "repl-ping-replica-period": integer("used", 10, {
    min: 1,
    alias: "repl-ping-slave-period",
    unit: "seconds",
  }),
  "repl-disable-tcp-nodelay": yesNo("ignored", "no"),
  "repl-diskless-sync": yesNo("ignored", "yes"),
  "repl-diskless-sync-delay": integer("ignored", 5, { unit: "seconds" }),
  "repl-diskless-sync-max-replicas": integer("ignored", 0),
  "repl-diskless-load": enumeration("ignored", "disabled", ["disabled", "on-empty-db", "swapdb"], {
    deniedWhileLoading: true,
  }),
  "repl-backlog-size": memory("used", "1mb", { min: 1, least: 16_384n }),
  "repl-backlog-ttl": integer("used", 3600, { max: LONG_MAX, unit: "seconds" }),

  // Cluster
  "cluster-enabled": yesNo("ignored", "no", fixed),
  "cluster-config-file": text("ignored", "nodes.conf", fixed),
  "cluster-node-timeout": integer("ignored", 15000, { max: LONG_MAX, unit: "milliseconds" }),
  "cluster-port": integer("ignored", 0, { max: 65535, ...fixed }),
  "cluster-announce-ip": text("ignored", ""),
  "cluster-announce-hostname": text("ignored", "", { check: checkHostname }),
  "cluster-announce-port": integer("ignored", 0, { max: 65535 }),
  "cluster-announce-tls-port": integer("ignored", 0, { max: 65535 }),
  "cluster-announce-bus-port": integer("ignored", 0, { max: 65535 }),
  "cluster-preferred-endpoint-type": enumeration("ignored", "ip", ["ip", "hostname", "unknown-endpoint"]),
  "cluster-require-full-coverage": yesNo("ignored", "yes"),
  "cluster-migration-barrier": integer("ignored", 1),
  "cluster-allow-replica-migration": yesNo("ignored", "yes"),
  "cluster-replica-validity-factor": integer("ignored", 10, { alias: "cluster-slave-validity-factor" }),
  "cluster-replica-no-failover": yesNo("ignored", "no", { alias: "cluster-slave-no-failover" }),
  "cluster-allow-reads-when-down": yesNo("ignored", "no"),
  "cluster-allow-pubsubshard-when-down": yesNo("ignored", "yes"),
  "cluster-link-sendbuf-limit": memory("ignored", "0", { max: ULONG_MAX }),

  // TLS
  "tls-port": integer("used", 0, { max: 65535 }),
  "tls-cluster": yesNo("ignored", "no"),
  "tls-replication": yesNo("ignored", "no"),
  "tls-auth-clients": enumeration("used", "yes", ["no", "yes", "optional"]),
  "tls-prefer-server-ciphers": yesNo("used", "no"),
  "tls-session-caching": yesNo("used", "yes"),
  "tls-session-cache-size": integer("used", 20480),
  "tls-session-cache-timeout": integer("used", 300, { unit: "seconds" }),
  "tls-cert-file": text("used", "", rereads),
  "tls-key-file": text("used", "", rereads),
  "tls-key-file-pass": text("used", "", { sensitive: true }),
  "tls-client-cert-file": text("ignored", ""),
  "tls-client-key-file": text("ignored", ""),
  "tls-client-key-file-pass": text("ignored", "", { sensitive: true }),
  "tls-dh-params-file": text("used", "", rereads),
  "tls-ca-cert-file": text("used", "", rereads),
  "tls-ca-cert-dir": text("used", "", rereads),
  "tls-protocols": text("used", ""),
  "tls-ciphers": text("used", ""),
  "tls-ciphersuites": text("used", ""),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;

/** The value of every directive, by its name: `values.maxmemory`, `values["maxmemory-policy"]`. */
export type ConfigValues = {
  [Name in SettingName]: (typeof settings)[Name] extends Setting<infer Value> ? Value : never;
};

/** All names, in the table's order. */
export const settingNames = Object.keys(settings) as SettingName[];

/** Half of what the machine (or container) has: the other half is for Node.js, buffers and the page cache. */
function halfOfMemory(): string {
  return String(Math.floor(machineMemoryBytes() / 2));
}

function checkBaseName(directive: string, what: string): (value: string) => string | undefined {
  return (value) => (/[/\\]/.test(value) ? `${directive} can't be a path, just ${what}` : undefined);
}

function checkName(directive: string, what: string): (value: string) => string | undefined {
  const checkPath = checkBaseName(directive, what);
  return (value) => (value === "" ? `${directive} can't be empty` : checkPath(value));
}

function checkHostname(value: string): string | undefined {
  if (Buffer.byteLength(value) >= 256) return "Hostnames must be less than 256 characters";
  if (/^[A-Za-z0-9.-]*$/.test(value)) return undefined;
  return "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

function checkShutdown(value: readonly string[]): string | undefined {
  const isContradictory = value.includes("save") && value.includes("nosave");
  return isContradictory ? "shutdown options SAVE and NOSAVE can't be used simultaneously" : undefined;
}
