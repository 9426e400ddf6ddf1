/**
 * Sorted sets in a database: opening those of entries for commands, making new ones, and changing them from the small
 * form to the large one when they have grown beyond the limits (they never change back).
 */
import { ListpackAppender } from "../types/listpack/appender.ts";
import { createListpack } from "../types/listpack/edits.ts";
import { ElementValue } from "../types/listpack/element-value.ts";
import { EMPTY_LISTPACK_BYTES, MAX_LISTPACK_BYTES } from "../types/listpack/listpack.ts";
import { GrowingBytes } from "../types/packed-bytes.ts";
import { ROOT_BYTES, setRoot } from "../types/rooted.ts";
import { PackedSortedSet } from "../types/sorted-set/packed-sorted-set.ts";
import { ScoreElement } from "../types/sorted-set/score.ts";
import { LISTPACK, SKIPLIST, SORTED_SET, type SortedElements } from "../types/sorted-set/sorted-set.ts";
import { TreeSortedSet } from "../types/sorted-set/tree-sorted-set.ts";
import type { Database } from "./database.ts";
import { EntryValue } from "./entry-value.ts";
import type { Keyspace } from "./keyspace.ts";

/** A sorted set in an entry, while a command works on it. `open` turns it to another one. */
export class SortedSetEntry {
  /** Its elements; to be changed only through this object. */
  elements!: SortedElements;
  private readonly keyspace: Keyspace;
  private readonly value: EntryValue;
  private readonly packed = new PackedSortedSet();
  private readonly tree: TreeSortedSet;
  private db!: Database;
  /** Whether a snapshot under way knows of the old state. */
  private isPrepared = false;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.value = new EntryValue(keyspace);
    this.tree = new TreeSortedSet(keyspace.memory);
  }

  /** Turns to the set in the entry at `address`. */
  open(db: Database, address: number): this {
    this.db = db;
    this.isPrepared = false;
    const value = this.value.open(db, address);
    this.elements = value.encoding === SKIPLIST ? this.tree.open(value.root) : this.packed.open(value);
    return this;
  }

  /** Makes an empty set, for an element whose member has `memberLength` bytes and that is to be added at once. The key
   * must be the one of the last lookup, and absent. `room`: see Database.add. */
  create(db: Database, key: Buffer, start: number, length: number, memberLength: number, room = 0): this {
    const { entries, memory } = this.keyspace;
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = memory.limits;
    if (zsetMaxListpackEntries === 0 || memberLength > zsetMaxListpackValue) {
      const address = addLarge(this.keyspace, db, key, start, length, this.tree.create());
      return this.openNew(db, address);
    }
    const address = db.add(SORTED_SET, key, start, length, EMPTY_LISTPACK_BYTES, 0, room);
    entries.setEncoding(address, LISTPACK);
    this.openNew(db, address);
    this.packed.create(this.value);
    return this;
  }

  private openNew(db: Database, address: number): this {
    this.open(db, address);
    this.isPrepared = true;
    return this;
  }

  /** Adds the element that was just not found, by `find` with these bytes. */
  add(score: number, buffer: Buffer, start: number, length: number): void {
    this.prepare();
    if (this.elements === this.packed && !this.fits(length)) {
      this.becomeLarge();
      this.tree.insert(score, buffer, start, length);
    } else {
      this.elements.insertNotFound(score, buffer, start, length);
    }
  }

  /** Whether a small set may get another member of this length. */
  private fits(memberLength: number): boolean {
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.keyspace.memory.limits;
    return (
      this.elements.size < zsetMaxListpackEntries &&
      memberLength <= zsetMaxListpackValue &&
      this.packed.canTake(memberLength)
    );
  }

  /** Gives a small set the large form. Returns the entry's address. Nobody who watches the key is told. */
  makeLarge(): number {
    if (this.elements === this.packed) {
      this.db.beforeUnwatchedWrite(this.value.address);
      this.becomeLarge();
    }
    return this.value.address;
  }

  private becomeLarge(): void {
    const { packed, tree } = this;
    const root = tree.create();
    const { size } = packed;
    packed.seek(0);
    for (let i = 0; i < size; i++, packed.next())
      tree.insert(packed.score, packed.memberBuffer, packed.memberStart, packed.memberLength);
    this.value.becomeRooted(SKIPLIST, root);
    this.elements = tree;
  }

  /** Gives the element that was just found, with these bytes, another score. */
  changeScore(score: number, buffer: Buffer, start: number, length: number): void {
    this.prepare();
    this.elements.changeScore(score, buffer, start, length);
  }

  /** Removes a member; false if it is not there. Whoever has removed calls `deleteIfEmpty` in the end. */
  remove(buffer: Buffer, start: number, length: number): boolean {
    if (!this.elements.find(buffer, start, length)) return false;
    this.prepare();
    this.elements.removeFound(buffer, start, length);
    return true;
  }

  /** Removes `count` elements from rank `first` on. */
  removeRange(first: number, count: number): void {
    if (count === 0) return;
    this.prepare();
    this.elements.removeRange(first, count);
  }

  /** Deletes the key if no element is left; says whether it did. */
  deleteIfEmpty(): boolean {
    if (this.elements.size > 0) return false;
    this.value.delete();
    return true;
  }

  private prepare(): void {
    if (this.isPrepared) return;
    this.isPrepared = true;
    this.db.beforeWrite(this.value.address);
  }
}

