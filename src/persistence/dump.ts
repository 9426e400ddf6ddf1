/**
 * A complete stock RDB of both tiers, written while nothing else runs (at shutdown). Cold records are streamed.
 */
import { ByteArena } from "../base/byte-arena.ts";
import { type Files, writeFully } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier } from "../cold/tier.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { dataTypeOf } from "../types/registry.ts";
import { RdbWriter } from "./rdb/writer.ts";

const HASH_SPACE = 0x1_0000_0000;
const ENTRIES_AT_ONCE = 1000;
const DRAIN_BYTES = 256 * 1024;

export interface DumpOptions {
  readonly rdbcompression: boolean;
  readonly rdbchecksum: boolean;
}

/** Writes all keys to `folder`/`name`, replacing it only when the new file is whole and durable. */
export async function saveDump(
  files: Files,
  folder: string,
  name: string,
  keyspace: Keyspace,
  tier: ColdTier | undefined,
  options: DumpOptions,
): Promise<void> {
  const temporary = `${folder}/temp-${process.pid}.rdb`;
  const file = await files.open(temporary, "create");
  try {
    let position = 0;
    const sink = async (chunk: Buffer) => {
      await writeFully(file, chunk, position);
      position += chunk.length;
    };
    const rdb = new RdbWriter(sink, { compress: options.rdbcompression, checksum: options.rdbchecksum });
    rdb.appendHeader();
    rdb.appendAux("redis-ver", "7.2.4");
    rdb.appendAux("redis-bits", "64");
    rdb.appendAux("ctime", String(Math.floor(keyspace.nowMs / 1000)));
    rdb.appendAux("used-mem", String(keyspace.usedBytes));
    rdb.appendAux("aof-base", "0");
    for (const source of keyspace.functions.sources()) rdb.appendFunction(source);
    for (const database of keyspace.databases) {
      if (database.size === 0) continue;
      rdb.appendSelectDb(database.index);
      await writeHot(rdb, keyspace, database, options.rdbcompression);
      if (tier !== undefined && database.coldSize > 0) await writeCold(rdb, database, tier);
    }
    rdb.appendEnd();
    await rdb.drain();
    await file.datasync();
    await file.close();
    await files.rename(temporary, `${folder}/${name}`);
    await files.syncDirectory(folder);
  } catch (error) {
    await file.close().catch(() => undefined);
    await files.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function writeHot(
  rdb: RdbWriter,
  keyspace: Keyspace,
  database: Database,
  compress: boolean,
): Promise<void> {
  const { entries, memory } = keyspace;
  const addresses: number[] = [];
  const arena = new ByteArena();
  for (let position = 0; position < HASH_SPACE; addresses.length = 0) {
    position = database.table.collect(position, HASH_SPACE, ENTRIES_AT_ONCE, addresses);
    for (const address of addresses) {
      if (database.isTombstone(address)) continue;
      const expireMs = entries.expireMs(address);
      if (expireMs !== 0) rdb.appendExpire(expireMs);
      const key = entries.key(address);
      const dataType = dataTypeOf(entries.type(address));
      arena.reset();
      const packed = dataType.pack(memory, address, arena, compress);
      rdb.appendPayload(dataType.rdbTypeOf(memory, address), key, 0, key.length, packed);
      if (rdb.pendingBytes >= DRAIN_BYTES) await rdb.drain();
    }
  }
}

async function writeCold(rdb: RdbWriter, database: Database, tier: ColdTier): Promise<void> {
  const cursor = tier.scan(database.namespace, 0, HASH_SPACE, { withPayloads: true });
  try {
    for (;;) {
      const records = await cursor.next(ENTRIES_AT_ONCE);
      if (records.length === 0) return;
      for (const record of records) {
        if (record instanceof StorageError) throw record;
        const { key, expireMs, payload, type } = record;
        if (database.find(key, 0, key.length) !== 0) continue;
        if (expireMs !== 0) rdb.appendExpire(expireMs);
        rdb.appendPayload(type, key, 0, key.length, payload!);
      }
      if (rdb.pendingBytes >= DRAIN_BYTES) await rdb.drain();
    }
  } finally {
    await cursor.close();
  }
}
