/** The chunk tree against a plain list of leaves, through all sizes up to three levels of nodes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Slabs } from "../../../src/memory/slabs.ts";
import { ChunkTree } from "../../../src/types/chunk-tree/chunk-tree.ts";
import {
  MAX_CHILDREN,
  NODE_BYTES,
  ROOT_WORDS,
  wordAt,
  wordsOf,
} from "../../../src/types/chunk-tree/layout.ts";
import {
  clearTree,
  copyTree,
  createTree,
  disposeStep,
  treeBytes,
  treeSize,
} from "../../../src/types/chunk-tree/whole-tree.ts";
import { usualSeed } from "../../support/seed.ts";
import { checkTree, ModelledTree } from "./model.ts";

/** Many steps of one kind, because trees differ only in their hundreds of leaves. */
const phases = fc.record({
  kind: fc.constantFrom(
    "append",
    "prepend",
    "insert",
    "remove",
    "removeFirst",
    "removeLast",
    "removeRun",
    "edit",
  ),
  steps: fc.oneof(fc.nat(5), fc.nat(400)),
  places: fc.array(fc.nat(), { minLength: 1, maxLength: 9 }),
});
type Phase = typeof phases extends fc.Arbitrary<infer T> ? T : never;

function doPhase(model: ModelledTree, { kind, steps, places }: Phase): void {
  const { tree, leaves } = model;
  for (let i = 0; i < steps; i++) {
    const number = (places[i % places.length] + i * 7919) % 0x7fff_ffff;
    const leaf = model.newLeaf(1 + (number % 5));
    if (leaves.length === 0 && kind !== "prepend") {
      if (!kind.startsWith("remove")) {
        tree.append(leaf.reference, leaf.elements);
        leaves.push(leaf);
      }
      continue;
    }
    doStep(model, kind, kind === "removeRun" ? places[0] % leaves.length : number % leaves.length, leaf);
  }
}

function doStep(
  model: ModelledTree,
  kind: Phase["kind"],
  place: number,
  leaf: ReturnType<typeof model.newLeaf>,
): void {
  const { tree, leaves } = model;
  switch (kind) {
    case "append":
      tree.append(leaf.reference, leaf.elements);
      leaves.push(leaf);
      model.expectPresent(leaves.length - 1);
      break;
    case "prepend":
      tree.prepend(leaf.reference, leaf.elements);
      leaves.unshift(leaf);
      model.expectPresent(0);
      break;
    case "insert": {
      model.seek(place, leaf.reference);
      const isAfter = leaf.reference % 2 === 0;
      if (isAfter) tree.insertAfter(leaf.reference, leaf.elements);
      else tree.insertBefore(leaf.reference, leaf.elements);
      leaves.splice(place + (isAfter ? 1 : 0), 0, leaf);
      model.expectPresent(place + (isAfter ? 1 : 0));
      break;
    }
    case "edit":
      model.seek(place, leaf.reference);
      tree.add(leaf.elements - leaves[place].elements);
      tree.replaceLeaf(leaf.reference);
      leaves[place] = leaf;
      model.expectPresent(place);
      break;
    case "removeFirst":
      tree.seekFirst();
      remove(model, 0);
      break;
    case "removeLast":
      tree.seekLast();
      remove(model, leaves.length - 1);
      break;
    case "remove":
    case "removeRun":
      model.seek(place, leaf.reference);
      remove(model, place);
  }
}

function remove(model: ModelledTree, place: number): void {
  const { tree, leaves } = model;
  leaves.splice(place, 1);
  const next = tree.removeLeaf();
  expect(next).toBe(tree.leaf);
  if (place < leaves.length) model.expectPresent(place);
  else expect(next).toBe(0);
}

