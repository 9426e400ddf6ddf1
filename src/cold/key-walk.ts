/**
 * Walks over the keys of a namespace, without their values as far as that is possible: a walk over a million
 * records of 1 KB then copies 30 MB and not 1 GB.
 *
 * A record key tells a key's name and hash. Two things it does not tell:
 * - the name of a long key, which is in the value: those values are read;
 * - whether the key is past its expiry. The expiry index names the few that may be; their values are read to
 *   be sure, since an index entry may be stale. Where it names too many, the walk reads all values instead.
 *
 * All this is read from one snapshot, so what comes out is exact for the moment at which the walk began.
 */
import { StorageError } from "../base/storage-error.ts";
import type { ExpiryIndex } from "./expiry-index.ts";
import type { StoreCursor, StoreEntry, StoreSnapshot } from "./key-value-store.ts";
import {
  hashOf,
  hashRange,
  indexedRecordKey,
  isDigestKey,
  type KeyRange,
  RECORD_PREFIX_BYTES,
} from "./keys.ts";
import { RANDOM_KEY_NEIGHBOURS } from "./limits.ts";
import { isCorrupt, readValues } from "./read.ts";
import { keyOf, type RecordHeader, readHeader } from "./record.ts";

/** Takes a key: `length` bytes of `source` from `start`, which are the visitor's only during the call. */
export type KeyVisitor = (hash: number, source: Buffer, start: number, length: number) => void;

/** Which keys: those of a namespace whose hash is in [fromHash, toHash) and that are not past their expiry. */
export interface WalkedRange {
  readonly namespace: number;
  readonly fromHash: number;
  /** May be 2^32. */
  readonly toHash: number;
  /** Keys whose expiry is this or earlier are left out. */
  readonly nowMs: number;
}

/** How the walk reads, once it knows what has expired. */
type Source =
  | { readonly kind: "keys"; readonly cursor: StoreCursor<Buffer>; readonly expired: readonly Buffer[] }
  | { readonly kind: "entries"; readonly cursor: StoreCursor<StoreEntry> };

export class KeyWalk {
  readonly #snapshot: StoreSnapshot;
  readonly #range: WalkedRange;
  readonly #source: Promise<Source>;
  /** The next of the expired record keys that the walk will meet. */
  #nextExpired = 0;

  /**
   * The moment of the walk is that of this call. `dueLimit`: how many entries of the expiry index it may look
   * at.
   */
  constructor(snapshot: StoreSnapshot, expiry: ExpiryIndex, range: WalkedRange, dueLimit: number) {
    this.#snapshot = snapshot;
    this.#range = range;
    this.#source = this.#begin(expiry.due(snapshot, range.nowMs, dueLimit));
    // It is for `next` to report.
    this.#source.catch(() => undefined);
  }

  /**
   * Shows `visit` the next keys, in no order: those of at most about `limit` records. False at the end. Rejects
   * with StorageError when the store cannot be read, or a damaged record was to tell a long key's name. A
   * damaged record of any other key is passed on as live: whoever reads it will be told.
   */
  async next(limit: number, visit: KeyVisitor): Promise<boolean> {
    const source = await this.#source;
    if (source.kind === "entries") {
      const entries = await source.cursor.next(limit);
      for (const [key, value] of entries) this.#visitRecord(key, value, visit);
      return entries.length > 0;
    }
    const keys = await source.cursor.next(limit);
    const long: Buffer[] = [];
    for (const key of keys) {
      if (this.#isExpired(key, source.expired)) continue;
      if (isDigestKey(key)) long.push(key);
      else visitInline(key, visit);
    }
    if (long.length > 0) {
      const values = await readValues(this.#snapshot, long);
      for (let index = 0; index < long.length; index += 1) {
        this.#visitRecord(long[index], values[index], visit);
      }
    }
    return keys.length > 0;
  }

  async close(): Promise<void> {
    const source = await this.#source.catch(() => undefined);
    await source?.cursor.close();
    await this.#snapshot.close();
  }

  async #begin(looking: Promise<Buffer[] | undefined>): Promise<Source> {
    const { namespace, fromHash, toHash } = this.#range;
    const range = hashRange(namespace, fromHash, toHash);
    const due = await looking;
    if (due === undefined) return { kind: "entries", cursor: this.#snapshot.cursor(range) };
    const expired = due.length === 0 ? due : await this.#expiredOf(due, range);
    return { kind: "keys", cursor: this.#snapshot.keyCursor(range), expired };
  }

  /** The record keys within `range` that entries of the expiry index truly tell expired, in their order. */
  async #expiredOf(due: readonly Buffer[], { from, to }: KeyRange): Promise<Buffer[]> {
    const keys = due
      .map(indexedRecordKey)
      .filter((key) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0);
    if (keys.length === 0) return keys;
    const values = await readValues(this.#snapshot, keys);
    return keys
      .filter((key, index) => this.#hasExpired(headerOf(key, values[index])))
      .sort((a, b) => Buffer.compare(a, b));
  }

  /** Whether `key`, of which each must be asked in their order, is among `expired`. */
  #isExpired(key: Buffer, expired: readonly Buffer[]): boolean {
    while (this.#nextExpired < expired.length) {
      const order = Buffer.compare(expired[this.#nextExpired], key);
      if (order > 0) return false;
      this.#nextExpired += 1;
      if (order === 0) return true;
    }
    return false;
  }

  #hasExpired(header: RecordHeader | StorageError | undefined): boolean {
    if (header === undefined || header instanceof StorageError) return false;
    return header.expireMs !== 0 && header.expireMs <= this.#range.nowMs;
  }

  #visitRecord(key: Buffer, value: Buffer | StorageError | undefined, visit: KeyVisitor): void {
    const header = headerOf(key, value);
    if (header === undefined || this.#hasExpired(header)) return;
    if (!isDigestKey(key)) {
      visitInline(key, visit);
      return;
    }
    if (header instanceof StorageError) throw header;
    const name = keyOf(key, header);
    visit(hashOf(key), name, 0, name.length);
  }
}

/**
 * Adds to `found` the first keys that a walk finds, in the order of their hashes, for it to be closed then: `count`, or
 * fewer, even none, if many of the records that are looked at have expired or are damaged. Returns the damage; rejects
 * with any other StorageError.
 */
export async function addFirstKeys(
  walk: KeyWalk,
  count: number,
  found: Buffer[],
): Promise<StorageError | undefined> {
  const near: { readonly hash: number; readonly key: Buffer }[] = [];
  let damage: StorageError | undefined;
  const visit: KeyVisitor = (hash, source, start, length) => {
    near.push({ hash, key: Buffer.from(source.subarray(start, start + length)) });
  };
  try {
    for (const limit of [count, RANDOM_KEY_NEIGHBOURS]) {
      if (near.length > 0) break;
      try {
        await walk.next(limit, visit);
      } catch (error) {
        if (!isCorrupt(error)) throw error;
        damage = error;
      }
    }
  } finally {
    await walk.close();
  }
  near.sort((a, b) => a.hash - b.hash);
  found.push(...near.slice(0, count).map(({ key }) => key));
  return damage;
}

function visitInline(key: Buffer, visit: KeyVisitor): void {
  visit(hashOf(key), key, RECORD_PREFIX_BYTES, key.length - RECORD_PREFIX_BYTES);
}

/** A value's header, the reason why there is none, or undefined where there is no record. */
function headerOf(
  key: Buffer,
  value: Buffer | StorageError | undefined,
): RecordHeader | StorageError | undefined {
  if (value === undefined || value instanceof StorageError) return value;
  try {
    return readHeader(key, value);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}
