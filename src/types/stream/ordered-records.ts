/**
 * Ordered sets of small records of a fixed size, off the heap: pending entries by their ids, groups and consumers by
 * their names. A chunk tree whose leaves are slab objects with as many records as fit; the tree knows how many each
 * has. Finding, adding and removing take logarithmic time, and what lies in memory is in proportion to the number of
 * records.
 *
 * One object works on all sets of its kind, one after the other: `open` turns it to one. What seeks makes a record
 * *present*, if there is one: `words` from `at` on, until the set is changed (changes to other sets do no harm).
 */
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import type { LeafOrder } from "../chunk-tree/tree-path.ts";
import { copyTree, disposeStep, treeBytes } from "../chunk-tree/whole-tree.ts";

/** The largest size of a leaf: an insertion in the middle moves that much. */
const MAX_LEAF_BYTES = 2048;

export abstract class OrderedRecords implements LeafOrder {
  /** Where the present record lies. */
  words!: Int32Array;
  at = 0;
  protected slabs!: Slabs;
  private readonly tree = new ChunkTree();
  private readonly recordWords: number;
  private readonly maxRecords: number;
  /** The present leaf's first record, and its number of records; which of them is present. */
  private base = 0;
  private count = 0;
  private place = 0;

  constructor(recordWords: number) {
    this.recordWords = recordWords;
    this.maxRecords = Math.floor(MAX_LEAF_BYTES / 4 / recordWords);
  }

  /** Compares the record at `at` with what is sought: negative if it comes before it, positive if after. */
  protected abstract compareAt(words: Int32Array, at: number): number;

  /** Turns to the set with this root: that of a chunk tree. No record is present then. */
  open(slabs: Slabs, root: number): this {
    this.slabs = slabs;
    this.tree.open(slabs, root);
    return this;
  }

  /** The set's root. */
  get root(): number {
    return this.tree.root;
  }

  /** Number of records. */
  get size(): number {
    return this.tree.size;
  }

  compareFirst(leaf: number): number {
    return this.compareAt(this.slabs.words[leaf >>> SLAB_SHIFT], (leaf & SLAB_MASK) << 2);
  }

  /** The first record. Says whether there is one, as all that seeks. */
  first(): boolean {
    return this.enter(this.tree.seekFirst(), 0);
  }

  last(): boolean {
    if (!this.enter(this.tree.seekLast(), 0)) return false;
    return this.enter(this.tree.leaf, this.count - 1);
  }

  next(): boolean {
    if (this.place + 1 < this.count) {
      this.place++;
      this.at += this.recordWords;
      return true;
    }
    return this.enter(this.tree.next(), 0);
  }

  /** Seeks the first record that does not come before what is sought. */
  protected seekAtLeast(): boolean {
    if (!this.enter(this.tree.seekBy(this), 0)) return false;
    const place = this.placeOfSought();
    return place < this.count ? this.enter(this.tree.leaf, place) : this.enter(this.tree.next(), 0);
  }

  /** Seeks the record that is equal to what is sought. */
  protected seekEqual(): boolean {
    return this.seekAtLeast() && this.compareAt(this.words, this.at) === 0;
  }

  /** Adds a record for what is sought, if there is none: says whether it did. It is present in any case; a new one's
   * words are the caller's to fill in. */
  protected insertSought(): boolean {
    const { tree } = this;
    // Most come behind all others, and then nothing need be compared on the way.
    if (!this.last()) {
      tree.append(this.slabs.allocate(this.recordWords * 4), 1);
      return this.enter(tree.leaf, 0);
    }
    const order = this.compareAt(this.words, this.at);
    if (order === 0) return false;
    let place = this.count;
    if (order > 0) {
      this.enter(tree.seekBy(this), 0);
      place = this.placeOfSought();
      if (place < this.count) {
        this.enter(tree.leaf, place);
        if (this.compareAt(this.words, this.at) === 0) return false;
      }
    }
    this.insertAt(place, order < 0);
    return true;
  }

  /** Adds a record behind all others, where the caller knows that it belongs. It is present, to be filled in. */
  appendRecord(): void {
    if (this.enter(this.tree.seekLast(), 0)) {
      this.insertAt(this.count, true);
      return;
    }
    this.tree.append(this.slabs.allocate(this.recordWords * 4), 1);
    this.enter(this.tree.leaf, 0);
  }

  /** Removes the present record. None is present then. */
  remove(): void {
    const { tree, slabs, words, base, recordWords } = this;
    if (this.count === 1) {
      const { leaf } = tree;
      tree.removeLeaf();
      slabs.free(leaf);
      return;
    }
    words.copyWithin(this.at, this.at + recordWords, base + this.count * recordWords);
    tree.add(-1);
    this.count--;
    if (this.count * 4 <= this.capacityOf(tree.leaf)) this.moveLeaf(this.count * 2);
    if (this.count * 4 > this.maxRecords || tree.leaves === 1 || this.takeInNext()) return;
    if (tree.previous() !== 0) this.takeInNext();
  }

