/**
 * A counted B+tree: the order of the chunks that a large collection consists of (list, sorted set, stream). It knows of
 * each chunk, its leaves, only the reference and the number of elements, so that the element at an index and the index
 * of an element are found in the tree alone. What a chunk holds, and when it is split or joined with its neighbour, is
 * the user's business; references are never 0, and mean to the tree nothing else.
 *
 * One object of this class works on all trees, one after the other; it keeps a path from the root to one leaf, the
 * *present* one. Only the path's owner may change the tree meanwhile: code that uses two paths at a time has two
 * objects, and after a change through one opens the other again.
 *
 *     const tree = new ChunkTree();
 *     const root = createTree(slabs);                     whole-tree.ts; also copyTree, disposeStep, treeBytes
 *     tree.open(slabs, root);
 *     tree.append(leaf, 3);                               the first leaf too: a new tree is empty
 *     tree.seekIndex(1)                                   the leaf that holds element 1; it is tree.within in it
 *     tree.seekFirst(), tree.seekLast(), tree.next(), tree.previous()
 *     tree.seekBy(order)                                  by what the leaves hold (LeafSeparators: by few of them)
 *     tree.elements, tree.firstIndex()                    of the present leaf
 *     tree.add(1), tree.replaceLeaf(moved)                the present leaf has one element more; lies elsewhere
 *     tree.insertAfter(leaf, 2), tree.removeLeaf()
 *
 * What seeks and steps returns the leaf, or 0 if there is none; then no leaf is present, and what works on the present
 * leaf must not be called. Leaves of 0 elements are allowed only while they are present.
 *
 * Method: the first and the last leaf lie in the root (layout.ts), and change places with the nodes when others are put
 * before and behind them. A full node splits in the middle, but at the ends of the tree the new leaf gets a node of its
 * own, so that appending and prepending leave full nodes behind. A node with few children is joined with a neighbour
 * that has room (JOINED_CHILDREN), so that what is left of a tree takes memory in proportion. Nothing is allocated but
 * slab memory.
 */
import { SLAB_MASK, SLAB_SHIFT } from "../../memory/slabs.ts";
import {
  COUNTS,
  ELEMENTS,
  FIRST,
  FIRST_ELEMENTS,
  LAST,
  LAST_ELEMENTS,
  LEAVES,
  LEVELS,
  MAX_CHILDREN,
  moveSeparators,
  NODE_BYTES,
  NODE_WITH_SEPARATORS_BYTES,
  REFERENCES,
  setSeparatorAt,
  TOP,
  wordAt,
  wordsOf,
} from "./layout.ts";
import { AFTER, AT_FIRST, AT_LAST, BEFORE, INSIDE, TreePath } from "./tree-path.ts";

/** A node with fewer children looks for a neighbour to be joined with. */
const FEW_CHILDREN = 16;
/** Two nodes are joined if together they have at most this number of children: well below the limit, lest the joined
 * one splits soon. */
const JOINED_CHILDREN = 48;

export class ChunkTree extends TreePath {
  /** Notes that the present leaf has got so many elements more (fewer, if negative). */
  add(elements: number): void {
    this.addToRoot(ELEMENTS, elements);
    if (this.where === AT_FIRST) this.addToRoot(FIRST_ELEMENTS, elements);
    else if (this.where === AT_LAST) this.addToRoot(LAST_ELEMENTS, elements);
    else this.addAlongPath(0, elements);
  }

  /** Notes that the present leaf has another reference now. */
  replaceLeaf(leaf: number): void {
    this.leaf = leaf;
    if (this.where === AT_FIRST) this.setRootWord(FIRST, leaf);
    else if (this.where === AT_LAST) this.setRootWord(LAST, leaf);
    else this.putChild(0, leaf);
  }

  /** Puts a leaf behind all others. It is present then. */
  append(leaf: number, elements: number): void {
    this.seekLast();
    this.insertAfter(leaf, elements);
  }

  /** Puts a leaf before all others. It is present then. */
  prepend(leaf: number, elements: number): void {
    this.seekFirst();
    this.insertBefore(leaf, elements);
  }

