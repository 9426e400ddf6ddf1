/**
 * The packed forms of sorted sets, for RDB, DUMP and cold records:
 *
 *     17   one string: the listpack
 *     12   one string: a ziplist, as Redis wrote it before 7.0 (read only)
 *     5    count, then for each element member (a string), score (8 bytes, a double, little-endian); from the highest
 *     3    the same with scores as text: length byte and text; 253 nan, 254 +inf, 255 -inf (read only)
 *
 * Bytes from outside are checked throughout: every length, the number and order of elements, that no member comes twice
 * and that every score is a number.
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import { compareBytes } from "../../base/byte-copy.ts";
import { parseDoubleLeniently } from "../../base/numbers.ts";
import { StorageError } from "../../base/storage-error.ts";
import type { UnpackedValue } from "../data-type.ts";
import { ListpackAppender } from "../listpack/appender.ts";
import { createListpack } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { endOffset, HEADER_BYTES } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import {
  decodePlainLength,
  decodeString,
  encodeLength,
  encodeString,
  type RdbBytes,
  RdbEncodingError,
  RdbLength,
  STRING_OVERHEAD_BYTES,
} from "../rdb-encoding.ts";
import { ROOT_BYTES, setRoot } from "../rooted.ts";
import { SeenKeys } from "../seen-keys.ts";
import type { ValueMemory } from "../value-memory.ts";
import { ScoreElement, scoreOf } from "./score.ts";
import { LISTPACK, SKIPLIST } from "./sorted-set.ts";
import type { TreeSortedSet } from "./tree-sorted-set.ts";

export const RDB_ZSET = 3;
export const RDB_ZSET_2 = 5;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_ZSET_LISTPACK = 17;

const SCORE_BYTES = 8;
const NOT_A_NUMBER = 253;
const INFINITE = 254;
const NEGATIVE_INFINITE = 255;
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
  return packed.subarray(0, encodeString(packed, 0, entries.valueBuffer(address), start, length, compress));
}

/** The large set that `elements` is turned to, packed. */
export function packElements(elements: TreeSortedSet, arena: ByteArena, compress: boolean): Buffer {
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

/**
 * Reads a packed set: see DataType.unpack. `elementsOf` gives the object that large sets are built with.
 * Throws StorageError "corrupt".
 */
export function unpackSortedSet(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding: number | undefined,
  elements: TreeSortedSet,
): UnpackedValue {
  try {
    if (rdbType === RDB_ZSET_LISTPACK) return unpackListpack(memory, packed, encoding, elements);
    return unpackElements(memory, rdbType, packed, encoding, elements);
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
}

function unpackListpack(
  memory: ValueMemory,
  packed: Buffer,
  encoding: number | undefined,
  elements: TreeSortedSet,
): UnpackedValue {
  const reader: RdbBytes = { buffer: packed, next: 0, end: packed.length };
  const bytes = decodeString(reader);
  if (bytes === undefined) throw corrupt("it is cut off");
  if (reader.next !== reader.end) throw corrupt("bytes follow it");
  const size = checkPairs(memory, bytes, encoding === undefined);
  if (encoding === undefined && size > memory.limits.zsetMaxListpackEntries)
    return largeFrom(elements, (add) => forEachPair(bytes, add));
  return listpackFrom(bytes);
}

/** A listpack, ready to be put into an entry. */
function listpackFrom(bytes: Buffer): UnpackedValue {
  return {
    length: bytes.length,
    encoding: LISTPACK,
    fill({ entries }, address) {
      bytes.copy(entries.valueBuffer(address), entries.valueStart(address));
    },
  };
}

type AddElement = (score: number, buffer: Buffer, start: number, length: number) => void;

/** A large set, to be built of the elements that `forEach` shows. */
function largeFrom(elements: TreeSortedSet, forEach: (add: AddElement) => void): UnpackedValue {
  return {
    length: ROOT_BYTES,
    encoding: SKIPLIST,
    fill({ entries }, address) {
      setRoot(entries, address, elements.create());
      forEach((score, buffer, start, length) => elements.insert(score, buffer, start, length));
    },
  };
}

function forEachPair(bytes: Buffer, show: AddElement): void {
  const member = new ElementView();
  const score = new ElementView();
  const end = endOffset(bytes, 0);
  for (let at = HEADER_BYTES; at < end; at = score.end) {
    member.read(bytes, 0, at);
    score.readValue(bytes, 0, member.end);
    show(scoreOf(score), member.buffer, member.start, member.length);
  }
}

/** Checks a listpack of members and scores; returns how many there are. Members that come twice, with different scores,
 * are looked for only if the bytes come `fromOutside`. */
function checkPairs(memory: ValueMemory, bytes: Buffer, fromOutside: boolean): number {
  const count = checkListpack(bytes, 0, bytes.length, true);
  if (count < 0) throw corrupt("its listpack is damaged");
  if (count === 0 || count % 2 !== 0) throw corrupt(`its listpack has ${count} elements`);
  const view = new ElementView();
  const seen = new SeenKeys(memory.keyHash, (position, buffer, start, length) => {
    view.read(bytes, 0, position);
    return compareBytes(view.buffer, view.start, view.length, buffer, start, length) === 0;
  });
  let lastScore = -Infinity;
  const last = new ElementView();
  let lastAt = 0;
  let at = HEADER_BYTES;
  forEachPair(bytes, (score, buffer, start, length) => {
    if (Number.isNaN(score)) throw corrupt("a score is no number");
    if (lastAt > 0) {
      last.read(bytes, 0, lastAt);
      const order = compareBytes(last.buffer, last.start, last.length, buffer, start, length);
      if (lastScore > score || (lastScore === score && order >= 0)) throw corrupt("it is out of order");
    }
    if (fromOutside && !seen.add(at, buffer, start, length)) throw corrupt("a member comes twice");
    lastScore = score;
    lastAt = at;
    view.readValue(bytes, 0, at);
    view.readValue(bytes, 0, view.end);
    at = view.end;
  });
  return count / 2;
}

/** Elements one after the other, being read. */
class ElementReader {
  private readonly bytes: RdbBytes;
  private readonly hasTextScores: boolean;
  private readonly length = new RdbLength();
  readonly size: number;
  member: Buffer = Buffer.alloc(0);
  score = 0;

  constructor(packed: Buffer, rdbType: number) {
    this.bytes = { buffer: packed, next: 0, end: packed.length };
    this.hasTextScores = rdbType === RDB_ZSET;
    if (!decodePlainLength(this.bytes, this.length)) throw corrupt("it is cut off");
    this.size = this.length.value;
  }

  /** Where the next element begins. */
  get position(): number {
    return this.bytes.next;
  }

  get isAtEnd(): boolean {
    return this.bytes.next === this.bytes.end;
  }

  /** Reads the next element. */
  read(): void {
    this.member = this.string();
    const score = this.hasTextScores ? this.textScore() : this.take(SCORE_BYTES).readDoubleLE();
    if (Number.isNaN(score)) throw corrupt("a score is no number");
    this.score = score;
  }

  /** The member of the element that begins there. The reader goes on where it was. */
  memberAt(position: number): Buffer {
    const { next } = this.bytes;
    this.bytes.next = position;
    const member = this.string();
    this.bytes.next = next;
    return member;
  }

  private string(): Buffer {
    const member = decodeString(this.bytes);
    if (member === undefined) throw corrupt("it is cut off");
    return member;
  }

  private textScore(): number {
    const length = this.take(1)[0];
    if (length === NOT_A_NUMBER) return Number.NaN;
    if (length === INFINITE) return Infinity;
    if (length === NEGATIVE_INFINITE) return -Infinity;
    return length === 0 ? Number.NaN : parseDoubleLeniently(this.take(length).toString("latin1"));
  }

  private take(length: number): Buffer {
    const { bytes } = this;
    const { next } = bytes;
    if (bytes.end - next < length) throw corrupt("it is cut off");
    bytes.next = next + length;
    return bytes.buffer.subarray(next, bytes.next);
  }
}

function unpackElements(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding: number | undefined,
  elements: TreeSortedSet,
): UnpackedValue {
  const reader = new ElementReader(packed, rdbType);
  const { size } = reader;
  if (size === 0) throw corrupt("it has no elements");
  const fromOutside = encoding === undefined;
  const seen = new SeenKeys(memory.keyHash, (position, member) => reader.memberAt(position).equals(member));
  let longest = 0;
  for (let i = 0; i < size; i++) {
    const { position } = reader;
    reader.read();
    const { member } = reader;
    longest = Math.max(longest, member.length);
    if (fromOutside && !seen.add(position, member, 0, member.length)) throw corrupt("a member comes twice");
  }
  if (!reader.isAtEnd) throw corrupt("bytes follow it");
  const { zsetMaxListpackEntries, zsetMaxListpackValue } = memory.limits;
  const isSmall = size <= zsetMaxListpackEntries && longest <= zsetMaxListpackValue;
  if (fromOutside && isSmall) return listpackFrom(sortedListpack(packed, rdbType));
  return largeFrom(elements, (add) => {
    const again = new ElementReader(packed, rdbType);
    for (let i = 0; i < size; i++) {
      again.read();
      add(again.score, again.member, 0, again.member.length);
    }
  });
}

/** The elements, which may stand in any order, as a listpack. */
function sortedListpack(packed: Buffer, rdbType: number): Buffer {
  const reader = new ElementReader(packed, rdbType);
  const found: { readonly score: number; readonly member: Buffer }[] = [];
  for (let i = 0; i < reader.size; i++) {
    reader.read();
    found.push({ score: reader.score, member: reader.member });
  }
  found.reverse();
  found.sort((a, b) => (a.score === b.score ? a.member.compare(b.member) : a.score < b.score ? -1 : 1));
  const bytes = new GrowingBytes(packed.length);
  createListpack(bytes);
  const appender = new ListpackAppender();
  const memberElement = new ElementValue();
  const scoreElement = new ScoreElement();
  appender.begin(bytes, packed.length);
  for (const { score, member } of found) {
    appender.add(memberElement.set(member, 0, member.length));
    appender.add(scoreElement.set(score));
  }
  appender.end();
  return bytes.bytes();
}

function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed sorted set is damaged: ${reason}`, { cause });
}
