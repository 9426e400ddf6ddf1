/**
 * INFO's sections, but for the two large ones with files of their own.
 */
import { arch, machine, platform, release, type as systemName } from "node:os";
import { mainThreadTime } from "../../base/thread-time.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { LoopDelay } from "../loop-delay.ts";
import { settleCalls } from "../observation/calls.ts";
import { type Field, flag, ratio, safeText, seconds } from "./fields.ts";
import type { CounterFacts, EventLoopFacts, InfoSource } from "./info-source.ts";

const SECONDS_PER_DAY = 24 * 3600;
const ARCHITECTURE_BITS = /64|s390x/.test(arch()) ? 64 : 32;

export function serverFields(source: InfoSource): Field[] {
  const server = source.server();
  const uptimeSeconds = seconds(server.uptimeMs);
  return [
    ["redis_version", server.redisVersion],
    ["tsredis_version", server.version],
    ["redis_mode", "standalone"],
    ["os", `${systemName()} ${release()} ${machine()}`],
    ["arch_bits", ARCHITECTURE_BITS],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", platform() === "linux" ? "epoll" : "kqueue"],
    ["node_version", process.versions.node],
    ["process_id", server.processId],
    ["process_supervised", "no"],
    ["run_id", server.runId],
    ["tcp_port", server.tcpPort],
    ["server_time_usec", server.timeMicroseconds],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / SECONDS_PER_DAY)],
    ["hz", server.hz],
    ["configured_hz", server.hz],
    ["lru_clock", server.lruClock],
    ["executable", server.executable],
    ["config_file", server.configFile],
    ["io_threads_active", 0],
    ...server.listeners.map(({ kind, binds, port }, i): Field => {
      const places = [...binds.map((address) => `bind=${address}`), ...(port > 0 ? [`port=${port}`] : [])];
      return [`listener${i}`, [`name=${kind}`, ...places].join(",")];
    }),
  ];
}

export function clientFields(source: InfoSource): Field[] {
  const clients = source.clients();
  return [
    ["connected_clients", clients.connected],
    ["cluster_connections", 0],
    ["maxclients", clients.maximum],
    ["client_recent_max_input_buffer", clients.largestInputBytes],
    ["client_recent_max_output_buffer", clients.largestOutputBytes],
    ["blocked_clients", clients.blocked],
    ["tracking_clients", clients.tracking],
    ["clients_in_timeout_table", clients.withTimeout],
    ["total_blocking_keys", clients.blockingKeys],
    ["total_blocking_keys_on_nokey", clients.blockingKeysUntilGone],
  ];
}

export function statsFields(source: InfoSource): Field[] {
  const { statistics } = source;
  const counters = source.counters();
  const replication = source.replication();
  return [
    ["total_connections_received", counters.connectionsReceived],
    ["total_commands_processed", counters.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(statistics.commandRate.value)],
    ["total_net_input_bytes", statistics.inputBytes],
    ["total_net_output_bytes", statistics.outputBytes],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", statistics.replicationOutputBytes],
    ["instantaneous_input_kbps", ratio(statistics.inputRate.value, 1024)],
    ["instantaneous_output_kbps", ratio(statistics.outputRate.value, 1024)],
    ["instantaneous_input_repl_kbps", ratio(0, 1)],
    ["instantaneous_output_repl_kbps", ratio(statistics.replicationOutputRate.value, 1024)],
    ["rejected_connections", counters.connectionsRejected],
    ["sync_full", replication.fullSyncs],
    ["sync_partial_ok", replication.partialSyncs],
    ["sync_partial_err", replication.refusedPartialSyncs],
    ["expired_subkeys", counters.expiredFields],
    ["expired_keys", counters.expired],
    ["expired_stale_perc", counters.stalePercent.toFixed(2)],
    ["expired_time_cap_reached_count", counters.expiryTimeouts],
    ["expire_cycle_cpu_milliseconds", Math.round(counters.expiryMs)],
    ["evicted_keys", counters.evicted],
    ["evicted_clients", counters.evictedClients],
    ["total_eviction_exceeded_time", Math.round(statistics.overLimit.totalMs)],
    ["current_eviction_exceeded_time", Math.round(statistics.overLimit.presentMs)],
    ["keyspace_hits", counters.hits],
    ["keyspace_misses", counters.misses],
    ["pubsub_channels", counters.channels],
    ["pubsub_patterns", counters.patterns],
    ["pubsubshard_channels", counters.shardChannels],
    // There is no second process, and nothing is moved about in memory.
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", counters.migrationSockets],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["total_active_defrag_time", 0],
    ["current_active_defrag_time", 0],
    ["tracking_total_keys", counters.trackedKeys],
    ["tracking_total_items", counters.trackedItems],
    ["tracking_total_prefixes", counters.trackedPrefixes],
    ["total_error_replies", statistics.errorReplies],
    ["total_reads_processed", statistics.reads],
    ["total_writes_processed", statistics.writes],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ...denialFields(counters.denials),
    ...eventLoopFields(counters.eventLoop),
    ...loopDelayFields(statistics.loopDelay),
  ];
}

