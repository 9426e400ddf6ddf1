/**
 * The part of a chunk tree that only reads: a path from the root to the present leaf, sought by index or by what leaves
 * hold, and moved from leaf to leaf. See chunk-tree.ts.
 */
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import { COUNTS, ELEMENTS, LEAVES, LEVELS, MAX_LEVELS, REFERENCES, TOP, wordAt, wordsOf } from "./layout.ts";

/** A side: of a child in its node, of a leaf in the tree. */
export const BEFORE = 0;
export const AFTER = 1;

/** The order that leaves are in by what they hold, for `seekBy`. */
export interface LeafOrder {
  /** Compares the first element of a leaf with what is sought: negative if it comes before, positive if after. */
  compareFirst(leaf: number): number;
}

export class TreePath {
  /** The present leaf; 0 if there is none. */
  leaf = 0;
  /** After `seekIndex`: the index of that element within the leaf. */
  within = 0;
  root = 0;
  protected slabs!: Slabs;
  /** Where the root lies. */
  protected rootWords!: Int32Array;
  protected rootAt = 0;
  protected levels = 0;
  /** The path: the node on each level, the lowest first, and which of its children the path goes through. */
  protected readonly nodes = new Int32Array(MAX_LEVELS);
  protected readonly places = new Int32Array(MAX_LEVELS);

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

  /** Elements of the present leaf. */
  get elements(): number {
    if (this.levels === 0) return this.size;
    const node = this.nodes[0];
    return wordsOf(this.slabs, node)[wordAt(node) + COUNTS + this.places[0]] >>> 0;
  }

  /** Index of the first element of the present leaf. */
  firstIndex(): number {
    let index = 0;
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
    return this.descend(this.levels, this.rootWord(TOP), BEFORE);
  }

  seekLast(): number {
    return this.descend(this.levels, this.rootWord(TOP), AFTER);
  }

  /** The leaf that holds the element with this index, which is `within` in it; 0 if there is no such element. */
  seekIndex(index: number): number {
    const allWords = this.slabs.words;
    let total = this.size;
    this.leaf = 0;
    if (index < 0 || index >= total) return 0;
    let reference = this.rootWord(TOP);
    for (let level = this.levels - 1; level >= 0; level--) {
      const words = allWords[reference >>> SLAB_SHIFT];
      const w = (reference & SLAB_MASK) << 2;
      let at = w + COUNTS;
      let count: number;
      // From the nearer end.
      if (index < total / 2) {
        count = words[at] >>> 0;
        while (index >= count) {
          index -= count;
          count = words[++at] >>> 0;
        }
      } else {
        at += words[w] - 1;
        count = words[at] >>> 0;
        let before = total - count;
        while (index < before) {
          count = words[--at] >>> 0;
          before -= count;
        }
        index -= before;
      }
      const place = at - w - COUNTS;
      this.nodes[level] = reference;
      this.places[level] = place;
      reference = words[w + REFERENCES + place];
      total = count;
    }
    this.within = index;
    this.leaf = reference;
    return reference;
  }

  /**
   * The last leaf whose first element does not come after what is sought; if there is none, the first leaf. Looks at
   * the first element of about log2(leaves) leaves, none of which may be empty.
   */
  seekBy(order: LeafOrder): number {
    let reference = this.rootWord(TOP);
    for (let level = this.levels - 1; level >= 0; level--) {
      const w = wordAt(reference);
      const words = wordsOf(this.slabs, reference);
      let low = 0;
      let high = words[w];
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        const first = this.firstLeafBelow(words[w + REFERENCES + middle], level);
        if (order.compareFirst(first) <= 0) low = middle;
        else high = middle;
      }
      this.nodes[level] = reference;
      this.places[level] = low;
      reference = words[w + REFERENCES + low];
    }
    this.leaf = reference;
    return reference;
  }

  /** The leaf after the present one. */
  next(): number {
    for (let level = 0; level < this.levels; level++) {
      const node = this.nodes[level];
      const w = wordAt(node);
      const words = wordsOf(this.slabs, node);
      const place = this.places[level] + 1;
      if (place >= words[w]) continue;
      this.places[level] = place;
      return this.descend(level, words[w + REFERENCES + place], BEFORE);
    }
    this.leaf = 0;
    return 0;
  }

  /** The leaf before the present one. */
  previous(): number {
    for (let level = 0; level < this.levels; level++) {
      if (this.places[level] === 0) continue;
      const node = this.nodes[level];
      const place = --this.places[level];
      return this.descend(level, wordsOf(this.slabs, node)[wordAt(node) + REFERENCES + place], AFTER);
    }
    this.leaf = 0;
    return 0;
  }

  /** Whether the path goes through the last children only, from this level on. */
  protected isAtEnd(from: number): boolean {
    for (let level = from; level < this.levels; level++) {
      const node = this.nodes[level];
      if (this.places[level] !== wordsOf(this.slabs, node)[wordAt(node)] - 1) return false;
    }
    return true;
  }

  protected isAtBeginning(from: number): boolean {
    for (let level = from; level < this.levels; level++) if (this.places[level] !== 0) return false;
    return true;
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

  private firstLeafBelow(reference: number, level: number): number {
    for (let below = level; below > 0; below--)
      reference = wordsOf(this.slabs, reference)[wordAt(reference) + REFERENCES];
    return reference;
  }

  protected rootWord(word: number): number {
    return this.rootWords[this.rootAt + word];
  }
}
