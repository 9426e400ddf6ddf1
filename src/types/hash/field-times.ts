/**
 * When the fields of one large hash expire: an element table from names to times, of those that expire only, beside the
 * table of all fields. A time is Unix milliseconds in 6 bytes, little-endian.
 *
 * They are not in the order of time. `earliest` tells whether any can be due; then the table is searched from end to
 * end, as far as the caller allows at a time.
 *
 * Layout of the slab object (32-bit words):
 *   [0]    root of the table
 *   [1]    where the search for due fields goes on
 *   [2,3]  no field expires before this: low, high part; 0 if none expires
 *   [4,5]  the same of what the search has met so far
 */
import { readUint16, readUint32, writeInt16, writeInt32 } from "../../base/little-endian.ts";
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import type { TableElement } from "../element-table/bucket.ts";
import { ElementTable } from "../element-table/element-table.ts";
import { ElementWalk } from "../element-table/element-walk.ts";
import type { ValueMemory } from "../value-memory.ts";
import type { NameList } from "./name-list.ts";
import { NO_TIME } from "./timed-listpack.ts";

const ROOT = 0;
const POSITION = 1;
const EARLIEST = 2;
const MET = 4;
const OBJECT_BYTES = 24;
const TIME_BYTES = 6;
const TWO_32 = 0x1_0000_0000;
/** Some tenths of a millisecond. */
const TIMES_PER_PART = 4000;

