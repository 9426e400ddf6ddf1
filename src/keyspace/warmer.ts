/**
 * Brings cold values back into memory before a command runs, so that handlers stay synchronous.
 *
 * A client whose command needs keys that may be cold waits as a `Waiter`; all keys wanted in one turn of the event
 * loop are read as one batch (`issue`). A key found is put into memory and pinned there, a key not found is known to
 * be absent, for as long as some waiter that asked for it has not gone on: that is what a `Fetch` holds.
 *
 * While a fetch is under way its key cannot come into memory by another road (every command that names it waits for
 * the same fetch), but a batch of the spiller may end and change its record: then the fetch is read again.
 */
import { LatencyHistogram } from "../base/latency-histogram.ts";
import { StorageError } from "../base/storage-error.ts";
import type { RecordRef } from "../cold/keys.ts";
import { type ColdRecord, type ColdTier, giveUpRecord } from "../cold/tier.ts";
import { PINNED } from "../memory/entries.ts";
import { EMBSTR, STRING } from "../types/string/string-value.ts";
import { warmRecord } from "./cold-records.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** Keys read by one call of the store; more are read by several calls side by side. */
const READ_BATCH_KEYS = 64;
/** Reads under way at a time. Handing keys to LevelDB takes 5 us of this thread for each, so what many clients want at
 * once is handed over in portions: thousands in one turn would keep everybody waiting. */
const READS_AT_ONCE = 8;

/** `fetchMany` reads so many keys with one call of the store, by so many calls at a time, until it has so much. */
const BULK_KEYS = 256;
const BULK_LANES = 2;
const BULK_BYTES = 16 * 1024 * 1024;
const NANOSECONDS_PER_MS = 1e6;

/** A key, wherever its value is. */
export interface TierKey {
  readonly database: Database;
  readonly key: Buffer;
}

/** A key that `fetchMany` is asked for. */
export interface WantedKey extends TierKey {
  /** The key exists, and who asks replaces or deletes it: nobody will see its value. */
  readonly needsNoValue: boolean;
}

/** Someone who waits for cold keys. */
export interface Waiter {
  /** Fetches it must hold until it has gone on. Managed here. */
  fetches: Set<Fetch>;
  /** How many of them are still being read. Managed here. */
  pendingFetches: number;
  /** Called when the last one arrives. */
  goOn(): void;
}

export interface Fetch {
  readonly mapKey: string;
  readonly database: Database;
  readonly hash: number;
  readonly key: Buffer;
  state: "wanted" | "reading" | "reread" | "absent" | "warmed" | "failed";
  error: StorageError | undefined;
  readonly waiters: Waiter[];
  /** Waiters that hold it. */
  holders: number;
}

/** What `residency` answers. */
export const RESIDENT = 0;
export const NOT_RESIDENT = 1;
export const UNREADABLE = 2;

export class Warmer {
  /** Records found, and keys found to have none. */
  found = 0;
  absent = 0;
  /** Times that a key was known to have no record without asking the tier. */
  absentUnread = 0;
  /** Keys that were replaced or deleted, while data was loaded, without being read. */
  replacedUnread = 0;
  /** Why the last `residency` answered UNREADABLE. */
  failure: StorageError | undefined;
  private readonly fetches = new Map<string, Fetch>();
  private wanted: Fetch[] = [];
  /** What `fetchMany` has put in the place of values that were not read. */
  private standIns: TierKey[] = [];
  /** Keys whose records have changed since the last `fetchMany` began. */
  private readonly changedMeanwhile = new Set<string>();
  private readsUnderWay = 0;
  private readonly keyspace: Keyspace;
  private readonly tier: ColdTier;

  constructor(keyspace: Keyspace, tier: ColdTier) {
    this.keyspace = keyspace;
    this.tier = tier;
  }

  /** CONFIG RESETSTAT. */
  resetCounters(): void {
    this.found = 0;
    this.absent = 0;
    this.absentUnread = 0;
    this.replacedUnread = 0;
  }

  /** Whether the tier holds anything at all: asked before every command, so it must cost nothing. */
  get hasRecords(): boolean {
    return this.tier.records > 0;
  }

  /** Whether entries may be pinned for somebody who is about to go on. */
  get isHolding(): boolean {
    return this.fetches.size > 0;
  }

