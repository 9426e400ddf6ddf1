/**
 * Every bound of the cold tier in one place, each with its reason.
 */

/**
 * Longer keys are stored by digest: LevelDB keeps index entries of whole keys in memory, and compares them.
 */
export const MAXIMUM_INLINE_KEY_BYTES = 1000;

/**
 * Shorter payloads are not worth a compression call: LZ4 cannot win back its own length and the call's cost.
 */
export const COMPRESSION_MINIMUM_BYTES = 64;

/** Parts of a long payload that are compressed to find out whether the whole is worth it. LZ4 looks back as far as one
 * is long. */
export const COMPRESSION_SAMPLES = 8;
export const COMPRESSION_SAMPLE_BYTES = 64 * 1024;

/**
 * Undo entries of one batch share blocks of about this size: one store entry instead of one for each record.
 */
export const UNDO_BLOCK_BYTES = 64 * 1024;

/** A rollback writes batches of about this many changes or bytes: few syncs, bounded memory. */
export const ROLLBACK_BATCH_CHANGES = 10_000;
export const ROLLBACK_BATCH_BYTES = 4 * 1024 * 1024;

/** Entries asked of a cursor in one step where nobody else gives the number. */
export const CURSOR_STEP_ENTRIES = 1000;

/** Values read for one step of deleting a dropped namespace: they tell which expiry entries go too. */
export const SWEEP_READ_BYTES = 128 * 1024;

/** Stale expiry entries remembered for deletion; more are found again after a restart. */
export const STALE_ENTRIES_MAXIMUM = 10_000;

/** Stale expiry entries checked and deleted along with one write: each costs that write a read. */
export const STALE_ENTRIES_PER_WRITE = 256;

/**
 * A walk over keys learns from the expiry index which are past their expiry, if they are no more than the keys
 * in its range, and within these bounds. Otherwise it reads values, and finds the expiry there.
 */
export const DUE_ENTRIES_MINIMUM = 16;
export const DUE_ENTRIES_MAXIMUM = 4096;

/** Records looked at for a random key: a few, so that a damaged or expired one does not hide its neighbours. */
export const RANDOM_KEY_NEIGHBOURS = 8;
