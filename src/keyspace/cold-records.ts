/**
 * Between entries and cold records: packing an entry for the tier and putting a record back into memory.
 */
import { ByteArena } from "../base/byte-arena.ts";
import { type ColdRecord, type PackedRecord, RECORD_MARGINS } from "../cold/tier.ts";
import { dataTypeOf, dataTypeOfRdb } from "../types/registry.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const ACCESS_MASK = 0xff_ffff;
const ENCODING_SHIFT = 24;

/** Where entries are packed for the tier. */
export function newRecordArena(): ByteArena {
  return new ByteArena(RECORD_MARGINS.before, RECORD_MARGINS.after);
}

/** The record of a live entry, its payload in a piece of the arena. Its word `lru` carries the access bits and, above
 * them, the encoding.
 * @param arena one of `newRecordArena` */
export function packEntry(keyspace: Keyspace, address: number, arena: ByteArena): PackedRecord {
  const { entries, memory } = keyspace;
  const dataType = dataTypeOf(entries.type(address));
  const payload = dataType.pack(memory, address, arena, false);
  return {
    type: dataType.rdbTypeOf(memory, address),
    lru: entries.access(address) | (entries.encoding(address) << ENCODING_SHIFT),
    expireMs: entries.expireMs(address),
    payload,
    hasMargins: true,
    giveUp: arena.isLarge(payload) ? () => arena.giveUp(payload) : undefined,
  };
}

/** Puts a record into memory, unchanged, as an entry that shadows it. Returns the entry. */
export function warmRecord(
  keyspace: Keyspace,
  database: Database,
  hash: number,
  key: Buffer,
  record: ColdRecord,
): number {
  const { entries, memory } = keyspace;
  const dataType = dataTypeOfRdb(record.type);
  const encoding = (record.lru >>> ENCODING_SHIFT) & 0xf;
  const value = dataType.unpack(memory, record.type, record.payload, encoding);
  const address = database.warm(hash, dataType.type, key, value.length, record.expireMs);
  value.fill(memory, address);
  database.setEncoding(address, value.encoding);
  entries.setAccess(address, record.lru & ACCESS_MASK);
  return address;
}
