/**
 * The fields of one hash at a time, whatever its form: finding, setting, removing, walking. `open` turns it to a hash,
 * which may then only be changed through it.
 *
 * What `find` and `next` tell (`field`, `value`, `time`) lies in the hash's memory: it is valid until the hash changes.
 * A hash is never empty for long: whoever removes the last field deletes the key.
 */
import type { Random } from "../../base/random.ts";
import type { TableElement } from "../element-table/bucket.ts";
import { createListpack } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { endOffset, HEADER_BYTES, isSafeToAdd, offsetAfter, seekElement } from "../listpack/listpack.ts";
import type { CollectionHolder } from "../stored-collection.ts";
import type { ValueMemory } from "../value-memory.ts";
import { LISTPACK, TABLE, TIMED_LISTPACK, TIMED_TABLE } from "./hash-encoding.ts";
import type { NameList } from "./name-list.ts";
import {
  appendField,
  fieldCount,
  findField,
  PAIR,
  removeField,
  replaceValue,
  TRIPLET,
} from "./packed-hash.ts";
import { TableFields } from "./table-fields.ts";
import {
  addTimedField,
  addTimes,
  dueCount,
  earliestTime,
  NO_TIME,
  setTime,
  setTimedValue,
  timeOf,
} from "./timed-listpack.ts";

const NOT_FOUND = -1;

