/**
 * Sets out of their packed forms (set-packing.ts), and out of a younger one:
 *
 *     20    a string that is a listpack of members: small sets of Redis 7.2
 *
 * Bytes from outside may be anything. First all is checked, and no memory is taken but for the positions of members, to
 * find those that stand there twice; only then is the set made.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
import { StorageError } from "../../base/storage-error.ts";
import type { StoredValue, UnpackedValue } from "../data-type.ts";
import { distinctPositions } from "../distinct-positions.ts";
import { NotedElements } from "../element-table/table-builder.ts";
import { addMember, checkIntset } from "../intset/intset.ts";
import { decodeString, type RdbBytes, RdbEncodingError } from "../rdb-encoding.ts";
import { RdbString, readOnlyString } from "../rdb-string.ts";
import { ROOT_BYTES, setRoot } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { NewSet } from "./new-set.ts";
import { IntsetMembers, ListpackMembers, type PackedMembers, StringMembers } from "./packed-members.ts";
import { INTSET, MEMBER_PAYLOAD, TABLE } from "./set-encoding.ts";
import { RDB_SET, RDB_SET_INTSET } from "./set-packing.ts";
import { membersOf } from "./set-reader.ts";

export const RDB_SET_LISTPACK = 20;

const integer = new Int64();
const storedText = new RdbString();

/** See DataType.unpack. */
export function unpackSet(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding: number | undefined,
): UnpackedValue {
  try {
    if (rdbType === RDB_SET_INTSET) return fromIntset(memory, onlyString(packed), encoding);
    if (rdbType === RDB_SET)
      return fromMembers(memory, new StringMembers(packed), () => new StringMembers(packed), encoding);
    const listpack = onlyString(packed);
    return fromMembers(memory, new ListpackMembers(listpack), () => new ListpackMembers(listpack), encoding);
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
}

/** See DataType.findStored. */
export function findStoredSet(
  { limits }: ValueMemory,
  rdbType: number,
  packed: RdbBytes,
  into: StoredValue,
): boolean {
  if (rdbType !== RDB_SET_INTSET || !readOnlyString(packed, storedText)) return false;
  const { buffer, start, length } = storedText;
  const members = checkIntset(buffer, start, length, true);
  return members > 0 && members <= limits.setMaxIntsetEntries && into.set(buffer, start, length, INTSET);
}

function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed set is damaged: ${reason}`, { cause });
}

/** The one string that the payload is. */
function onlyString(packed: Buffer): Buffer {
  const bytes = { buffer: packed, next: 0, end: packed.length };
  const string = decodeString(bytes);
  if (string === undefined) throw corrupt("it is cut off");
  if (bytes.next !== bytes.end) throw corrupt(`${bytes.end - bytes.next} bytes follow it`);
  return string;
}

function fromIntset(memory: ValueMemory, intset: Buffer, encoding: number | undefined): UnpackedValue {
  const members = new IntsetMembers(intset);
  if (members.count <= 0) throw corrupt("it is no intset");
  const isLarge = members.count > memory.limits.setMaxIntsetEntries;
  if ((encoding ?? (isLarge ? TABLE : INTSET)) === INTSET) return unpackedIntset(intset);
  const noted = new NotedElements(members.count, MEMBER_PAYLOAD);
  while (members.next()) {
    const { buffer, start, length } = members;
    noted.add(memory.keyHash.of(buffer, start, length), length, MEMBER_PAYLOAD);
  }
  return unpackedTable(members, noted);
}

/** `again` makes a second walk, to compare members by. */
function fromMembers(
  memory: ValueMemory,
  members: PackedMembers,
  again: () => PackedMembers,
  encoding: number | undefined,
): UnpackedValue {
  if (members.count <= 0) throw corrupt("it has no members");
  const fromOutside = encoding === undefined;
  const seen = distinctPositions(fromOutside ? members.count : 0);
  const noted = new NotedElements(members.count, MEMBER_PAYLOAD);
  let others: PackedMembers | undefined;
  const isSame = (other: number): boolean => {
    others ??= again();
    others.readAt(other);
    return isSameText(members, others);
  };
  let areIntegers = encoding !== TABLE && members.count <= memory.limits.setMaxIntsetEntries;
  while (members.next()) {
    const { buffer, start, length } = members;
    areIntegers &&= length <= MAX_INT64_TEXT && integer.parse(buffer, start, length);
    const hash = memory.keyHash.of(buffer, start, length);
    noted.add(hash, length, MEMBER_PAYLOAD);
    if (fromOutside && !seen.add(hash, members.position, isSame))
      throw corrupt("a member stands there twice");
  }
  if (!members.isAtEnd) throw corrupt("it does not end where it should");
  return areIntegers ? unpackedIntset(intsetOf(members)) : unpackedTable(members, noted);
}

interface Text {
  readonly buffer: Buffer;
  readonly start: number;
  readonly length: number;
}

function isSameText(a: Text, b: Text): boolean {
  return (
    a.length === b.length &&
    a.buffer.compare(b.buffer, b.start, b.start + b.length, a.start, a.start + a.length) === 0
  );
}

function intsetOf(members: PackedMembers): Buffer {
  const set = new NewSet().begin();
  members.begin();
  while (members.next()) {
    integer.parse(members.buffer, members.start, members.length);
    addMember(set, integer);
  }
  return set.bytes();
}

function unpackedIntset(intset: Buffer): UnpackedValue {
  return {
    length: intset.length,
    encoding: INTSET,
    fill({ entries }, address) {
      copyBytes(intset, 0, entries.valueBuffer(address), entries.valueStart(address), intset.length);
    },
  };
}

/** `noted` are all members in their order. */
function unpackedTable(members: PackedMembers, noted: NotedElements): UnpackedValue {
  return {
    length: ROOT_BYTES,
    encoding: TABLE,
    fill(memory, address) {
      const { table } = membersOf(memory);
      const root = table.create(MEMBER_PAYLOAD);
      table.builder.begin(root, noted);
      members.begin();
      while (members.next()) table.builder.add(members.buffer, members.start, members.length, MEMBER_PAYLOAD);
      setRoot(memory.entries, address, root);
    },
  };
}
