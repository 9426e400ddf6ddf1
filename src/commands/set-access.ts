/**
 * How commands get at sets: a few objects for all, as handlers run one at a time. For the commands on sets, and for
 * those of other types that take sets too.
 */

import { copyBytes } from "../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../base/int64.ts";
import type { Database } from "../keyspace/database.ts";
import { EntryValue } from "../keyspace/entry-value.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { WRONG_TYPE } from "../protocol/errors.ts";
import { FoundElements } from "../types/element-table/found-elements.ts";
import { addMember, createIntset, INTSET_HEADER_BYTES } from "../types/intset/intset.ts";
import { ROOT_BYTES, setRoot } from "../types/rooted.ts";
import { NewSet } from "../types/set/new-set.ts";
import { INTSET, MEMBER_PAYLOAD, SET, TABLE } from "../types/set/set-encoding.ts";
import { SetMembers } from "../types/set/set-members.ts";
import type { CommandContext } from "./context.ts";

/** A set under its key. */
export class SetEntry {
  readonly members: SetMembers;
  private readonly keyspace: Keyspace;
  private readonly value: EntryValue;
  private db!: Database;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.members = new SetMembers(keyspace.memory);
    this.value = new EntryValue(keyspace);
  }

  /** Turns to the set of a live entry. */
  open(db: Database, address: number): this {
    this.db = db;
    this.members.open(this.value.open(db, address));
    return this;
  }

  /** Creates a set without members, which must get one, under a key that is absent: see Database.add. */
  create(db: Database, key: Buffer, start: number, length: number, room = 0): this {
    const address = db.add(SET, key, start, length, INTSET_HEADER_BYTES, 0, room);
    this.value.open(db, address);
    this.value.encoding = INTSET;
    createIntset(this.value);
    return this.open(db, this.value.address);
  }

  /** Must be called before the members are changed: see Database.beforeWrite. */
  beforeWrite(): void {
    this.value.beforeWrite();
  }

  /** Deletes the key. */
  delete(): void {
    this.value.delete();
  }

  /** Puts other members in the place of these; the key keeps its expiry. */
  replaceBy(result: SetResult): void {
    const { value, keyspace } = this;
    this.beforeWrite();
    if (value.encoding !== INTSET) keyspace.discarded.add(SET, value.root, false);
    const { made } = result;
    if (made.encoding === INTSET) {
      value.resize(made.length);
      copyBytes(made.buffer, 0, value.buffer, value.start, made.length);
      value.encoding = INTSET;
    } else {
      value.becomeRooted(made.encoding, made.takeRoot());
    }
    this.open(this.db, value.address);
  }
}

/**
 * A set that a command makes. Whoever has begun it stores or discards it, whatever happens.
 *
 * As long as it is only known to be new what is added (`addNew`), it is noted where that lies, and `settle` makes the
 * set at once.
 */