  /** Bytes of memory, the root included; exact as far as all leaves are alike. */
  get sizeBytes(): number {
    const leaf = this.tree.seekFirst();
    const leafBytes = leaf === 0 ? 0 : this.slabs.capacity(leaf);
    return treeBytes(this.slabs, this.tree.root) + leafBytes * this.tree.leaves;
  }

  private enter(leaf: number, place: number): boolean {
    if (leaf === 0) return false;
    this.words = this.slabs.words[leaf >>> SLAB_SHIFT];
    this.base = (leaf & SLAB_MASK) << 2;
    this.count = this.tree.elements;
    this.place = place;
    this.at = this.base + place * this.recordWords;
    return true;
  }

  /** In the present leaf: the place of the first record that does not come before what is sought. */
  private placeOfSought(): number {
    const { words, base, recordWords } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareAt(words, base + middle * recordWords) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private capacityOf(leaf: number): number {
    return Math.min(this.maxRecords, Math.floor(this.slabs.capacity(leaf) / 4 / this.recordWords));
  }

  /** Makes room for a record at `place` of the present leaf; `isLast`: no record comes after it in the whole set. */
  private insertAt(place: number, isLast: boolean): void {
    const { tree, recordWords } = this;
    if (this.count === this.maxRecords) {
      if (isLast) {
        tree.insertAfter(this.slabs.allocate(recordWords * 4), 1);
        this.enter(tree.leaf, 0);
        return;
      }
      place = this.split(place);
    } else if (this.count === this.capacityOf(tree.leaf)) {
      this.moveLeaf(Math.min(this.maxRecords, this.count * 2));
    }
    const at = this.base + place * recordWords;
    this.words.copyWithin(at + recordWords, at, this.base + this.count * recordWords);
    tree.add(1);
    this.enter(tree.leaf, place);
  }

  /** Moves the upper half of the present leaf, which is full, to a new one. The one that `place` belongs in is present
   * then, and `place` in it is returned. */
  private split(place: number): number {
    const { tree, slabs, recordWords } = this;
    const kept = this.count >>> 1;
    const moved = this.count - kept;
    const leaf = slabs.allocate(this.maxRecords * recordWords * 4);
    copyWords(slabs, tree.leaf, kept * recordWords, leaf, 0, moved * recordWords);
    tree.add(-moved);
    tree.insertAfter(leaf, moved);
    if (place > kept) {
      this.enter(leaf, 0);
      return place - kept;
    }
    this.enter(tree.previous(), 0);
    return place;
  }

  /** Gives the present leaf room for that number of records. */
  private moveLeaf(capacity: number): void {
    const { tree, slabs, recordWords } = this;
    const old = tree.leaf;
    const leaf = slabs.allocate(capacity * recordWords * 4);
    copyWords(slabs, old, 0, leaf, 0, this.count * recordWords);
    slabs.free(old);
    tree.replaceLeaf(leaf);
    this.enter(leaf, 0);
  }

  /** Puts the records of the leaf after the present one behind the present leaf's own, if both together are well below
   * the limit: says whether. The present leaf stays so. */
  private takeInNext(): boolean {
    const { tree, slabs, recordWords } = this;
    const count = tree.elements;
    const next = tree.next();
    if (next === 0) {
      tree.seekLast();
      return false;
    }
    const added = tree.elements;
    if ((count + added) * 4 > this.maxRecords * 3) {
      tree.previous();
      return false;
    }
    if (tree.removeLeaf() === 0) tree.seekLast();
    else tree.previous();
    this.enter(tree.leaf, 0);
    if (count + added > this.capacityOf(tree.leaf)) this.moveLeaf(count + added);
    copyWords(slabs, next, 0, tree.leaf, count * recordWords, added * recordWords);
    tree.add(added);
    slabs.free(next);
    return true;
  }
}

/** Copies words of a slab object, from word `fromWord` on, to word `toWord` of another. */
function copyWords(
  slabs: Slabs,
  from: number,
  fromWord: number,
  to: number,
  toWord: number,
  count: number,
): void {
  const source = slabs.words[from >>> SLAB_SHIFT];
  const target = slabs.words[to >>> SLAB_SHIFT];
  const at = ((from & SLAB_MASK) << 2) + fromWord;
  const into = ((to & SLAB_MASK) << 2) + toWord;
  for (let i = 0; i < count; i++) target[into + i] = source[at + i];
}

/** Makes `into`, the root of an empty set, one of the same records. */
export function copyRecords(slabs: Slabs, from: number, into: number): void {
  copyTree(slabs, from, into, (leaf) => {
    const bytes = slabs.capacity(leaf);
    const copy = slabs.allocate(bytes);
    copyWords(slabs, leaf, 0, copy, 0, bytes >>> 2);
    return copy;
  });
}

/** Frees about `limit` leaves and nodes of a set; true when it is empty. The root remains. */
export function clearRecords(slabs: Slabs, root: number, limit: number): boolean {
  return disposeStep(slabs, root, limit, (leaf) => slabs.free(leaf));
}
