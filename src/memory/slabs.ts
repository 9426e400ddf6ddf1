/**
 * Memory outside the V8 heap, handed out in objects of 16 bytes to 8 KB.
 *
 * Why not JavaScript objects: tens of millions of them make garbage collection pauses of seconds and cost several
 * times the bytes they hold. Here the collector sees one Buffer per 4 MB.
 *
 * Structure: slabs of 4 MB are cut into pages of 64 KB; a page serves one size class; each page keeps its own list
 * of free objects, so that a page all of whose objects are free goes back to the pool and serves another class, and
 * a slab all of whose pages are free goes back to the operating system.
 *
 * An address is a 32-bit integer in units of 16 bytes, so 64 GB can be reached. It may be negative (JavaScript's
 * bit operations are signed): use it only through the shifts below. 0 is no address.
 *   slab index          address >>> SLAB_SHIFT
 *   byte offset in it   (address & SLAB_MASK) << 4
 *   word offset in it   (address & SLAB_MASK) << 2
 */

import { withView } from "../base/byte-copy.ts";
import { grown } from "../base/grown-array.ts";
import { nextNumber, type SharedNumber } from "./shared-number.ts";

const UNIT_BYTES = 16;
const PAGE_SHIFT = 12;
const PAGE_UNITS = 1 << PAGE_SHIFT;
const PAGE_BYTES = PAGE_UNITS * UNIT_BYTES;
const SLAB_PAGES = 64;
const SLAB_BYTES = SLAB_PAGES * PAGE_BYTES;

/** Bits of an address below the slab index. */
export const SLAB_SHIFT = 18;
/** Mask of an address's place within its slab, in units. */
export const SLAB_MASK = (1 << SLAB_SHIFT) - 1;
/** Largest object; anything larger belongs in a Buffer of its own (huge-values.ts). */
export const MAX_OBJECT_BYTES = 8192;

/** Spare pages kept for reuse before a free slab is returned to the operating system. */
const SPARE_PAGES = SLAB_PAGES;
const NONE = -1;
const FREE_PAGE = 255;

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Int32Array(0);

const CLASS_BYTES = sizeClasses();
const CLASS_OF_UNITS = classOfUnits();

/** 16-byte steps up to 256 bytes, then eight steps to each doubling: at most an eighth is lost to rounding. */
function sizeClasses(): number[] {
  const sizes: number[] = [];
  for (let size = UNIT_BYTES; size <= 256; size += UNIT_BYTES) sizes.push(size);
  for (let base = 256; base < MAX_OBJECT_BYTES; base *= 2) {
    for (let step = 1; step <= 8; step++) sizes.push(base + (base / 8) * step);
  }
  return sizes;
}

function classOfUnits(): Uint8Array {
  const table = new Uint8Array(MAX_OBJECT_BYTES / UNIT_BYTES + 1);
  let sizeClass = 0;
  for (let units = 1; units < table.length; units++) {
    while (CLASS_BYTES[sizeClass] < units * UNIT_BYTES) sizeClass++;
    table[units] = sizeClass;
  }
  return table;
}

/** What is known of pages: see there. */
interface PageTables {
  readonly pageClass: Uint8Array;
  readonly pageUsed: Uint16Array;
  readonly pageCarved: Uint16Array;
  readonly pageFree: Int32Array;
}

/** All slabs of a thread that gives them away; their pages, slab after slab. */
export interface SlabsPart extends PageTables {
  readonly numbers: readonly number[];
  readonly memory: readonly ArrayBuffer[];
  readonly allocatedBytes: number;
}

export class Slabs {
  /** The slabs as bytes; an entry is an empty Buffer while its slab is given back, or another thread's. */
  readonly bytes: Buffer[] = [];
  /** The same slabs as 32-bit words. */
  readonly words: Int32Array[] = [];
  /** Bytes in objects handed out, rounded to their size classes. */
  allocatedBytes = 0;

  private readonly classUnits = Int32Array.from(CLASS_BYTES, (size) => size / UNIT_BYTES);
  private readonly classCapacity = Int32Array.from(CLASS_BYTES, (size) => Math.floor(PAGE_BYTES / size));
  /** First page of each class that has a free object. */
  private readonly partial = new Int32Array(CLASS_BYTES.length).fill(NONE);

  // Per page. `next` and `previous` link the pages of one class with free objects, or the free pages.
  private pageClass = new Uint8Array(0);
  private pageUsed = new Uint16Array(0);
  /** Objects of the page handed out at least once; those after it are not yet threaded into the free list. */
  private pageCarved = new Uint16Array(0);
  /** First free object of the page, as units from its start. */
  private pageFree = new Int32Array(0);
  private next = new Int32Array(0);
  private previous = new Int32Array(0);

  private freePage = NONE;
  private freePages = 0;
  private slabUsedPages: number[] = [];
  private freeSlabs: number[] = [];
  /** The number of the next new slab, while other threads have slabs that may become this one's. */
  private shared: SharedNumber | undefined;

  constructor(shared?: SharedNumber) {
    this.shared = shared;
  }

