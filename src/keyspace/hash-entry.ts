/**
 * A hash under its key: the fields, and what happens when the time of one has come. A due field is not seen any more,
 * except in the number of fields, and is removed when it is looked up, or by active expiry; the log is told by HDEL.
 * With its last field the key goes.
 *
 * While data is loaded nothing expires: the log says itself what did.
 */
import { HASH } from "../types/hash/hash-encoding.ts";
import { HashFields } from "../types/hash/hash-fields.ts";
import { NameList } from "../types/hash/name-list.ts";
import { NO_TIME } from "../types/hash/timed-listpack.ts";
import { EMPTY_LISTPACK_BYTES } from "../types/listpack/listpack.ts";
import type { Database } from "./database.ts";
import { EntryValue } from "./entry-value.ts";
import { EVENT } from "./key-events.ts";
import type { Keyspace } from "./keyspace.ts";

/** Fields that `removeAllDue` looks at before it removes those that are due. */
const SEARCHED_AT_ONCE = 256;

export class HashEntry {
  readonly keyspace: Keyspace;
  readonly fields: HashFields;
  /** Whether the key went with its last field, since `open`. */
  isGone = false;
  private readonly entry: EntryValue;
  private readonly due = new NameList();
  private db!: Database;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.fields = new HashFields(keyspace.memory);
    this.entry = new EntryValue(keyspace);
  }

  /** Turns to the hash of a live entry. */
  open(db: Database, address: number): this {
    this.db = db;
    this.isGone = false;
    this.fields.open(this.entry.open(db, address));
    return this;
  }

  /** Creates a hash without fields, which must get one: see Database.add. */
  create(db: Database, key: Buffer, start: number, length: number, room: number): this {
    const address = db.add(HASH, key, start, length, EMPTY_LISTPACK_BYTES, 0, room);
    this.db = db;
    this.isGone = false;
    this.fields.create(this.entry.open(db, address));
    return this;
  }

  /** Must be called once before the fields are changed: see Database.beforeWrite. */
  beforeWrite(): void {
    this.entry.beforeWrite();
  }

  /** Deletes the key. */
  delete(): void {
    this.isGone = true;
    this.entry.delete();
  }

  /** As HashFields.find. A due field is removed, perhaps with the whole key (isGone). */
  find(name: Buffer, start: number, length: number): boolean {
    if (this.isGone || !this.fields.find(name, start, length)) return false;
    if (!this.isDue(this.fields.time)) return true;
    this.due.clear();
    this.due.add(name, start, length);
    this.removeDue();
    return false;
  }

  /** As `find`, for commands that only read: a due field stays for now if removing it would hold up everybody. */
  see(name: Buffer, start: number, length: number): boolean {
    if (!this.isInSnapshot) return this.find(name, start, length);
    return this.fields.find(name, start, length) && !this.isDue(this.fields.time);
  }

  /** Whether a snapshot would have to take all of this large hash before any of it changed. */
  get isInSnapshot(): boolean {
    const { snapshots } = this.keyspace;
    return snapshots.active && !this.isGone && snapshots.isAwaitedLarge(this.entry.address);
  }

  /** Whether a field with this time is past it. */
  isDue(time: number): boolean {
    return time !== NO_TIME && time <= this.keyspace.nowMs && this.keyspace.expiring;
  }

  /** As HashFields.next, but passes over due fields. */
  next(): boolean {
    const { fields } = this;
    while (fields.next()) if (!this.isDue(fields.time)) return true;
    return false;
  }

  /** Number of fields that are not due. Looks at all that expire, if one may be due. */
  get liveSize(): number {
    const { fields, keyspace } = this;
    return fields.size - (keyspace.expiring ? fields.countDue(keyspace.nowMs) : 0);
  }

  /** Removes all due fields, and the key if none is left. */
  removeAllDue(): void {
    const { fields } = this;
    if (!this.isDue(fields.earliestTime)) return;
    fields.restartSearch();
    while (!this.isGone && !this.removeSomeDue(SEARCHED_AT_ONCE));
  }

  /**
   * Looks at about `count` fields that expire, from where it last ended in this hash, and removes those that are due.
   * Says whether there is nothing more to look for now.
   */
  removeSomeDue(count: number): boolean {
    const { fields, due } = this;
    if (!this.isDue(fields.earliestTime)) return true;
    due.clear();
    const isAtEnd = fields.searchDue(this.keyspace.nowMs, count, due);
    if (due.count > 0) this.removeDue();
    return isAtEnd;
  }

  /** Removes the fields whose names are in `due`. */
  private removeDue(): void {
    const { db, due, entry, fields, keyspace } = this;
    const key = Buffer.from(keyspace.entries.key(entry.address));
    const names: Buffer[] = [];
    this.beforeWrite();
    // Who only reads the hash has no effects that would tell.
    db.signalModified(entry.address);
    due.forEach((buf, start, length) => {
      names.push(Buffer.from(buf.subarray(start, start + length)));
      if (fields.find(buf, start, length)) fields.removeFound(buf, start, length);
    });
    const { events } = keyspace;
    events?.happened(EVENT.hash, "hexpired", db.index, key, 0, key.length);
    if (fields.size === 0) {
      this.delete();
      events?.happened(EVENT.generic, "del", db.index, key, 0, key.length);
    }
    keyspace.expiredFields += names.length;
    keyspace.onFieldsExpired(db, key, names);
  }
}
