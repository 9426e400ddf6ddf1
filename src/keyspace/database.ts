/**
 * One database: the hot table, the index of keys with an expiry, and what is known of the records in the cold tier
 * under the same namespace. Knows keys, expiry and housekeeping; what a value means is its type's business.
 *
 * Invariants:
 *   - Hot shadows cold: if a key has an entry, the entry decides; a record under it may be stale.
 *   - An entry has the flag RECORD exactly if a record of its key lies in the tier. A deleted key whose record is
 *     not yet deleted is held by a tombstone. So size = entries - tombstones + records - entries with RECORD.
 *   - An entry is SPILLING while a batch with its record is being written; DIRTY tells whether it changed since.
 *   - Every change to an entry goes through `beforeWrite`, before it is made.
 *   - A key is in `volatile` exactly if its entry has EXPIRES, and in `timedHashes` exactly if it is a hash in a form
 *     with times.
 *
 * An entry's address changes when it grows: methods that may move it return the new one.
 */
import { DIRTY, EXPIRES, PINNED, RECORD, SPILLING } from "../memory/entries.ts";
import { HashTable } from "../memory/hash-table.ts";
import { hasTimedForm } from "../types/hash/hash-encoding.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import { ColdKeys } from "./cold-keys.ts";
import { EVENT } from "./key-events.ts";
import type { Keyspace } from "./keyspace.ts";

/** The entry type of a deleted key whose record still lies in the cold tier. */
export const TOMBSTONE = 15;
const TYPE_MASK = 0xf;

export class Database {
  /** Number by which clients select it. SWAPDB changes it. */
  index: number;
  /** Number under which its records lie in the cold tier. */
  readonly namespace: number;
  readonly table: HashTable;
  readonly volatile: HashTable;
  readonly timedHashes: HashTable;
  /** The hashes of all records in the tier, those under entries included. */
  readonly coldKeys: ColdKeys;
  /** Entries that are tombstones. */
  tombstones = 0;
  /** Entries with the flag RECORD, tombstones included. */
  shadowed = 0;
  /** Names (one character a byte) of keys whose values must not leave memory, whether they exist or not; undefined if
   * there are none. */
  pinned: Set<string> | undefined;
  /** Hash of the key that the last find or lookup asked for. */
  hash = 0;
  /** Where active expiry goes on in `volatile`. */
  expiryPosition = 0;
  /** The same in `timedHashes`. */
  fieldExpiryPosition = 0;
  private readonly keyspace: Keyspace;
  /** What `add` adds next takes the place of an old value. */
  private isReplacing = false;

  constructor(keyspace: Keyspace, index: number, namespace: number) {
    this.keyspace = keyspace;
    this.index = index;
    this.namespace = namespace;
    this.table = new HashTable(keyspace.entries.slabs);
    this.volatile = new HashTable(keyspace.entries.slabs);
    this.timedHashes = new HashTable(keyspace.entries.slabs);
    this.coldKeys = new ColdKeys(keyspace.entries.slabs);
  }

  /** Number of keys, those in the cold tier included. */
  get size(): number {
    return this.table.size - this.tombstones + this.keyspace.recordCount(this.namespace) - this.shadowed;
  }

  /** Keys that live only in the cold tier. */
  get coldSize(): number {
    return this.keyspace.recordCount(this.namespace) - this.shadowed;
  }

  /** Bytes that the database takes outside slabs and huge values. */
  get directoryBytes(): number {
    const { table, volatile, timedHashes, coldKeys } = this;
    return (
      table.directoryBytes + volatile.directoryBytes + timedHashes.directoryBytes + coldKeys.directoryBytes
    );
  }

  /** Gets ready for so many keys, of which so many expire; the database is empty. */
  reserve(keys: number, expires: number): void {
    this.table.reserve(keys);
    this.volatile.reserve(expires);
  }

  /** Address of the key's entry, be it live, expired or a tombstone; 0 if it has none. Nothing is touched. */
  find(key: Buffer, start: number, length: number): number {
    const hash = this.keyspace.keyHash.of(key, start, length);
    this.hash = hash;
    const entries = this.keyspace.entries;
    let address = this.table.seek(hash);
    while (address !== 0 && !entries.keyEquals(address, key, start, length)) address = this.table.probeNext();
    return address;
  }

  /** Address of the live key, or 0. A key past its expiry is deleted. Neither clock nor statistics are touched. */
  peek(key: Buffer, start: number, length: number): number {
    const address = this.find(key, start, length);
    if (address === 0) return 0;
    const head = this.keyspace.entries.head(address);
    if ((head & TYPE_MASK) === TOMBSTONE) return 0;
    if ((head & EXPIRES) !== 0 && this.expireIfDue(address)) return 0;
    return address;
  }