  /** Size classes in use: bytes of an object, pages of the class, and objects handed out. */
  classes(): { readonly objectBytes: number; readonly pages: number; readonly objects: number }[] {
    const pages = new Int32Array(CLASS_BYTES.length);
    const objects = new Int32Array(CLASS_BYTES.length);
    for (const [page, sizeClass] of this.pageClass.entries()) {
      if (sizeClass >= CLASS_BYTES.length) continue;
      pages[sizeClass]++;
      objects[sizeClass] += this.pageUsed[page];
    }
    return CLASS_BYTES.map((objectBytes, i) => ({
      objectBytes,
      pages: pages[i],
      objects: objects[i],
    })).filter((each) => each.pages > 0);
  }

  /** Bytes taken from the operating system. */
  get reservedBytes(): number {
    return (this.bytes.length - this.freeSlabs.length) * SLAB_BYTES;
  }

  /** Bytes that an object of `size` bytes really takes. */
  static roundUp(size: number): number {
    return CLASS_BYTES[CLASS_OF_UNITS[(size + UNIT_BYTES - 1) >>> 4]];
  }

  /** Address of a new object of at least `size` bytes (1 to MAX_OBJECT_BYTES); its contents are undefined. */
  allocate(size: number): number {
    const sizeClass = CLASS_OF_UNITS[(size + UNIT_BYTES - 1) >>> 4];
    let page = this.partial[sizeClass];
    if (page === NONE) page = this.openPage(sizeClass);
    const base = page << PAGE_SHIFT;
    const head = this.pageFree[page];
    let address: number;
    if (head !== NONE) {
      address = base + head;
      this.pageFree[page] = this.words[address >>> SLAB_SHIFT][(address & SLAB_MASK) << 2];
    } else {
      address = base + this.pageCarved[page]++ * this.classUnits[sizeClass];
    }
    if (++this.pageUsed[page] === this.classCapacity[sizeClass]) this.unlink(page, sizeClass);
    this.allocatedBytes += CLASS_BYTES[sizeClass];
    return address | 0;
  }

  free(address: number): void {
    const page = address >>> PAGE_SHIFT;
    const sizeClass = this.pageClass[page];
    this.words[address >>> SLAB_SHIFT][(address & SLAB_MASK) << 2] = this.pageFree[page];
    this.pageFree[page] = address & (PAGE_UNITS - 1);
    const used = --this.pageUsed[page];
    this.allocatedBytes -= CLASS_BYTES[sizeClass];
    if (used === this.classCapacity[sizeClass] - 1) this.link(page, sizeClass);
    // One empty page of a class stays, lest a workload at the edge of a page opens and closes it for ever.
    if (used === 0 && (this.partial[sizeClass] !== page || this.next[page] !== NONE)) {
      this.unlink(page, sizeClass);
      this.releasePage(page);
    }
  }

  /** Bytes that the object at `address` can hold. */
  capacity(address: number): number {
    return CLASS_BYTES[this.pageClass[address >>> PAGE_SHIFT]];
  }

  /** From now on new slabs get numbers that several threads share. */
  shareNumbers(shared: SharedNumber): void {
    this.shared = shared;
    Atomics.store(shared, 0, this.bytes.length);
  }

  /** Nobody else takes numbers any more, or has slabs that are to come here. */
  unshareNumbers(): void {
    this.shared = undefined;
    this.freeSlabs = [];
    for (const [slab, { length }] of this.bytes.entries()) if (length === 0) this.freeSlabs.push(slab);
  }

  /** All slabs, for another thread to `attach`. They must not be used here any more. */
  handOver(): SlabsPart {
    const numbers = [...this.bytes.keys()].filter((slab) => this.bytes[slab].length > 0);
    const pages = numbers.length * SLAB_PAGES;
    const tables = {
      pageClass: new Uint8Array(pages),
      pageUsed: new Uint16Array(pages),
      pageCarved: new Uint16Array(pages),
      pageFree: new Int32Array(pages),
    };
    for (const [i, slab] of numbers.entries()) copyPages(this.pageTables, slab, tables, i);
    const memory = numbers.map((slab) => this.bytes[slab].buffer as ArrayBuffer);
    return { numbers, memory, allocatedBytes: this.allocatedBytes, ...tables };
  }

  /** Makes another thread's slabs readable here, under the numbers that they have: `adopt` or `detach` follows. */
  attach(part: SlabsPart): void {
    for (const [i, slab] of part.numbers.entries()) {
      this.reach(slab);
      this.show(slab, Buffer.from(part.memory[i]));
      copyPages(part, i, this.pageTables, slab);
    }
  }

  /** Gives up attached slabs. */
  detach({ numbers }: SlabsPart): void {
    for (const slab of numbers) this.hide(slab);
  }

  /** From now on attached slabs are as all others: what is free in them is handed out. */
  adopt({ numbers, allocatedBytes }: SlabsPart): void {
    this.allocatedBytes += allocatedBytes;
    for (const slab of numbers) {
      this.slabUsedPages[slab] = 0;
      for (let page = (slab + 1) * SLAB_PAGES - 1; page >= slab * SLAB_PAGES; page--) this.adoptPage(page);
    }
  }