export class SetResult {
  readonly made = new NewSet();
  readonly members: SetMembers;
  private readonly keyspace: Keyspace;
  private readonly found: FoundElements;
  private isNoting = false;
  private readonly integer = new Int64();

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.members = new SetMembers(keyspace.memory);
    this.found = new FoundElements(keyspace.memory.blocks, MEMBER_PAYLOAD);
  }

  /** Begins with no members. */
  begin(): this {
    this.members.open(this.made.begin());
    this.found.clear();
    this.isNoting = true;
    return this;
  }

  /** Adds the present member of a walk, which is not there yet. Until `settle`, that set must not change. */
  addNew(other: SetMembers): void {
    if (this.isNoting && !other.isIntset) {
      other.noteIn(this.found);
      return;
    }
    this.settle();
    this.addPresentOf(other);
  }

  /** Sees to it that whatever was added is among the members. */
  settle(): void {
    if (!this.isNoting) return;
    this.isNoting = false;
    const { found, made, members } = this;
    if (found.count === 0) return;
    if (this.areFoundIntegers()) this.addFoundIntegers();
    else made.becomeRooted(TABLE, this.tableOfFound());
    members.open(made);
    found.clear();
  }

  private areFoundIntegers(): boolean {
    const { found, integer } = this;
    if (found.count > this.keyspace.memory.limits.setMaxIntsetEntries) return false;
    for (let i = 0; i < found.count; i++) {
      const { buffer, keyStart, keyLength } = found.open(i);
      if (keyLength > MAX_INT64_TEXT || !integer.parse(buffer, keyStart, keyLength)) return false;
    }
    return true;
  }

  private addFoundIntegers(): void {
    const { found, integer, made } = this;
    for (let i = 0; i < found.count; i++) {
      const { buffer, keyStart, keyLength } = found.open(i);
      integer.parse(buffer, keyStart, keyLength);
      addMember(made, integer);
    }
  }

  private tableOfFound(): number {
    const { found } = this;
    const { table } = this.members;
    const root = table.create(MEMBER_PAYLOAD);
    table.builder.begin(root, found.noted);
    for (let i = 0; i < found.count; i++) {
      const { buffer, keyStart, keyLength } = found.open(i);
      table.builder.add(buffer, keyStart, keyLength, MEMBER_PAYLOAD);
    }
    return root;
  }

  /** Adds the present member of another set; says whether it is new. All that was added has been settled. */
  addPresentOf(other: SetMembers): boolean {
    const { members } = this;
    if (members.findPresentOf(other)) return false;
    members.add();
    return true;
  }

  /**
   * Puts the set under a key in the place of whatever is there, without expiry; if it has no members, the key is only
   * deleted. Says whether anything changed.
   */
  store(db: Database, key: Buffer, start: number, length: number): boolean {
    const { made, keyspace } = this;
    const { entries } = keyspace;
    const present = db.lookupWrite(key, start, length);
    if (this.members.size === 0) {
      if (present !== 0) db.delete(present);
      this.discard();
      return present !== 0;
    }
    if (present !== 0) db.replace(present);
    // `add` works with the hash of the last lookup.
    db.find(key, start, length);
    const isIntset = made.encoding === INTSET;
    const address = db.add(SET, key, start, length, isIntset ? made.length : ROOT_BYTES, 0);
    entries.setEncoding(address, made.encoding);
    if (isIntset)
      copyBytes(made.buffer, 0, entries.valueBuffer(address), entries.valueStart(address), made.length);
    else setRoot(entries, address, made.takeRoot());
    return true;
  }

  /** Frees it, if it was not stored. */
  discard(): void {
    this.found.clear();
    this.keyspace.discarded.add(SET, this.made.takeRoot(), false);
  }
}

export interface SetTools {
  readonly keyspace: Keyspace;
  /** Several, for who looks into several sets by turns. */
  readonly entry: SetEntry;
  readonly other: SetEntry;
  readonly third: SetEntry;
  readonly result: SetResult;
}

let tools: SetTools | undefined;

export function setTools(keyspace: Keyspace): SetTools {
  if (tools?.keyspace !== keyspace) {
    tools = {
      keyspace,
      entry: new SetEntry(keyspace),
      other: new SetEntry(keyspace),
      third: new SetEntry(keyspace),
      result: new SetResult(keyspace),
    };
  }
  return tools;
}

/** Whether the live entry at `address` is a set; if not, WRONGTYPE was answered. */
export function isSetOrReply(ctx: CommandContext, address: number): boolean {
  if (ctx.keyspace.entries.type(address) === SET) return true;
  ctx.reply.error(WRONG_TYPE);
  return false;
}

/** Opens the set at `address`, a live entry; undefined after WRONGTYPE was answered. */
export function openSet(ctx: CommandContext, address: number): SetEntry | undefined {
  return isSetOrReply(ctx, address) ? setTools(ctx.keyspace).entry.open(ctx.db, address) : undefined;
}
