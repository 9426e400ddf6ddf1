/** The image of a large sorted set, read while the set is changed at random: it holds what the set held. */
import { expect, test } from "vitest";
import { formatDouble } from "../../../src/base/numbers.ts";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { SortedSetImage } from "../../../src/types/sorted-set/sorted-set-image.ts";
import { TreeSortedSet } from "../../../src/types/sorted-set/tree-sorted-set.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";

const MEMBERS = 4000;
const SCORES = 500;
const ROUNDS = 12;
const KEY = Buffer.from("key");

function memberOf(random: Random): Buffer {
  const number = random.below(2 * MEMBERS);
  // Now and then one that fills a leaf.
  return Buffer.alloc(number % 100 === 0 ? 1100 : 10 + (number % 40), String(number).padStart(8, "0"));
}

function change(random: Random, set: TreeSortedSet): void {
  const member = memberOf(random);
  const score = random.below(SCORES);
  const kind = random.below(10);
  if (random.below(200) === 0 && set.size > 50)
    set.removeRange(random.below(set.size - 40), random.below(40));
  else if (kind === 1 && set.size > 0) set.removeRange(0, 1);
  else if (!set.find(member, 0, member.length)) set.insertNotFound(score, member, 0, member.length);
  else if (kind < 5) set.removeFound(member, 0, member.length);
  else if (kind < 7) set.changeScore(set.score + 0.25, member, 0, member.length);
  else if (score !== set.score) set.changeScore(score, member, 0, member.length);
}

function elementsOf(set: TreeSortedSet): string[] {
  const seen: string[] = [];
  set.forEach((score, buffer, start, length) =>
    seen.push(`${formatDouble(score)} ${buffer.toString("latin1", start, start + length)}`),
  );
  return seen.sort();
}

/** Gathers what an image writes in either form. */
function reading(image: SortedSetImage, asCommands: boolean, into: string[]): Iterator<void, void> {
  if (asCommands)
    return image.rewrite(KEY, (_name, _key, ...args) => {
      for (let i = 0; i < args.length; i += 2)
        into.push(`${String(args[i])} ${(args[i + 1] as Buffer).toString("latin1")}`);
    });
  let member = "";
  return image.packInParts({
    appendLength: () => {},
    appendBytes: () => {},
    appendText: (text, start, length) => {
      member = Buffer.from(text.subarray(start, start + length)).toString("latin1");
    },
    appendDouble: (score) => into.push(`${formatDouble(score)} ${member}`),
  });
}

test.each([true, false])(
  "holds what the set did, whatever is done to that; as commands: %s",
  (asCommands) => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const memory = newValueMemory();
    const { blocks } = memory;
    const emptyBytes = memory.entries.allocatedBytes;
    const set = new TreeSortedSet(memory);
    const root = set.create();
    for (let i = 0; i < MEMBERS; i++) {
      const member = memberOf(random);
      if (!set.find(member, 0, member.length)) set.insertNotFound(i % SCORES, member, 0, member.length);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const before = elementsOf(set);
      const seen: string[] = [];
      const image = new SortedSetImage(blocks, root);
      while (!image.freezeStep());
      const steps = reading(image, asCommands, seen);
      for (let isDone = false; !isDone; ) {
        for (let i = random.below(100); i > 0; i--) change(random, set);
        isDone = steps.next().done === true;
      }
      expect(seen.sort(), `seed ${seed}`).toEqual(before);
      expect(blocks.frozen.count).toBe(0);
    }
    while (!set.disposeStep(root, 100));
    expect(memory.entries.allocatedBytes).toBe(emptyBytes);
  },
);