function denialFields({ auth, command, key, channel }: CounterFacts["denials"]): Field[] {
  return [
    ["acl_access_denied_auth", auth],
    ["acl_access_denied_cmd", command],
    ["acl_access_denied_key", key],
    ["acl_access_denied_channel", channel],
  ];
}

function eventLoopFields(loop: EventLoopFacts): Field[] {
  return [
    ["eventloop_cycles", loop.cycles],
    ["eventloop_duration_sum", loop.microseconds],
    ["eventloop_duration_cmd_sum", Math.round(loop.commandMicroseconds)],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(loop.cyclesPerSecond)],
    ["instantaneous_eventloop_duration_usec", Math.round(loop.microsecondsPerCycle)],
  ];
}

function loopDelayFields(delay: LoopDelay | undefined): Field[] {
  if (delay === undefined) return [];
  return [
    ["event_loop_delay_p50_ms", delay.percentileMs(50).toFixed(3)],
    ["event_loop_delay_p99_ms", delay.percentileMs(99).toFixed(3)],
    ["event_loop_delay_p999_ms", delay.percentileMs(99.9).toFixed(3)],
    ["event_loop_delay_max_ms", delay.maxMs.toFixed(3)],
  ];
}

/** Those of a master. */
export function replicationFields(source: InfoSource): Field[] {
  const { backlogBytes, goodReplicas, held, id, offset, replicas } = source.replication();
  return [
    ["role", "master"],
    ["connected_slaves", replicas.length],
    ...(goodReplicas === undefined ? [] : [["min_slaves_good_slaves", goodReplicas] as const]),
    ...replicas.map(({ acknowledged, ip, lagSeconds, port, state }, i): Field => {
      const place = `ip=${ip},port=${port},state=${state}`;
      return [`slave${i}`, `${place},offset=${acknowledged},lag=${lagSeconds}`];
    }),
    ["master_failover_state", "no-failover"],
    ["master_replid", id],
    ["master_replid2", "0".repeat(id.length)],
    ["master_repl_offset", offset],
    ["second_repl_offset", -1],
    ["repl_backlog_active", flag(held !== undefined)],
    ["repl_backlog_size", backlogBytes],
    // Redis counts bytes from 1.
    ["repl_backlog_first_byte_offset", held === undefined ? 0 : held.firstOffset + 1],
    ["repl_backlog_histlen", held?.bytes ?? 0],
  ];
}

/** Of the whole process, its threads included; it has no children. */
export function cpuFields(): Field[] {
  const { system, user } = process.cpuUsage();
  return [
    ["used_cpu_sys", microsecondsAsSeconds(system)],
    ["used_cpu_user", microsecondsAsSeconds(user)],
    ["used_cpu_sys_children", microsecondsAsSeconds(0)],
    ["used_cpu_user_children", microsecondsAsSeconds(0)],
    ...mainThreadFields(),
  ];
}

function mainThreadFields(): Field[] {
  const time = mainThreadTime();
  if (time === undefined) return [];
  return [
    ["used_cpu_sys_main_thread", microsecondsAsSeconds(time.systemMicroseconds)],
    ["used_cpu_user_main_thread", microsecondsAsSeconds(time.userMicroseconds)],
  ];
}

function microsecondsAsSeconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}

export function commandFields(source: InfoSource): Field[] {
  const fields: Field[] = [];
  for (const command of source.commands()) addCommandFields(fields, command);
  return fields;
}

