/**
 * The hashes of a database's cold keys, in memory: tells without reading the disk that a key has no record there. Or
 * that it probably has one: of n cold keys, one in 2^32/n that are not there shares its hash with one that is (with
 * ten million, one question in 400).
 *
 * A bloom filter would take half the room (10 bits a key for one wrong answer in 100), but could neither grow nor
 * forget. This is a multiset, so what is added and removed as records come and go keeps it exact.
 *
 * Layout: one run for each value of the upper 16 bits of a hash, a slab object with the number of hashes (2 bytes,
 * little-endian) and their lower 16 bits, ascending: 2.2 to 2.6 bytes a key from a million keys on. Few hashes lie in a
 * Map: there the directory of the runs would be the larger part.
 */
import { MAX_OBJECT_BYTES, SLAB_MASK, SLAB_SHIFT, type Slabs } from "../memory/slabs.ts";

const RUNS = 1 << 16;
const COUNT_BYTES = 2;
const HASH_BYTES = 2;
const MAX_IN_MAP = 1024;
const MAX_IN_RUN = (MAX_OBJECT_BYTES - COUNT_BYTES) / HASH_BYTES;
/** The longest form of a difference in `ColdKeysPart`. */
const MAX_VARINT_BYTES = 5;
const EMPTY_DIRECTORY = new Int32Array(0);
/** Lower halves of the run that `restore` is reading. */
const restoredLows = new Uint16Array(MAX_IN_RUN);

/** Some of the hashes, for a base file. */
export interface ColdKeysPart {
  /** Ascending; each as its difference from the one before (the first of all: from 0), seven bits a byte, the lowest
   * first, the top bit set in all but a difference's last byte (LEB128). */
  readonly differences: Buffer;
  /** How many hashes follow in further parts. */
  readonly left: number;
}

export class ColdKeys {
  /** False if some cold keys are not in here: then nothing can be said about any. */
  isComplete = true;
  private readonly slabs: Slabs;
  private count = 0;
  /** Signed hash and how often; undefined once there are too many. */
  private few: Map<number, number> | undefined = new Map();
  private directory: Int32Array = EMPTY_DIRECTORY;
  /** While the set is being written to a base file: what has changed since. See `hold`. */
  private added: Map<number, number> | undefined;
  private removed: number[] = [];
  /** The last hash that `restore` took: its upper and its lower half. */
  private restoredHigh = 0;
  private restoredLow = 0;

  constructor(slabs: Slabs) {
    this.slabs = slabs;
  }

  /** Hashes, each as often as it was added. */
  get size(): number {
    return this.count;
  }

  /** Memory of the directory, outside the slabs. */
  get directoryBytes(): number {
    return this.directory.length * 4;
  }

  /** Whether a key with this hash may be cold. */
  mayHave(hash: number): boolean {
    if (!this.isComplete) return true;
    if (this.added?.has(hash | 0) === true) return true;
    if (this.few !== undefined) return this.few.has(hash | 0);
    const run = this.directory[hash >>> 16];
    return run !== 0 && this.isAt(run, this.placeOf(run, hash), hash);
  }

  add(hash: number): void {
    if (this.added === undefined) this.insert(hash);
    else increment(this.added, hash | 0);
  }

  /** `hash` must have been added. */
  remove(hash: number): void {
    if (this.added === undefined) this.delete(hash);
    else if (!decrement(this.added, hash | 0)) this.removed.push(hash);
  }

  /** Until `release`, `part` gives the hashes of this moment, and what changes is kept beside them. */
  hold(): void {
    this.added ??= new Map();
  }

  release(): void {
    const { added, removed } = this;
    this.added = undefined;
    this.removed = [];
    for (const hash of removed) this.delete(hash);
    if (added === undefined) return;
    for (const [hash, times] of added) for (let i = 0; i < times; i++) this.insert(hash);
  }

  /**
   * All hashes in parts of about `bytes` (or more, for a long run). Between two parts the set may change only as `hold`
   * allows; if it is disposed of, the parts end early.
   */
  *parts(bytes: number): Generator<ColdKeysPart> {
    const differences = new Differences(bytes);
    let left = this.count;
    if (this.few !== undefined) {
      const hashes = [...this.few].flatMap(([hash, times]) =>
        Array.from({ length: times }, () => hash >>> 0),
      );
      differences.makeRoom(hashes.length);
      for (const hash of hashes.sort((a, b) => a - b)) differences.add(hash);
      left = 0;
    }
    for (let high = 0; high < this.directory.length; high++) {
      const run = this.directory[high];
      if (run === 0) continue;
      const count = this.countOf(run);
      if (differences.length > 0 && !differences.hasRoom(count))
        yield { differences: differences.taken(), left };
      differences.makeRoom(count);
      this.addRun(high, run, count, differences);
      left -= count;
    }
    if (differences.length > 0) yield { differences: differences.taken(), left };
  }

