/**
 * The members of one set at a time, whatever its form: finding, adding, removing, walking, drawing. `open` turns it
 * to a set, which may then only be changed through it.
 *
 * A set is an intset as long as all its members are integers and there are not too many; it never goes back.
 *
 * The present member (`buffer`, `start`, `length`) is what `next`, `openRandom` or a visit turned to: valid until the
 * set changes or another member is present. A set is never empty for long: whoever removes the last member deletes the
 * key.
 */
import { withView } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
import type { Random } from "../../base/random.ts";
import type { TableElement } from "../element-table/bucket.ts";
import { ElementTable } from "../element-table/element-table.ts";
import { ElementWalk } from "../element-table/element-walk.ts";
import type { FoundElements } from "../element-table/found-elements.ts";
import { openPlace, RandomPlaces, randomPlace } from "../element-table/random-elements.ts";
import { TableJoin } from "../element-table/table-join.ts";
import { addMember, findMember, intsetLength, readMember, removeMembers } from "../intset/intset.ts";
import type { CollectionHolder } from "../stored-collection.ts";
import type { ValueMemory } from "../value-memory.ts";
import { INTSET, MEMBER_PAYLOAD, TABLE } from "./set-encoding.ts";

/** Intsets count their members with fewer bits than their header has. */
const MAX_INTSET_ENTRIES = 2 ** 30;

