/**
 * A hash table from 32-bit hashes to slab addresses, in slab memory, ordered by hash.
 *
 * It is an extendible hash: a directory, indexed by the top bits of the hash, of segments of up to 448 entries. A
 * full segment splits in two, which moves at most 448 entries: growing never pauses. Within a segment entries lie in
 * the order of their hashes, each at or after the slot that its hash asks for (linear probing with insertion in
 * order). So a walk through the slots is a walk through hash space, a position in it is a hash, and it stays valid
 * whatever splits or merges meanwhile: this is what makes SCAN cursors stateless. A miss ends at the first larger
 * hash.
 *
 * The table does not know keys: several entries may share a hash, and the caller compares.
 *
 * Hashes are spread evenly, but those of the entries need not be: a walk over cold keys warms them in the order of
 * their hashes, far more than the rest of memory holds in such an interval, and what it warmed leaves again behind it.
 * So the slots behind a crowded interval may run out in a segment that is not full: then it splits before it is full,
 * more than once if need be, and is not joined with its sibling.
 *
 * Segment layout (32-bit words): [0] local depth, [1] entries, [2..3] unused, then SLOTS pairs (hash, address);
 * address 0 marks a free slot. The last OVERFLOW slots take what is pushed beyond the last regular slot.
 */
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "./slabs.ts";

const REGULAR_BITS = 9;
const REGULAR = 1 << REGULAR_BITS;
const OVERFLOW = 62;
const SLOTS = REGULAR + OVERFLOW;
const HEADER_WORDS = 4;
const SEGMENT_BYTES = (HEADER_WORDS + SLOTS * 2) * 4;
const MAX_LOAD = 448;
/** As many are in a segment that will hardly get more than the most. */
const USUAL_LOAD = 380;
/** Two sibling segments with fewer entries than this together become one. */
const MERGE_LOAD = 160;
/** Hashes that `seekAll` takes. */
const MAX_AT_ONCE = 16;
const MAX_DEPTH = 32 - REGULAR_BITS;
/** What `visitSegment` returns when `visit` has had enough. */
export const STOPPED = -1;

/** A table whose segments another thread has made: see Slabs.attach. */
export interface HashTablePart {
  readonly size: number;
  readonly depth: number;
  readonly directory: Int32Array;
  readonly localDepths: Uint8Array;
}

export class HashTable {
  /** Number of entries. */
  size = 0;
  private readonly slabs: Slabs;
  private directory: Int32Array;
  /** Local depths of the segments, place by place: read with the directory, they save each lookup a cache line. */
  private localDepths: Uint8Array = new Uint8Array(2);
  /** The directory has 2^depth places; at least 1, because a shift by 32 is a shift by 0. */
  private depth = 1;

  constructor(slabs: Slabs, part?: HashTablePart) {
    this.slabs = slabs;
    if (part === undefined) {
      const segment = this.createSegment(0);
      this.directory = new Int32Array([segment, segment]);
    } else {
      ({
        size: this.size,
        depth: this.depth,
        directory: this.directory,
        localDepths: this.localDepths,
      } = part);
    }
  }

  /** For another thread; the table must not be used here any more. */
  handOver(): HashTablePart {
    const { size, depth, directory, localDepths } = this;
    return { size, depth, directory, localDepths };
  }

  /** Memory of the directory, outside the slabs. */
  get directoryBytes(): number {
    return this.directory.length * 5;
  }

  // Where the slots of `seekAll` lie.
  private readonly slabOf = new Int32Array(MAX_AT_ONCE);
  private readonly indexOf = new Int32Array(MAX_AT_ONCE);

  // A probe: `seek` sets it to the first entry of a hash, `probeNext` moves on to the next with the same hash. Fields
  // instead of a returned object, because every GET comes through here.
  private probeWords: Int32Array = EMPTY_WORDS;
  private probeIndex = 0;
  private probeHash = 0;

