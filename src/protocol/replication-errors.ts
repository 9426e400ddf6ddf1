/**
 * Error texts of replication: of SYNC, PSYNC, REPLCONF, REPLICAOF and FAILOVER, to replicas, and for want of them. As
 * in errors.ts, the texts are those of Redis 7.0.
 */

export const SYNC_WITH_PENDING_OUTPUT = "ERR SYNC and PSYNC are invalid with pending output";
export const FILTER_NEEDS_EOF = "ERR Filtered replica requires EOF capability";
export const BGSAVE_FOR_SYNC_FAILED = "ERR BGSAVE failed, replication can't continue";
export const PSYNC_FAILOVER_TO_MASTER = "ERR PSYNC FAILOVER can't be sent to a master.";
export const MISSING_RDB_FILTER = "ERR Missing rdb-filter-only values";
export const CANNOT_BE_REPLICA = "ERR This server can only be a master, and not a replica yet";
export const NO_FAILOVER = "ERR No failover in progress.";
export const FAILOVER_NEEDS_REPLICAS = "ERR FAILOVER requires connected replicas.";
export const FAILOVER_TIMEOUT_NOT_POSITIVE = "ERR FAILOVER timeout must be greater than 0";
export const INVALID_MASTER_PORT = "ERR Invalid master port";
export const NO_GOOD_REPLICAS = "NOREPLICAS Not enough good replicas to write.";
/** To replicas, and to clients that watch all commands, which Redis counts as such. */
export const REPLICA_HAS_NO_KEYSPACE = "ERR Replica can't interact with the keyspace";

/** REPLCONF ip-address. */
export function ipAddressTooLong(bytes: number): string {
  return `ERR REPLCONF ip-address provided by replica instance is too long: ${bytes} bytes`;
}

export function unknownReplconfOption(option: string): string {
  return `ERR Unrecognized REPLCONF option: ${option}`;
}

export function unsupportedRdbFilter(part: string): string {
  return `ERR Unsupported rdb-filter-only option: ${part}`;
}
