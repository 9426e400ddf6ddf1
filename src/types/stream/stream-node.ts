/**
 * A node of a stream: a block that holds some entries as Redis has them in a listpack, so that RDB is a copy.
 *
 *     node    [id of the node: 16][listpack]
 *     listpack  master  [live entries][deleted entries][number of fields][field]...[0]
 *               entry   [flags][ms][seq]                      relative to the node's id, as signed integers of 64 bits
 *                       [value]...                            with SAME_FIELDS: the fields are the master's
 *                       [number of fields][field][value]...   without
 *                       [number of elements before this one in the entry]
 *
 * The node's id and the master's fields are those of the first entry that was added. Entries are in the order in which
 * they were added; they are never taken out, only marked as DELETED, until the whole node goes.
 *
 * Here a node is made, and entries are added and marked; node-entries.ts reads them, node-validation.ts checks nodes
 * from outside. All bytes were made here or were checked.
 */
import { Int64 } from "../../base/int64.ts";
import { readInt32, writeInt32 } from "../../base/little-endian.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ListpackAppender } from "../listpack/appender.ts";
import { createListpack, replaceElement } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { elementEnd } from "../listpack/encoding.ts";
import { EMPTY_LISTPACK_BYTES, HEADER_BYTES, MAX_LISTPACK_BYTES } from "../listpack/listpack.ts";
import { equalsElement } from "../listpack/search.ts";
import type { PackedBytes } from "../packed-bytes.ts";
import { ID_BYTES, type StreamId } from "./stream-id.ts";

/** Flags of an entry. */
export const DELETED = 1;
export const SAME_FIELDS = 2;

/** First bytes of an element below are an integer of 7 bits. */
const SMALL_INTEGERS = 0x80;
/** The size of a small integer. */
const SMALL_BYTES = 2;
/** Bytes of a short element besides its text, and of all that there is of an entry besides fields and values. */
const USUAL_ELEMENT_BYTES = 2;
const USUAL_FIXED_BYTES = 24;
/** Elements of each entry besides fields, values and their number: flags, two parts of the id. */
const FIXED_ELEMENTS = 3;

/** Fields and values of an entry, by turns, as a request has them: `pairs` of them from argument `first` on. */
export interface EntrySource {
  readonly buf: Buffer;
  readonly start: Int32Array;
  readonly len: Int32Array;
}

/** When a node is full: `stream-node-max-bytes` and `stream-node-max-entries`; 0 is no limit. */
export interface NodeLimits {
  readonly streamNodeMaxBytes: number;
  readonly streamNodeMaxEntries: number;
}

const value = new ElementValue();
const delta = new Int64();
const appender = new ListpackAppender();

/** The listpack of a node that is being worked on; `open` turns it to another one. */
export class StreamNode implements PackedBytes {
  /** Reference of the block: another one after the node has grown. */
  reference = 0;
  buffer!: Buffer;
  /** Where the listpack begins, and its length. */
  start = 0;
  length = 0;
  /** Of the master, as `readMaster` found it. Offsets are from the listpack's beginning. */
  live = 0;
  deleted = 0;
  fields = 0;
  fieldsAt = 0;
  entriesAt = 0;
  private blocks!: Blocks;
  private readonly view = new ElementView();
  /** What `readInteger` read, in two words. */
  high = 0;
  low = 0;

  open(blocks: Blocks, reference: number): this {
    this.blocks = blocks;
    this.reference = reference;
    this.buffer = blocks.buffer(reference);
    this.start = blocks.start(reference) + ID_BYTES;
    this.length = blocks.length(reference) - ID_BYTES;
    return this;
  }

  /** Turns to a node that is only read, the bytes of whose block are these. */
  openBytes(buffer: Buffer, start: number, length: number): this {
    this.buffer = buffer;
    this.start = start + ID_BYTES;
    this.length = length - ID_BYTES;
    return this;
  }

  /** Loosely, as the last node grows by every entry; `fit` makes up for it. */
  resize(length: number): void {
    this.open(this.blocks, this.blocks.resizeLoosely(this.reference, ID_BYTES + length));
  }

  /** Gives the node no more memory than it needs. */
  fit(): void {
    this.keep();
    this.open(this.blocks, this.blocks.resize(this.reference, ID_BYTES + this.length));
  }

  readId(id: StreamId): void {
    readNodeId(this.buffer, this.start - ID_BYTES, id);
  }

  /** Reads the integer element at an offset into `high` and `low`; returns the offset after it. */
  readInteger(at: number): number {
    const head = this.buffer[this.start + at];
    if (head < SMALL_INTEGERS) {
      this.high = 0;
      this.low = head;
      return at + SMALL_BYTES;
    }
    const { view } = this;
    view.readValue(this.buffer, this.start, at);
    this.high = view.integer.high;
    this.low = view.integer.low;
    return view.end;
  }

  /** Offset after `count` elements from that at `at` on. */
  skip(at: number, count: number): number {
    let position = this.start + at;
    for (let i = 0; i < count; i++) position = elementEnd(this.buffer, position);
    return position - this.start;
  }

  readMaster(): void {
    let at = this.readInteger(HEADER_BYTES);
    this.live = this.low;
    at = this.readInteger(at);
    this.deleted = this.low;
    this.fieldsAt = this.readInteger(at);
    this.fields = this.low;
    this.entriesAt = this.skip(this.fieldsAt, this.fields + 1);
  }