  /** Puts a leaf behind the present one. It is present then. */
  insertAfter(leaf: number, elements: number): void {
    if (this.rootWord(LAST) === 0) {
      if (this.rootWord(FIRST) === 0) this.putFirst(leaf, 0);
      else this.putLast(leaf, 0);
    } else if (this.where === AT_LAST) {
      this.insertInside(this.leaf, this.elements, AFTER);
      this.putLast(leaf, 0);
    } else if (this.where === AT_FIRST) {
      this.insertInside(leaf, 0, BEFORE);
    } else {
      this.insertAtPath(leaf, 0, AFTER);
    }
    this.countLeaf(leaf, elements);
  }

  /** Puts a leaf before the present one. It is present then. */
  insertBefore(leaf: number, elements: number): void {
    const first = this.rootWord(FIRST);
    if (this.where === AT_LAST) {
      this.insertInside(leaf, 0, AFTER);
    } else if (this.where === INSIDE) {
      this.insertAtPath(leaf, 0, BEFORE);
    } else {
      const { elements: moved } = this;
      if (first !== 0 && this.rootWord(LAST) === 0) this.putLast(first, moved);
      else if (first !== 0) this.insertInside(first, moved, BEFORE);
      this.putFirst(leaf, 0);
    }
    this.countLeaf(leaf, elements);
  }

  /**
   * Takes the present leaf out of the tree; the chunk itself is the caller's. The one that followed is present then; if
   * it was the last one, none is. Returns it.
   */
  removeLeaf(): number {
    const index = this.firstIndex();
    const { where } = this;
    this.add(-this.elements);
    this.addToRoot(LEAVES, -1);
    if (where === INSIDE) {
      this.removeAtPath();
    } else if (this.rootWord(TOP) !== 0) {
      // Another takes its place.
      const leaf = this.toInside(where === AT_FIRST ? BEFORE : AFTER);
      const { elements } = this;
      this.addAlongPath(0, -elements);
      this.removeAtPath();
      if (where === AT_FIRST) this.putFirst(leaf, elements);
      else this.putLast(leaf, elements);
    } else {
      if (where === AT_FIRST) this.putFirst(this.rootWord(LAST), this.rootWord(LAST_ELEMENTS));
      this.putLast(0, 0);
    }
    return this.seekIndex(index);
  }

  private putFirst(leaf: number, elements: number): void {
    this.where = AT_FIRST;
    this.setRootWord(FIRST, leaf);
    this.setRootWord(FIRST_ELEMENTS, elements);
  }

  private putLast(leaf: number, elements: number): void {
    this.where = AT_LAST;
    this.setRootWord(LAST, leaf);
    this.setRootWord(LAST_ELEMENTS, elements);
  }

  /** Makes a leaf that was put in its place, without elements, the present one. */
  private countLeaf(leaf: number, elements: number): void {
    this.leaf = leaf;
    this.addToRoot(LEAVES, 1);
    this.add(elements);
  }

  /** Puts a leaf before or behind all others inside. Its elements are among those of the root. */
  private insertInside(leaf: number, elements: number, side: number): void {
    if (this.rootWord(TOP) === 0) {
      this.where = INSIDE;
      this.setTop(leaf, 0);
    } else {
      this.toInside(side);
      this.insertAtPath(leaf, elements, side);
    }
  }

  private insertAtPath(leaf: number, elements: number, side: number): void {
    // The new one is before all of the present leaf, but perhaps not before its separator.
    if (side === BEFORE && this.levels > 0) this.noteSeparator(this.leaf);
    this.openPlace(0, side);
    this.putChild(0, leaf);
    this.noteSeparator(leaf);
    this.addAlongPath(0, elements);
  }

  /** Takes the present leaf, which is inside and whose elements are no longer counted, out of the nodes. */
  private removeAtPath(): void {
    this.removeChild(0);
    while (this.levels > 0) {
      const top = this.rootWord(TOP);
      const w = wordAt(top);
      const words = wordsOf(this.slabs, top);
      if (words[w] > 1) break;
      this.setTop(words[w + REFERENCES], this.levels - 1);
      this.slabs.free(top);
    }
  }

  /** Adds to the counts along the path, from this level up. */
  private addAlongPath(from: number, elements: number): void {
    const allWords = this.slabs.words;
    for (let level = from; level < this.levels; level++) {
      const node = this.nodes[level];
      allWords[node >>> SLAB_SHIFT][((node & SLAB_MASK) << 2) + COUNTS + this.places[level]] += elements;
    }
  }

