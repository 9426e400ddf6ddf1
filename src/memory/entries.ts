/**
 * Entries: a key with its value, expiry and housekeeping bits, in one slab object.
 *
 * Layout (32-bit words, native order; memory only, never written to disk as it is):
 *   [0]  bits 0-3 type, 4-7 encoding, 8-15 flags (below), 16-31 length of an inline key
 *   [1]  bits 0-23 access clock (LRU seconds, or LFU counter and decay time, as in Redis)
 *   [2]  length of the value in bytes
 *   then, if their flags are set: expiry (2 words: low, high part of milliseconds), number of a huge key, number of
 *   a huge value; then the bytes of an inline key, then those of an inline value.
 *
 * Keys up to 1 KB and values that fit the rest of an 8 KB object lie inline; others in HugeValues.
 */
import { copyBytes, sameBytes } from "../base/byte-copy.ts";
import type { FrozenValue } from "./frozen-value.ts";
import type { HugeValues } from "./huge-values.ts";
import { MAX_OBJECT_BYTES, SLAB_MASK, SLAB_SHIFT, type Slabs } from "./slabs.ts";

/** The entry has an expiry. */
export const EXPIRES = 1 << 8;
/** A record of this key lies in the cold tier (perhaps stale: the entry decides). */
export const RECORD = 1 << 9;
/** The entry differs from its record (or from what is being written as such), or has none. */
export const DIRTY = 1 << 10;
/** A batch that holds the entry's record (or its deletion) is being written to the cold tier. */
export const SPILLING = 1 << 11;
/** The parity bit of snapshots: see keyspace/snapshot.ts. */
export const VISITED = 1 << 12;
/** A parked command needs the entry: it may not leave memory now. */
export const PINNED = 1 << 13;
const HUGE_VALUE = 1 << 14;
const HUGE_KEY = 1 << 15;

const TYPE_MASK = 0xf;
const ENCODING_SHIFT = 4;
const HEADER_WORDS = 3;
const MAX_INLINE_KEY = 1024;
const ACCESS_MASK = 0xff_ffff;
const TWO_32 = 0x1_0000_0000;
/** What an entry that moves takes along: its encoding and what is known about its record. */
const KEPT_FLAGS = 0xf0 | RECORD | DIRTY | SPILLING | VISITED | PINNED;
const NEW_VALUE = -1;
/** More room than this is not made in advance. */
export const MAX_ROOM_BYTES = 2048;

export class Entries {
  readonly slabs: Slabs;
  readonly huge: HugeValues;

  constructor(slabs: Slabs, huge: HugeValues) {
    this.slabs = slabs;
    this.huge = huge;
  }

  /** Bytes of all objects, entries and whatever else lives in the same slabs. */
  get allocatedBytes(): number {
    return this.slabs.allocatedBytes + this.huge.allocatedBytes;
  }

  /**
   * A new entry with the given key, room for a value of `valueLength` bytes (contents undefined) and, if `flags` has
   * EXPIRES, for an expiry (to be set). A value that is soon to grow to `room` bytes gets them now, if that is not
   * much, and need not be moved then.
   */
  create(
    type: number,
    flags: number,
    key: Buffer,
    keyStart: number,
    keyLength: number,
    valueLength: number,
    room = 0,
  ): number {
    const spare = room > valueLength && room <= MAX_ROOM_BYTES ? room - valueLength : 0;
    return this.build(type, flags, key, keyStart, keyLength, valueLength, NEW_VALUE, spare);
  }

  /** As `create`; `hugeValueId` is the huge value to take over, or NEW_VALUE. */
  private build(
    type: number,
    flags: number,
    key: Buffer,
    keyStart: number,
    keyLength: number,
    valueLength: number,
    hugeValueId: number,
    spare: number,
  ): number {
    let size = HEADER_WORDS * 4 + spare;
    if ((flags & EXPIRES) !== 0) size += 8;
    if (keyLength > MAX_INLINE_KEY) {
      flags |= HUGE_KEY;
      size += 4;
    } else {
      size += keyLength;
    }
    if (hugeValueId !== NEW_VALUE || size + valueLength > MAX_OBJECT_BYTES) {
      flags |= HUGE_VALUE;
      size += 4;
    } else {
      size += valueLength;
    }
    const address = this.slabs.allocate(size);
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    let w = (address & SLAB_MASK) << 2;
    words[w] = type | flags | ((flags & HUGE_KEY) !== 0 ? 0 : keyLength << 16);
    words[w + 1] = 0;
    words[w + 2] = valueLength;
    w += HEADER_WORDS;
    if ((flags & EXPIRES) !== 0) w += 2;
    if ((flags & HUGE_KEY) !== 0) {
      const id = this.huge.allocate(keyLength);
      key.copy(this.huge.get(id), 0, keyStart, keyStart + keyLength);
      words[w++] = id;
    }
    if ((flags & HUGE_VALUE) !== 0) {
      words[w++] = hugeValueId !== NEW_VALUE ? hugeValueId : this.huge.allocate(valueLength);
    }
    if ((flags & HUGE_KEY) === 0) {
      const bytes = this.slabs.bytes[address >>> SLAB_SHIFT];
      copyBytes(key, keyStart, bytes, w << 2, keyLength);
    }
    return address;
  }