export class SetMembers {
  readonly memory: ValueMemory;
  readonly table: ElementTable;
  /** The present member: its text. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  private readonly walk: ElementWalk;
  private readonly join: TableJoin;
  private readonly places = new RandomPlaces();
  private holder!: CollectionHolder;
  /** The set beside which a walk goes on, and whether that is done by a join. */
  private other: SetMembers | undefined;
  private isJoined = false;
  private isPacked = false;
  private root = 0;
  /** Of an intset: the present member as an integer, the index of it, and a place for its text. */
  private readonly integer = new Int64();
  private index = 0;
  private readonly text = withView(Buffer.allocUnsafeSlow(MAX_INT64_TEXT));
  /** What the last `find` sought. */
  private readonly soughtInteger = new Int64();
  private isSoughtInteger = false;
  private sought!: Buffer;
  private soughtStart = 0;
  private soughtLength = 0;

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.table = new ElementTable(memory.blocks, memory.keyHash);
    this.walk = new ElementWalk(memory.blocks);
    this.join = new TableJoin(memory.blocks);
  }

  /** Turns to a set; no member is present. */
  open(holder: CollectionHolder): this {
    this.holder = holder;
    this.isPacked = holder.encoding === INTSET;
    this.root = this.isPacked ? 0 : holder.root;
    return this;
  }

  /** Whether the set is an intset. */
  get isIntset(): boolean {
    return this.isPacked;
  }

  /** Root of the table of a set that is no intset; otherwise 0. */
  get tableRoot(): number {
    return this.root;
  }

  /** Number of members. */
  get size(): number {
    const { holder } = this;
    return this.isPacked ? intsetLength(holder.buffer, holder.start) : this.table.size(this.root);
  }

  /** Whether these bytes are a member. They must stay where they are until `add` or `remove`. */
  find(buf: Buffer, start: number, length: number): boolean {
    if (!this.isPacked) return this.table.find(this.root, buf, start, length);
    this.sought = buf;
    this.soughtStart = start;
    this.soughtLength = length;
    this.isSoughtInteger = length <= MAX_INT64_TEXT && this.soughtInteger.parse(buf, start, length);
    if (!this.isSoughtInteger) return false;
    return this.findInteger();
  }

  private findInteger(): boolean {
    const { holder } = this;
    this.index = findMember(holder.buffer, holder.start, this.soughtInteger);
    return this.index >= 0;
  }

  /** Whether the present member of another set is a member of this one. */
  findPresentOf(other: SetMembers): boolean {
    if (!(this.isPacked && other.isPacked)) return this.find(other.buffer, other.start, other.length);
    const { high, low } = other.integer;
    this.isSoughtInteger = true;
    this.soughtInteger.setWords(high, low);
    this.isSoughtInteger = true;
    return this.findInteger();
  }

  /** Adds what the last `find` did not find. */
  add(): void {
    if (!this.isPacked) {
      this.table.add(MEMBER_PAYLOAD);
      return;
    }
    if (this.isSoughtInteger) {
      addMember(this.holder, this.soughtInteger);
      const limit = Math.min(this.memory.limits.setMaxIntsetEntries, MAX_INTSET_ENTRIES);
      if (this.size > limit) this.becomeTable();
      return;
    }
    this.becomeTable();
    this.table.find(this.root, this.sought, this.soughtStart, this.soughtLength);
    this.table.add(MEMBER_PAYLOAD);
  }

  /** Removes what the last `find` found, or the member that `openRandom` turned to. */
  remove(): void {
    if (this.isPacked) removeMembers(this.holder, this.index, 1);
    else this.table.remove();
  }

  private becomeTable(): void {
    const { table, size } = this;
    const root = table.create(MEMBER_PAYLOAD);
    table.reserve(root, size);
    for (let i = 0; i < size; i++) {
      this.showInteger(i);
      table.find(root, this.text, 0, this.length);
      table.add(MEMBER_PAYLOAD);
    }
    this.holder.becomeRooted(TABLE, root);
    this.isPacked = false;
    this.root = root;
  }

  /**
   * Goes to before the first member. The set must not change until the walk ends. If another set is given, which must
   * not change either, `isInOther` tells of each member whether that has it, too.
   */
  begin(other?: SetMembers): void {
    this.index = -1;
    this.other = other;
    this.isJoined = false;
    if (this.isPacked) return;
    if (other !== undefined && !other.isPacked) this.isJoined = this.join.isCheaper(this.root, other.root);
    if (this.isJoined) this.join.begin(this.root, other!.root);
    else this.walk.begin(this.root);
  }

  /** Whether the present member of a walk is a member of the set that was given to `begin`. */
  get isInOther(): boolean {
    return this.isJoined ? this.join.isMatched : this.other!.findPresentOf(this);
  }

  /** Notes where the present member of a walk lies. The set is no intset. */
  noteIn(found: FoundElements): void {
    const { reference, at } = this.isJoined ? this.join : this.walk;
    found.add(reference, at, this.memory.keyHash.of(this.buffer, this.start, this.length), this.length);
  }

  /** Turns to the next member; false at the end. */
  next(): boolean {
    if (!this.isPacked) {
      const walk = this.isJoined ? this.join : this.walk;
      if (!walk.next()) return false;
      this.show(walk.element);
      return true;
    }
    if (this.index + 1 >= this.size) return false;
    this.showInteger(this.index + 1);
    return true;
  }

  /** Turns to a random member; each is as likely as another. The set is not empty. */
  openRandom(random: Random): void {
    if (this.isPacked) this.showInteger(random.below(this.size));
    else this.openPlace(randomPlace(this.table, this.root, random));
  }

  private openPlace(place: number): void {
    openPlace(this.table, this.root, place);
    this.show(this.table.element);
  }

  /**
   * Turns to `count` different random members, fewer than there are, one after the other, and calls `visit` for each.
   * All sets of that size are equally likely.
   */
  sample(count: number, random: Random, visit: () => void): void {
    const { places, size } = this;
    if (!this.isPacked && count < size / 3) {
      places.draw(this.table, this.root, count, random);
      for (let i = 0; i < count; i++) {
        this.openPlace(places.places[i]);
        visit();
      }
      return;
    }
    // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
    let wanted = count;
    this.begin();
    for (let left = size; wanted > 0; left--) {
      this.next();
      if (random.below(left) >= wanted) continue;
      visit();
      wanted--;
    }
  }

  /** Visits about `count` members from `cursor` on: see ElementWalk.scan. Of an intset all are visited, at once. */
  scan(cursor: number, count: number, visit: () => void): number {
    if (this.isPacked) {
      this.begin();
      while (this.next()) visit();
      return 0;
    }
    return this.walk.scan(this.root, cursor, count, this.memory.keyHash, (element) => {
      this.show(element);
      visit();
    });
  }

  private show(element: TableElement): void {
    this.buffer = element.buffer;
    this.start = element.keyStart;
    this.length = element.keyLength;
  }

  private showInteger(index: number): void {
    const { holder, integer, text } = this;
    readMember(holder.buffer, holder.start, index, integer);
    this.index = index;
    this.buffer = text;
    this.start = 0;
    this.length = integer.write(text, 0);
  }
}
