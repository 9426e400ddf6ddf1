/**
 * All keys that a server holds which serves nobody: first those in memory, then the records of the cold tier
 * over which no entry lies. Nothing changes meanwhile, so no snapshot of memory is needed: the spiller is held
 * for good.
 */
import { StorageError } from "../../src/base/storage-error.ts";
import type { ScannedRecord } from "../../src/cold/tier.ts";
import type { Database } from "../../src/keyspace/database.ts";
import type { Server } from "../../src/server/server.ts";

const HASH_SPACE = 2 ** 32;
const ENTRIES_AT_ONCE = 256;
const RECORDS_AT_ONCE = 128;

/** Takes keys one after the other. */
export interface KeyTarget {
  /** An entry in memory. */
  entry(database: Database, address: number, expireMs: number): Promise<void>;
  record(database: Database, record: ScannedRecord): Promise<void>;
}

export interface Selection {
  /** Whether a database is wanted. */
  hasDatabase(index: number): boolean;
  /** Whether a key is wanted: `length` bytes of `source` from `start`. */
  hasKey(source: Buffer, start: number, length: number): boolean;
}

/** What was met so far. */
export class Tally {
  /** Entries and records looked at. */
  seen = 0;
  expired = 0;
  readonly keysByDatabase = new Map<number, number>();

  get keys(): number {
    let keys = 0;
    for (const each of this.keysByDatabase.values()) keys += each;
    return keys;
  }

  count(database: Database): void {
    this.keysByDatabase.set(database.index, (this.keysByDatabase.get(database.index) ?? 0) + 1);
  }
}

/** Shows `target` all keys that are wanted and have not expired. Throws StorageError at the first damaged record. */
export async function walkKeys(
  server: Server,
  selection: Selection,
  tally: Tally,
  target: KeyTarget,
): Promise<void> {
  await server.spiller?.hold();
  for (const database of server.keyspace.databases) {
    if (!selection.hasDatabase(database.index)) continue;
    await walkEntries(server, database, selection, tally, target);
    await walkRecords(server, database, selection, tally, target);
  }
}

async function walkEntries(
  { clock, keyspace }: Server,
  database: Database,
  selection: Selection,
  tally: Tally,
  target: KeyTarget,
): Promise<void> {
  const { entries } = keyspace;
  const addresses: number[] = [];
  for (let position = 0; position < HASH_SPACE; ) {
    addresses.length = 0;
    position = database.table.collect(position, HASH_SPACE, ENTRIES_AT_ONCE, addresses);
    for (const address of addresses) {
      tally.seen++;
      if (database.isTombstone(address)) continue;
      const start = entries.keyStart(address);
      if (!selection.hasKey(entries.keyBuffer(address), start, entries.keyLength(address))) continue;
      const expireMs = entries.expireMs(address);
      if (expireMs !== 0 && expireMs <= clock.nowMs) {
        tally.expired++;
        continue;
      }
      tally.count(database);
      await target.entry(database, address, expireMs);
    }
  }
}

async function walkRecords(
  { clock, tier }: Server,
  database: Database,
  selection: Selection,
  tally: Tally,
  target: KeyTarget,
): Promise<void> {
  if (tier === undefined || tier.recordCount(database.namespace) === 0) return;
  const cursor = tier.scan(database.namespace, 0, HASH_SPACE, { withPayloads: true });
  try {
    for (;;) {
      const records = await cursor.next(RECORDS_AT_ONCE);
      if (records.length === 0) return;
      for (const record of records) {
        if (record instanceof StorageError) throw record;
        tally.seen++;
        const { expireMs, key } = record;
        if (!selection.hasKey(key, 0, key.length)) continue;
        // An entry decides, and so does a tombstone.
        if (database.find(key, 0, key.length) !== 0) continue;
        if (expireMs !== 0 && expireMs <= clock.nowMs) {
          tally.expired++;
          continue;
        }
        tally.count(database);
        await target.record(database, record);
      }
    }
  } finally {
    await cursor.close();
  }
}