  /** As `peek`, for a command that reads: counts the hit or miss and touches the access clock. */
  lookupRead(key: Buffer, start: number, length: number): number {
    const address = this.peek(key, start, length);
    const keyspace = this.keyspace;
    if (address === 0) {
      keyspace.misses++;
      if (keyspace.events !== undefined) {
        keyspace.events.happened(EVENT.keyMiss, "keymiss", this.index, key, start, length);
      }
      return 0;
    }
    keyspace.hits++;
    if (keyspace.touching) this.touch(address);
    return address;
  }

  /** As `peek`, for a command that may change the value: touches the access clock. */
  lookupWrite(key: Buffer, start: number, length: number): number {
    const address = this.peek(key, start, length);
    if (address !== 0 && this.keyspace.touching) this.touch(address);
    return address;
  }

  touch(address: number): void {
    const { entries, accessClock } = this.keyspace;
    entries.setAccess(address, accessClock.touched(entries.access(address)));
  }

  /**
   * Creates an entry for a key that has none, or only a tombstone; the value's bytes are the caller's to fill.
   * `expireMs` 0 means no expiry. The key must be the one of the last find, peek or lookup (its hash is used). `room`
   * is for a value that is about to grow: see Entries.create.
   */
  add(
    type: number,
    key: Buffer,
    start: number,
    length: number,
    valueLength: number,
    expireMs: number,
    room = 0,
  ): number {
    const keyspace = this.keyspace;
    const entries = keyspace.entries;
    const hash = this.hash;
    let flags = DIRTY | keyspace.snapshots.newEntryFlag;
    if (expireMs !== 0) flags |= EXPIRES;
    let tombstone = this.tombstones === 0 ? 0 : this.table.seek(hash);
    while (tombstone !== 0 && !entries.keyEquals(tombstone, key, start, length))
      tombstone = this.table.probeNext();
    let address: number;
    if (tombstone !== 0) {
      this.beforeWrite(tombstone);
      flags |= entries.head(tombstone) & (RECORD | SPILLING | PINNED);
      address = entries.create(type, flags, key, start, length, valueLength, room);
      this.table.replace(hash, tombstone, address);
      entries.free(tombstone);
      this.tombstones--;
    } else {
      address = entries.create(type, flags, key, start, length, valueLength, room);
      this.table.insert(hash, address);
    }
    entries.setAccess(address, keyspace.accessClock.initial());
    if (expireMs !== 0) {
      entries.setExpireMs(address, expireMs);
      this.volatile.insert(hash, address);
    }
    if (keyspace.waiters !== undefined) this.signalReady(address);
    if (keyspace.watchers !== undefined) keyspace.watchers.changing(this, address);
    if (keyspace.events !== undefined) {
      if (!this.isReplacing) keyspace.events.happened(EVENT.newKey, "new", this.index, key, start, length);
      this.isReplacing = false;
    }
    return address;
  }

  /** Says that a key has something new, for clients that wait for it. */
  signalReady(address: number): void {
    this.keyspace.waiters?.keyReady(this.index, this.keyspace.entries.key(address));
  }

  /** Says that a key counts as changed for clients that watch it, although nothing is propagated. */
  signalModified(address: number): void {
    this.keyspace.watchers?.changed(this, this.keyspace.entries.key(address));
  }

  /** Must be called before an entry changes in any way: lets a running snapshot take its old state, and marks it. */
  beforeWrite(address: number): void {
    const { entries, snapshots, watchers } = this.keyspace;
    if (snapshots.active) snapshots.capture(this, address);
    if (watchers !== undefined) watchers.changing(this, address);
    if (this.isUnchanged(address)) this.keyspace.outdatedRecords++;
    entries.mark(address, DIRTY, 0);
  }

  /** As `beforeWrite`, for a change that WATCH does not see: as in Redis, those of consumer groups. */
  beforeUnwatchedWrite(address: number): void {
    const { entries, snapshots } = this.keyspace;
    if (snapshots.active) snapshots.capture(this, address);
    if (this.isUnchanged(address)) this.keyspace.outdatedRecords++;
    entries.mark(address, DIRTY, 0);
  }

  /** Must be called before what is known of the entry's record changes, since a snapshot tells that too. */
  beforeRecordChange(address: number): void {
    const { snapshots } = this.keyspace;
    if (snapshots.active) snapshots.capture(this, address);
  }

