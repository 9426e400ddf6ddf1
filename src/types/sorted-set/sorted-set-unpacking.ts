/**
 * Sorted sets out of their packed forms (sorted-set-packing.ts). Bytes from outside may be anything: every length, the
 * number and order of elements, that no member comes twice and that every score is a number are checked before anything
 * is made, and until then memory is only taken for the positions of members, to find those that come twice.
 */
import { compareBytes } from "../../base/byte-copy.ts";
import type { StoredValue, UnpackedValue } from "../data-type.ts";
import { distinctPositions } from "../distinct-positions.ts";
import { ListpackAppender } from "../listpack/appender.ts";
import { createListpack } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { endOffset, HEADER_BYTES } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import { decodeString, type RdbBytes, RdbEncodingError } from "../rdb-encoding.ts";
import { RdbString, readOnlyString } from "../rdb-string.ts";
import { ROOT_BYTES, setRoot } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { readZiplist } from "../ziplist.ts";
import { corrupt } from "./element-reader.ts";
import { PackedElements } from "./packed-elements.ts";
import { ScoreElement, scoreOf } from "./score.ts";
import { type ElementVisitor, LISTPACK, SKIPLIST } from "./sorted-set.ts";
import { RDB_ZSET, RDB_ZSET_LISTPACK, RDB_ZSET_ZIPLIST } from "./sorted-set-packing.ts";
import type { TreeSortedSet } from "./tree-sorted-set.ts";

const storedText = new RdbString();
const member = new ElementView();
const score = new ElementView();
const other = new ElementView();

/**
 * Reads a packed set: see DataType.unpack. `builder` is the object that large sets are made with.
 * Throws StorageError "corrupt".
 */