  /**
   * Finds the first entries of several hashes at once: sets `addresses[i]` to that of `hashes[i]`, or 0. At most
   * MAX_AT_ONCE. All slots are read in one short loop, because the processor then waits for many of them at a time: it
   * looks some 250 instructions ahead, so all that can be done before or after is done in loops of its own.
   */
  seekAll(hashes: Int32Array, count: number, addresses: Int32Array): void {
    const { directory, localDepths, depth, slabOf, indexOf } = this;
    const allWords = this.slabs.words;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i];
      const place = hash >>> (32 - depth);
      const segment = directory[place];
      const slot = (hash << localDepths[place]) >>> (32 - REGULAR_BITS);
      slabOf[i] = segment >>> SLAB_SHIFT;
      indexOf[i] = ((segment & SLAB_MASK) << 2) + HEADER_WORDS + (slot << 1);
    }
    let seen = 0;
    for (let i = 0; i < count; i++) seen |= allWords[slabOf[i]][indexOf[i]];
    // Of no use but to have it in the cache; stored, lest the compiler leave it out.
    this.probeIndex = seen;
    for (let i = 0; i < count; i++) addresses[i] = this.seek(hashes[i]);
  }

  /** Address of the first entry with this hash, or 0. */
  seek(hash: number): number {
    const place = hash >>> (32 - this.depth);
    const segment = this.directory[place];
    const words = this.slabs.words[segment >>> SLAB_SHIFT];
    const slot = (hash << this.localDepths[place]) >>> (32 - REGULAR_BITS);
    let index = ((segment & SLAB_MASK) << 2) + HEADER_WORDS + (slot << 1);
    for (;;) {
      const address = words[index + 1];
      if (address === 0) return 0;
      const found = words[index];
      if (found === hash) {
        this.probeWords = words;
        this.probeIndex = index;
        this.probeHash = hash;
        return address;
      }
      if (found >>> 0 > hash >>> 0) return 0;
      index += 2;
    }
  }

  /** Address of the next entry with the hash of the last `seek`, or 0. */
  probeNext(): number {
    const index = this.probeIndex + 2;
    if (this.probeWords[index] !== this.probeHash) return 0;
    const address = this.probeWords[index + 1];
    if (address !== 0) this.probeIndex = index;
    return address;
  }

  /** Puts another address in the place of the entry that the last `seek` or `probeNext` returned. */
  replaceProbed(address: number): void {
    this.probeWords[this.probeIndex + 1] = address;
  }

  /** Replaces `from`, which must be there, by `to`. */
  replace(hash: number, from: number, to: number): void {
    let address = this.seek(hash);
    while (address !== from) {
      if (address === 0) throw new Error("hash table: entry to replace is missing");
      address = this.probeNext();
    }
    this.replaceProbed(to);
  }

  /** Gives an empty table the segments that so many entries will need, so that none has to be split meanwhile. */
  reserve(entries: number): void {
    if (this.size > 0) return;
    let depth = 0;
    while (depth < MAX_DEPTH && entries > USUAL_LOAD * 2 ** depth) depth++;
    if (2 ** depth <= this.directory.length) return;
    this.dispose();
    this.depth = depth;
    this.directory = new Int32Array(2 ** depth).map(() => this.createSegment(depth));
    this.localDepths = new Uint8Array(2 ** depth).fill(depth);
  }

  insert(hash: number, address: number): void {
    this.place(hash, address);
    this.size++;
  }

  /** Removes the entry `address`, which must be there. */
  remove(hash: number, address: number): void {
    let found = this.seek(hash);
    while (found !== address) {
      if (found === 0) throw new Error("hash table: entry to remove is missing");
      found = this.probeNext();
    }
    const place = hash >>> (32 - this.depth);
    const segment = this.directory[place];
    const words = this.probeWords;
    const base = (segment & SLAB_MASK) << 2;
    closeGap(words, base, this.probeIndex);
    this.size--;
    if (--words[base + 1] < MERGE_LOAD / 2) this.merge(place);
  }

  /**
   * Collects entries in the order of their hashes, from `from` (unsigned) on, until `limit` were taken or a hash
   * reaches `to` (exclusive, up to 2^32); entries of equal hash are never parted, so it may take a few more.
   * Pushes the addresses to `out` and returns where to go on: `to` when the interval is done.
   */
  collect(from: number, to: number, limit: number, out: number[]): number {
    let taken = 0;
    let position = from;
    while (position < to) {
      const segment = this.directory[position >>> (32 - this.depth)];
      const words = this.slabs.words[segment >>> SLAB_SHIFT];
      const base = (segment & SLAB_MASK) << 2;
      const end = base + HEADER_WORDS + SLOTS * 2;
      let last = -1;
      for (let index = base + HEADER_WORDS; index < end; index += 2) {
        const address = words[index + 1];
        if (address === 0) continue;
        const hash = words[index] >>> 0;
        if (hash < position) continue;
        if (hash >= to) return to;
        if (taken >= limit && hash !== last) return hash;
        out.push(address);
        taken++;
        last = hash;
      }
      position = segmentEnd(position, words[base]);
    }
    return to;
  }

  /**
   * Calls `visit` for all entries in the segment of the hash `from` (unsigned), in the order of their hashes, as long
   * as it returns true. Returns where the next segment begins, or STOPPED.
   */
  visitSegment(from: number, visit: (hash: number, address: number) => boolean): number {
    const segment = this.directory[from >>> (32 - this.depth)];
    const words = this.slabs.words[segment >>> SLAB_SHIFT];
    const base = (segment & SLAB_MASK) << 2;
    const end = base + HEADER_WORDS + SLOTS * 2;
    for (let index = base + HEADER_WORDS; index < end; index += 2) {
      if (words[index + 1] !== 0 && !visit(words[index], words[index + 1])) return STOPPED;
    }
    return segmentEnd(from, words[base]);
  }

  /** Address of an entry at a random place (`random` a uniformly distributed unsigned 32-bit number), or `behind` that
   * by so many entries; 0 if empty. */
  sample(random: number, behind = 0): number {
    if (this.size === 0) return 0;
    let position = random >>> 0;
    let left = behind;
    // The entry at or after a random slot of the segment, in the next segments if the rest of this one is free.
    for (;;) {
      const segment = this.directory[position >>> (32 - this.depth)];
      const words = this.slabs.words[segment >>> SLAB_SHIFT];
      const base = (segment & SLAB_MASK) << 2;
      const end = base + HEADER_WORDS + SLOTS * 2;
      const slot = (position << words[base]) >>> (32 - REGULAR_BITS);
      for (let index = base + HEADER_WORDS + slot * 2; index < end; index += 2) {
        if (words[index + 1] !== 0 && left-- === 0) return words[index + 1];
      }
      const next = segmentEnd(position, words[base]);
      position = next >= 0x1_0000_0000 ? 0 : next;
    }
  }

  /** Frees the table's own memory. The entries are the caller's. */
  dispose(): void {
    let previous = 0;
    for (const segment of this.directory) {
      if (segment !== previous) this.slabs.free(segment);
      previous = segment;
    }
    this.directory = EMPTY_WORDS;
    this.size = 0;
  }

  private createSegment(localDepth: number): number {
    const segment = this.slabs.allocate(SEGMENT_BYTES);
    const words = this.slabs.words[segment >>> SLAB_SHIFT];
    const base = (segment & SLAB_MASK) << 2;
    words.fill(0, base, base + SEGMENT_BYTES / 4);
    words[base] = localDepth;
    return segment;
  }

  private place(hash: number, address: number): void {
    for (;;) {
      const place = hash >>> (32 - this.depth);
      const segment = this.directory[place];
      const words = this.slabs.words[segment >>> SLAB_SHIFT];
      const base = (segment & SLAB_MASK) << 2;
      if (words[base + 1] < MAX_LOAD && insertIntoSegment(words, base, hash, address)) return;
      this.split(place);
    }
  }

  private split(place: number): void {
    const old = this.directory[place];
    const words = this.slabs.words[old >>> SLAB_SHIFT];
    const base = (old & SLAB_MASK) << 2;
    const localDepth = words[base];
    if (localDepth === MAX_DEPTH) throw new Error("hash table is full");
    if (localDepth === this.depth) {
      this.doubleDirectory();
      place *= 2;
    }
    const low = this.createSegment(localDepth + 1);
    const high = this.createSegment(localDepth + 1);
    // Entries crowded before the middle have the free slots of the other half behind them, and lose those.
    const crowded: number[] = [];
    const end = base + HEADER_WORDS + SLOTS * 2;
    for (let index = base + HEADER_WORDS; index < end; index += 2) {
      const address = words[index + 1];
      if (address === 0) continue;
      const hash = words[index];
      const target = ((hash << localDepth) & 0x8000_0000) === 0 ? low : high;
      const targetWords = this.slabs.words[target >>> SLAB_SHIFT];
      if (!insertIntoSegment(targetWords, (target & SLAB_MASK) << 2, hash, address)) crowded.push(index);
    }
    const span = 1 << (this.depth - localDepth);
    const first = place - (place % span);
    this.directory.fill(low, first, first + span / 2);
    this.directory.fill(high, first + span / 2, first + span);
    this.localDepths.fill(localDepth + 1, first, first + span);
    // Splits the half that has no room for them.
    for (const index of crowded) this.place(words[index], words[index + 1]);
    this.slabs.free(old);
  }

  private doubleDirectory(): void {
    const doubled = new Int32Array(this.directory.length * 2);
    const depths = new Uint8Array(doubled.length);
    for (let i = 0; i < doubled.length; i++) {
      doubled[i] = this.directory[i >>> 1];
      depths[i] = this.localDepths[i >>> 1];
    }
    this.directory = doubled;
    this.localDepths = depths;
    this.depth++;
  }

  /** Joins the segment at `place` with its sibling if both are nearly empty, so that a shrunken table gives memory
   * back. */
  private merge(place: number): void {
    const segment = this.directory[place];
    const words = this.slabs.words[segment >>> SLAB_SHIFT];
    const base = (segment & SLAB_MASK) << 2;
    const localDepth = words[base];
    if (localDepth === 0) return;
    const span = 1 << (this.depth - localDepth);
    const first = place - (place % span);
    const siblingFirst = first ^ span;
    const sibling = this.directory[siblingFirst];
    const siblingWords = this.slabs.words[sibling >>> SLAB_SHIFT];
    const siblingBase = (sibling & SLAB_MASK) << 2;
    if (siblingWords[siblingBase] !== localDepth) return;
    if (words[base + 1] + siblingWords[siblingBase + 1] >= MERGE_LOAD) return;
    const joined = this.createSegment(localDepth - 1);
    if (!this.copyEntries(segment, joined) || !this.copyEntries(sibling, joined)) {
      this.slabs.free(joined);
      return;
    }
    const start = Math.min(first, siblingFirst);
    this.directory.fill(joined, start, start + span * 2);
    this.localDepths.fill(localDepth - 1, start, start + span * 2);
    this.slabs.free(segment);
    this.slabs.free(sibling);
  }

  /** Says whether there was room for all. */
  private copyEntries(from: number, to: number): boolean {
    const words = this.slabs.words[from >>> SLAB_SHIFT];
    const base = (from & SLAB_MASK) << 2;
    const targetWords = this.slabs.words[to >>> SLAB_SHIFT];
    const targetBase = (to & SLAB_MASK) << 2;
    const end = base + HEADER_WORDS + SLOTS * 2;
    for (let index = base + HEADER_WORDS; index < end; index += 2) {
      if (words[index + 1] === 0) continue;
      if (!insertIntoSegment(targetWords, targetBase, words[index], words[index + 1])) return false;
    }
    return true;
  }
}

