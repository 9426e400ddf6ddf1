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

export class Slabs {
  /** The slabs as bytes; an entry is an empty Buffer while its slab is given back. */
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
    this.bytes[slab] = Buffer.alloc(0);
    this.words[slab] = new Int32Array(0);
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
    const slab = this.freeSlabs.pop() ?? this.bytes.length;
    if (slab >= 1 << (32 - SLAB_SHIFT)) throw new Error("slab memory is full: 64 GB are in use");
    const memory = withView(Buffer.allocUnsafeSlow(SLAB_BYTES));
    this.bytes[slab] = memory;
    this.words[slab] = new Int32Array(memory.buffer, memory.byteOffset, SLAB_BYTES / 4);
    this.slabUsedPages[slab] = 0;
    this.growPageTables((slab + 1) * SLAB_PAGES);
    // Linked from the last to the first, so that pages are used in the order of their addresses.
    for (let page = (slab + 1) * SLAB_PAGES - 1; page >= slab * SLAB_PAGES; page--) {
      if (page === 0) this.slabUsedPages[0]++;
      else this.linkFree(page); // page 0 stays unused, so that 0 can mean "no address"
    }
  }

  private growPageTables(pages: number): void {
    if (pages <= this.pageClass.length) return;
    const capacity = Math.max(pages, this.pageClass.length * 2);
    this.pageClass = grown(this.pageClass, new Uint8Array(capacity));
    this.pageUsed = grown(this.pageUsed, new Uint16Array(capacity));
    this.pageCarved = grown(this.pageCarved, new Uint16Array(capacity));
    this.pageFree = grown(this.pageFree, new Int32Array(capacity));
    this.next = grown(this.next, new Int32Array(capacity));
    this.previous = grown(this.previous, new Int32Array(capacity));
  }
}

function grown<A extends Uint8Array | Uint16Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
