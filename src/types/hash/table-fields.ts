/**
 * Large hashes: an element table of fields and values, and beside it, once a field expires, the times of those that do
 * (field-times.ts). One object of this class works on all of them, each known by its root.
 *
 * Layout of the root, a slab object (32-bit words):
 *   [0]  root of the table
 *   [1]  the times, or 0
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Random } from "../../base/random.ts";
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import type { TableElement } from "../element-table/bucket.ts";
import { ElementTable } from "../element-table/element-table.ts";
import { ElementWalk } from "../element-table/element-walk.ts";
import { openPlace, RandomPlaces, randomPlace } from "../element-table/random-elements.ts";
import type { NotedElements } from "../element-table/table-builder.ts";
import { VARIABLE_PAYLOAD } from "../element-table/table-root.ts";
import type { ValueMemory } from "../value-memory.ts";
import { FieldTimes } from "./field-times.ts";
import { NO_TIME } from "./timed-listpack.ts";

const TABLE = 0;
const TIMES = 1;
const ROOT_BYTES = 8;

/** Bytes in a buffer. */
export interface ByteRange {
  readonly buffer: Buffer;
  readonly start: number;
  readonly length: number;
}

export class TableFields {
  readonly times: FieldTimes;
  private readonly table: ElementTable;
  private readonly walk: ElementWalk;
  private readonly places = new RandomPlaces();
  private readonly memory: ValueMemory;
  private readonly slabs: Slabs;

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.slabs = memory.blocks.slabs;
    this.times = new FieldTimes(memory);
    this.table = new ElementTable(memory.blocks, memory.keyHash);
    this.walk = new ElementWalk(memory.blocks);
  }

  /** Root of a new hash without fields and times. */
  create(): number {
    return this.newRoot(this.table.create(VARIABLE_PAYLOAD), 0);
  }

  private newRoot(table: number, times: number): number {
    const root = this.slabs.allocate(ROOT_BYTES);
    const words = this.slabs.words[root >>> SLAB_SHIFT];
    const w = (root & SLAB_MASK) << 2;
    words[w + TABLE] = table;
    words[w + TIMES] = times;
    return root;
  }

  /** Prepares an empty one for that number of fields. */
  reserve(root: number, fields: number): void {
    this.table.reserve(this.tableOf(root), fields);
  }

  size(root: number): number {
    return this.table.size(this.tableOf(root));
  }

  /** The element of the field: its key is the name, its payload the value; undefined if there is none. */
  find(root: number, name: Buffer, start: number, length: number): TableElement | undefined {
    const { table } = this;
    return table.find(this.tableOf(root), name, start, length) ? table.element : undefined;
  }

  /** The times of a hash: 0 if no field ever had one. */
  timesOf(root: number): number {
    return this.slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + TIMES];
  }

  /** The times of a hash, made if there are none. */
  timesFor(root: number): number {
    const present = this.timesOf(root);
    if (present !== 0) return present;
    const times = this.times.create();
    this.slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + TIMES] = times;
    return times;
  }

  /** When a field expires, or NO_TIME. */
  timeOf(root: number, name: Buffer, start: number, length: number): number {
    const times = this.timesOf(root);
    return times === 0 ? NO_TIME : this.times.of(times, name, start, length);
  }

  /** Sets a field's value, and takes its time away unless `keepsTime`; says whether the field is new. */
  set(
    root: number,
    name: Buffer,
    start: number,
    length: number,
    value: Buffer,
    valueStart: number,
    valueLength: number,
    keepsTime: boolean,
  ): boolean {
    const table = this.tableOf(root);
    const isNew = this.table.set(table, name, start, length, value, valueStart, valueLength);
    if (isNew || keepsTime) return isNew;
    const times = this.timesOf(root);
    if (times !== 0) this.times.remove(times, name, start, length);
    return false;
  }

  /** Adds a field that is not there. */
  add(root: number, name: ByteRange, value: ByteRange, time: number): void {
    const { buffer, start, length } = name;
    this.table.set(this.tableOf(root), buffer, start, length, value.buffer, value.start, value.length);
    if (time !== NO_TIME) this.times.set(this.timesFor(root), buffer, start, length, time);
  }

  /** Begins to make an empty one of fields that were noted; `build` must be given all of them, in their order. */
  beginBuild(root: number, noted: NotedElements): void {
    this.table.builder.begin(this.tableOf(root), noted);
  }

  build(root: number, name: ByteRange, value: ByteRange, time: number): void {
    const { builder } = this.table;
    builder.add(name.buffer, name.start, name.length, value.length);
    copyBytes(value.buffer, value.start, builder.buffer, builder.payloadStart, value.length);
    if (time !== NO_TIME) this.times.set(this.timesFor(root), name.buffer, name.start, name.length, time);
  }

  /** Removes the field that the last `find` found by this name. */
  removeFound(root: number, name: Buffer, start: number, length: number): void {
    this.table.remove();
    const times = this.timesOf(root);
    if (times !== 0) this.times.remove(times, name, start, length);
  }

  /** Goes to before the first field. The hash must not change until the walk ends. */
  begin(root: number): void {
    this.walk.begin(this.tableOf(root));
  }

  /** The next field's element; undefined at the end. */
  next(): TableElement | undefined {
    return this.walk.next() ? this.walk.element : undefined;
  }

  /** Visits about `count` fields from `cursor` on: see ElementWalk.scan. */
  scan(root: number, cursor: number, count: number, visit: (element: TableElement) => void): number {
    return this.walk.scan(this.tableOf(root), cursor, count, this.memory.keyHash, visit);
  }

  /** The element of a random field. */
  random(root: number, random: Random): TableElement {
    const table = this.tableOf(root);
    openPlace(this.table, table, randomPlace(this.table, table, random));
    return this.table.element;
  }

  /** Visits `count` different random fields; at most half of all. */
  sample(root: number, count: number, random: Random, visit: (element: TableElement) => void): void {
    const table = this.tableOf(root);
    this.places.draw(this.table, table, count, random);
    for (let i = 0; i < count; i++) {
      openPlace(this.table, table, this.places.places[i]);
      visit(this.table.element);
    }
  }

  /** Frees about `limit` blocks; true when all is freed, the root too. */
  disposeStep(root: number, limit: number): boolean {
    const times = this.timesOf(root);
    if (times !== 0) {
      if (!this.times.disposeStep(times, limit)) return false;
      this.slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + TIMES] = 0;
    }
    if (!this.table.disposeStep(this.tableOf(root), limit)) return false;
    this.slabs.free(root);
    return true;
  }

  copy(root: number): number {
    const times = this.timesOf(root);
    return this.newRoot(this.table.copy(this.tableOf(root)), times === 0 ? 0 : this.times.copy(times));
  }

  sizeBytes(root: number, samples: number): number {
    const times = this.timesOf(root);
    const timesBytes = times === 0 ? 0 : this.times.sizeBytes(times, samples);
    return this.slabs.capacity(root) + this.table.sizeBytes(this.tableOf(root), samples) + timesBytes;
  }

  /** Root of the table of fields and values. */
  tableOf(root: number): number {
    return this.slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + TABLE];
  }
}