  free(address: number): void {
    this.freeParts(address, this.head(address));
  }

  /** Frees the object and those huge parts that `head` names. */
  private freeParts(address: number, head: number): void {
    if ((head & HUGE_KEY) !== 0) this.huge.free(this.hugeKeyId(address));
    if ((head & HUGE_VALUE) !== 0) this.huge.free(this.hugeValueId(address, head));
    this.slabs.free(address);
  }

  /** Has the processor read the heads of several entries: see HashTable.seekAll. Address 0 is let pass. The result
   * means nothing, but must be put somewhere, lest the compiler leave out the reading. */
  readHeads(addresses: Int32Array, count: number): number {
    const allWords = this.slabs.words;
    let seen = 0;
    for (let i = 0; i < count; i++) {
      const address = addresses[i];
      seen |= allWords[address >>> SLAB_SHIFT][(address & SLAB_MASK) << 2];
    }
    return seen;
  }

  /** Word 0: type, encoding and flags. */
  head(address: number): number {
    return this.slabs.words[address >>> SLAB_SHIFT][(address & SLAB_MASK) << 2];
  }

  /** Sets the flags in `set` and clears those in `clear`. */
  mark(address: number, set: number, clear: number): void {
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    words[w] = (words[w] & ~clear) | set;
  }

  type(address: number): number {
    return this.head(address) & TYPE_MASK;
  }

  encoding(address: number): number {
    return (this.head(address) >>> ENCODING_SHIFT) & 0xf;
  }

  setEncoding(address: number, encoding: number): void {
    this.mark(address, encoding << ENCODING_SHIFT, 0xf << ENCODING_SHIFT);
  }

  access(address: number): number {
    return this.slabs.words[address >>> SLAB_SHIFT][((address & SLAB_MASK) << 2) + 1] & ACCESS_MASK;
  }

  setAccess(address: number, access: number): void {
    this.slabs.words[address >>> SLAB_SHIFT][((address & SLAB_MASK) << 2) + 1] = access & ACCESS_MASK;
  }

  keyEquals(address: number, buf: Buffer, start: number, length: number): boolean {
    const head = this.head(address);
    if ((head & HUGE_KEY) !== 0) {
      const key = this.huge.get(this.hugeKeyId(address));
      return key.length === length && key.compare(buf, start, start + length) === 0;
    }
    if (head >>> 16 !== length) return false;
    const bytes = this.slabs.bytes[address >>> SLAB_SHIFT];
    const from = this.inlineStart(address, head);
    return sameBytes(bytes, from, buf, start, length);
  }

  /** The key as a view on the entry's memory: valid until the entry changes. */
  key(address: number): Buffer {
    const head = this.head(address);
    if ((head & HUGE_KEY) !== 0) return this.huge.get(this.hugeKeyId(address));
    const from = this.inlineStart(address, head);
    return this.slabs.bytes[address >>> SLAB_SHIFT].subarray(from, from + (head >>> 16));
  }

  /** The buffer that holds the key, from `keyStart` on: for those who would make a view of each of many keys. */
  keyBuffer(address: number): Buffer {
    const head = this.head(address);
    if ((head & HUGE_KEY) === 0) return this.slabs.bytes[address >>> SLAB_SHIFT];
    return this.huge.get(this.hugeKeyId(address));
  }

  keyStart(address: number): number {
    const head = this.head(address);
    return (head & HUGE_KEY) !== 0 ? 0 : this.inlineStart(address, head);
  }

  keyLength(address: number): number {
    const head = this.head(address);
    return (head & HUGE_KEY) === 0 ? head >>> 16 : this.huge.get(this.hugeKeyId(address)).length;
  }

  valueLength(address: number): number {
    return this.slabs.words[address >>> SLAB_SHIFT][((address & SLAB_MASK) << 2) + 2];
  }

  /** The buffer that holds the value, from `valueStart` on. */
  valueBuffer(address: number): Buffer {
    const head = this.head(address);
    if ((head & HUGE_VALUE) === 0) return this.slabs.bytes[address >>> SLAB_SHIFT];
    return this.huge.get(this.hugeValueId(address, head));
  }

  valueStart(address: number): number {
    const head = this.head(address);
    if ((head & HUGE_VALUE) !== 0) return 0;
    return this.inlineStart(address, head) + ((head & HUGE_KEY) !== 0 ? 0 : head >>> 16);
  }

  /** The value as a view on the entry's memory: valid until the entry changes. */
  value(address: number): Buffer {
    const start = this.valueStart(address);
    return this.valueBuffer(address).subarray(start, start + this.valueLength(address));
  }

  /** The image of a value that has a buffer of its own, and no image. */
  freezeValue(address: number): FrozenValue {
    return this.huge.freeze(this.hugeValueId(address, this.head(address)), this.valueLength(address));
  }

