/** A plain list of leaves beside a chunk tree, and the tree's invariants. */
import { expect } from "vitest";
import { Slabs } from "../../../src/memory/slabs.ts";
import { ChunkTree } from "../../../src/types/chunk-tree/chunk-tree.ts";
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
  NODE_BYTES,
  REFERENCES,
  TOP,
  wordAt,
  wordsOf,
} from "../../../src/types/chunk-tree/layout.ts";
import { createTree, treeBytes } from "../../../src/types/chunk-tree/whole-tree.ts";

export interface Leaf {
  reference: number;
  elements: number;
}

/** A tree whose leaves are only numbers, with the list of what it should hold. */
export class ModelledTree {
  readonly slabs = new Slabs();
  readonly root: number;
  readonly tree = new ChunkTree();
  readonly leaves: Leaf[] = [];
  private nextReference = 1;

  constructor() {
    this.root = createTree(this.slabs);
    this.tree.open(this.slabs, this.root);
  }

  newLeaf(elements: number): Leaf {
    return { reference: this.nextReference++, elements };
  }

  indexOf(place: number): number {
    let index = 0;
    for (let i = 0; i < place; i++) index += this.leaves[i].elements;
    return index;
  }

  /** Makes the leaf at this place the present one, in one of three ways. */
  seek(place: number, way: number): void {
    const { tree } = this;
    const at = this.indexOf(place);
    const leaf = this.leaves[place];
    if (way % 3 === 0) {
      const within = leaf.elements >> 1;
      expect(tree.seekIndex(at + within)).toBe(leaf.reference);
      expect(tree.within).toBe(within);
    } else if (way % 3 === 1) {
      expect(tree.seekIndex(at + leaf.elements - 1)).toBe(leaf.reference);
    } else {
      const places = new Map(this.leaves.map((each, i) => [each.reference, i]));
      tree.seekBy({ compareFirst: (reference) => places.get(reference)! - place });
    }
    this.expectPresent(place);
  }

  expectPresent(place: number): void {
    expect(this.tree.leaf).toBe(this.leaves[place].reference);
    expect(this.tree.elements).toBe(this.leaves[place].elements);
    expect(this.tree.firstIndex()).toBe(this.indexOf(place));
  }

  /** All leaves in both directions, and the invariants. */
  check(): void {
    const { tree } = this;
    const forward: Leaf[] = [];
    for (let leaf = tree.seekFirst(); leaf !== 0; leaf = tree.next())
      forward.push({ reference: leaf, elements: tree.elements });
    expect(forward).toEqual(this.leaves);
    const backward: number[] = [];
    for (let leaf = tree.seekLast(); leaf !== 0; leaf = tree.previous()) backward.push(leaf);
    expect(backward.reverse()).toEqual(this.leaves.map((leaf) => leaf.reference));
    expect(tree.size).toBe(this.indexOf(this.leaves.length));
    expect(tree.leaves).toBe(this.leaves.length);
    checkTree(this.slabs, this.root);
    expect(this.slabs.allocatedBytes).toBe(treeBytes(this.slabs, this.root));
  }
}

/** Counts add up, there are no empty nodes, the top node has two children at least. Returns the number of nodes. */
export function checkTree(slabs: Slabs, root: number): number {
  const words = wordsOf(slabs, root);
  const w = wordAt(root);
  const levels = words[w + LEVELS];
  let leaves = 0;
  let nodes = 0;
  const elementsBelow = (reference: number, level: number): number => {
    nodes++;
    const node = wordsOf(slabs, reference);
    const at = wordAt(reference);
    const children = node[at];
    expect(children).toBeGreaterThan(level === levels ? 1 : 0);
    expect(children).toBeLessThanOrEqual(MAX_CHILDREN);
    expect(slabs.capacity(reference)).toBeGreaterThanOrEqual(NODE_BYTES);
    let elements = 0;
    for (let i = 0; i < children; i++) {
      const count = node[at + COUNTS + i];
      if (level === 1) leaves++;
      else expect(elementsBelow(node[at + REFERENCES + i], level - 1)).toBe(count);
      elements += count;
    }
    return elements;
  };
  const inside = words[w + ELEMENTS] - words[w + FIRST_ELEMENTS] - words[w + LAST_ELEMENTS];
  if (levels > 0) expect(elementsBelow(words[w + TOP], levels)).toBe(inside);
  else leaves = words[w + TOP] === 0 ? 0 : 1;
  if (leaves === 0) expect(inside).toBe(0);
  if (words[w + FIRST] !== 0) leaves++;
  else expect(words[w + FIRST_ELEMENTS]).toBe(0);
  if (words[w + LAST] !== 0) leaves++;
  else expect(words[w + LAST_ELEMENTS]).toBe(0);
  expect(leaves).toBe(words[w + LEAVES]);
  return nodes;
}
