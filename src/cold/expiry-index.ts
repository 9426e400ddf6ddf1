/**
 * Finds cold keys whose time has come, through the index of expiry times in the store. Owns a position in
 * time up to which the index was examined in this run, the stale entries seen on the way, and a time before
 * which it knows the index to have no entry.
 *
 * Invariant: every record with an expiry has its index entry (written and replaced in the same batch). The
 * reverse does not hold: an entry without its record is stale, and is deleted along with a later write, when
 * nothing can write the same record at the same time.
 */
import { StorageError } from "../base/storage-error.ts";
import type { StoreSnapshot } from "./key-value-store.ts";
import {
  EXPIRY_END,
  expiryOf,
  expiryStart,
  hashOf,
  indexedRecordKey,
  namespaceOf,
  type RecordRef,
} from "./keys.ts";
import { STALE_ENTRIES_MAXIMUM, STALE_ENTRIES_PER_WRITE } from "./limits.ts";
import { readValues, takeAll } from "./read.ts";
import { keyOf, readableHeader } from "./record.ts";
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
  /** No entry of the index is earlier. */
  #earliestMs = 0;
  /** For each who is just looking for the earliest entry: the earliest that may have come meanwhile. */
  readonly #looks = new Set<{ earliestMs: number }>();

  constructor(store: StoreReader, isAlive: (namespace: number) => boolean) {
    this.#store = store;
    this.#isAlive = isAlive;
  }

  /** To be told after each batch: the earliest expiry in it. */
  written(expireMs: number): void {
    this.#earliestWrittenMs = Math.min(this.#earliestWrittenMs, expireMs);
    this.#mayHaveEntryAt(expireMs);
  }

  /**
   * The index entries of all records whose expiry is `nowMs` or earlier, and perhaps stale ones; undefined if
   * they are more than `limit`. Call it in the turn in which the snapshot was taken. Reads nothing as long as
   * the earliest expiry is known to come later.
   */
  async due(snapshot: StoreSnapshot, nowMs: number, limit: number): Promise<Buffer[] | undefined> {
    if (this.#earliestMs > nowMs) return [];
    const look = { earliestMs: Number.POSITIVE_INFINITY };
    this.#looks.add(look);
    try {
      const entries = await takeAll(
        snapshot.keyCursor({ from: expiryStart(0), to: expiryStart(nowMs + 1) }),
        limit + 1,
      );
      if (entries.length > limit) return undefined;
      if (entries.length === 0) {
        const later = await takeAll(snapshot.keyCursor({ from: expiryStart(nowMs + 1), to: EXPIRY_END }), 1);
        if (later.length > 0) look.earliestMs = Math.min(look.earliestMs, expiryOf(later[0]));
        this.#earliestMs = look.earliestMs;
      }
      return entries;
    } finally {
      this.#looks.delete(look);
    }
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

  /** To be told of a write that failed; takes back the stale entries that it was given. */
  failed(stale: readonly Buffer[]): void {
    this.#stale.push(...stale);
    // Whoever looked while it was under way may have seen it applied. It is taken back, and with it come the
    // entries that it deleted.
    this.#mayHaveEntryAt(0);
  }

  #mayHaveEntryAt(expireMs: number): void {
    this.#earliestMs = Math.min(this.#earliestMs, expireMs);
    for (const look of this.#looks) look.earliestMs = Math.min(look.earliestMs, expireMs);
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
    return takeAll(this.#store.keyCursor({ from: this.#position, to }), limit);
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
        if (this.#isAlive(namespace))
          found.push({ namespace, hash: hashOf(key), key: keyOf(key, header), expireMs });
      } else if (this.#stale.length < STALE_ENTRIES_MAXIMUM) {
        this.#stale.push(entries[index]);
      }
    }
    return found;
  }
}