  /** Keys wanted but not yet asked for: `issue` must be called this turn. */
  get hasWanted(): boolean {
    return this.wanted.length > 0;
  }

  /** Whether all that is known of the key is known in memory: it has an entry, or certainly no record. */
  residency(database: Database, buf: Buffer, start: number, length: number): number {
    if (database.coldSize === 0) return RESIDENT;
    if (database.find(buf, start, length) !== 0) return RESIDENT;
    if (!database.coldKeys.mayHave(database.hash)) return this.withoutReading();
    if (this.fetches.size === 0) return NOT_RESIDENT;
    const fetch = this.fetches.get(mapKeyOf(database, buf, start, length));
    if (fetch === undefined) return NOT_RESIDENT;
    if (fetch.state === "absent") return RESIDENT;
    if (fetch.state !== "failed") return NOT_RESIDENT;
    this.failure = fetch.error;
    return UNREADABLE;
  }

  private withoutReading(): number {
    this.absentUnread++;
    return RESIDENT;
  }

  /** How long cold keys took to be read, but for those that everybody had to wait for. */
  readonly readTimes = new LatencyHistogram();
  /** Told how many milliseconds each read took for which everybody had to wait; absent if nobody asks. */
  onReadNow: ((elapsedMs: number) => void) | undefined;

  /** Makes a key resident at once, reading the disk meanwhile: only where nobody else waits (loading). */
  fetchNow(database: Database, buf: Buffer, start: number, length: number): number {
    if (database.coldSize === 0 || database.find(buf, start, length) !== 0) return RESIDENT;
    if (!database.coldKeys.mayHave(database.hash)) return this.withoutReading();
    const { hash } = database;
    const key = buf.subarray(start, start + length);
    const { onReadNow } = this;
    const begunMs = onReadNow === undefined ? 0 : this.keyspace.clock.monotonicMs();
    try {
      const record = this.tier.fetchSync(recordRefOf({ database, hash, key }));
      onReadNow?.(this.keyspace.clock.monotonicMs() - begunMs);
      if (record === undefined) this.absent++;
      else {
        this.found++;
        warmRecord(this.keyspace, database, hash, key, record);
        giveUpRecord(record);
      }
      return RESIDENT;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.failure = error;
      return UNREADABLE;
    }
  }

  /**
   * Reads many keys for somebody who will soon ask for them with `fetchNow`, in the order in which they lie on the
   * disk: each table file is then opened once, and not once for each key. An effort only: what does not fit, cannot be
   * read or changes meanwhile is left to `fetchNow`. Where the first who asks for a key needs no value, there is an
   * empty string instead: afterwards `removeStandIns` must be called.
   */
  async fetchMany(keys: readonly WantedKey[]): Promise<void> {
    this.changedMeanwhile.clear();
    const wanted = new Map<string, TierKey & { readonly hash: number }>();
    for (const { database, key, needsNoValue } of keys) {
      if (database.coldSize === 0 || database.find(key, 0, key.length) !== 0) continue;
      const { hash } = database;
      if (!database.coldKeys.mayHave(hash)) continue;
      const mapKey = mapKeyOf(database, key, 0, key.length);
      if (wanted.has(mapKey)) continue;
      if (needsNoValue) this.addStandIn(database, hash, key);
      else wanted.set(mapKey, { database, key, hash });
    }
    const order = [...wanted].sort(
      ([, a], [, b]) => a.database.namespace - b.database.namespace || (a.hash >>> 0) - (b.hash >>> 0),
    );
    let bytesLeft = BULK_BYTES;
    const readEvery = async (lane: number): Promise<void> => {
      for (let i = lane * BULK_KEYS; i < order.length && bytesLeft > 0; i += BULK_LANES * BULK_KEYS) {
        const part = order.slice(i, i + BULK_KEYS);
        const results = await this.tier.fetch(part.map(([, wantedKey]) => recordRefOf(wantedKey)));
        part.forEach(([mapKey, { database, key, hash }], j) => {
          const record = results[j];
          if (record === undefined || record instanceof StorageError) return;
          if (this.changedMeanwhile.has(mapKey) || database.find(key, 0, key.length) !== 0) return;
          this.found++;
          bytesLeft -= record.payload.length;
          warmRecord(this.keyspace, database, hash, key, record);
          giveUpRecord(record);
        });
      }
    };
    const lanes = Array.from({ length: BULK_LANES }, (_, lane) => readEvery(lane));
    await Promise.allSettled(lanes);
  }

