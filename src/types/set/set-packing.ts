/**
 * The packed form of sets, for cold records, DUMP and RDB (lengths and strings: ../rdb-encoding.ts):
 *
 *     2     number of members (length), and each member (string)       a table
 *     11    a string that is an intset
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import type { PartSink } from "../data-type.ts";
import { FEW_ELEMENTS, PartMeter } from "../packed-parts.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../rdb-encoding.ts";
import type { ValueMemory } from "../value-memory.ts";
import { INTSET } from "./set-encoding.ts";
import type { SetMembers } from "./set-members.ts";
import { openSet, readSet } from "./set-reader.ts";

export const RDB_SET = 2;
export const RDB_SET_INTSET = 11;

const LENGTH_MAX_BYTES = 9;

/** The type number of the packed form of the set at `address`. */
export function rdbTypeOf({ entries }: ValueMemory, address: number): number {
  return entries.encoding(address) === INTSET ? RDB_SET_INTSET : RDB_SET;
}

/** The packed form of the set at `address`, in a piece of the arena. */
export function packSet(memory: ValueMemory, address: number, arena: ByteArena, compress: boolean): Buffer {
  const { entries } = memory;
  const members = readSet(memory, address);
  if (!members.isIntset) return packTable(members, arena, compress);
  const length = entries.valueLength(address);
  const packed = arena.take(length + STRING_OVERHEAD_BYTES);
  const start = entries.valueStart(address);
  const end = encodeString(packed, 0, entries.valueBuffer(address), start, length, compress);
  return packed.subarray(0, end);
}

/** See DataType.packInParts. */
export function packSetInParts(
  memory: ValueMemory,
  address: number,
  sink: PartSink,
): Iterator<void, void> | undefined {
  if (readSet(memory, address).size <= FEW_ELEMENTS) return undefined;
  return packMembers(openSet(memory, address), sink);
}

function* packMembers(members: SetMembers, sink: PartSink): Generator<void, void> {
  const meter = new PartMeter();
  sink.appendLength(members.size);
  members.begin();
  while (members.next()) {
    sink.appendText(members.buffer, members.start, members.length);
    if (meter.isFull(members.length)) yield;
  }
}

function packTable(members: SetMembers, arena: ByteArena, compress: boolean): Buffer {
  let bytes = LENGTH_MAX_BYTES + STRING_OVERHEAD_BYTES;
  members.begin();
  while (members.next()) bytes += members.length + lengthBytes(members.length);
  const packed = arena.take(bytes);
  let at = encodeLength(packed, 0, members.size);
  members.begin();
  while (members.next())
    at = encodeString(packed, at, members.buffer, members.start, members.length, compress);
  return packed.subarray(0, at);
}

/** The most that a string of this length takes besides its bytes: compressed ones are no longer than that either. */
function lengthBytes(length: number): number {
  if (length < 64) return 1;
  return length < 16_384 ? 2 : LENGTH_MAX_BYTES;
}
