/**
 * Walks over all keys of a database, hot and cold, in hash order. A cursor is a position in hash space (0 to 2^32):
 * it needs no state here, and survives growth, spilling, warming and restarts, because neither tier changes the
 * order. Every key present from the first call to the last is returned at least once.
 *
 * One step takes, in one turn, the hot keys of an interval of hash space and a snapshot of the records in it; a
 * record under a hot entry is passed over. Expired keys are left out.
 */
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier, ScanCursor, ScannedRecord } from "../cold/tier.ts";
import { RECORD, SPILLING } from "../memory/entries.ts";
import { dataTypeOfRdb } from "../types/registry.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const HASH_SPACE = 0x1_0000_0000;
const READ_AT_ONCE = 1000;
/** Attempts to find a live random key before an expired one would have to do. */
const RANDOM_TRIES = 32;

/** A key found; `type` is its entry type. */
export interface WalkedKey {
  readonly key: Buffer;
  readonly type: number;
}

export interface WalkResult {
  /** Where to go on; 0 when all was walked. */
  readonly cursor: number;
  readonly keys: WalkedKey[];
}

export class TierWalk {
  private readonly keyspace: Keyspace;
  private readonly tier: ColdTier | undefined;

  constructor(keyspace: Keyspace, tier: ColdTier | undefined) {
    this.keyspace = keyspace;
    this.tier = tier;
  }

  /** About `count` keys from `cursor` on. A promise only if records must be read. */
  scan(dbIndex: number, cursor: number, count: number): WalkResult | Promise<WalkResult> {
    const database = this.keyspace.databases[dbIndex];
    if (cursor >= HASH_SPACE) return { cursor: 0, keys: [] };
    const coldSize = database.coldSize;
    const addresses: number[] = [];
    if (this.tier === undefined || coldSize === 0) {
      const next = database.table.collect(cursor, HASH_SPACE, count, addresses);
      return { cursor: next >= HASH_SPACE ? 0 : next, keys: this.liveKeys(database, addresses) };
    }
    // Hashes are spread evenly, so the width of the interval decides how many keys to expect in it.
    const expected = database.table.size + coldSize;
    const width = Math.max(1, Math.ceil((HASH_SPACE / expected) * count));
    const end = Math.min(HASH_SPACE, cursor + width);
    database.table.collect(cursor, end, Number.MAX_SAFE_INTEGER, addresses);
    return this.withRecords(this.tier, database, cursor, end, addresses);
  }

  /** All keys as they are at this moment. */
  all(dbIndex: number): WalkedKey[] | Promise<WalkedKey[]> {
    const database = this.keyspace.databases[dbIndex];
    const addresses: number[] = [];
    database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
    if (this.tier === undefined || database.coldSize === 0) return this.liveKeys(database, addresses);
    return this.withRecords(this.tier, database, 0, HASH_SPACE, addresses).then((result) => result.keys);
  }

  /** A random key, or undefined if there is none. */
  random(dbIndex: number): Buffer | undefined | Promise<Buffer | undefined> {
    const database = this.keyspace.databases[dbIndex];
    const cold = this.tier === undefined ? 0 : database.coldSize;
    const hot = database.table.size - database.tombstones;
    if (hot + cold === 0) return undefined;
    if (this.keyspace.random.below(hot + cold) >= hot) return this.randomCold(database);
    return this.randomHot(database) ?? (cold > 0 ? this.randomCold(database) : undefined);
  }

  private randomHot(database: Database): Buffer | undefined {
    const { entries, random } = this.keyspace;
    for (let i = 0; i < RANDOM_TRIES; i++) {
      const address = database.table.sample(random.next());
      if (address === 0) return undefined;
      if (!database.isTombstone(address) && !database.isExpired(address))
        return Buffer.from(entries.key(address));
    }
    // Few live keys among many dead ones: look at all.
    const addresses: number[] = [];
    database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
    const keys = this.liveKeys(database, addresses);
    return keys.length === 0 ? undefined : keys[random.below(keys.length)].key;
  }

  private async randomCold(database: Database): Promise<Buffer | undefined> {
    const { keyspace, tier } = this;
    for (let i = 0; i < RANDOM_TRIES; i++) {
      const record = await tier!.randomRecord(database.namespace, keyspace.random.next());
      if (record === undefined) break;
      if (keyspace.databases[database.index] !== database) break;
      const expired = record.expireMs !== 0 && record.expireMs <= keyspace.nowMs;
      if (!expired && database.find(record.key, 0, record.key.length) === 0) return record.key;
    }
    return this.randomHot(database);
  }

  /** Merges hot entries (collected in this very turn) with the records of an interval. */
  private async withRecords(
    tier: ColdTier,
    database: Database,
    from: number,
    to: number,
    addresses: readonly number[],
  ): Promise<WalkResult> {
    const records = tier.scan(database.namespace, from, to);
    const { entries, nowMs } = this.keyspace;
    const shadowed = new Set<string>();
    for (const address of addresses) {
      if ((entries.head(address) & (RECORD | SPILLING)) !== 0)
        shadowed.add(entries.key(address).toString("latin1"));
    }
    const keys = this.liveKeys(database, addresses);
    try {
      for await (const record of readAll(records)) {
        if (record.expireMs !== 0 && record.expireMs <= nowMs) continue;
        if (shadowed.has(record.key.toString("latin1"))) continue;
        keys.push({ key: record.key, type: dataTypeOfRdb(record.type).type });
      }
    } finally {
      await records.close();
    }
    return { cursor: to >= HASH_SPACE ? 0 : to, keys };
  }

  private liveKeys(database: Database, addresses: readonly number[]): WalkedKey[] {
    const { entries } = this.keyspace;
    const keys: WalkedKey[] = [];
    for (const address of addresses) {
      if (database.isTombstone(address) || database.isExpired(address)) continue;
      keys.push({ key: Buffer.from(entries.key(address)), type: entries.type(address) });
    }
    return keys;
  }
}

async function* readAll(cursor: ScanCursor): AsyncGenerator<ScannedRecord> {
  for (;;) {
    const records = await cursor.next(READ_AT_ONCE);
    if (records.length === 0) return;
    for (const record of records) {
      if (record instanceof StorageError) throw record;
      yield record;
    }
  }
}
