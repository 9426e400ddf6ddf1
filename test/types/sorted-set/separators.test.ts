/**
 * The separators in the tree of a sorted set, after random changes: without them a search reads more leaves, with wrong
 * ones it misses elements.
 */
import { expect, test } from "vitest";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import {
  FIRST,
  LEVELS,
  REFERENCES,
  separatorAt,
  TOP,
  wordAt,
  wordsOf,
} from "../../../src/types/chunk-tree/layout.ts";
import { afterElement, scoreAt } from "../../../src/types/sorted-set/score-leaf.ts";
import { TreeSortedSet } from "../../../src/types/sorted-set/tree-sorted-set.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { SortedSetModel } from "./model.ts";

/** Four or five to a leaf, so that a few thousand make three levels of nodes. */
const MEMBER_BYTES = 200;
const CHANGES = 15_000;

function scoresOf({ blocks }: ValueMemory, leaf: number): number[] {
  const buffer = blocks.buffer(leaf);
  const end = blocks.start(leaf) + blocks.length(leaf);
  const scores: number[] = [];
  for (let at = blocks.start(leaf); at < end; at = afterElement(buffer, at)) scores.push(scoreAt(buffer, at));
  return scores;
}

/** No score before a leaf is above its separator, and none in it below. Returns the number of leaves looked at. */
function checkSeparators(memory: ValueMemory, root: number): number {
  const { slabs } = memory.blocks;
  const words = wordsOf(slabs, root);
  const w = wordAt(root);
  let highest = Math.max(...scoresOf(memory, words[w + FIRST]));
  let leaves = 0;
  const check = (node: number, level: number): void => {
    const nodeWords = wordsOf(slabs, node);
    const at = wordAt(node);
    for (let place = 0; place < nodeWords[at]; place++) {
      const child = nodeWords[at + REFERENCES + place];
      if (level > 1) {
        check(child, level - 1);
        continue;
      }
      const separator = separatorAt(slabs, node, place);
      const scores = scoresOf(memory, child);
      expect(separator).toBeGreaterThanOrEqual(highest);
      expect(separator).toBeLessThanOrEqual(Math.min(...scores));
      highest = Math.max(highest, ...scores);
      leaves++;
    }
  };
  if (words[w + LEVELS] > 0) check(words[w + TOP], words[w + LEVELS]);
  return leaves;
}

/** Looks for some elements; all of thousands would take long. */
function expectFound(random: Random, set: TreeSortedSet, model: SortedSetModel, label: string): void {
  const { elements } = model;
  expect(set.size, label).toBe(elements.length);
  for (let i = 0; i < 300; i++) {
    const rank = random.below(elements.length);
    const { member } = elements[rank];
    expect(set.rankOf(member, 0, member.length), label).toBe(rank);
  }
}

function memberOf(random: Random, range: number): Buffer {
  const number = random.below(range);
  // Now and then one that fills a leaf.
  return Buffer.alloc(number % 50 === 0 ? 1100 : MEMBER_BYTES, String(number).padStart(8, "0"));
}

/** A run of changes of one kind: random ones, or such as move everything to one side. */
function changes(random: Random, set: TreeSortedSet, model: SortedSetModel, range: number): void {
  const drift = random.below(3) - 1;
  const spread = [1, 8, 1000][random.below(3)];
  const removals = random.below(4);
  for (let i = 0; i < CHANGES / 30; i++) {
    const member = memberOf(random, range);
    const score = random.below(spread) + drift * i;
    if (!set.find(member, 0, member.length)) {
      set.insertNotFound(score, member, 0, member.length);
      model.set(member, score);
    } else if (random.below(4) < removals) {
      set.removeFound(member, 0, member.length);
      model.remove(member);
    } else if (score !== set.score) {
      set.changeScore(score, member, 0, member.length);
      model.set(member, score);
    }
    if (i % 100 === 99 && set.size > 50) {
      const first = random.below(set.size - 40);
      set.removeRange(first, 40);
      model.removeRange(first, 40);
    }
  }
}

test.each([300, 20_000])("up to %i members", (range) => {
  const seed = usualSeed();
  const random = new SeededRandom(seed);
  const memory = newValueMemory();
  const set = new TreeSortedSet(memory);
  const root = set.create();
  const model = new SortedSetModel();
  let most = 0;
  for (let i = 0; i < 30; i++) {
    changes(random, set, model, range);
    if (set.size === 0) continue;
    most = Math.max(most, checkSeparators(memory, root));
    expectFound(random, set, model, `seed ${seed}`);
  }
  expect(most).toBeGreaterThan(range > 1000 ? 200 : 10);
  expect(checkSeparators(memory, set.copy(root))).toBe(checkSeparators(memory, root));
});