  /** Puts back a part that `parts` gave; the set is complete with the last one. Throws RangeError on bytes that cannot
   * come from there. At the start of the server there are millions of hashes: small integers, and runs made at once. */
  restore({ differences, left }: ColdKeysPart): void {
    let high = this.restoredHigh;
    let low = this.restoredLow;
    let count = 0;
    for (let i = 0; i < differences.length; ) {
      let byte = differences[i++];
      let difference = byte & 0x7f;
      for (let scale = 128; byte >= 0x80; scale *= 128) {
        if (i === differences.length || scale > 2 ** 28) throw damaged();
        byte = differences[i++];
        difference += (byte & 0x7f) * scale;
      }
      low += difference;
      if (low >= RUNS || count === MAX_IN_RUN) {
        this.insertRun(high, count);
        count = 0;
        high += Math.floor(low / RUNS);
        low %= RUNS;
        if (high >= RUNS) throw damaged();
      }
      restoredLows[count++] = low;
    }
    this.insertRun(high, count);
    this.restoredHigh = high;
    this.restoredLow = low;
    if (left === 0) this.isComplete = true;
  }

  /** Frees all memory. The object must not be used afterwards. */
  dispose(): void {
    for (const run of this.directory) if (run !== 0) this.slabs.free(run);
    this.directory = EMPTY_DIRECTORY;
    this.few = new Map();
    this.count = 0;
    this.isComplete = false;
  }

  private addRun(high: number, run: number, count: number, differences: Differences): void {
    const bytes = this.slabs.bytes[run >>> SLAB_SHIFT];
    let at = startOf(run) + COUNT_BYTES;
    for (let i = 0; i < count; i++) {
      differences.add(high * RUNS + (bytes[at] | (bytes[at + 1] << 8)));
      at += HASH_BYTES;
    }
  }

  private insert(hash: number): void {
    this.count++;
    if (this.few !== undefined) {
      increment(this.few, hash | 0);
      if (this.few.size > MAX_IN_MAP) this.spread(this.few);
      return;
    }
    this.insertIntoRun(hash);
  }

  /** Inserts the first `count` of `restoredLows` into a run. */
  private insertRun(high: number, count: number): void {
    const { directory, slabs } = this;
    if (count === 0) return;
    if (directory.length === 0 || directory[high] !== 0) {
      for (let i = 0; i < count; i++) this.insert((high << 16) | restoredLows[i]);
      return;
    }
    const run = this.resized(0, 0, count);
    const bytes = slabs.bytes[run >>> SLAB_SHIFT];
    let at = startOf(run) + COUNT_BYTES;
    for (let i = 0; i < count; i++) {
      const low = restoredLows[i];
      bytes[at++] = low & 0xff;
      bytes[at++] = low >>> 8;
    }
    directory[high] = run;
    this.count += count;
  }

  private spread(few: ReadonlyMap<number, number>): void {
    this.few = undefined;
    this.directory = new Int32Array(RUNS);
    for (const [hash, times] of few) for (let i = 0; i < times; i++) this.insertIntoRun(hash);
  }

  private insertIntoRun(hash: number): void {
    const { directory, slabs } = this;
    // It has given up.
    if (directory.length === 0) return;
    const old = directory[hash >>> 16];
    const count = old === 0 ? 0 : this.countOf(old);
    if (count === MAX_IN_RUN) {
      // A quarter of a billion keys. From here on every question goes to the disk.
      this.dispose();
      this.few = undefined;
      return;
    }
    const place = old === 0 ? 0 : this.placeOf(old, hash);
    const run = this.resized(old, count, count + 1);
    directory[hash >>> 16] = run;
    const bytes = slabs.bytes[run >>> SLAB_SHIFT];
    const at = startOf(run) + COUNT_BYTES + place * HASH_BYTES;
    bytes.copyWithin(at + HASH_BYTES, at, at + (count - place) * HASH_BYTES);
    bytes[at] = hash & 0xff;
    bytes[at + 1] = (hash >>> 8) & 0xff;
  }

