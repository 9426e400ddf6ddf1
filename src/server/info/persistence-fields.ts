/**
 * INFO's section Persistence.
 */
import { type Field, flag, seconds, status } from "./fields.ts";
import type { AofFacts, InfoSource, LoadingFacts, RdbFacts, ScrubFacts } from "./info-source.ts";

export function persistenceFields(source: InfoSource): Field[] {
  const { loading, rdb, aof, scrub } = source.persistence();
  return [
    ["loading", flag(loading !== undefined)],
    ["async_loading", 0],
    ...rdbFields(rdb),
    ...aofFields(aof),
    ...scrubFields(scrub),
    ...(loading === undefined ? [] : loadingFields(loading)),
  ];
}

function rdbFields(rdb: RdbFacts): Field[] {
  return [
    // Nothing is copied on write here: there is no child.
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_cow_size_age", 0],
    ["current_fork_perc", percentOf(rdb.keysProcessed, rdb.keysTotal)],
    ["current_save_keys_processed", rdb.keysProcessed],
    ["current_save_keys_total", rdb.keysTotal],
    ["rdb_changes_since_last_save", rdb.changesSinceSave],
    ["rdb_bgsave_in_progress", flag(rdb.isSaving)],
    ["rdb_last_save_time", seconds(rdb.lastSaveMs)],
    ["rdb_last_bgsave_status", status(rdb.isLastSaveOk)],
    ["rdb_last_bgsave_time_sec", seconds(rdb.lastSaveDurationMs)],
    ["rdb_current_bgsave_time_sec", seconds(rdb.presentSaveMs)],
    ["rdb_saves", rdb.saves],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", rdb.keysExpiredAtLoad],
    ["rdb_last_load_keys_loaded", rdb.keysLoaded],
  ];
}

function percentOf(part: number, whole: number): string {
  return (whole === 0 ? 0 : (part * 100) / whole).toFixed(2);
}

function aofFields(aof: AofFacts): Field[] {
  const fields: Field[] = [
    ["aof_enabled", flag(aof.isEnabled)],
    ["aof_rewrite_in_progress", flag(aof.isRewriting)],
    ["aof_rewrite_scheduled", flag(aof.isRewriteScheduled)],
    ["aof_last_rewrite_time_sec", seconds(aof.lastRewriteMs)],
    ["aof_current_rewrite_time_sec", seconds(aof.presentRewriteMs)],
    ["aof_last_bgrewrite_status", status(aof.isLastRewriteOk)],
    ["aof_rewrites", aof.rewrites],
    ["aof_rewrites_consecutive_failures", aof.rewriteFailuresInRow],
    ["aof_last_write_status", status(aof.isLastWriteOk)],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
  ];
  if (!aof.isEnabled) return fields;
  fields.push(
    ["aof_current_size", aof.currentBytes],
    ["aof_base_size", aof.baseBytes],
    ["aof_pending_rewrite", flag(aof.isRewriteScheduled)],
    ["aof_buffer_length", aof.bufferBytes],
    ["aof_pending_bio_fsync", aof.pendingFsyncs],
    ["aof_delayed_fsync", aof.delayedFsyncs],
  );
  return fields;
}

/** Of tsredis alone. */
function scrubFields(scrub: ScrubFacts): Field[] {
  return [
    ["scrub_enabled", flag(scrub.isEnabled)],
    ["scrub_rounds", scrub.rounds],
    ["scrub_bytes_read", scrub.bytesRead],
    ["scrub_damaged_records", scrub.recordsDamaged],
    ["scrub_damaged_files", scrub.filesDamaged],
  ];
}

function loadingFields(loading: LoadingFacts): Field[] {
  const { startedMs, loadedBytes, secondsLeft, totalBytes, usedMemoryBytes } = loading;
  return [
    ["loading_start_time", seconds(startedMs)],
    ["loading_total_bytes", totalBytes],
    ["loading_rdb_used_mem", usedMemoryBytes],
    ["loading_loaded_bytes", loadedBytes],
    ["loading_loaded_perc", (totalBytes === 0 ? 0 : (loadedBytes * 100) / totalBytes).toFixed(2)],
    ["loading_eta_seconds", secondsLeft],
  ];
}
