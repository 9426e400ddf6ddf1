/**
 * Hashes out of their packed forms (hash-packing.ts), out of two older ones:
 *
 *     9     a string that is a zipmap (zipmap.ts)
 *     13    a string that is a ziplist of names and values (../ziplist.ts)
 *
 * and two of release candidates of Redis 7.4, which are those of 24 and 25 without the earliest time in front:
 *
 *     22    a number and as many times, names and values; times are as they are, 0: none
 *     23    a string that is a listpack with times
 *
 * Bytes from outside may be anything. First all is checked, and no memory is taken but for the positions of names, to
 * find those that stand there twice; only then is the hash made.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { StorageError } from "../../base/storage-error.ts";
import type { StoredValue, UnpackedValue } from "../data-type.ts";
import { distinctPositions } from "../distinct-positions.ts";
import { NotedElements } from "../element-table/table-builder.ts";
import { VARIABLE_PAYLOAD } from "../element-table/table-root.ts";
import { ListpackAppender } from "../listpack/appender.ts";
import { createListpack } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { HEADER_BYTES, MAX_LISTPACK_BYTES } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import { decodeString, type RdbBytes, RdbEncodingError } from "../rdb-encoding.ts";
import { RdbString, readOnlyString } from "../rdb-string.ts";
import { ROOT_BYTES, ROOTED, setRoot } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { readZiplist } from "../ziplist.ts";
import { LISTPACK, TABLE, TIMED_LISTPACK, TIMED_TABLE } from "./hash-encoding.ts";
import { RDB_HASH_LISTPACK, RDB_HASH_LISTPACK_TIMED, RDB_HASH_TIMED } from "./hash-packing.ts";
import { fieldsOf } from "./hash-reader.ts";
import { PackedFields } from "./packed-fields.ts";
import { PAIR, TRIPLET } from "./packed-hash.ts";
import { addTimes, NO_TIME } from "./timed-listpack.ts";
import { readZipmap } from "./zipmap.ts";

export const RDB_HASH_ZIPMAP = 9;
export const RDB_HASH_ZIPLIST = 13;
export const RDB_HASH_TIMED_FIRST = 22;
export const RDB_HASH_LISTPACK_TIMED_FIRST = 23;

const TIME_BYTES = 8;
/** The latest time that a field can have in Redis. */
const MAX_TIME = 2 ** 48 - 1;

const name = new ElementView();
const value = new ElementView();
const timeView = new ElementView();
const otherName = new ElementView();
const otherString = new RdbString();
const storedText = new RdbString();
const element = new ElementValue();
const appender = new ListpackAppender();