  private delete(hash: number): void {
    if (this.few !== undefined) {
      if (decrement(this.few, hash | 0)) this.count--;
      return;
    }
    const run = this.directory.length === 0 ? 0 : this.directory[hash >>> 16];
    if (run === 0) return;
    const place = this.placeOf(run, hash);
    if (!this.isAt(run, place, hash)) return;
    this.count--;
    const count = this.countOf(run);
    const bytes = this.slabs.bytes[run >>> SLAB_SHIFT];
    const at = startOf(run) + COUNT_BYTES + place * HASH_BYTES;
    bytes.copyWithin(at, at + HASH_BYTES, at + (count - place) * HASH_BYTES);
    this.directory[hash >>> 16] = this.resized(run, count, count - 1);
  }

  /** The run with another number of hashes: as many as both have stay as they are. Returns its address, perhaps a new
   * one; 0 for an empty run. */
  private resized(run: number, from: number, to: number): number {
    const { slabs } = this;
    const size = COUNT_BYTES + to * HASH_BYTES;
    const capacity = run === 0 ? 0 : slabs.capacity(run);
    let target = run;
    if (to === 0) target = 0;
    else if (size > capacity || size <= capacity >>> 1) {
      target = slabs.allocate(size);
      if (run !== 0) {
        const start = startOf(run);
        const end = start + COUNT_BYTES + Math.min(from, to) * HASH_BYTES;
        slabs.bytes[run >>> SLAB_SHIFT].copy(slabs.bytes[target >>> SLAB_SHIFT], startOf(target), start, end);
      }
    }
    if (target !== run && run !== 0) slabs.free(run);
    if (target !== 0) {
      const bytes = slabs.bytes[target >>> SLAB_SHIFT];
      const start = startOf(target);
      bytes[start] = to & 0xff;
      bytes[start + 1] = to >>> 8;
    }
    return target;
  }

  private countOf(run: number): number {
    const bytes = this.slabs.bytes[run >>> SLAB_SHIFT];
    const start = startOf(run);
    return bytes[start] | (bytes[start + 1] << 8);
  }

  /** Lower half of the hash at `place`. */
  private lowAt(run: number, place: number): number {
    const bytes = this.slabs.bytes[run >>> SLAB_SHIFT];
    const at = startOf(run) + COUNT_BYTES + place * HASH_BYTES;
    return bytes[at] | (bytes[at + 1] << 8);
  }

  /** Place of the first hash that is not below `hash`. */
  private placeOf(run: number, hash: number): number {
    const low = hash & 0xffff;
    let from = 0;
    let to = this.countOf(run);
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.lowAt(run, middle) < low) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private isAt(run: number, place: number, hash: number): boolean {
    return place < this.countOf(run) && this.lowAt(run, place) === (hash & 0xffff);
  }
}

function damaged(): RangeError {
  return new RangeError("a list of cold keys is damaged");
}

/** Byte offset of an object in its slab. */
function startOf(run: number): number {
  return (run & SLAB_MASK) << 4;
}

function increment(counts: Map<number, number>, hash: number): void {
  counts.set(hash, (counts.get(hash) ?? 0) + 1);
}

/** False if it was not there. */
function decrement(counts: Map<number, number>, hash: number): boolean {
  const times = counts.get(hash);
  if (times === undefined) return false;
  if (times === 1) counts.delete(hash);
  else counts.set(hash, times - 1);
  return true;
}

/** Writes ascending hashes as the differences of a `ColdKeysPart`: millions at each rewrite, so without an object for
 * any of them. */
class Differences {
  length = 0;
  private bytes: Buffer;
  private last = 0;

  constructor(sizeBytes: number) {
    this.bytes = Buffer.allocUnsafe(sizeBytes);
  }

  /** Whether that many more hashes are certain to fit. */
  hasRoom(count: number): boolean {
    return this.length + count * MAX_VARINT_BYTES <= this.bytes.length;
  }

  /** What was written before must have been taken if it has no room for so many. */
  makeRoom(count: number): void {
    if (!this.hasRoom(count)) this.bytes = Buffer.allocUnsafe(count * MAX_VARINT_BYTES);
  }

  /** What was written, valid until more is. */
  taken(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.length = 0;
    return taken;
  }

  /** There must be room. `hash` is unsigned, and not below the one before. */
  add(hash: number): void {
    let rest = hash - this.last;
    this.last = hash;
    const { bytes } = this;
    let at = this.length;
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80;
    for (; rest >= 128; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.length = at;
  }
}