  /** Gives the value another length (call beforeWrite first). Returns the entry's address. */
  resizeValue(address: number, length: number): number {
    const entries = this.keyspace.entries;
    const moved = entries.resizeValue(address, length);
    if (moved !== address) this.relocate(address, moved);
    return moved;
  }

  /** Sets the encoding number of an entry: what else depends on it is kept right. */
  setEncoding(address: number, encoding: number): void {
    const { entries } = this.keyspace;
    const wasTimed = hasTimedForm(entries.head(address));
    entries.setEncoding(address, encoding);
    const isTimed = hasTimedForm(entries.head(address));
    if (wasTimed === isTimed) return;
    const hash = this.hashOf(address);
    if (isTimed) this.timedHashes.insert(hash, address);
    else this.timedHashes.remove(hash, address);
  }

  /** Sets (or with 0 removes) the expiry; returns the entry's address. */
  setExpiry(address: number, expireMs: number): number {
    this.beforeWrite(address);
    const entries = this.keyspace.entries;
    const had = (entries.head(address) & EXPIRES) !== 0;
    const has = expireMs !== 0;
    if (had === has) {
      if (has) entries.setExpireMs(address, expireMs);
      return address;
    }
    const hash = this.hashOf(address);
    if (had) this.volatile.remove(hash, address);
    const moved = entries.withExpiry(address, has);
    this.table.replace(hash, address, moved);
    if (hasTimedForm(entries.head(moved))) this.timedHashes.replace(hash, address, moved);
    if (has) {
      entries.setExpireMs(moved, expireMs);
      this.volatile.insert(hash, moved);
    }
    return moved;
  }

  /** Deletes a live key's entry; a tombstone stays if a record lies under it, or is just being written. */
  delete(address: number): void {
    const { entries, snapshots, watchers } = this.keyspace;
    const isTakenOver = snapshots.active && snapshots.takeOver(this, address);
    if (!isTakenOver) this.beforeWrite(address);
    else if (watchers !== undefined) watchers.changing(this, address);
    const hash = this.hashOf(address);
    const head = entries.head(address);
    this.signalReady(address);
    if ((head & EXPIRES) !== 0) this.volatile.remove(hash, address);
    if (hasTimedForm(head)) this.timedHashes.remove(hash, address);
    if ((head & (RECORD | SPILLING)) === 0) {
      this.table.remove(hash, address);
    } else {
      const key = entries.key(address);
      const flags = DIRTY | snapshots.newEntryFlag | (head & (RECORD | SPILLING | PINNED));
      this.table.replace(hash, address, entries.create(TOMBSTONE, flags, key, 0, key.length, 0));
      this.tombstones++;
      this.keyspace.onTombstone?.(this, hash, key);
    }
    if (!isTakenOver) this.free(address);
  }

  /** As `delete`, for a key that gets another value at once by `add`, which then reports no new key. */
  replace(address: number): void {
    this.delete(address);
    if (this.keyspace.events !== undefined) this.isReplacing = true;
  }

  /**
   * Takes an unchanged entry (or a tombstone whose record is gone) out of memory, without a trace: from now on the
   * tier answers for the key. All of the value is freed at once: it left to make room, and freeing it takes less time
   * than it took to be packed or unpacked.
   */
  drop(address: number): void {
    const { entries, snapshots } = this.keyspace;
    const isTakenOver = snapshots.active && snapshots.takeOver(this, address);
    if (snapshots.active && !isTakenOver) snapshots.capture(this, address);
    const hash = this.hashOf(address);
    const head = entries.head(address);
    if ((head & EXPIRES) !== 0) this.volatile.remove(hash, address);
    if (hasTimedForm(head)) this.timedHashes.remove(hash, address);
    if ((head & RECORD) !== 0) this.shadowed--;
    if ((head & TYPE_MASK) === TOMBSTONE) this.tombstones--;
    this.table.remove(hash, address);
    if (!isTakenOver) this.free(address, true);
  }

  /** Frees an entry that left the database some time ago: see Snapshots.takeOver. */
  freeDeparted(address: number): void {
    this.free(address);
  }

  /**
   * Puts a key that is only in the tier into memory, unchanged: the reverse of `drop`. The value's bytes are the
   * caller's to fill. `hash` is the key's.
   */
  warm(hash: number, type: number, key: Buffer, valueLength: number, expireMs: number): number {
    const { entries, snapshots } = this.keyspace;
    const flags = RECORD | snapshots.newEntryFlag | (expireMs !== 0 ? EXPIRES : 0);
    const address = entries.create(type, flags, key, 0, key.length, valueLength);
    this.table.insert(hash, address);
    this.shadowed++;
    if (expireMs !== 0) {
      entries.setExpireMs(address, expireMs);
      this.volatile.insert(hash, address);
    }
    return address;
  }