export class FieldTimes {
  private readonly table: ElementTable;
  private readonly walk: ElementWalk;
  private readonly memory: ValueMemory;
  private readonly slabs: Slabs;
  // Of the search under way.
  private nowMs = 0;
  private metMs = NO_TIME;
  private due!: NameList;

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.slabs = memory.blocks.slabs;
    this.table = new ElementTable(memory.blocks, memory.keyHash);
    this.walk = new ElementWalk(memory.blocks);
  }

  /** New, empty times. */
  create(): number {
    return this.newObject(this.table.create(TIME_BYTES), NO_TIME);
  }

  private newObject(root: number, earliest: number): number {
    const times = this.slabs.allocate(OBJECT_BYTES);
    const words = this.words(times);
    const w = firstWord(times);
    words[w + ROOT] = root;
    words[w + POSITION] = 0;
    writeMs(words, w + EARLIEST, earliest);
    writeMs(words, w + MET, NO_TIME);
    return times;
  }

  /** Number of fields that expire. */
  size(times: number): number {
    return this.table.size(this.root(times));
  }

  /** No field expires before this, but those that a search has just found due; NO_TIME if none expires at all. */
  earliest(times: number): number {
    return readMs(this.words(times), firstWord(times) + EARLIEST);
  }

  /** The time of a field, or NO_TIME. */
  of(times: number, name: Buffer, start: number, length: number): number {
    const { table } = this;
    return table.find(this.root(times), name, start, length) ? timeIn(table.element) : NO_TIME;
  }

  /** Gives a field a time, which is not NO_TIME. */
  set(times: number, name: Buffer, start: number, length: number, time: number): void {
    const { table } = this;
    if (table.find(this.root(times), name, start, length)) table.resizePayload(TIME_BYTES);
    else table.add(TIME_BYTES);
    const { buffer, payloadStart } = table.element;
    writeInt32(buffer, payloadStart, time);
    writeInt16(buffer, payloadStart + 4, Math.floor(time / TWO_32));
    const words = this.words(times);
    const w = firstWord(times);
    lower(words, w + EARLIEST, time);
    lower(words, w + MET, time);
  }

  /** Takes a field's time away. */
  remove(times: number, name: Buffer, start: number, length: number): void {
    const root = this.root(times);
    this.table.delete(root, name, start, length);
    if (this.table.size(root) > 0) return;
    const words = this.words(times);
    const w = firstWord(times);
    writeMs(words, w + EARLIEST, NO_TIME);
    writeMs(words, w + MET, NO_TIME);
    words[w + POSITION] = 0;
  }

  /** Looks for the least of all times, some thousand at a time; nothing may change in between. Returns it exactly, or
   * NO_TIME if there is none. */
  *exactEarliest(times: number): Generator<void, number> {
    const walk = new ElementWalk(this.memory.blocks);
    let least = NO_TIME;
    let left = TIMES_PER_PART;
    for (walk.begin(this.root(times)); walk.next(); ) {
      const time = timeIn(walk.element);
      if (least === NO_TIME || time < least) least = time;
      if (--left > 0) continue;
      left = TIMES_PER_PART;
      yield;
    }
    return least;
  }

  /** How many fields are due at `nowMs`. */
  countDue(times: number, nowMs: number): number {
    const { walk } = this;
    const earliest = this.earliest(times);
    if (earliest === NO_TIME || earliest > nowMs) return 0;
    let due = 0;
    for (walk.begin(this.root(times)); walk.next(); ) if (timeIn(walk.element) <= nowMs) due++;
    return due;
  }

  /** Begins the search for due fields anew. */
  restartSearch(times: number): void {
    const words = this.words(times);
    const w = firstWord(times);
    words[w + POSITION] = 0;
    writeMs(words, w + MET, NO_TIME);
  }

  /**
   * Looks at about `count` times for some that are due at `nowMs`, from where the last search ended, and adds the names
   * of these fields to `due`: the caller removes them. Says whether it came to the end.
   */
  searchDue(times: number, nowMs: number, count: number, due: NameList): boolean {
    const words = this.words(times);
    const w = firstWord(times);
    this.nowMs = nowMs;
    this.due = due;
    this.metMs = readMs(words, w + MET);
    const { keyHash } = this.memory;
    const position = this.walk.scan(words[w + ROOT], words[w + POSITION] >>> 0, count, keyHash, this.look);
    words[w + POSITION] = position;
    if (position === 0) writeMs(words, w + EARLIEST, this.metMs);
    writeMs(words, w + MET, position === 0 ? NO_TIME : this.metMs);
    return position === 0;
  }

  private readonly look = (element: TableElement): void => {
    const time = timeIn(element);
    if (time <= this.nowMs) this.due.add(element.buffer, element.keyStart, element.keyLength);
    else if (this.metMs === NO_TIME || time < this.metMs) this.metMs = time;
  };

  /** Root of the table; its payloads are for `timeIn`. */
  tableOf(times: number): number {
    return this.root(times);
  }

  /** Frees about `limit` blocks; true when all is freed. */
  disposeStep(times: number, limit: number): boolean {
    if (!this.table.disposeStep(this.root(times), limit)) return false;
    this.slabs.free(times);
    return true;
  }

  copy(times: number): number {
    return this.newObject(this.table.copy(this.root(times)), this.earliest(times));
  }

  sizeBytes(times: number, samples: number): number {
    return this.slabs.capacity(times) + this.table.sizeBytes(this.root(times), samples);
  }

  private words(times: number): Int32Array {
    return this.slabs.words[times >>> SLAB_SHIFT];
  }

  private root(times: number): number {
    return this.words(times)[firstWord(times) + ROOT];
  }
}

function firstWord(address: number): number {
  return (address & SLAB_MASK) << 2;
}

/** The time that an element of the table holds. */
export function timeIn({ buffer, payloadStart }: TableElement): number {
  return readUint32(buffer, payloadStart) + readUint16(buffer, payloadStart + 4) * TWO_32;
}

function readMs(words: Int32Array, w: number): number {
  return words[w + 1] * TWO_32 + (words[w] >>> 0);
}

function writeMs(words: Int32Array, w: number, ms: number): void {
  words[w] = ms | 0;
  words[w + 1] = Math.floor(ms / TWO_32);
}

function lower(words: Int32Array, w: number, ms: number): void {
  const present = readMs(words, w);
  if (present === NO_TIME || ms < present) writeMs(words, w, ms);
}
