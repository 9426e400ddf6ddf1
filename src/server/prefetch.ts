/**
 * Asks memory for what the commands of a pipeline will need, for all of them at once.
 *
 * A table larger than the processor's caches makes each lookup wait for memory twice, first for the slot and then
 * for the entry: a quarter of the time of a GET or INCR. One after the other these waits add up. But the processor
 * reads many places at a time if nothing depends on what it reads; so first all slots are read, then all entries, and
 * then the commands find everything in the cache.
 */

import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { BATCH_REQUESTS, type RequestBatch } from "../protocol/request-batch.ts";

/** Longer keys take more time to hash than the reading can save. */
const MAX_KEY_BYTES = 256;
/** The tables of a database of fewer keys are in the processor's cache anyway. */
const MIN_KEYS = 1000;

export class Prefetch {
  private readonly keyspace: Keyspace;
  private readonly hashes = new Int32Array(BATCH_REQUESTS);
  private readonly addresses = new Int32Array(BATCH_REQUESTS);
  /** Takes what was read for the sake of reading. */
  seen = 0;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Reads what the first arguments need if they are keys of `db`, which they mostly are. False if that would gain
   * nothing: then neither `begin` nor `end` is called. */
  load(batch: RequestBatch, db: Database): boolean {
    if (db.table.size < MIN_KEYS) return false;
    const { addresses, hashes } = this;
    const { entries, keyHash } = this.keyspace;
    const { requests, count } = batch;
    for (let i = 0; i < count; i++) {
      const { argc, buf, start, len } = requests[i];
      const isLikely = argc > 1 && len[1] <= MAX_KEY_BYTES;
      hashes[i] = isLikely ? keyHash.of(buf, start[1], len[1]) : 0;
    }
    db.table.seekAll(hashes, count, addresses);
    this.seen = entries.readHeads(addresses, count);
    return true;
  }

  /** Spares command i of the batch the hashing of its first argument. Until `end`. */
  begin(batch: RequestBatch, i: number): void {
    const { argc, buf, start, len } = batch.requests[i];
    if (argc > 1 && len[1] <= MAX_KEY_BYTES) {
      this.keyspace.keyHash.remember(buf, start[1], len[1], this.hashes[i]);
    }
  }

  /** The bytes of the batch may change now. */
  end(): void {
    this.keyspace.keyHash.forget();
  }
}