  /** Whether there is an image of the value. */
  isFrozen(address: number): boolean {
    const head = this.head(address);
    return (head & HUGE_VALUE) !== 0 && this.huge.isFrozen(this.hugeValueId(address, head));
  }

  /** To be called before bytes `from` to `to` (exclusive) of a value change where they lie, if HugeValues.frozenCount
   * is not 0. */
  beforeChange(address: number, from: number, to: number): void {
    const head = this.head(address);
    if ((head & HUGE_VALUE) !== 0) this.huge.beforeChange(this.hugeValueId(address, head), from, to);
  }

  /** The same before all of a value is written anew. */
  beforeReplacing(address: number): void {
    const head = this.head(address);
    if ((head & HUGE_VALUE) !== 0) this.huge.beforeReplacing(this.hugeValueId(address, head));
  }

  /** Expiry in Unix milliseconds; 0 if the entry has none. */
  expireMs(address: number): number {
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    if ((words[w] & EXPIRES) === 0) return 0;
    return words[w + HEADER_WORDS + 1] * TWO_32 + (words[w + HEADER_WORDS] >>> 0);
  }

  /** Sets the expiry of an entry that has room for one (flag EXPIRES). */
  setExpireMs(address: number, expireMs: number): void {
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    const w = ((address & SLAB_MASK) << 2) + HEADER_WORDS;
    words[w] = expireMs | 0;
    words[w + 1] = Math.floor(expireMs / TWO_32);
  }

  /** Bytes that the entry takes. */
  sizeBytes(address: number): number {
    const head = this.head(address);
    let size = this.slabs.capacity(address);
    if ((head & HUGE_KEY) !== 0) size += this.huge.get(this.hugeKeyId(address)).length;
    if ((head & HUGE_VALUE) !== 0) size += this.huge.get(this.hugeValueId(address, head)).length;
    return size;
  }

  /**
   * Gives the value another length, keeping the bytes both have. Returns the entry's address: a new one if it had
   * to move, and then the caller must put it in the place of the old one. Growing leaves room for more of the same.
   */
  resizeValue(address: number, length: number): number {
    const head = this.head(address);
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    if ((head & HUGE_VALUE) !== 0 && length > MAX_OBJECT_BYTES / 2) {
      this.huge.resize(this.hugeValueId(address, head), length, Math.min(length, words[w + 2]));
      words[w + 2] = length;
      return address;
    }
    if ((head & HUGE_VALUE) === 0) {
      const available =
        this.slabs.capacity(address) - (this.valueStart(address) - ((address & SLAB_MASK) << 4));
      if (length <= available && (length >= available >>> 2 || length >= words[w + 2])) {
        words[w + 2] = length;
        return address;
      }
    }
    return this.moveTo(address, head & EXPIRES, length);
  }

  /** Makes or removes the room for an expiry; returns the entry's new address. The old one is freed. */
  withExpiry(address: number, expires: boolean): number {
    if (((this.head(address) & EXPIRES) !== 0) === expires) return address;
    return this.moveTo(address, expires ? EXPIRES : 0, this.valueLength(address));
  }

  private moveTo(address: number, expiresFlag: number, length: number): number {
    const head = this.head(address);
    const key = this.key(address);
    const flags = expiresFlag | (head & KEPT_FLAGS);
    // A huge value that stays as it is goes along by its number: it may be half a gigabyte.
    const adopts = (head & HUGE_VALUE) !== 0 && length === this.valueLength(address);
    const id = adopts ? this.hugeValueId(address, head) : NEW_VALUE;
    const moved = this.build(head & TYPE_MASK, flags, key, 0, key.length, length, id, 0);
    this.setAccess(moved, this.access(address));
    if ((expiresFlag & head) !== 0) this.setExpireMs(moved, this.expireMs(address));
    if (adopts) {
      this.freeParts(address, head & ~HUGE_VALUE);
      return moved;
    }
    const from = this.valueStart(address);
    const kept = Math.min(length, this.valueLength(address));
    this.valueBuffer(address).copy(this.valueBuffer(moved), this.valueStart(moved), from, from + kept);
    this.free(address);
    return moved;
  }

  /** Byte offset, in the slab, of what follows the header and its optional words. */
  private inlineStart(address: number, head: number): number {
    let words = HEADER_WORDS;
    if ((head & EXPIRES) !== 0) words += 2;
    if ((head & HUGE_KEY) !== 0) words++;
    if ((head & HUGE_VALUE) !== 0) words++;
    return (((address & SLAB_MASK) << 2) + words) << 2;
  }

  private hugeKeyId(address: number): number {
    const words = this.slabs.words[address >>> SLAB_SHIFT];
    const w = ((address & SLAB_MASK) << 2) + HEADER_WORDS;
    return words[(words[w - HEADER_WORDS] & EXPIRES) !== 0 ? w + 2 : w];
  }

  private hugeValueId(address: number, head: number): number {
    let w = ((address & SLAB_MASK) << 2) + HEADER_WORDS;
    if ((head & EXPIRES) !== 0) w += 2;
    if ((head & HUGE_KEY) !== 0) w++;
    return this.slabs.words[address >>> SLAB_SHIFT][w];
  }
}
