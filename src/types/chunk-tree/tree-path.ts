/**
 * The part of a chunk tree that only reads: what leads from the root to the present leaf, sought by index or by what
 * leaves hold, and moved from leaf to leaf. See chunk-tree.ts.
 */
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import {
  COUNTS,
  ELEMENTS,
  FIRST,
  FIRST_ELEMENTS,
  LAST,
  LAST_ELEMENTS,
  LEAVES,
  LEVELS,
  MAX_LEVELS,
  REFERENCES,
  separatorAt,
  TOP,
  wordAt,
  wordsOf,
} from "./layout.ts";

/** A side: of a child in its node, of a leaf in the tree. */
export const BEFORE = 0;
export const AFTER = 1;

/** Where the present leaf is: the first one, below the nodes, the last one. */
export const AT_FIRST = 0;
export const INSIDE = 1;
export const AT_LAST = 2;

/** The order that leaves are in by what they hold, for `seekBy`. */
export interface LeafOrder {
  /** Compares the first element of a leaf with what is sought: negative if it comes before, positive if after. */
  compareFirst(leaf: number): number;
  /** The same by a separator: negative if elements with lower ones come before what is sought, positive if those with
   * higher ones come after; 0 if the separator cannot tell. Needed for trees that have separators. */
  compareSeparator?(separator: number): number;
}

/**
 * For trees whose elements are in the order of a number (and of something else, where numbers are equal): nodes keep a
 * separator for each leaf, so that a search looks at few leaves. No element before the leaf has a higher number, and
 * none in it or behind a lower one; it need not be the first element's number, which may have gone.
 */
export interface LeafSeparators {
  /** The number of a leaf's first element. A leaf is written before it is put into the tree. */
  separatorOf(leaf: number): number;
}

export class TreePath {
  /** The present leaf; 0 if there is none. */
  leaf = 0;
  /** After `seekIndex`: the index of that element within the leaf. */
  within = 0;
  root = 0;
  protected where = AT_FIRST;
  protected slabs!: Slabs;
  /** Where the root lies. */
  protected rootWords!: Int32Array;
  protected rootAt = 0;
  protected levels = 0;
  /** The path, if the leaf is inside: the node on each level, the lowest first, and which of its children the path goes
   * through. */
  protected readonly nodes = new Int32Array(MAX_LEVELS);
  protected readonly places = new Int32Array(MAX_LEVELS);
  protected readonly separators: LeafSeparators | undefined;

  /** All trees that it works on have separators, or none has. */
  constructor(separators?: LeafSeparators) {
    this.separators = separators;
  }

  /** Turns to a tree. No leaf is present then. */
  open(slabs: Slabs, root: number): this {
    this.slabs = slabs;
    this.root = root;
    this.rootWords = wordsOf(slabs, root);
    this.rootAt = wordAt(root);
    this.levels = this.rootWord(LEVELS);
    this.leaf = 0;
    return this;
  }

  /** Elements in all leaves. */
  get size(): number {
    return this.rootWord(ELEMENTS) >>> 0;
  }

  /** Number of leaves. */
  get leaves(): number {
    return this.rootWord(LEAVES) >>> 0;
  }

  /** Whether the present leaf is neither the first nor the last. */
  get isInside(): boolean {
    return this.where === INSIDE;
  }

  /** Elements of the present leaf. */
  get elements(): number {
    if (this.where === AT_FIRST) return this.rootWord(FIRST_ELEMENTS) >>> 0;
    if (this.where === AT_LAST) return this.rootWord(LAST_ELEMENTS) >>> 0;
    if (this.levels === 0) return this.elementsInside;
    const node = this.nodes[0];
    return wordsOf(this.slabs, node)[wordAt(node) + COUNTS + this.places[0]] >>> 0;
  }

  /** Index of the first element of the present leaf. */
  firstIndex(): number {
    if (this.where === AT_FIRST) return 0;
    if (this.where === AT_LAST) return this.size - (this.rootWord(LAST_ELEMENTS) >>> 0);
    let index = this.rootWord(FIRST_ELEMENTS) >>> 0;
    for (let level = 0; level < this.levels; level++) {
      const node = this.nodes[level];
      const words = wordsOf(this.slabs, node);
      const w = wordAt(node) + COUNTS;
      const end = w + this.places[level];
      for (let i = w; i < end; i++) index += words[i] >>> 0;
    }
    return index;
  }

  seekFirst(): number {
    return this.toFirst();
  }

  seekLast(): number {
    return this.rootWord(LAST) === 0 ? this.toFirst() : this.toLast();
  }

  /** The leaf that holds the element with this index, which is `within` in it; 0 if there is no such element. */
  seekIndex(index: number): number {
    const { size } = this;
    this.leaf = 0;
    if (index < 0 || index >= size) return 0;
    const beforeInside = this.rootWord(FIRST_ELEMENTS) >>> 0;
    const beforeLast = size - (this.rootWord(LAST_ELEMENTS) >>> 0);
    if (index < beforeInside) {
      this.within = index;
      return this.toFirst();
    }
    if (index < beforeLast) return this.seekInside(index - beforeInside, beforeLast - beforeInside);
    this.within = index - beforeLast;
    return this.toLast();
  }