/** See DataType.unpack. */
export function unpackHash(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding: number | undefined,
): UnpackedValue {
  try {
    switch (rdbType) {
      case RDB_HASH_LISTPACK:
        return fromListpack(memory, onlyString(packed, 0), PAIR, encoding);
      case RDB_HASH_LISTPACK_TIMED:
        return fromListpack(memory, onlyString(packed, TIME_BYTES), TRIPLET, encoding);
      case RDB_HASH_LISTPACK_TIMED_FIRST:
        return fromListpack(memory, onlyString(packed, 0), TRIPLET, encoding);
      case RDB_HASH_TIMED_FIRST:
        return fromStrings(memory, new PackedFields(packed, true, false), packed, encoding);
      case RDB_HASH_ZIPLIST:
        return fromListpack(memory, listpackOfZiplist(onlyString(packed, 0)), PAIR, encoding);
      case RDB_HASH_ZIPMAP:
        return fromZipmap(memory, onlyString(packed, 0), encoding);
      default:
        return fromStrings(memory, new PackedFields(packed, rdbType === RDB_HASH_TIMED), packed, encoding);
    }
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
}

/** See DataType.findStored. */
export function findStoredHash(
  memory: ValueMemory,
  rdbType: number,
  packed: RdbBytes,
  into: StoredValue,
): boolean {
  if (rdbType !== RDB_HASH_LISTPACK || !readOnlyString(packed, storedText)) return false;
  const { buffer, start, length } = storedText;
  const fields = checkFields(memory, buffer, start, length, PAIR, true);
  return fields <= memory.limits.hashMaxListpackEntries && into.set(buffer, start, length, LISTPACK);
}

function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed hash is damaged: ${reason}`, { cause });
}

/** The string from `from` to the end. */
function onlyString(packed: Buffer, from: number): Buffer {
  const bytes = { buffer: packed, next: from, end: packed.length };
  const string = decodeString(bytes);
  if (string === undefined) throw corrupt("it is cut off");
  if (bytes.next !== bytes.end) throw corrupt(`${bytes.end - bytes.next} bytes follow it`);
  return string;
}

/** `longest` is the length of the longest name or value, if that decides too. */
function fromListpack(
  memory: ValueMemory,
  bytes: Buffer,
  width: number,
  encoding: number | undefined,
  longest = 0,
): UnpackedValue {
  const fields = checkFields(memory, bytes, 0, bytes.length, width, encoding === undefined);
  const { limits } = memory;
  const isLarge = fields > limits.hashMaxListpackEntries || longest > limits.hashMaxListpackValue;
  const form = encoding ?? formFor(width === TRIPLET, isLarge);
  if ((form & ROOTED) !== 0)
    return unpackedTable(form, (into) => tableOfListpack(into, bytes, width, fields));
  if (form === LISTPACK || width === TRIPLET) return unpackedListpack(form, bytes);
  const list = new GrowingBytes(bytes.length);
  list.resize(bytes.length);
  bytes.copy(list.buffer);
  addTimes(list);
  return unpackedListpack(form, list.bytes());
}

function formFor(isTimed: boolean, isLarge: boolean): number {
  if (isLarge) return isTimed ? TIMED_TABLE : TABLE;
  return isTimed ? TIMED_LISTPACK : LISTPACK;
}

function unpackedListpack(encoding: number, bytes: Buffer): UnpackedValue {
  return {
    length: bytes.length,
    encoding,
    fill({ entries }, address) {
      copyBytes(bytes, 0, entries.valueBuffer(address), entries.valueStart(address), bytes.length);
    },
  };
}

function unpackedTable(encoding: number, makeTable: (memory: ValueMemory) => number): UnpackedValue {
  return {
    length: ROOT_BYTES,
    encoding,
    fill: (memory, address) => setRoot(memory.entries, address, makeTable(memory)),
  };
}

/** Checks a listpack: its layout, times that are none or not in order and, if asked for, names that stand there twice.
 * Returns the number of fields. */
function checkFields(
  memory: ValueMemory,
  bytes: Buffer,
  start: number,
  length: number,
  width: number,
  wantsDistinct: boolean,
): number {
  const elements = checkListpack(bytes, start, length, true);
  if (elements <= 0 || elements % width !== 0) throw corrupt("it is no listpack of fields");
  const fields = elements / width;
  if (!wantsDistinct && width === PAIR) return fields;
  const names = distinctPositions(wantsDistinct ? fields : 0);
  const isSame = (other: number): boolean => {
    otherName.read(bytes, start, other);
    return isSameText(name, otherName);
  };
  let at = HEADER_BYTES;
  let time = NO_TIME;
  for (let i = 0; i < fields; i++) {
    name.read(bytes, start, at);
    const hash = memory.keyHash.of(name.buffer, name.start, name.length);
    if (wantsDistinct && !names.add(hash, at, isSame)) throw corrupt("a field stands there twice");
    value.readValue(bytes, start, name.end);
    at = value.end;
    if (width === PAIR) continue;
    timeView.readValue(bytes, start, at);
    const next = timeView.isInteger ? timeView.integer.toNumber() : -1;
    const isInOrder = i === 0 || (next === NO_TIME ? true : time !== NO_TIME && next >= time);
    if (next < 0 || next > MAX_TIME || !isInOrder) throw corrupt("a field has an impossible time");
    time = next;
    at = timeView.end;
  }
  return fields;
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

/** Root of a table with the fields of a listpack. */
function tableOfListpack(memory: ValueMemory, bytes: Buffer, width: number, fields: number): number {
  const { table } = fieldsOf(memory);
  const root = table.create();
  table.reserve(root, fields);
  let at = HEADER_BYTES;
  for (let i = 0; i < fields; i++) {
    name.read(bytes, 0, at);
    value.read(bytes, 0, name.end);
    at = value.end;
    let time = NO_TIME;
    if (width === TRIPLET) {
      timeView.readValue(bytes, 0, at);
      time = timeView.integer.toNumber();
      at = timeView.end;
    }
    table.add(root, name, value, time);
  }
  return root;
}

function listpackOfZiplist(ziplist: Buffer): Buffer {
  const list = new GrowingBytes(ziplist.length);
  createListpack(list);
  appender.begin(list, ziplist.length);
  const elements = readZiplist(ziplist, (each) => {
    appender.add(each);
    return true;
  });
  appender.end();
  if (elements < 0) throw corrupt("it is no ziplist");
  return list.bytes();
}

function fromZipmap(memory: ValueMemory, zipmap: Buffer, encoding: number | undefined): UnpackedValue {
  const list = new GrowingBytes(zipmap.length);
  createListpack(list);
  appender.begin(list, zipmap.length);
  let longest = 0;
  const fields = readZipmap(zipmap, (start, length) => {
    if (length > longest) longest = length;
    appender.add(element.set(zipmap, start, length));
  });
  appender.end();
  if (fields < 0) throw corrupt("it is no zipmap");
  return fromListpack(memory, list.bytes(), PAIR, encoding, longest);
}

function fromStrings(
  memory: ValueMemory,
  fields: PackedFields,
  packed: Buffer,
  encoding: number | undefined,
): UnpackedValue {
  if (fields.count <= 0) throw corrupt("it has no fields");
  const { limits } = memory;
  const names = distinctPositions(encoding === undefined ? fields.count : 0);
  const noted = new NotedElements(fields.count, VARIABLE_PAYLOAD);
  const isSame = (other: number): boolean => {
    otherString.read({ buffer: packed, next: other, end: packed.length });
    return isSameText(fields.name, otherString);
  };
  let longest = 0;
  let total = 0;
  let isTimed = false;
  while (fields.next()) {
    const { name: each, value: its, time } = fields;
    if (time > MAX_TIME) throw corrupt("a field has an impossible time");
    const hash = memory.keyHash.of(each.buffer, each.start, each.length);
    noted.add(hash, each.length, its.length);
    if (encoding === undefined && !names.add(hash, fields.position, isSame))
      throw corrupt("a field stands there twice");
    longest = Math.max(longest, each.length, its.length);
    total += each.length + its.length;
    isTimed ||= time !== NO_TIME;
  }
  if (!fields.isAtEnd) throw corrupt("it does not end where it should");
  const isLarge =
    fields.count > limits.hashMaxListpackEntries ||
    longest > limits.hashMaxListpackValue ||
    total > MAX_LISTPACK_BYTES;
  const form = encoding ?? formFor(isTimed, isLarge);
  if ((form & ROOTED) !== 0) return unpackedTable(form, (into) => tableOfStrings(into, fields, noted));
  return unpackedListpack(form, listpackOfStrings(fields, form === TIMED_LISTPACK, total));
}

/** Root of a table with these fields, which were noted in their order. */
function tableOfStrings(memory: ValueMemory, fields: PackedFields, noted: NotedElements): number {
  const { table } = fieldsOf(memory);
  const root = table.create();
  table.beginBuild(root, noted);
  fields.begin();
  while (fields.next()) table.build(root, fields.name, fields.value, fields.time);
  return root;
}

/** A listpack of these fields, whose names and values have `total` bytes. */
function listpackOfStrings(fields: PackedFields, isTimed: boolean, total: number): Buffer {
  const list = new GrowingBytes(2 * total);
  createListpack(list);
  appender.begin(list, total);
  if (isTimed) appendInOrder(fields);
  else {
    fields.begin();
    while (fields.next()) appendPresent(fields);
  }
  appender.end();
  return list.bytes();
}

function appendPresent({ name: each, value: its }: PackedFields): void {
  appender.add(element.set(each.buffer, each.start, each.length));
  appender.add(element.set(its.buffer, its.start, its.length));
}

/** Appends the fields with their times, in the order of these. */
function appendInOrder(fields: PackedFields): void {
  const order: { readonly time: number; readonly position: number }[] = [];
  fields.begin();
  while (fields.next()) order.push({ time: fields.time, position: fields.position });
  // Infinity - Infinity is NaN, which counts as equal.
  const rank = (time: number): number => (time === NO_TIME ? Number.POSITIVE_INFINITY : time);
  order.sort((a, b) => rank(a.time) - rank(b.time) || a.position - b.position);
  for (const { time, position } of order) {
    fields.readAt(position);
    appendPresent(fields);
    appender.addInteger(time);
  }
}