export class HashFields {
  readonly memory: ValueMemory;
  /** Name and value of the present field. */
  readonly field = new ElementView();
  readonly value = new ElementView();
  /** When the present field expires, in Unix milliseconds, or NO_TIME. */
  time = NO_TIME;
  readonly table: TableFields;
  private holder!: CollectionHolder;
  private encoding: number = LISTPACK;
  /** Where `find` ended in a listpack, and where `next` goes on. */
  private found = NOT_FOUND;
  private following = 0;
  private readonly givenField = new ElementValue();
  private readonly givenValue = new ElementValue();

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.table = new TableFields(memory);
  }

  /** Turns to a hash; no field is the present one. */
  open(holder: CollectionHolder): this {
    this.holder = holder;
    this.encoding = holder.encoding;
    return this;
  }

  /** Makes an empty hash of what the holder has, and turns to it. */
  create(holder: CollectionHolder): this {
    createListpack(holder);
    holder.encoding = LISTPACK;
    return this.open(holder);
  }

  /** Whether the hash lies in a listpack. */
  get isPacked(): boolean {
    return this.encoding === LISTPACK || this.encoding === TIMED_LISTPACK;
  }

  /** Whether fields may have times. */
  get isTimed(): boolean {
    return this.encoding === TIMED_LISTPACK || this.encoding === TIMED_TABLE;
  }

  /** Number of fields, those included whose time has come. */
  get size(): number {
    const { holder, encoding } = this;
    if (encoding === LISTPACK) return fieldCount(holder, PAIR);
    return encoding === TIMED_LISTPACK ? fieldCount(holder, TRIPLET) : this.table.size(holder.root);
  }

  /** Whether there is a field of this name; then it is the present one. (`field` is not turned to it.) */
  find(name: Buffer, start: number, length: number): boolean {
    const { holder, encoding } = this;
    this.time = NO_TIME;
    if (!this.isPacked) {
      const element = this.table.find(holder.root, name, start, length);
      if (element === undefined) return false;
      this.showPayload(element);
      if (encoding === TIMED_TABLE) this.time = this.table.timeOf(holder.root, name, start, length);
      return true;
    }
    const width = encoding === LISTPACK ? PAIR : TRIPLET;
    const at = findField(holder, width, this.givenField.set(name, start, length));
    this.found = at;
    if (at === NOT_FOUND) return false;
    this.value.read(holder.buffer, holder.start, offsetAfter(holder.buffer, holder.start, at));
    if (width === TRIPLET) this.time = timeOf(holder, at);
    return true;
  }

  /**
   * Sees to it that a listpack which is about to take arguments of at most `longest` bytes, and of `total` bytes
   * together, may: if not, it becomes a table.
   */
  makeReadyFor(longest: number, total: number): void {
    if (!this.isPacked) return;
    const { buffer, start } = this.holder;
    if (longest > this.memory.limits.hashMaxListpackValue || !isSafeToAdd(buffer, start, total))
      this.becomeTable();
  }

  /**
   * Sets a field to a value, and takes its time away unless `keepsTime`; says whether the field is new. Neither bytes
   * may lie in the hash.
   */
  set(
    name: Buffer,
    start: number,
    length: number,
    value: Buffer,
    valueStart: number,
    valueLength: number,
    keepsTime: boolean,
  ): boolean {
    const { limits } = this.memory;
    if (this.isPacked) {
      const longest = Math.max(length, valueLength);
      if (longest > limits.hashMaxListpackValue) this.becomeTable();
    }
    if (!this.isPacked) {
      const { root } = this.holder;
      return this.table.set(root, name, start, length, value, valueStart, valueLength, keepsTime);
    }
    this.givenField.set(name, start, length);
    this.givenValue.set(value, valueStart, valueLength);
    const isNew = this.encoding === LISTPACK ? this.setInPairs() : this.setInTriplets(keepsTime);
    if (this.size > limits.hashMaxListpackEntries) this.becomeTable();
    return isNew;
  }

  private setInPairs(): boolean {
    const { holder, givenField, givenValue } = this;
    const at = findField(holder, PAIR, givenField);
    if (at === NOT_FOUND) appendField(holder, givenField, givenValue);
    else replaceValue(holder, at, givenValue);
    return at === NOT_FOUND;
  }

  private setInTriplets(keepsTime: boolean): boolean {
    const { holder, givenField, givenValue } = this;
    const at = findField(holder, TRIPLET, givenField);
    if (at === NOT_FOUND) addTimedField(holder, givenField, givenValue, NO_TIME);
    else setTimedValue(holder, at, givenValue, keepsTime);
    return at === NOT_FOUND;
  }

  /** Removes the field that the last `find` found by this name. */
  removeFound(name: Buffer, start: number, length: number): void {
    const { holder, encoding } = this;
    if (!this.isPacked) this.table.removeFound(holder.root, name, start, length);
    else removeField(holder, encoding === LISTPACK ? PAIR : TRIPLET, this.found);
  }

  /** Goes to before the first field. The hash must not change until the walk ends. */
  begin(): void {
    this.following = HEADER_BYTES;
    if (!this.isPacked) this.table.begin(this.holder.root);
  }

  /** Turns to the next field; false at the end. */
  next(): boolean {
    const { holder, encoding } = this;
    if (!this.isPacked) {
      const element = this.table.next();
      if (element === undefined) return false;
      this.show(element);
      return true;
    }
    const { buffer, start } = holder;
    if (this.following >= endOffset(buffer, start)) return false;
    this.readAt(this.following);
    this.following = encoding === LISTPACK ? this.value.end : offsetAfter(buffer, start, this.value.end);
    return true;
  }

  /** Turns to the field at an offset of the listpack. */
  readAt(at: number): void {
    const { buffer, start } = this.holder;
    this.field.read(buffer, start, at);
    this.value.read(buffer, start, this.field.end);
    this.time = this.encoding === LISTPACK ? NO_TIME : timeOf(this.holder, at);
  }

  /** Turns to a random field; each is as likely as another. The hash is not empty. */
  openRandom(random: Random): void {
    const { holder } = this;
    if (!this.isPacked) {
      this.show(this.table.random(holder.root, random));
      return;
    }
    const width = this.encoding === LISTPACK ? PAIR : TRIPLET;
    this.readAt(seekElement(holder.buffer, holder.start, width * random.below(this.size)));
  }

  /** Writes the offsets of all fields of a listpack, for `readAt`. */
  writeOffsets(into: Int32Array): void {
    const { buffer, start } = this.holder;
    const width = this.encoding === LISTPACK ? PAIR : TRIPLET;
    const { size } = this;
    let at = HEADER_BYTES;
    for (let i = 0; i < size; i++) {
      into[i] = at;
      for (let k = 0; k < width; k++) at = offsetAfter(buffer, start, at);
    }
  }

  /** Turns to `count` different random fields of a table, at most half of all, and calls `visit` for each. */
  sampleTable(count: number, random: Random, visit: () => void): void {
    this.table.sample(this.holder.root, count, random, (element) => {
      this.show(element);
      visit();
    });
  }

  /**
   * Visits about `count` fields of a table from `cursor` on: see ElementWalk.scan. Of a listpack all fields are
   * visited, at once.
   */
  scan(cursor: number, count: number, visit: () => void): number {
    if (this.isPacked) {
      this.begin();
      while (this.next()) visit();
      return 0;
    }
    return this.table.scan(this.holder.root, cursor, count, (element) => {
      this.show(element);
      visit();
    });
  }

  /** Turns to the field of an element of the table. */
  private show(element: TableElement): void {
    const { field } = this;
    field.buffer = element.buffer;
    field.start = element.keyStart;
    field.length = element.keyLength;
    this.showPayload(element);
    const { buffer, keyStart, keyLength } = element;
    this.time =
      this.encoding === TABLE ? NO_TIME : this.table.timeOf(this.holder.root, buffer, keyStart, keyLength);
  }

  private showPayload(element: TableElement): void {
    const { value } = this;
    value.buffer = element.buffer;
    value.start = element.payloadStart;
    value.length = element.payloadLength;
  }

  /** Gives a field that is there a time; NO_TIME takes it away. */
  setTime(name: Buffer, start: number, length: number, time: number): void {
    if (!this.isTimed) this.becomeTimed();
    const { holder } = this;
    if (this.encoding === TIMED_LISTPACK) {
      setTime(holder, findField(holder, TRIPLET, this.givenField.set(name, start, length)), time);
      return;
    }
    const times = this.table.timesFor(holder.root);
    if (time === NO_TIME) this.table.times.remove(times, name, start, length);
    else this.table.times.set(times, name, start, length, time);
  }

  /** No field expires before this; NO_TIME if none does at all. */
  get earliestTime(): number {
    const { holder, encoding } = this;
    if (encoding === TIMED_LISTPACK) return earliestTime(holder);
    if (encoding !== TIMED_TABLE) return NO_TIME;
    const times = this.table.timesOf(holder.root);
    return times === 0 ? NO_TIME : this.table.times.earliest(times);
  }

  /** The earliest of all times exactly; NO_TIME if no field has one. */
  get exactEarliestTime(): number {
    const search = this.searchEarliestTime();
    for (;;) {
      const step = search.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same, looked for in steps; the hash must not change in between. */
  *searchEarliestTime(): Generator<void, number> {
    if (this.encoding !== TIMED_TABLE) return this.earliestTime;
    const times = this.table.timesOf(this.holder.root);
    return times === 0 ? NO_TIME : yield* this.table.times.exactEarliest(times);
  }

  /** Whether any field has a time. */
  get hasTimes(): boolean {
    if (this.encoding !== TIMED_TABLE) return this.earliestTime !== NO_TIME;
    const times = this.table.timesOf(this.holder.root);
    return times !== 0 && this.table.times.size(times) > 0;
  }

  /** How many fields are due at `nowMs`. */
  countDue(nowMs: number): number {
    const { holder, encoding } = this;
    if (encoding === TIMED_LISTPACK) return dueCount(holder, nowMs);
    if (encoding !== TIMED_TABLE) return 0;
    const times = this.table.timesOf(holder.root);
    return times === 0 ? 0 : this.table.times.countDue(times, nowMs);
  }

  /** Begins the search for due fields anew. */
  restartSearch(): void {
    const times = this.encoding === TIMED_TABLE ? this.table.timesOf(this.holder.root) : 0;
    if (times !== 0) this.table.times.restartSearch(times);
  }

  /**
   * Adds to `due` the names of fields that are due at `nowMs`, having looked at about `count`: the caller removes them.
   * Goes on from where the last search of this hash ended; says whether it came to the end.
   */
  searchDue(nowMs: number, count: number, due: NameList): boolean {
    if (this.encoding === TIMED_LISTPACK) return this.searchListpack(nowMs, count, due);
    const times = this.encoding === TIMED_TABLE ? this.table.timesOf(this.holder.root) : 0;
    return times === 0 || this.table.times.searchDue(times, nowMs, count, due);
  }

  private searchListpack(nowMs: number, count: number, due: NameList): boolean {
    this.begin();
    for (let looked = 0; looked < count; looked++) {
      if (!this.next() || this.time === NO_TIME || this.time > nowMs) return true;
      due.add(this.field.buffer, this.field.start, this.field.length);
    }
    return false;
  }

  /** Becomes a form in which fields can have times. */
  private becomeTimed(): void {
    const { holder } = this;
    if (this.encoding === LISTPACK) addTimes(holder);
    this.encoding = this.encoding === LISTPACK ? TIMED_LISTPACK : TIMED_TABLE;
    holder.encoding = this.encoding;
  }

  /** Becomes a table; with times, if it had them. */
  private becomeTable(): void {
    const { holder, table } = this;
    const encoding = this.encoding === LISTPACK ? TABLE : TIMED_TABLE;
    const root = table.create();
    table.reserve(root, this.size);
    this.begin();
    while (this.next()) table.add(root, this.field, this.value, this.time);
    holder.becomeRooted(encoding, root);
    this.encoding = encoding;
  }
}