function addCommandFields(fields: Field[], command: CompiledCommand): void {
  settleCalls(command);
  const { calls, rejectedCalls, failedCalls } = command;
  const microseconds = Math.round(command.microseconds);
  if (calls + rejectedCalls + failedCalls > 0) {
    const time = `usec=${microseconds},usec_per_call=${ratio(microseconds, calls)}`;
    const rest = `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`;
    fields.push([`cmdstat_${command.fullName}`, `calls=${calls},${time},${rest}`]);
  }
  for (const subcommand of command.subcommands?.all ?? []) addCommandFields(fields, subcommand);
}

/** How long calls of commands took; with nothing in it while that is not recorded. */
export function latencyFields(source: InfoSource): Field[] {
  const percentiles = source.latencyPercentiles();
  const fields: Field[] = [];
  if (percentiles === undefined) return fields;
  for (const command of source.commands()) addLatencyFields(fields, command, percentiles);
  return fields;
}

function addLatencyFields(fields: Field[], command: CompiledCommand, percentiles: readonly number[]): void {
  settleCalls(command);
  const { histogram, fullName, subcommands } = command;
  if (histogram !== undefined) {
    const texts = percentiles.map(
      (percentile) => `p${percentile}=${(histogram.percentile(percentile) / 1000).toFixed(3)}`,
    );
    fields.push([`latency_percentiles_usec_${fullName}`, texts.join(",")]);
  }
  for (const subcommand of subcommands?.all ?? []) addLatencyFields(fields, subcommand, percentiles);
}

export function errorFields({ statistics }: InfoSource): Field[] {
  return statistics.errorCounts().map(([code, count]) => [`errorstat_${safeText(code)}`, `count=${count}`]);
}

export function clusterFields(): Field[] {
  return [["cluster_enabled", 0]];
}

export function keyspaceFields(source: InfoSource): Field[] {
  const fields: Field[] = [];
  for (const { index, keys, expires, averageTtlMs } of source.databases()) {
    if (keys === 0) continue;
    fields.push([`db${index}`, `keys=${keys},expires=${expires},avg_ttl=${Math.floor(averageTtlMs)}`]);
  }
  return fields;
}

export function tierFields(source: InfoSource): Field[] | undefined {
  const tier = source.tier();
  if (tier === undefined) return undefined;
  return [
    ["hot_keys", tier.hotKeys],
    ["cold_keys", tier.coldKeys],
    ["hot_bytes", tier.hotBytes],
    ["cold_bytes", tier.coldBytes],
    ["hot_hits", tier.hotHits],
    ["hot_misses", tier.hotMisses],
    ["tier_records", tier.records],
    ["tier_keys_found", tier.found],
    ["tier_keys_absent", tier.absent],
    ["tier_keys_absent_unread", tier.absentUnread],
    ["tier_keys_replaced_unread", tier.replacedUnread],
    ["tier_read_usec_p50", tier.readMicroseconds[0].toFixed(3)],
    ["tier_read_usec_p99", tier.readMicroseconds[1].toFixed(3)],
    ["tier_read_usec_p99.9", tier.readMicroseconds[2].toFixed(3)],
    ["tier_pinned_keys", tier.pinnedKeys],
    ["tier_kept_bytes", Math.round(tier.keptBytes)],
    ["tier_spilled_entries", tier.spilledEntries],
    ["tier_spilled_bytes", tier.spilledBytes],
    ["tier_spilled_bytes_per_sec", Math.round(tier.spilledBytesPerSecond)],
    ["tier_dropped_entries", tier.droppedEntries],
    ["tier_write_in_progress", flag(tier.isWriting)],
    ["tier_pending_deletes", tier.pendingDeletes],
    ["tier_memory_waiters", tier.memoryWaiters],
    ["tier_memory_waits", tier.memoryWaits],
    ["tier_last_write_status", tier.failure === "" ? "ok" : safeText(tier.failure)],
    ["tier_damaged_records", tier.recordsDamaged],
    ["tier_level0_files", tier.levelZeroFiles],
    ["tier_level_files", tier.levelFiles.join(",")],
    ["tier_undo_entries", tier.undoBlocks],
    ["tier_generation", tier.generation],
    ["tier_last_checkpoint_time", seconds(tier.lastCheckpointMs)],
  ];
}