  private get pageTables(): PageTables {
    const { pageClass, pageUsed, pageCarved, pageFree } = this;
    return { pageClass, pageUsed, pageCarved, pageFree };
  }

  private adoptPage(page: number): void {
    const sizeClass = this.pageClass[page];
    const used = this.pageUsed[page];
    if (sizeClass === FREE_PAGE || used === 0) {
      this.linkFree(page);
      return;
    }
    this.slabUsedPages[Math.floor(page / SLAB_PAGES)]++;
    if (used < this.classCapacity[sizeClass]) this.link(page, sizeClass);
  }

  private link(page: number, sizeClass: number): void {
    const head = this.partial[sizeClass];
    this.next[page] = head;
    this.previous[page] = NONE;
    if (head !== NONE) this.previous[head] = page;
    this.partial[sizeClass] = page;
  }

  private unlink(page: number, sizeClass: number): void {
    const next = this.next[page];
    const previous = this.previous[page];
    if (previous === NONE) this.partial[sizeClass] = next;
    else this.next[previous] = next;
    if (next !== NONE) this.previous[next] = previous;
  }

  private openPage(sizeClass: number): number {
    if (this.freePage === NONE) this.addSlab();
    const page = this.freePage;
    this.unlinkFree(page);
    this.slabUsedPages[Math.floor(page / SLAB_PAGES)]++;
    this.pageClass[page] = sizeClass;
    this.pageUsed[page] = 0;
    this.pageCarved[page] = 0;
    this.pageFree[page] = NONE;
    this.link(page, sizeClass);
    return page;
  }

  private releasePage(page: number): void {
    this.linkFree(page);
    const slab = Math.floor(page / SLAB_PAGES);
    if (--this.slabUsedPages[slab] > 0 || this.freePages <= SLAB_PAGES + SPARE_PAGES) return;
    for (let p = slab * SLAB_PAGES; p < (slab + 1) * SLAB_PAGES; p++) this.unlinkFree(p);
    this.hide(slab);
    this.freeSlabs.push(slab);
  }

  private linkFree(page: number): void {
    this.pageClass[page] = FREE_PAGE;
    this.next[page] = this.freePage;
    this.previous[page] = NONE;
    if (this.freePage !== NONE) this.previous[this.freePage] = page;
    this.freePage = page;
    this.freePages++;
  }

  private unlinkFree(page: number): void {
    const next = this.next[page];
    const previous = this.previous[page];
    if (previous === NONE) this.freePage = next;
    else this.next[previous] = next;
    if (next !== NONE) this.previous[next] = previous;
    this.freePages--;
  }

  private addSlab(): void {
    const slab = this.freeSlabs.pop() ?? nextNumber(this.shared, this.bytes.length);
    if (slab >= 1 << (32 - SLAB_SHIFT)) throw new Error("slab memory is full: 64 GB are in use");
    this.reach(slab);
    this.show(slab, Buffer.allocUnsafeSlow(SLAB_BYTES));
    this.slabUsedPages[slab] = 0;
    // Linked from the last to the first, so that pages are used in the order of their addresses.
    for (let page = (slab + 1) * SLAB_PAGES - 1; page >= slab * SLAB_PAGES; page--) {
      if (page === 0) this.slabUsedPages[0]++;
      else this.linkFree(page); // page 0 stays unused, so that 0 can mean "no address"
    }
  }

  /** Sees to it that there is a place for the slab; slabs of other threads may come before it. */
  private reach(slab: number): void {
    for (let i = this.bytes.length; i <= slab; i++) this.hide(i);
    this.growPageTables((slab + 1) * SLAB_PAGES);
  }

  private show(slab: number, memory: Buffer): void {
    this.bytes[slab] = withView(memory);
    this.words[slab] = new Int32Array(memory.buffer, memory.byteOffset, SLAB_BYTES / 4);
  }

  private hide(slab: number): void {
    this.bytes[slab] = NO_BYTES;
    this.words[slab] = NO_WORDS;
  }

  private growPageTables(pages: number): void {
    if (pages <= this.pageClass.length) return;
    const capacity = Math.max(pages, this.pageClass.length * 2);
    this.pageClass = grown(this.pageClass, new Uint8Array(capacity).fill(FREE_PAGE));
    this.pageUsed = grown(this.pageUsed, new Uint16Array(capacity));
    this.pageCarved = grown(this.pageCarved, new Uint16Array(capacity));
    this.pageFree = grown(this.pageFree, new Int32Array(capacity));
    this.next = grown(this.next, new Int32Array(capacity));
    this.previous = grown(this.previous, new Int32Array(capacity));
  }
}

function copyPages(from: PageTables, fromSlab: number, to: PageTables, toSlab: number): void {
  for (const name of ["pageClass", "pageUsed", "pageCarved", "pageFree"] as const) {
    const pages = from[name].subarray(fromSlab * SLAB_PAGES, (fromSlab + 1) * SLAB_PAGES);
    to[name].set(pages, toSlab * SLAB_PAGES);
  }
}