  /** An unchanged entry, as far as anybody can tell: spilling may drop it. */
  private addStandIn(database: Database, hash: number, key: Buffer): void {
    database.setEncoding(database.warm(hash, STRING, key, 0, 0), EMBSTR);
    this.standIns.push({ database, key });
    this.replacedUnread++;
  }

  /** Takes those out that nobody has replaced: a command has failed. */
  removeStandIns(): void {
    for (const { database, key } of this.standIns) {
      const address = database.find(key, 0, key.length);
      if (address !== 0 && database.isUnchanged(address)) database.drop(address);
    }
    this.standIns = [];
  }

  /** Makes `waiter` wait for a key that is not resident. */
  want(database: Database, buf: Buffer, start: number, length: number, waiter: Waiter): void {
    const mapKey = mapKeyOf(database, buf, start, length);
    let fetch = this.fetches.get(mapKey);
    if (fetch === undefined) {
      const key = Buffer.from(buf.subarray(start, start + length));
      const hash = this.keyspace.keyHash.of(key, 0, length);
      fetch = { mapKey, database, hash, key, state: "wanted", error: undefined, waiters: [], holders: 0 };
      this.fetches.set(mapKey, fetch);
      this.wanted.push(fetch);
    }
    if (waiter.fetches.has(fetch)) return;
    waiter.fetches.add(fetch);
    fetch.holders++;
    if (fetch.state === "warmed") {
      // It was warm and has left memory since (only an entry not pinned can): read it once more.
      fetch.state = "wanted";
      this.wanted.push(fetch);
    }
    if (fetch.state === "absent" || fetch.state === "failed") return;
    fetch.waiters.push(waiter);
    waiter.pendingFetches++;
  }

  /**
   * Makes `waiter` hold on to what a fetch tells of a resident key. A command that must wait for another of its keys
   * needs that: if each were forgotten while the other is read, it would never have all of them.
   */
  keep(database: Database, buf: Buffer, start: number, length: number, waiter: Waiter): void {
    if (this.fetches.size === 0) return;
    const fetch = this.fetches.get(mapKeyOf(database, buf, start, length));
    if (fetch === undefined || waiter.fetches.has(fetch)) return;
    waiter.fetches.add(fetch);
    fetch.holders++;
  }

  /** Makes `waiter` hold a key that is in memory there, as if it had been read for it. */
  hold(database: Database, key: Buffer, waiter: Waiter): void {
    const mapKey = mapKeyOf(database, key, 0, key.length);
    if (!this.fetches.has(mapKey)) {
      const address = database.find(key, 0, key.length);
      const { hash } = database;
      const fetch: Fetch = {
        mapKey,
        database,
        hash,
        key,
        state: "warmed",
        error: undefined,
        waiters: [],
        holders: 0,
      };
      this.fetches.set(mapKey, fetch);
      this.keyspace.entries.mark(address, PINNED, 0);
    }
    this.keep(database, key, 0, key.length, waiter);
  }

  /** Starts reading what was wanted, as far as it may now; the rest follows when reads end. */
  issue(): void {
    let taken = 0;
    while (taken < this.wanted.length && this.readsUnderWay < READS_AT_ONCE) {
      void this.read(this.wanted.slice(taken, taken + READ_BATCH_KEYS));
      taken += READ_BATCH_KEYS;
    }
    this.wanted = this.wanted.slice(taken);
  }

  /** Whoever held these fetches went on (or is gone): what they hold may leave memory again. Empties the set. */
  release(fetches: Set<Fetch>): void {
    for (const fetch of fetches) {
      if (--fetch.holders > 0) continue;
      if (fetch.state === "wanted" || fetch.state === "reading" || fetch.state === "reread") continue;
      this.forget(fetch);
    }
    fetches.clear();
  }

  /** `waiter` must wait once more, and goes on holding these fetches, too. Empties the set. */
  goOnHolding(fetches: Set<Fetch>, waiter: Waiter): void {
    for (const fetch of fetches) {
      if (waiter.fetches.has(fetch)) fetch.holders--;
      else waiter.fetches.add(fetch);
    }
    fetches.clear();
  }