export function unpackSortedSet(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding: number | undefined,
  builder: TreeSortedSet,
): UnpackedValue {
  try {
    if (rdbType === RDB_ZSET_LISTPACK) return fromListpack(memory, onlyString(packed), encoding, builder);
    if (rdbType === RDB_ZSET_ZIPLIST)
      return fromListpack(memory, listpackOfZiplist(onlyString(packed)), encoding, builder);
    return fromElements(memory, packed, rdbType === RDB_ZSET, encoding, builder);
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
}

/** See DataType.findStored. */
export function findStoredSortedSet(
  memory: ValueMemory,
  rdbType: number,
  packed: RdbBytes,
  into: StoredValue,
): boolean {
  if (rdbType !== RDB_ZSET_LISTPACK || !readOnlyString(packed, storedText)) return false;
  const { buffer, start, length } = storedText;
  const size = checkPairs(memory, buffer, start, length, true);
  return size <= memory.limits.zsetMaxListpackEntries && into.set(buffer, start, length, LISTPACK);
}

/** The string that is all there is. */
function onlyString(packed: Buffer): Buffer {
  const reader: RdbBytes = { buffer: packed, next: 0, end: packed.length };
  const bytes = decodeString(reader);
  if (bytes === undefined) throw corrupt("it is cut off");
  if (reader.next !== reader.end) throw corrupt("bytes follow it");
  return bytes;
}

function listpackOfZiplist(ziplist: Buffer): Buffer {
  const list = new GrowingBytes(ziplist.length);
  const appender = new ListpackAppender();
  createListpack(list);
  appender.begin(list, ziplist.length);
  const elements = readZiplist(ziplist, (element) => {
    appender.add(element);
    return true;
  });
  appender.end();
  if (elements < 0) throw corrupt("its ziplist is damaged");
  return list.bytes();
}

function fromListpack(
  memory: ValueMemory,
  bytes: Buffer,
  encoding: number | undefined,
  builder: TreeSortedSet,
): UnpackedValue {
  const size = checkPairs(memory, bytes, 0, bytes.length, encoding === undefined);
  if (encoding === undefined && size > memory.limits.zsetMaxListpackEntries)
    return large(builder, size, (add) => forEachPair(bytes, add));
  return small(bytes);
}

/** A set that is this listpack. */
function small(bytes: Buffer): UnpackedValue {
  return {
    length: bytes.length,
    encoding: LISTPACK,
    fill({ entries }, address) {
      bytes.copy(entries.valueBuffer(address), entries.valueStart(address));
    },
  };
}

/** A large set, to be made of the `size` elements that `forEach` shows. */
function large(builder: TreeSortedSet, size: number, forEach: (add: ElementVisitor) => void): UnpackedValue {
  return {
    length: ROOT_BYTES,
    encoding: SKIPLIST,
    fill({ entries }, address) {
      setRoot(entries, address, builder.create());
      builder.reserve(size);
      forEach((score, buffer, start, length) => builder.insert(score, buffer, start, length));
    },
  };
}

function forEachPair(bytes: Buffer, show: ElementVisitor): void {
  const end = endOffset(bytes, 0);
  for (let at = HEADER_BYTES; at < end; at = score.end) {
    member.read(bytes, 0, at);
    score.readValue(bytes, 0, member.end);
    show(scoreOf(score), member.buffer, member.start, member.length);
  }
}

/** Checks a listpack of members and scores; returns how many there are. Members that come twice, with different scores,
 * are looked for only if the bytes come `fromOutside`. */
function checkPairs(
  memory: ValueMemory,
  bytes: Buffer,
  start: number,
  length: number,
  fromOutside: boolean,
): number {
  const elements = checkListpack(bytes, start, length, true);
  if (elements < 0) throw corrupt("its listpack is damaged");
  if (elements === 0 || elements % 2 !== 0) throw corrupt(`its listpack has ${elements} elements`);
  const members = distinctPositions(fromOutside ? elements / 2 : 0);
  const isSame = (position: number): boolean => {
    other.read(bytes, start, position);
    return compareViews(other, member) === 0;
  };
  let lastScore = -Infinity;
  let lastAt = HEADER_BYTES;
  let at = HEADER_BYTES;
  for (let i = 0; i < elements; i += 2) {
    member.read(bytes, start, at);
    score.readValue(bytes, start, member.end);
    const value = scoreOf(score);
    if (Number.isNaN(value)) throw corrupt("a score is no number");
    if (lastScore >= value && i > 0) {
      other.read(bytes, start, lastAt);
      if (lastScore > value || compareViews(other, member) >= 0) throw corrupt("it is out of order");
    }
    const hash = memory.keyHash.of(member.buffer, member.start, member.length);
    if (fromOutside && !members.add(hash, at, isSame)) throw corrupt("a member comes twice");
    lastScore = value;
    lastAt = at;
    at = score.end;
  }
  return elements / 2;
}

function compareViews(a: ElementView, b: ElementView): number {
  return compareBytes(a.buffer, a.start, a.length, b.buffer, b.start, b.length);
}

function fromElements(
  memory: ValueMemory,
  packed: Buffer,
  hasTextScores: boolean,
  encoding: number | undefined,
  builder: TreeSortedSet,
): UnpackedValue {
  const elements = new PackedElements(packed, hasTextScores);
  elements.check(memory, encoding === undefined);
  const { zsetMaxListpackEntries, zsetMaxListpackValue } = memory.limits;
  const isSmall = elements.size <= zsetMaxListpackEntries && elements.longest <= zsetMaxListpackValue;
  if (encoding === undefined && isSmall) return small(sortedListpack((show) => elements.forEach(show)));
  return {
    length: ROOT_BYTES,
    encoding: SKIPLIST,
    fill({ entries }, address) {
      setRoot(entries, address, builder.create());
      builder.beginBuild(elements.noted);
      elements.forEach((value, buffer, start, length) => builder.build(value, buffer, start, length));
      builder.beginOrder();
      elements.forEachInOrder((value, buffer, start, length) => builder.order(value, buffer, start, length));
      builder.endOrder();
    },
  };
}

/** The elements, which may come in any order, as a listpack. */
function sortedListpack(forEach: (show: ElementVisitor) => void): Buffer {
  const found: { readonly score: number; readonly member: Buffer }[] = [];
  forEach((score, buffer, start, length) =>
    found.push({ score, member: Buffer.from(buffer.subarray(start, start + length)) }),
  );
  // They usually come from the highest down.
  found.reverse();
  found.sort((a, b) => (a.score === b.score ? a.member.compare(b.member) : a.score < b.score ? -1 : 1));
  const list = new GrowingBytes();
  const appender = new ListpackAppender();
  const memberElement = new ElementValue();
  const scoreElement = new ScoreElement();
  createListpack(list);
  appender.begin(list, 0);
  for (const { score, member } of found) {
    appender.add(memberElement.set(member, 0, member.length));
    appender.add(scoreElement.set(score));
  }
  appender.end();
  return list.bytes();
}
