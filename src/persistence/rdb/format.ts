/**
 * The RDB file format: constants and layout. Reader, writer and tools share it.
 *
 *     file     = magic item* END checksum(8)
 *     magic    = "REDIS" version(4 digits) | "VALKEY" version(3 digits, from 080 on)
 *     item     = AUX string string                         metadata: name, value; unknown names are skipped
 *              | FUNCTION2 string                          a function library's source
 *              | MODULE_AUX length UINT(2) length values   data of a module, as in a module value
 *              | SLOT_INFO length length length            a hint of Redis 7.4 in cluster mode
 *              | SELECT_DB length                          the following entries belong to this database
 *              | RESIZE_DB length length                   its number of keys, and of keys with an expiry
 *              | attribute* type(1) string value           an entry; the string is its key
 *              | TOMBSTONE string                          ours, see below
 *              | COLD_KEYS length string                   ours, see below
 *     attribute = EXPIRE_MS int64 LE | EXPIRE_SECONDS int32 LE     unix time
 *              | IDLE length                               seconds since the last access (LRU policies)
 *              | FREQUENCY byte                            access counter (LFU policies)
 *              | RECORD_BELOW                              ours, see below
 *
 * Lengths and strings: types/rdb-encoding.ts. Each value type's layout below its type number: value-skipper.ts.
 * checksum: CRC-64 (base/crc64.ts) of all bytes before it, little-endian; 0 means that none was computed; absent
 * before version 5. Multi-byte numbers are little-endian where not said otherwise.
 *
 * tsredis writes version 10, which Redis 7.0 reads, and reads 1 to 12 (Redis 7.4). Valkey counts its own versions since
 * 80 (Valkey 9): of these it reads what means the same there, which types above 21 do not.
 *
 * Three opcodes are ours. They occur only in base files of a directory whose manifest names a cold tier, a directory
 * that stock Redis refuses anyway. RECORD_BELOW: the next entry's key also has a (stale) record in the cold tier.
 * TOMBSTONE: the key does not exist although the cold tier holds a record of it. COLD_KEYS: how many hashes of keys
 * with records in the tier are left for this database after these, and these (layout: ColdKeysPart in
 * keyspace/cold-keys.ts). The state of the tier that the file belongs to stands in the AUX field `tsredis-tier`.
 */
export const RDB_MAGIC = "REDIS";
export const VALKEY_MAGIC = "VALKEY";
/** Valkey's versions begin here. */
export const VALKEY_VERSION_MIN = 80;
/** The last type number that means the same to Redis and Valkey. */
export const SHARED_TYPE_MAX = 21;
export const RDB_HEADER_BYTES = 9;
/** The newest version it reads. */
export const RDB_VERSION_MAX = 12;
/** From this version on, a checksum follows the end. */
export const RDB_VERSION_WITH_CHECKSUM = 5;

export const OPCODE_RECORD_BELOW = 240;
export const OPCODE_TOMBSTONE = 241;
export const OPCODE_COLD_KEYS = 242;
export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION2 = 245;
export const OPCODE_FUNCTION = 246;
export const OPCODE_MODULE_AUX = 247;
export const OPCODE_IDLE = 248;
export const OPCODE_FREQUENCY = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZE_DB = 251;
export const OPCODE_EXPIRE_MS = 252;
export const OPCODE_EXPIRE_SECONDS = 253;
export const OPCODE_SELECT_DB = 254;
export const OPCODE_END = 255;

/** Name of the AUX field (JSON text) with the state of the cold tier at the cut. */
export const AUX_TIER = "tsredis-tier";

/** Name of the AUX field with the memory in use, in bytes. */
export const AUX_USED_MEMORY = "used-mem";

export const TYPE_STRING = 0;
export const TYPE_MODULE_1 = 6;
export const TYPE_MODULE_2 = 7;

/** What a value's type number means to a user, as TYPE would say it; undefined for a number that is no type. */
export function typeName(type: number): string | undefined {
  return TYPE_NAMES[type];
}

const TYPE_NAMES: Record<number, string> = {
  0: "string",
  1: "list",
  2: "set",
  3: "zset",
  4: "hash",
  5: "zset",
  6: "module",
  7: "module",
  9: "hash",
  10: "list",
  11: "set",
  12: "zset",
  13: "hash",
  14: "list",
  15: "stream",
  16: "hash",
  17: "zset",
  18: "list",
  19: "stream",
  20: "set",
  21: "stream",
  22: "hash",
  23: "hash",
  24: "hash",
  25: "hash",
};

const MODULE_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The nine characters that a module type's 64-bit id begins with (6 bits each; the lowest 10 bits are a version). */
export function moduleName(id: bigint): string {
  let name = "";
  for (let shift = 58n; shift >= 10n; shift -= 6n)
    name += MODULE_NAME_CHARACTERS[Number((id >> shift) & 63n)];
  return name;
}