describe("a chunk tree", () => {
  test("holds what a plain list of leaves holds", () => {
    fc.assert(
      fc.property(fc.array(phases, { maxLength: 12 }), (all) => {
        const model = new ModelledTree();
        for (const phase of all) {
          doPhase(model, phase);
          model.check();
        }
        const { slabs, root } = model;
        let freed = 0;
        const steps = Math.floor(model.leaves.length / 5) + 1;
        for (let i = 0; i < steps && !disposeStep(slabs, root, 7, () => freed++); i++);
        expect(disposeStep(slabs, root, 1, () => freed++)).toBe(true);
        expect(freed).toBe(model.leaves.length);
        expect(treeSize(slabs, root)).toBe(0);
        slabs.free(root);
        expect(slabs.allocatedBytes).toBe(0);
      }),
      { seed: usualSeed(), numRuns: 60 },
    );
  });

  test("of three levels is right when it grows at random places and shrinks again", () => {
    const model = new ModelledTree();
    const { tree, leaves } = model;
    const count = MAX_CHILDREN ** 2 + 500;
    for (let i = 0; i < count; i++) {
      const leaf = model.newLeaf(1);
      const place = (i * 7919) % (i + 1);
      if (i === 0) tree.append(leaf.reference, 1);
      else if (place === 0) tree.prepend(leaf.reference, 1);
      else {
        tree.seekIndex(place - 1);
        tree.insertAfter(leaf.reference, 1);
      }
      leaves.splice(place, 0, leaf);
    }
    model.check();
    for (let i = count; i > 0; i--) {
      const place = (i * 104729) % i;
      expect(tree.seekIndex(place)).toBe(leaves[place].reference);
      leaves.splice(place, 1);
      expect(tree.removeLeaf()).toBe(leaves[place]?.reference ?? 0);
      if (i % 512 === 0) {
        model.check();
        // Nodes are not left with a child or two each.
        expect(checkTree(model.slabs, model.root)).toBeLessThan(4 + i / 8);
      }
    }
    model.check();
  });

  test.each(["append", "prepend"] as const)("%s leaves full nodes behind", (way) => {
    const { slabs, tree, root } = new ModelledTree();
    const count = MAX_CHILDREN ** 2;
    for (let i = 1; i <= count; i++) tree[way](i, 1);
    expect(checkTree(slabs, root)).toBe(MAX_CHILDREN + 1);
    expect(treeBytes(slabs, root)).toBe(slabs.allocatedBytes);
  });

  test("as a queue takes memory for its length only, however much passes through", () => {
    const { slabs, tree, root } = new ModelledTree();
    for (let i = 1; i <= 500; i++) tree.append(i, 2);
    const bytes = slabs.allocatedBytes;
    for (let i = 501; i < 50_000; i++) {
      tree.append(i, 2);
      tree.seekFirst();
      expect(tree.removeLeaf()).toBe(i - 499);
    }
    expect(slabs.allocatedBytes).toBeLessThan(bytes + 3 * NODE_BYTES);
    checkTree(slabs, root);
  });

  test("answers 0 where there is no leaf", () => {
    const { tree } = new ModelledTree();
    expect([tree.seekFirst(), tree.seekLast(), tree.seekIndex(0)]).toEqual([0, 0, 0]);
    expect(tree.seekBy({ compareFirst: () => 0 })).toBe(0);
    tree.append(5, 3);
    expect([tree.seekIndex(-1), tree.seekIndex(3)]).toEqual([0, 0]);
    expect([tree.seekIndex(2), tree.within, tree.next(), tree.leaf]).toEqual([5, 2, 0, 0]);
    tree.seekFirst();
    expect(tree.previous()).toBe(0);
    tree.seekLast();
    expect(tree.removeLeaf()).toBe(0);
    expect([tree.size, tree.leaves]).toEqual([0, 0]);
  });

  test("seekBy finds the last leaf that does not begin after what is sought", () => {
    const { tree } = new ModelledTree();
    const count = 5000;
    // Leaf i begins with 10 * i.
    for (let i = 1; i <= count; i++) tree.append(i, 1);
    let compared = 0;
    const seek = (sought: number) =>
      tree.seekBy({
        compareFirst(leaf) {
          compared++;
          return leaf * 10 - sought;
        },
      });
    expect(seek(3)).toBe(1);
    for (let i = 1; i <= count; i++) expect([seek(10 * i), seek(10 * i + 9)]).toEqual([i, i]);
    expect(compared / (2 * count)).toBeLessThan(15);
  });

  test("counts up to four billion elements", () => {
    const { tree } = new ModelledTree();
    for (let i = 1; i <= 4; i++) tree.append(i, 1_000_000_000);
    expect(tree.size).toBe(4_000_000_000);
    expect([tree.seekIndex(3_999_999_999), tree.within]).toEqual([4, 999_999_999]);
    expect(tree.firstIndex()).toBe(3_000_000_000);
    expect([tree.seekIndex(0), tree.within]).toEqual([1, 0]);
    tree.removeLeaf();
    expect(tree.size).toBe(3_000_000_000);
  });
});

describe("whole trees", () => {
  test("a copy has its own nodes and leaves", () => {
    const model = new ModelledTree();
    const { slabs, root, tree } = model;
    for (let i = 1; i <= 4100; i++) tree.append(i, (i % 3) + 1);
    const copy = createTree(slabs);
    copyTree(slabs, root, copy, (leaf) => -leaf);
    const other = new ChunkTree().open(slabs, copy);
    for (let leaf = tree.seekFirst(); leaf !== 0; leaf = tree.next()) {
      expect(other.seekIndex(tree.firstIndex())).toBe(-leaf);
      expect(other.elements).toBe(tree.elements);
    }
    expect(checkTree(slabs, copy)).toBe(checkTree(slabs, root));
    expect(disposeStep(slabs, root, 1e9, () => {})).toBe(true);
    expect(other.open(slabs, copy).size).toBe(tree.open(slabs, copy).size);
    expect(treeBytes(slabs, copy)).toBe(slabs.allocatedBytes - slabs.capacity(root));
  });

  test("a copy of an empty tree is empty", () => {
    const slabs = new Slabs();
    const copy = createTree(slabs);
    copyTree(slabs, createTree(slabs), copy, () => expect.unreachable());
    expect(treeSize(slabs, copy)).toBe(0);
    expect(disposeStep(slabs, copy, 1, () => expect.unreachable())).toBe(true);
  });

  test("a root may begin a longer object", () => {
    const slabs = new Slabs();
    const object = slabs.allocate(64);
    const before = slabs.allocatedBytes;
    const words = wordsOf(slabs, object)
      .subarray(wordAt(object), wordAt(object) + 16)
      .fill(7);
    clearTree(slabs, object);
    const tree = new ChunkTree().open(slabs, object);
    for (let i = 1; i < 100; i++) tree.append(i, 1);
    expect([tree.size, ...words.subarray(ROOT_WORDS)]).toEqual([99, ...Array(16 - ROOT_WORDS).fill(7)]);
    while (!disposeStep(slabs, object, 1, () => {}));
    expect(slabs.allocatedBytes).toBe(before);
  });
});