  private seekInside(index: number, elements: number): number {
    const allWords = this.slabs.words;
    let total = elements;
    let rest = index;
    let reference = this.rootWord(TOP);
    for (let level = this.levels - 1; level >= 0; level--) {
      const words = allWords[reference >>> SLAB_SHIFT];
      const w = (reference & SLAB_MASK) << 2;
      let at = w + COUNTS;
      let count: number;
      // From the nearer end.
      if (rest < total / 2) {
        count = words[at] >>> 0;
        while (rest >= count) {
          rest -= count;
          count = words[++at] >>> 0;
        }
      } else {
        at += words[w] - 1;
        count = words[at] >>> 0;
        let before = total - count;
        while (rest < before) {
          count = words[--at] >>> 0;
          before -= count;
        }
        rest -= before;
      }
      const place = at - w - COUNTS;
      this.nodes[level] = reference;
      this.places[level] = place;
      reference = words[w + REFERENCES + place];
      total = count;
    }
    this.within = rest;
    this.where = INSIDE;
    this.leaf = reference;
    return reference;
  }

  /**
   * The last leaf whose first element does not come after what is sought; if there is none, the first leaf. Looks at
   * the first element of about log2(leaves) leaves, none of which may be empty. (With separators it looks at few, and
   * what is sought may come before all of the leaf, but after all before it.)
   */
  seekBy(order: LeafOrder): number {
    const last = this.rootWord(LAST);
    if (last !== 0 && order.compareFirst(last) <= 0) return this.toLast();
    let reference = this.rootWord(TOP);
    if (reference === 0) return this.toFirst();
    let isCompared = false;
    for (let level = this.levels - 1; level >= 0; level--) {
      const w = wordAt(reference);
      const words = wordsOf(this.slabs, reference);
      let low = 0;
      let high = words[w];
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (this.compareChild(order, reference, middle, level) <= 0) low = middle;
        else high = middle;
      }
      if (low > 0) isCompared = true;
      this.nodes[level] = reference;
      this.places[level] = low;
      reference = words[w + REFERENCES + low];
    }
    // The leftmost leaf inside was reached without having been looked at.
    if (!isCompared && this.compareLeftmost(order, reference) > 0) return this.toFirst();
    this.where = INSIDE;
    this.leaf = reference;
    return reference;
  }

  /** The leaf after the present one. */
  next(): number {
    if (this.where === AT_LAST) return this.toNone();
    if (this.where === AT_FIRST) {
      if (this.rootWord(TOP) !== 0) return this.toInside(BEFORE);
    } else {
      for (let level = 0; level < this.levels; level++) {
        const node = this.nodes[level];
        const w = wordAt(node);
        const words = wordsOf(this.slabs, node);
        const place = this.places[level] + 1;
        if (place >= words[w]) continue;
        this.places[level] = place;
        return this.descend(level, words[w + REFERENCES + place], BEFORE);
      }
    }
    return this.rootWord(LAST) === 0 ? this.toNone() : this.toLast();
  }

  /** The leaf before the present one. */
  previous(): number {
    if (this.where === AT_FIRST) return this.toNone();
    if (this.where === AT_LAST) {
      if (this.rootWord(TOP) !== 0) return this.toInside(AFTER);
    } else {
      for (let level = 0; level < this.levels; level++) {
        if (this.places[level] === 0) continue;
        const node = this.nodes[level];
        const place = --this.places[level];
        return this.descend(level, wordsOf(this.slabs, node)[wordAt(node) + REFERENCES + place], AFTER);
      }
    }
    return this.toFirst();
  }

  /** Elements in the leaves that are neither the first nor the last. */
  protected get elementsInside(): number {
    return this.size - (this.rootWord(FIRST_ELEMENTS) >>> 0) - (this.rootWord(LAST_ELEMENTS) >>> 0);
  }

  private toNone(): number {
    this.leaf = 0;
    return 0;
  }

  protected toFirst(): number {
    this.where = AT_FIRST;
    this.leaf = this.rootWord(FIRST);
    return this.leaf;
  }

  protected toLast(): number {
    this.where = AT_LAST;
    this.leaf = this.rootWord(LAST);
    return this.leaf;
  }

  /** Turns to the first or the last leaf inside; there must be one. */
  protected toInside(side: number): number {
    this.where = INSIDE;
    return this.descend(this.levels, this.rootWord(TOP), side);
  }

  /** Goes on from a child on `level` (0: a leaf) to the first or last leaf below it, which is present then. */
  private descend(level: number, reference: number, side: number): number {
    const allWords = this.slabs.words;
    for (let below = level - 1; below >= 0; below--) {
      const words = allWords[reference >>> SLAB_SHIFT];
      const w = (reference & SLAB_MASK) << 2;
      const place = side === BEFORE ? 0 : words[w] - 1;
      this.nodes[below] = reference;
      this.places[below] = place;
      reference = words[w + REFERENCES + place];
    }
    this.leaf = reference;
    return reference;
  }

  /** Compares the first leaf below a child of a node on this level with what is sought. */
  private compareChild(order: LeafOrder, node: number, place: number, level: number): number {
    for (let below = level; below > 0; below--) {
      node = wordsOf(this.slabs, node)[wordAt(node) + REFERENCES + place];
      place = 0;
    }
    if (this.separators !== undefined) {
      const result = order.compareSeparator!(separatorAt(this.slabs, node, place));
      if (result !== 0) return result;
    }
    return order.compareFirst(wordsOf(this.slabs, node)[wordAt(node) + REFERENCES + place]);
  }

  /** The same for the leftmost leaf inside, to which the path leads. */
  private compareLeftmost(order: LeafOrder, leaf: number): number {
    return this.levels === 0 ? order.compareFirst(leaf) : this.compareChild(order, this.nodes[0], 0, 0);
  }

  protected rootWord(word: number): number {
    return this.rootWords[this.rootAt + word];
  }
}