  /** Puts back a tombstone that a checkpoint's base file lists. */
  restoreTombstone(key: Buffer): void {
    const { entries, snapshots } = this.keyspace;
    const hash = this.keyspace.keyHash.of(key, 0, key.length);
    const flags = RECORD | DIRTY | snapshots.newEntryFlag;
    this.table.insert(hash, entries.create(TOMBSTONE, flags, key, 0, key.length, 0));
    this.tombstones++;
    this.shadowed++;
    this.keyspace.onTombstone?.(this, hash, key);
  }

  /** Says that a record of this entry's key now lies in the tier. */
  markRecord(address: number): void {
    const entries = this.keyspace.entries;
    if ((entries.head(address) & RECORD) !== 0) return;
    entries.mark(address, RECORD, 0);
    this.shadowed++;
  }

  /** Notes that the tier no longer has a record of this entry's key. */
  unmarkRecord(address: number): void {
    const entries = this.keyspace.entries;
    if ((entries.head(address) & RECORD) === 0) return;
    entries.mark(address, 0, RECORD);
    this.shadowed--;
  }

  /** Whether somebody has pinned the entry's key: its value must not leave memory. */
  isPinned(address: number): boolean {
    return this.pinned?.has(this.keyspace.entries.key(address).toString("latin1")) === true;
  }

  /** Whether the entry is an unchanged copy of its record. Asked before commands that replace it, so it costs next to
   * nothing where there is no tier. */
  isUnchanged(address: number): boolean {
    if (this.shadowed === 0) return false;
    return (this.keyspace.entries.head(address) & (RECORD | DIRTY | SPILLING)) === RECORD;
  }

  isTombstone(address: number): boolean {
    return (this.keyspace.entries.head(address) & TYPE_MASK) === TOMBSTONE;
  }

  /** Whether a live entry is past its expiry; never while data is loaded. */
  isExpired(address: number): boolean {
    const expireMs = this.keyspace.entries.expireMs(address);
    return expireMs !== 0 && expireMs <= this.keyspace.nowMs && this.keyspace.expiring;
  }

  /** Deletes the key if it is past its expiry, unless the data stands still; says whether it is. */
  expireIfDue(address: number): boolean {
    if (!this.isExpired(address)) return false;
    if (this.keyspace.isStill) return true;
    const key = Buffer.from(this.keyspace.entries.key(address));
    this.delete(address);
    this.keyspace.expired++;
    this.keyspace.events?.happened(EVENT.expired, "expired", this.index, key, 0, key.length);
    this.keyspace.onKeyRemoved(this, key, "expired");
    return true;
  }

  hashOf(address: number): number {
    const key = this.keyspace.entries.key(address);
    return this.keyspace.keyHash.of(key, 0, key.length);
  }

  /** Frees all entries and both tables. The object must not be used afterwards. */
  dispose(): void {
    while (!this.disposeStep(Number.MAX_SAFE_INTEGER));
  }

  private disposing = 0;

  /** Frees about `limit` entries; true when all is freed. */
  disposeStep(limit: number): boolean {
    const addresses: number[] = [];
    this.disposing = this.table.collect(this.disposing, 0x1_0000_0000, limit, addresses);
    for (const address of addresses) this.free(address);
    if (this.disposing < 0x1_0000_0000) return false;
    this.table.dispose();
    this.volatile.dispose();
    this.timedHashes.dispose();
    this.coldKeys.dispose();
    return true;
  }

  /** Frees an entry, and what its value has outside; without `atOnce` much of that may follow later. */
  private free(address: number, atOnce = false): void {
    const { entries, discarded, expiring } = this.keyspace;
    const head = entries.head(address);
    // While data is loaded nobody waits for anything but the end of it, and the memory is needed.
    if (isRooted(head)) discarded.add(head & TYPE_MASK, rootOf(entries, address), atOnce || !expiring);
    entries.free(address);
  }

  private relocate(from: number, to: number): void {
    const hash = this.hashOf(to);
    this.table.replace(hash, from, to);
    const head = this.keyspace.entries.head(to);
    if ((head & EXPIRES) !== 0) this.volatile.replace(hash, from, to);
    if (hasTimedForm(head)) this.timedHashes.replace(hash, from, to);
  }
}