  /** Gives the path's child on this level another reference. */
  private putChild(level: number, reference: number): void {
    if (level === this.levels) {
      this.setRootWord(TOP, reference);
      return;
    }
    const node = this.nodes[level];
    wordsOf(this.slabs, node)[wordAt(node) + REFERENCES + this.places[level]] = reference;
  }

  /** Gives the leaf that the path leads to its separator. */
  private noteSeparator(leaf: number): void {
    if (this.separators === undefined) return;
    setSeparatorAt(this.slabs, this.nodes[0], this.places[0], this.separators.separatorOf(leaf));
  }

  /**
   * Makes a place for a child before or after the one that the path goes through on this level. The path leads there
   * then. The child's reference is the caller's to fill in, a leaf's separator too; its count is 0.
   */
  private openPlace(level: number, side: number): void {
    if (level === this.levels) this.addLevel();
    let place = this.places[level] + side;
    const full = this.nodes[level];
    if (wordsOf(this.slabs, full)[wordAt(full)] === MAX_CHILDREN) place = this.split(level, place);
    const node = this.nodes[level];
    const words = wordsOf(this.slabs, node);
    const w = wordAt(node);
    const children = words[w];
    const reference = w + REFERENCES + place;
    const count = w + COUNTS + place;
    words.copyWithin(reference + 1, reference, w + REFERENCES + children);
    words.copyWithin(count + 1, count, w + COUNTS + children);
    if (this.separators !== undefined)
      moveSeparators(this.slabs, node, place, node, place + 1, children - place);
    words[count] = 0;
    words[w] = children + 1;
    this.places[level] = place;
  }

  /** Puts a node on top, whose only child is what was on top. */
  private addLevel(): void {
    const child = this.rootWord(TOP);
    const top = this.slabs.allocate(this.nodeBytes);
    const words = wordsOf(this.slabs, top);
    const w = wordAt(top);
    words[w] = 1;
    words[w + REFERENCES] = child;
    words[w + COUNTS] = this.levels === 0 ? this.elementsInside : this.elementsBelow(child);
    this.nodes[this.levels] = top;
    this.places[this.levels] = 0;
    if (this.levels === 0) this.noteSeparator(child);
    this.setTop(top, this.levels + 1);
  }

  private elementsBelow(node: number): number {
    const words = wordsOf(this.slabs, node);
    const w = wordAt(node);
    let elements = 0;
    for (let i = 0; i < words[w]; i++) elements += words[w + COUNTS + i];
    return elements;
  }

  /**
   * Splits the path's full node on this level, in which a child is to be put at `place`: its part moves to a new node,
   * which the path leads to then. Returns the place in that node.
   */
  private split(level: number, place: number): number {
    if (level + 1 === this.levels) this.addLevel();
    const isUpper = place > MAX_CHILDREN >> 1;
    let cut = MAX_CHILDREN >> 1;
    if (place === MAX_CHILDREN && this.isAtEnd(level + 1)) cut = MAX_CHILDREN;
    if (place === 0 && this.isAtBeginning(level + 1)) cut = 0;
    const from = isUpper ? cut : 0;
    const moved = isUpper ? MAX_CHILDREN - cut : cut;
    const elements = this.moveToNew(level, from, moved);
    const node = this.nodes[level];
    this.addAlongPath(level + 1, -elements);
    this.openPlace(level + 1, isUpper ? AFTER : BEFORE);
    this.putChild(level + 1, node);
    this.addAlongPath(level + 1, elements);
    return place - from;
  }

  /** Moves `moved` children of the path's node on this level, from place `from` on, to a new node, which takes its
   * place in the path. Returns the number of elements below them. */
  private moveToNew(level: number, from: number, moved: number): number {
    const node = this.slabs.allocate(this.nodeBytes);
    const old = this.nodes[level];
    const words = wordsOf(this.slabs, node);
    const w = wordAt(node);
    const oldWords = wordsOf(this.slabs, old);
    const oldW = wordAt(old);
    const left = oldWords[oldW] - moved;
    let elements = 0;
    for (let i = 0; i < moved; i++) {
      words[w + REFERENCES + i] = oldWords[oldW + REFERENCES + from + i];
      words[w + COUNTS + i] = oldWords[oldW + COUNTS + from + i];
      elements += words[w + COUNTS + i];
    }
    if (this.separators !== undefined) {
      moveSeparators(this.slabs, old, from, node, 0, moved);
      moveSeparators(this.slabs, old, from + moved, old, from, Math.max(0, left - from));
    }
    if (from < left) {
      oldWords.copyWithin(oldW + REFERENCES + from, oldW + REFERENCES + from + moved, oldW + COUNTS);
      oldWords.copyWithin(oldW + COUNTS + from, oldW + COUNTS + from + moved, oldW + COUNTS + MAX_CHILDREN);
    }
    words[w] = moved;
    oldWords[oldW] = left;
    this.nodes[level] = node;
    return elements;
  }

