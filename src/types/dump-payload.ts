/**
 * The payload that DUMP answers and RESTORE takes: a value of any type, wrapped so that damage is noticed.
 *
 *     payload = type(1) value version(2) checksum(8)
 *
 * type: RDB's number of the value's type; value: its packed form (types/data-type.ts); version: that of RDB, which
 * tells what type numbers there may be; checksum: CRC-64 (base/crc64.ts) of all before it. Numbers are little-endian.
 *
 * Payloads come from outside and are never trusted: the checksum shows damage, not malice. No length is
 * believed: only what is there in full is allocated for, with LZF at most 88 times the payload.
 */
import type { ByteArena } from "../base/byte-arena.ts";
import { Crc64 } from "../base/crc64.ts";
import { StorageError } from "../base/storage-error.ts";
import type { DataType, UnpackedValue } from "./data-type.ts";
import { RDB_HASH_LISTPACK_TIMED, RDB_HASH_TIMED } from "./hash/hash-packing.ts";
import { RDB_HASH_LISTPACK_TIMED_FIRST, RDB_HASH_TIMED_FIRST } from "./hash/hash-unpacking.ts";
import { RDB_VERSION_WRITTEN } from "./rdb-encoding.ts";
import { dataTypeOf, dataTypeOfRdb } from "./registry.ts";
import type { ValueMemory } from "./value-memory.ts";

const TYPE_BYTES = 1;
const VERSION_BYTES = 2;
const CHECKSUM_BYTES = 8;
/** Types that Redis 7.0 has not: hashes with times, of 7.4. */
const VERSIONS: ReadonlyMap<number, number> = new Map([
  [RDB_HASH_TIMED_FIRST, 12],
  [RDB_HASH_LISTPACK_TIMED_FIRST, 12],
  [RDB_HASH_TIMED, 12],
  [RDB_HASH_LISTPACK_TIMED, 12],
]);
/** Bytes behind the value. */
export const DUMP_FOOTER_BYTES: number = VERSION_BYTES + CHECKSUM_BYTES;

/** A payload in three parts, as the value may be large: the same bytes as the parts one after the other. */
export interface DumpPayload {
  readonly type: Buffer;
  /** In a piece of the arena it was packed in. */
  readonly value: Buffer;
  /** Version and checksum. */
  readonly footer: Buffer;
}

/** A value read from a payload, and its type. */
export interface DumpedValue {
  readonly dataType: DataType;
  /** May refer to the payload's bytes. */
  readonly value: UnpackedValue;
}

/** The payload of the live entry at `address`. `compress` allows LZF: the directive `rdbcompression`. */
export function createDump(
  memory: ValueMemory,
  address: number,
  arena: ByteArena,
  compress: boolean,
): DumpPayload {
  const dataType = dataTypeOf(memory.entries.type(address));
  const type = Buffer.of(dataType.rdbTypeOf(memory, address));
  const value = dataType.pack(memory, address, arena, compress);
  const version = dumpVersion(type[0]);
  const checksum = new Crc64();
  for (const part of [type, value, version]) checksum.update(part);
  return { type, value, footer: Buffer.concat([version, checksum.digest()]) };
}

/** The version as it stands behind a value of this type. */
export function dumpVersion(rdbType: number): Buffer {
  const number = versionOf(rdbType);
  return Buffer.of(number & 0xff, number >> 8);
}

/** The version of RDB that has values of this type, if not all do that are written or read here. */
function versionOf(rdbType: number): number {
  return VERSIONS.get(rdbType) ?? RDB_VERSION_WRITTEN;
}

/**
 * Whether the payload's version is one that Redis 7.0 reads (any up to its own; of types that came later, up to the one
 * that brought them), and the checksum is right, or is not to be looked at. A checksum of 0 is one like any other,
 * unlike in RDB files.
 */
export function isDumpIntact(payload: Buffer, ignoresChecksum = false): boolean {
  const versionAt = payload.length - DUMP_FOOTER_BYTES;
  if (versionAt < 0 || payload.readUInt16LE(versionAt) > versionOf(payload[0])) return false;
  if (ignoresChecksum) return true;
  const checksumAt = versionAt + VERSION_BYTES;
  const checksum = new Crc64();
  checksum.update(payload, 0, checksumAt);
  return checksum.digest().equals(payload.subarray(checksumAt));
}

/** The value in a payload that is intact; undefined if it is of no type there is here, or cannot be a value of it. */
export function readDump(memory: ValueMemory, payload: Buffer): DumpedValue | undefined {
  if (payload.length < TYPE_BYTES + DUMP_FOOTER_BYTES) return undefined;
  try {
    const dataType = dataTypeOfRdb(payload[0]);
    const packed = payload.subarray(TYPE_BYTES, payload.length - DUMP_FOOTER_BYTES);
    return { dataType, value: dataType.unpack(memory, payload[0], packed) };
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
