/**
 * The packed form of hashes, for cold records, DUMP and RDB (lengths and strings: ../rdb-encoding.ts):
 *
 *     4     number of fields (length), and of each: name, value (strings)                        a table
 *     16    a string that is a listpack of names and values
 *     24    as 4, with times: the earliest one (8 bytes, little-endian), number of fields, and of each: 0 if it has no
 *           time, else its time - earliest + 1 (length), name, value
 *     25    as 16, with times: the earliest one, and a string that is a listpack of names, values and times
 *
 * The forms with times are those of Redis 7.4, and are written only if some field has one.
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import type { PartSink } from "../data-type.ts";
import { listpackBytes } from "../listpack/listpack.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import { FEW_ELEMENTS, PartMeter } from "../packed-parts.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../rdb-encoding.ts";
import type { ValueMemory } from "../value-memory.ts";
import type { HashFields } from "./hash-fields.ts";
import { openHash, readHash } from "./hash-reader.ts";
import { NO_TIME, removeTimes } from "./timed-listpack.ts";

export const RDB_HASH = 4;
export const RDB_HASH_LISTPACK = 16;
export const RDB_HASH_TIMED = 24;
export const RDB_HASH_LISTPACK_TIMED = 25;

const TIME_BYTES = 8;
const LENGTH_MAX_BYTES = 9;
const TWO_32 = 0x1_0000_0000;

/** A listpack that is packed without its times. */
const withoutTimes = new GrowingBytes();

/** The type number of the packed form of the hash at `address`. */
export function rdbTypeOf(memory: ValueMemory, address: number): number {
  const fields = readHash(memory, address);
  if (fields.isPacked) return fields.hasTimes ? RDB_HASH_LISTPACK_TIMED : RDB_HASH_LISTPACK;
  return fields.hasTimes ? RDB_HASH_TIMED : RDB_HASH;
}

/** The packed form of the hash at `address`, in a piece of the arena. */
export function packHash(memory: ValueMemory, address: number, arena: ByteArena, compress: boolean): Buffer {
  const fields = readHash(memory, address);
  return fields.isPacked
    ? packListpack(memory, address, fields, arena, compress)
    : packTable(fields, arena, compress);
}

function packListpack(
  memory: ValueMemory,
  address: number,
  fields: HashFields,
  arena: ByteArena,
  compress: boolean,
): Buffer {
  const { entries } = memory;
  const length = entries.valueLength(address);
  let bytes = entries.valueBuffer(address);
  let start = entries.valueStart(address);
  const earliest = fields.exactEarliestTime;
  if (fields.isTimed && earliest === NO_TIME) {
    withoutTimes.resize(length);
    bytes.copy(withoutTimes.buffer, 0, start, start + length);
    removeTimes(withoutTimes);
    bytes = withoutTimes.buffer;
    start = 0;
  }
  const packed = arena.take(TIME_BYTES + length + STRING_OVERHEAD_BYTES);
  const at = earliest === NO_TIME ? 0 : writeTime(packed, 0, earliest);
  const end = encodeString(packed, at, bytes, start, listpackBytes(bytes, start), compress);
  return packed.subarray(0, end);
}

function packTable(fields: HashFields, arena: ByteArena, compress: boolean): Buffer {
  const { field, value } = fields;
  const earliest = fields.exactEarliestTime;
  const isTimed = fields.hasTimes;
  const packed = arena.take(tableBytes(fields, isTimed) + STRING_OVERHEAD_BYTES);
  let at = isTimed ? writeTime(packed, 0, earliest) : 0;
  at = encodeLength(packed, at, fields.size);
  fields.begin();
  while (fields.next()) {
    if (isTimed) at = encodeLength(packed, at, relativeTime(fields.time, earliest));
    at = encodeString(packed, at, field.buffer, field.start, field.length, compress);
    at = encodeString(packed, at, value.buffer, value.start, value.length, compress);
  }
  return packed.subarray(0, at);
}

/** See DataType.packInParts. */
export function packHashInParts(
  memory: ValueMemory,
  address: number,
  sink: PartSink,
): Iterator<void, void> | undefined {
  if (readHash(memory, address).size <= FEW_ELEMENTS) return undefined;
  return packFields(openHash(memory, address), sink);
}

function* packFields(fields: HashFields, sink: PartSink): Generator<void, void> {
  const { field, value } = fields;
  const meter = new PartMeter();
  const earliest = yield* fields.searchEarliestTime();
  const isTimed = fields.hasTimes;
  if (isTimed) appendTime(sink, earliest);
  sink.appendLength(fields.size);
  fields.begin();
  while (fields.next()) {
    if (isTimed) sink.appendLength(relativeTime(fields.time, earliest));
    sink.appendText(field.buffer, field.start, field.length);
    sink.appendText(value.buffer, value.start, value.length);
    if (meter.isFull(field.length + value.length)) yield;
  }
}

/** As many bytes as the packed form of a table can have. */
function tableBytes(fields: HashFields, isTimed: boolean): number {
  const { field, value } = fields;
  let bytes = TIME_BYTES + LENGTH_MAX_BYTES;
  fields.begin();
  while (fields.next()) {
    bytes += field.length + lengthBytes(field.length) + value.length + lengthBytes(value.length);
    if (isTimed) bytes += LENGTH_MAX_BYTES;
  }
  return bytes;
}

/** The most that a string of this length takes besides its bytes: compressed ones are no longer than that either. */
function lengthBytes(length: number): number {
  if (length < 64) return 1;
  return length < 16_384 ? 2 : LENGTH_MAX_BYTES;
}

/** What stands for a field's time, or for none. */
export function relativeTime(time: number, earliest: number): number {
  return time === NO_TIME ? 0 : time - earliest + 1;
}

/** Appends the earliest time, with which the form begins. */
export function appendTime(sink: PartSink, earliest: number): void {
  const time = Buffer.alloc(TIME_BYTES);
  writeTime(time, 0, earliest);
  sink.appendBytes(time, 0, TIME_BYTES);
}

function writeTime(target: Buffer, at: number, time: number): number {
  target.writeUInt32LE(time % TWO_32, at);
  return target.writeUInt32LE(Math.floor(time / TWO_32), at + 4);
}