  /** The waiter is gone before its keys arrived. */
  cancel(waiter: Waiter): void {
    for (const fetch of waiter.fetches) {
      const place = fetch.waiters.indexOf(waiter);
      if (place >= 0) fetch.waiters.splice(place, 1);
    }
    waiter.pendingFetches = 0;
    this.release(waiter.fetches);
  }

  /** The spiller changed the key's record, and the key is not in memory: what a fetch knows may be out of date. */
  recordChanged(database: Database, key: Buffer): void {
    if (this.fetches.size === 0 && this.keyspace.expiring) return;
    const mapKey = mapKeyOf(database, key, 0, key.length);
    // Only while data is loaded: see `fetchMany`.
    if (!this.keyspace.expiring) this.changedMeanwhile.add(mapKey);
    const fetch = this.fetches.get(mapKey);
    if (fetch === undefined) return;
    if (fetch.state === "reading") fetch.state = "reread";
    else if (fetch.state !== "wanted") this.fetches.delete(fetch.mapKey);
  }

  private async read(batch: Fetch[]): Promise<void> {
    this.readsUnderWay++;
    for (const fetch of batch) fetch.state = "reading";
    const begun = this.keyspace.clock.monotonicMs();
    let results: readonly (ColdRecord | StorageError | undefined)[];
    try {
      results = await this.tier.fetch(batch.map(recordRefOf));
    } catch (error) {
      const failure = error instanceof StorageError ? error : new StorageError("io", String(error));
      results = batch.map(() => failure);
    }
    this.readsUnderWay--;
    this.readTimes.record((this.keyspace.clock.monotonicMs() - begun) * NANOSECONDS_PER_MS, batch.length);
    const ready: Waiter[] = [];
    for (let i = 0; i < batch.length; i++) {
      const fetch = batch[i];
      const result = results[i];
      if (fetch.state === "reread") {
        fetch.state = "wanted";
        this.wanted.push(fetch);
        continue;
      }
      this.arrive(fetch, result);
      if (result !== undefined && !(result instanceof StorageError)) giveUpRecord(result);
      for (const waiter of fetch.waiters) {
        if (--waiter.pendingFetches === 0) ready.push(waiter);
      }
      fetch.waiters.length = 0;
      if (fetch.holders === 0) this.forget(fetch);
    }
    if (this.wanted.length > 0) this.issue();
    // A large value may have taken seconds to come: it is in use now, not since it was asked for.
    this.keyspace.refreshClock();
    for (const waiter of ready) waiter.goOn();
  }

  private arrive(fetch: Fetch, result: ColdRecord | StorageError | undefined): void {
    const { database, key } = fetch;
    if (result instanceof StorageError) {
      fetch.state = "failed";
      fetch.error = result;
      return;
    }
    if (result === undefined) {
      fetch.state = "absent";
      this.absent++;
      return;
    }
    this.found++;
    fetch.state = "warmed";
    // A flush may have retired the database, and its records with it, while they were read.
    if (this.keyspace.databases[database.index] !== database) return;
    let address = database.find(key, 0, key.length);
    try {
      if (address === 0) address = warmRecord(this.keyspace, database, fetch.hash, key, result);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      fetch.state = "failed";
      fetch.error = error;
      return;
    }
    if (fetch.holders > 0) this.keyspace.entries.mark(address, PINNED, 0);
  }

  private forget(fetch: Fetch): void {
    if (this.fetches.get(fetch.mapKey) === fetch) this.fetches.delete(fetch.mapKey);
    if (fetch.state !== "warmed" || this.keyspace.databases[fetch.database.index] !== fetch.database) return;
    const address = fetch.database.find(fetch.key, 0, fetch.key.length);
    if (address !== 0) this.keyspace.entries.mark(address, 0, PINNED);
  }
}

/** Where the tier has the record of a key. */
function recordRefOf({ database, hash, key }: TierKey & { readonly hash: number }): RecordRef {
  return { namespace: database.namespace, hash: hash >>> 0, key };
}

function mapKeyOf(database: Database, buf: Buffer, start: number, length: number): string {
  return `${database.namespace}:${buf.toString("latin1", start, start + length)}`;
}
