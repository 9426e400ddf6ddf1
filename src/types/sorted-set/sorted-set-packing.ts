/**
 * The packed forms of sorted sets, for RDB, DUMP and cold records:
 *
 *     17   one string: the listpack
 *     5    count, then for each element member (a string), score (8 bytes, a double, little-endian); from the highest
 *
 * And two older ones, which are only read (sorted-set-unpacking.ts):
 *
 *     12   one string: a ziplist of members and scores by turns
 *     3    as 5, but with scores as text: length byte and text; 253 nan, 254 +inf, 255 -inf
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import type { PartSink } from "../data-type.ts";
import { PartMeter } from "../packed-parts.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../rdb-encoding.ts";
import type { ValueMemory } from "../value-memory.ts";
import type { SortedElements } from "./sorted-set.ts";

export const RDB_ZSET = 3;
export const RDB_ZSET_2 = 5;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_ZSET_LISTPACK = 17;

export const SCORE_BYTES = 8;
/** Bytes of the longest length. */
const LENGTH_BYTES = 9;
/** Bytes of the length of a string of less than 4 GB. */
const STRING_LENGTH_BYTES = 5;

/** The listpack in an entry, packed. */
export function packListpack(
  { entries }: ValueMemory,
  address: number,
  arena: ByteArena,
  compress: boolean,
): Buffer {
  const length = entries.valueLength(address);
  const packed = arena.take(length + STRING_OVERHEAD_BYTES);
  const start = entries.valueStart(address);
  const end = encodeString(packed, 0, entries.valueBuffer(address), start, length, compress);
  return packed.subarray(0, end);
}

/** All elements, packed in parts: see DataType.packInParts. */
export function* packElementsInParts(elements: SortedElements, sink: PartSink): Generator<void, void> {
  const meter = new PartMeter();
  const { size } = elements;
  sink.appendLength(size);
  elements.seek(size - 1);
  for (let i = 0; i < size; i++, elements.previous()) {
    const { memberLength } = elements;
    sink.appendText(elements.memberBuffer, elements.memberStart, memberLength);
    sink.appendDouble(elements.score);
    if (meter.isFull(memberLength)) yield;
  }
}

/** All elements, packed one by one. */
export function packElements(elements: SortedElements, arena: ByteArena, compress: boolean): Buffer {
  const { size } = elements;
  let most = LENGTH_BYTES + STRING_OVERHEAD_BYTES + size * (STRING_LENGTH_BYTES + SCORE_BYTES);
  elements.seek(0);
  for (let i = 0; i < size; i++, elements.next()) most += elements.memberLength;
  const packed = arena.take(most);
  let at = encodeLength(packed, 0, size);
  elements.seek(size - 1);
  for (let i = 0; i < size; i++, elements.previous()) {
    const { memberBuffer, memberStart, memberLength } = elements;
    at = encodeString(packed, at, memberBuffer, memberStart, memberLength, compress);
    at = packed.writeDoubleLE(elements.score, at);
  }
  return packed.subarray(0, at);
}
