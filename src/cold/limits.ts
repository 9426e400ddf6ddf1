/**
 * Every bound of the cold tier in one place, each with its reason.
 */

/** Longer keys are stored by digest: LevelDB keeps index entries of whole keys in memory, and compares them. */
export const maximumInlineKeyBytes = 1000;

/** Shorter payloads are not worth a compression call: LZ4 cannot win back its own length and the call's cost. */
export const compressionMinimumBytes = 64;

/** Undo entries of one batch share blocks of about this size: one store entry instead of one for each record. */
export const undoBlockBytes = 64 * 1024;

/** A rollback writes batches of about this many changes or bytes: few syncs, bounded memory. */
export const rollbackBatchChanges = 10_000;
export const rollbackBatchBytes = 4 * 1024 * 1024;

/** Entries asked of a cursor in one step where nobody else gives the number. */
export const cursorStepEntries = 1000;

/** Stale expiry entries remembered for deletion; more are found again after a restart. */
export const staleEntriesMaximum = 10_000;

/** Stale expiry entries checked and deleted along with one write: each costs that write a read. */
export const staleEntriesPerWrite = 256;

/** LevelDB's level-0 file count is asked for once in this many batches: the call takes LevelDB's lock. */
export const pressureSampleBatches = 8;

/** LevelDB starts compacting level 0 at 4 files, slows every write by 1 ms at 8 and stops them at 12. */
export const levelZeroCompaction = 4;
export const levelZeroSlowdown = 8;