/** Adds an entry for a large set. */
function addLarge(
  keyspace: Keyspace,
  db: Database,
  key: Buffer,
  start: number,
  length: number,
  root: number,
): number {
  const { entries } = keyspace;
  const address = db.add(SORTED_SET, key, start, length, ROOT_BYTES, 0);
  entries.setEncoding(address, SKIPLIST);
  setRoot(entries, address, root);
  return address;
}

/**
 * A sorted set that a command computes, to be stored under a key or only read. It is always of the large form until it
 * is stored. Whoever begins one ends it with `store` or `discard`; what a command that failed has left is freed by the
 * next one.
 */
export class SortedSetResult {
  /** Its elements. */
  readonly elements: TreeSortedSet;
  private readonly keyspace: Keyspace;
  private root = 0;
  /** For the small form; kept, because memory for them takes longer to get than a few elements to write. */
  private readonly packed = new GrowingBytes();
  private readonly appender = new ListpackAppender();
  private readonly member = new ElementValue();
  private readonly score = new ScoreElement();

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.elements = new TreeSortedSet(keyspace.memory);
  }

  /** Begins a new, empty one. */
  begin(): TreeSortedSet {
    this.discard();
    this.root = this.elements.create();
    return this.elements;
  }

  /** Stores it under this key, in the place of whatever is there; without elements the key is deleted. Returns whether
   * there is anything to propagate. */
  store(db: Database, key: Buffer, start: number, length: number): boolean {
    const replaced = db.lookupWrite(key, start, length);
    const { size } = this.elements;
    if (replaced !== 0 && size === 0) db.delete(replaced);
    else if (replaced !== 0) db.replace(replaced);
    if (size > 0 && this.isSmall()) {
      this.storeSmall(db, key, start, length);
    } else if (size > 0) {
      addLarge(this.keyspace, db, key, start, length, this.root);
      this.root = 0;
    }
    this.discard();
    return size > 0 || replaced !== 0;
  }

  /** Frees what it took. */
  discard(): void {
    if (this.root === 0) return;
    this.keyspace.discarded.add(SORTED_SET, this.root, false);
    this.root = 0;
  }

  private isSmall(): boolean {
    const { elements } = this;
    const { zsetMaxListpackEntries, zsetMaxListpackValue } = this.keyspace.memory.limits;
    const { size } = elements;
    if (size > zsetMaxListpackEntries) return false;
    let bytes = 0;
    elements.seek(0);
    for (let i = 0; i < size; i++, elements.next()) {
      if (elements.memberLength > zsetMaxListpackValue) return false;
      bytes += elements.memberLength;
    }
    return bytes <= MAX_LISTPACK_BYTES;
  }

  private storeSmall(db: Database, key: Buffer, start: number, length: number): void {
    const { appender, elements, member, packed, score } = this;
    const { entries } = this.keyspace;
    createListpack(packed);
    appender.begin(packed, 0);
    const { size } = elements;
    elements.seek(0);
    for (let i = 0; i < size; i++, elements.next()) {
      appender.add(member.set(elements.memberBuffer, elements.memberStart, elements.memberLength));
      appender.add(score.set(elements.score));
    }
    appender.end();
    const address = db.add(SORTED_SET, key, start, length, packed.length, 0);
    entries.setEncoding(address, LISTPACK);
    packed.bytes().copy(entries.valueBuffer(address), entries.valueStart(address));
    packed.clear();
  }
}