  /** Whether the path goes through the last children only, from this level on. */
  private isAtEnd(from: number): boolean {
    for (let level = from; level < this.levels; level++) {
      const node = this.nodes[level];
      if (this.places[level] !== wordsOf(this.slabs, node)[wordAt(node)] - 1) return false;
    }
    return true;
  }

  private isAtBeginning(from: number): boolean {
    for (let level = from; level < this.levels; level++) if (this.places[level] !== 0) return false;
    return true;
  }

  /** Takes the path's child out of its node on this level. The path is of no use then. */
  private removeChild(level: number): void {
    if (level === this.levels) {
      this.setTop(0, 0);
      return;
    }
    const node = this.nodes[level];
    const words = wordsOf(this.slabs, node);
    const w = wordAt(node);
    const place = this.places[level];
    const children = words[w] - 1;
    words.copyWithin(w + REFERENCES + place, w + REFERENCES + place + 1, w + REFERENCES + children + 1);
    words.copyWithin(w + COUNTS + place, w + COUNTS + place + 1, w + COUNTS + children + 1);
    if (this.separators !== undefined)
      moveSeparators(this.slabs, node, place + 1, node, place, children - place);
    words[w] = children;
    if (children === 0) {
      this.slabs.free(node);
      this.removeChild(level + 1);
    } else if (children < FEW_CHILDREN && level + 1 < this.levels) {
      this.joinWithNeighbour(level);
    }
  }

  /** Joins the path's node on this level with the one before or after it, if there is one that has room. */
  private joinWithNeighbour(level: number): void {
    const parent = this.nodes[level + 1];
    const w = wordAt(parent);
    const words = wordsOf(this.slabs, parent);
    const place = this.places[level + 1];
    if (place > 0 && this.join(parent, place - 1)) {
      this.removeChild(level + 1);
    } else if (place + 1 < words[w] && this.join(parent, place)) {
      this.places[level + 1] = place + 1;
      this.removeChild(level + 1);
    }
  }

  /** Moves all from the child after `place` to the one at `place`, if it has room. The other one is free then, and
   * still to be taken out. */
  private join(parent: number, place: number): boolean {
    const parentWords = wordsOf(this.slabs, parent);
    const parentW = wordAt(parent);
    const target = parentWords[parentW + REFERENCES + place];
    const source = parentWords[parentW + REFERENCES + place + 1];
    const words = wordsOf(this.slabs, target);
    const w = wordAt(target);
    const sourceWords = wordsOf(this.slabs, source);
    const sourceW = wordAt(source);
    const children = words[w];
    const added = sourceWords[sourceW];
    if (children + added > JOINED_CHILDREN) return false;
    for (let i = 0; i < added; i++) {
      words[w + REFERENCES + children + i] = sourceWords[sourceW + REFERENCES + i];
      words[w + COUNTS + children + i] = sourceWords[sourceW + COUNTS + i];
    }
    if (this.separators !== undefined) moveSeparators(this.slabs, source, 0, target, children, added);
    words[w] = children + added;
    parentWords[parentW + COUNTS + place] += parentWords[parentW + COUNTS + place + 1];
    this.slabs.free(source);
    return true;
  }

  private get nodeBytes(): number {
    return this.separators === undefined ? NODE_BYTES : NODE_WITH_SEPARATORS_BYTES;
  }

  private setTop(reference: number, levels: number): void {
    this.setRootWord(TOP, reference);
    this.setRootWord(LEVELS, levels);
    this.levels = levels;
  }

  private addToRoot(word: number, value: number): void {
    this.rootWords[this.rootAt + word] += value;
  }

  private setRootWord(word: number, value: number): void {
    this.rootWords[this.rootAt + word] = value;
  }
}