const EMPTY_WORDS = new Int32Array(0);

/** End (exclusive) of the hash interval of the segment that holds `position`. */
function segmentEnd(position: number, localDepth: number): number {
  const width = 2 ** (32 - localDepth);
  return (Math.floor(position / width) + 1) * width;
}

/** Inserts in hash order; false if the slots behind the entry's place are all taken. The very last slot stays free:
 * it ends every probe. */
function insertIntoSegment(words: Int32Array, base: number, hash: number, address: number): boolean {
  const end = base + HEADER_WORDS + (SLOTS - 1) * 2;
  let index = base + HEADER_WORDS + (((hash << words[base]) >>> (32 - REGULAR_BITS)) << 1);
  while (words[index + 1] !== 0 && words[index] >>> 0 <= hash >>> 0) {
    index += 2;
    if (index === end) return false;
  }
  let gap = index;
  while (words[gap + 1] !== 0) {
    gap += 2;
    if (gap === end) return false;
  }
  for (; gap > index; gap -= 2) {
    words[gap] = words[gap - 2];
    words[gap + 1] = words[gap - 1];
  }
  words[index] = hash;
  words[index + 1] = address;
  words[base + 1]++;
  return true;
}

/** Takes out the slot at `index` and moves back those after it that had been pushed behind their own slots. */
function closeGap(words: Int32Array, base: number, index: number): void {
  const end = base + HEADER_WORDS + SLOTS * 2;
  const localDepth = words[base];
  let gap = index;
  for (let i = index + 2; i < end && words[i + 1] !== 0; i += 2) {
    const home = base + HEADER_WORDS + (((words[i] << localDepth) >>> (32 - REGULAR_BITS)) << 1);
    if (home > gap) break;
    words[gap] = words[i];
    words[gap + 1] = words[i + 1];
    gap = i;
  }
  words[gap] = 0;
  words[gap + 1] = 0;
}