  /** Makes a node of one entry, and opens it. Returns its reference. */
  create(blocks: Blocks, id: StreamId, source: EntrySource, first: number, pairs: number): number {
    this.open(blocks, blocks.allocate(ID_BYTES + EMPTY_LISTPACK_BYTES));
    writeNodeId(this.buffer, this.start - ID_BYTES, id);
    createListpack(this);
    appender.begin(this, usualSize(source, first, 2 * pairs, 1));
    appender.addInteger(1);
    appender.addInteger(0);
    appender.addInteger(pairs);
    addElements(source, first, pairs, 2);
    appender.addInteger(0);
    appender.addInteger(SAME_FIELDS);
    appender.addInteger(0);
    appender.addInteger(0);
    addElements(source, first + 1, pairs, 2);
    appender.addInteger(pairs + FIXED_ELEMENTS);
    appender.end();
    return this.reference;
  }

  /** Whether an entry whose fields and values have so many bytes belongs in another node. The master must have been
   * read. */
  isFull(addedBytes: number, limits: NodeLimits): boolean {
    let maxBytes = limits.streamNodeMaxBytes;
    if (maxBytes === 0 || maxBytes > MAX_LISTPACK_BYTES) maxBytes = MAX_LISTPACK_BYTES;
    if (this.length + addedBytes >= maxBytes) return true;
    const maxEntries = limits.streamNodeMaxEntries;
    return maxEntries !== 0 && this.live + this.deleted >= maxEntries;
  }

  /** Adds an entry behind all others. The master must have been read. */
  append(id: StreamId, source: EntrySource, first: number, pairs: number): void {
    this.keep();
    this.setCounts(this.live + 1, this.deleted);
    const isSame = this.hasFields(source, first, pairs);
    const elements = FIXED_ELEMENTS + (isSame ? pairs : 2 * pairs + 1);
    const from = isSame ? first + 1 : first;
    const step = isSame ? 2 : 1;
    const count = isSame ? pairs : 2 * pairs;
    appender.begin(this, usualSize(source, from, count, step));
    appender.addInteger(isSame ? SAME_FIELDS : 0);
    appender.add(this.difference(id, true));
    appender.add(this.difference(id, false));
    if (!isSame) appender.addInteger(pairs);
    addElements(source, from, count, step);
    appender.addInteger(elements);
    appender.end();
  }

  /** Before the node changes where it is. */
  private keep(): void {
    const { frozen } = this.blocks;
    if (frozen.count > 0) frozen.beforeChange(this.reference);
  }

  /** Marks the entry at an offset, which is live, as deleted; the counts are the caller's to set. */
  markDeleted(at: number): void {
    this.keep();
    this.buffer[this.start + at] |= DELETED;
  }

  /** Writes the counts of the master. Offsets behind it may be others then. */
  setCounts(live: number, deleted: number): void {
    this.live = live;
    this.deleted = deleted;
    this.setInteger(this.setInteger(HEADER_BYTES, live), deleted);
  }

  /** Puts an integer in the place of that at `at`; returns the offset after it. */
  private setInteger(at: number, integer: number): number {
    const position = this.start + at;
    if (integer >= SMALL_INTEGERS || this.buffer[position] >= SMALL_INTEGERS)
      return replaceElement(this, at, value.setInteger(integer));
    this.buffer[position] = integer;
    return at + SMALL_BYTES;
  }

  /** Whether the entry has the fields of the master. */
  private hasFields(source: EntrySource, first: number, pairs: number): boolean {
    if (pairs !== this.fields) return false;
    const { buf, start, len } = source;
    // The counts before may have grown.
    let at = this.readInteger(this.readInteger(this.readInteger(HEADER_BYTES)));
    for (let i = first; i < first + 2 * pairs; i += 2) {
      if (!equalsElement(this.buffer, this.start, at, value.set(buf, start[i], len[i]))) return false;
      at = this.skip(at, 1);
    }
    return true;
  }

  /** How far a part of the id is from the node's. */
  private difference(id: StreamId, isMs: boolean): ElementValue {
    const at = this.start - ID_BYTES + (isMs ? 0 : 8);
    const high = isMs ? id.msHigh : id.seqHigh;
    const low = isMs ? id.msLow : id.seqLow;
    const nodeLow = readInt32(this.buffer, at + 4);
    const borrow = low >>> 0 < nodeLow >>> 0 ? 1 : 0;
    delta.setWords(high - readInt32(this.buffer, at) - borrow, low - nodeLow);
    return value.setInt64(delta);
  }
}

/** Bytes that a node may hold of fields and values together, as in Redis. */
export const MAX_ENTRY_BYTES: number = MAX_LISTPACK_BYTES;

/** Reads the id of a node whose block begins at `position`. */
export function readNodeId(bytes: Buffer, position: number, id: StreamId): void {
  id.msHigh = readInt32(bytes, position);
  id.msLow = readInt32(bytes, position + 4);
  id.seqHigh = readInt32(bytes, position + 8);
  id.seqLow = readInt32(bytes, position + 12);
}

export function writeNodeId(bytes: Buffer, position: number, id: StreamId): void {
  writeInt32(bytes, position, id.msHigh);
  writeInt32(bytes, position + 4, id.msLow);
  writeInt32(bytes, position + 8, id.seqHigh);
  writeInt32(bytes, position + 12, id.seqLow);
}

/** Bytes that an entry with these arguments, `count` of them, every `step` from `first` on, mostly does not exceed. */
function usualSize({ len }: EntrySource, first: number, count: number, step: number): number {
  let size = USUAL_FIXED_BYTES + count * USUAL_ELEMENT_BYTES;
  for (let i = first, left = count; left > 0; i += step, left--) size += len[i];
  return size;
}

/** Appends `count` arguments, every `step` from `first` on. */
function addElements(source: EntrySource, first: number, count: number, step: number): void {
  const { buf, start, len } = source;
  for (let i = first, left = count; left > 0; i += step, left--)
    appender.add(value.set(buf, start[i], len[i]));
}
