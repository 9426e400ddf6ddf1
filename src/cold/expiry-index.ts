/**
 * Finds cold keys whose time has come, through the index of expiry times in the store. Owns a position in
 * time up to which the index was examined in this run, and the stale entries seen on the way.
 *
 * Invariant: every record with an expiry has its index entry (written and replaced in the same batch). The
 * reverse does not hold: an entry without its record is stale, and is deleted along with a later write, when
 * nothing can write the same record at the same time.
 */
import { StorageError } from "../base/storage-error.ts";
import { expiryOf, expiryStart, hashOf, indexedRecordKey, namespaceOf, type RecordRef } from "./keys.ts";
import { STALE_ENTRIES_MAXIMUM, STALE_ENTRIES_PER_WRITE } from "./limits.ts";
import { readValues } from "./read.ts";
import { readableHeader } from "./record.ts";
import type { StoreReader } from "./settled-view.ts";

/** A cold key past its expiry. */
export interface ExpiredRef extends RecordRef {
  /** Unix time in milliseconds, of the record on disk. */
  readonly expireMs: number;
}

export class ExpiryIndex {
  readonly #store: StoreReader;
  readonly #isAlive: (namespace: number) => boolean;
  /** The next index entry to examine. */
  #position: Buffer = expiryStart(0);
  #positionMs = 0;
  /** The earliest expiry written since the last look: before the position, it moves that back. */
  #earliestWrittenMs = Number.POSITIVE_INFINITY;
  #stale: Buffer[] = [];
  #isLooking = false;

  constructor(store: StoreReader, isAlive: (namespace: number) => boolean) {
    this.#store = store;
    this.#isAlive = isAlive;
  }

  /** To be told after each batch: the earliest expiry in it. */
  written(expireMs: number): void {
    if (expireMs < this.#earliestWrittenMs) this.#earliestWrittenMs = expireMs;
  }

  /**
   * Up to `limit` keys whose expiry is before `nowMs`, each given once until the next start. Examines `limit`
   * index entries; none may be left of them after verification, so an empty answer is no proof that all were
   * seen.
   */
  async expired(nowMs: number, limit: number): Promise<ExpiredRef[]> {
    if (this.#isLooking) throw new Error("the expiry index is being examined already");
    this.#isLooking = true;
    try {
      this.#moveBack();
      const entries = await this.#next(expiryStart(nowMs), limit);
      const found = await this.#verify(entries);
      const last = entries.at(-1);
      if (last !== undefined) {
        this.#position = Buffer.concat([last, Buffer.alloc(1)]);
        this.#positionMs = expiryOf(last);
      }
      return found;
    } finally {
      this.#isLooking = false;
    }
  }

  /** Stale entries to be checked once more and deleted by the write that asks. */
  takeStale(): Buffer[] {
    return this.#stale.splice(0, STALE_ENTRIES_PER_WRITE);
  }

  /** Takes back what a write that failed was given. */
  giveBackStale(entries: readonly Buffer[]): void {
    this.#stale.push(...entries);
  }

  #moveBack(): void {
    if (this.#earliestWrittenMs <= this.#positionMs) {
      this.#position = expiryStart(this.#earliestWrittenMs);
      this.#positionMs = this.#earliestWrittenMs;
    }
    this.#earliestWrittenMs = Number.POSITIVE_INFINITY;
  }

  async #next(to: Buffer, limit: number): Promise<Buffer[]> {
    if (Buffer.compare(this.#position, to) >= 0) return [];
    const cursor = this.#store.cursor({ from: this.#position, to });
    try {
      return (await cursor.next(limit)).map(([key]) => key);
    } finally {
      await cursor.close();
    }
  }

  async #verify(entries: readonly Buffer[]): Promise<ExpiredRef[]> {
    const keys = entries.map(indexedRecordKey);
    const values = keys.length === 0 ? [] : await readValues(this.#store, keys);
    const found: ExpiredRef[] = [];
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index];
      const value = values[index];
      // A record that cannot be read is left alone: reading it reports the damage.
      if (value instanceof StorageError) continue;
      const namespace = namespaceOf(key);
      const header = value === undefined ? undefined : readableHeader(key, value);
      const expireMs = expiryOf(entries[index]);
      if (value !== undefined && header === undefined) continue;
      if (header?.expireMs === expireMs) {
        // A checkpoint may bring a dropped namespace back, so its entries are not stale as long as its
        // records are there.
        if (this.#isAlive(namespace)) found.push({ namespace, hash: hashOf(key), key: header.key, expireMs });
      } else if (this.#stale.length < STALE_ENTRIES_MAXIMUM) {
        this.#stale.push(entries[index]);
      }
    }
    return found;
  }
}
