/**
 * Both forms of sorted sets against a plain model: random changes, from nothing to thousands of elements and back, with
 * members of all lengths.
 */
import { describe, expect, test } from "vitest";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { createListpack } from "../../../src/types/listpack/edits.ts";
import { checkListpack } from "../../../src/types/listpack/validation.ts";
import { GrowingBytes } from "../../../src/types/packed-bytes.ts";
import { MemberBound } from "../../../src/types/sorted-set/bounds.ts";
import { PackedSortedSet } from "../../../src/types/sorted-set/packed-sorted-set.ts";
import type { SortedElements } from "../../../src/types/sorted-set/sorted-set.ts";
import { TreeSortedSet } from "../../../src/types/sorted-set/tree-sorted-set.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { elementAt, elementsOf, expectSame, SortedSetModel } from "./model.ts";

const RUNS = 4;
const HUGE_MEMBER_BYTES = 3000;
/** What members look like: short and many, of usual length, of all lengths. */
const KINDS = ["numbers", "names", "any"] as const;
type Kind = (typeof KINDS)[number];

function memberOf(random: Random, kind: Kind, range: number): Buffer {
  const number = random.below(range);
  if (kind === "numbers") return Buffer.from(String(number));
  if (kind === "names") return Buffer.from(`element:${String(number).padStart(8, "0")}`);
  const length = number % 5 === 0 ? number % 400 : number % 40;
  const long = number % 97 === 0 ? HUGE_MEMBER_BYTES : length;
  return Buffer.concat([Buffer.from(String(number)), Buffer.alloc(long, number)]);
}

function scoreOf(random: Random, spread: number): number {
  if (random.below(50) === 0) return random.below(2) === 0 ? Infinity : -Infinity;
  // Adding 0 makes -0 (which a listpack does not have) 0.
  return Math.round((random.next() / 2 ** 32 - 0.5) * spread) / (random.below(3) + 1) + 0;
}

/** One random change to both. */
function change(
  random: Random,
  set: SortedElements,
  model: SortedSetModel,
  member: Buffer,
  score: number,
): void {
  const kind = random.below(10);
  const isThere = set.find(member, 0, member.length);
  expect(isThere).toBe(model.scoreOf(member) !== undefined);
  if (isThere && kind < 3) {
    set.removeFound(member, 0, member.length);
    model.remove(member);
  } else if (isThere) {
    const closer = kind < 6 ? model.scoreOf(member)! + 0.25 : score;
    if (closer !== model.scoreOf(member)) set.changeScore(closer, member, 0, member.length);
    model.set(member, closer);
  } else {
    set.insertNotFound(score, member, 0, member.length);
    model.set(member, score);
  }
}

/** Removes ranges until little is left. */
function shrink(random: Random, set: SortedElements, model: SortedSetModel, label: string): void {
  while (set.size > 3) {
    const first = random.below(4) === 0 ? 0 : random.below(set.size);
    const most = Math.min(set.size - first, 1 + random.below(4) * random.below(1 + Math.floor(set.size / 3)));
    const count = Math.max(1, most);
    set.removeRange(first, count);
    model.removeRange(first, count);
    if (random.below(20) === 0) expectSame(set, model, label);
  }
  expectSame(set, model, label);
}

describe("a tree and a table", () => {
  test.each(KINDS)("members: %s", (kind) => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + RUNS; seed++) {
      const label = `seed ${seed}, ${kind}`;
      const random = new SeededRandom(seed);
      const memory = newValueMemory();
      const before = memory.entries.allocatedBytes;
      const set = new TreeSortedSet(memory);
      const root = set.create();
      const model = new SortedSetModel();
      const range = [30, 500, 5000][seed % 3];
      const spread = [0, 5, 1000, 1e9][random.below(4)];
      const changes = kind === "any" ? 1500 : 3000;
      for (let i = 0; i < changes; i++) {
        change(random, set, model, memberOf(random, kind, range), scoreOf(random, spread));
        if (i % 1000 === 999) expectSame(set, model, label);
      }
      const copy = set.copy(root);
      const contents = elementsOf(set);
      shrink(random, set, model, label);
      // The copy knows nothing of that.
      expect(elementsOf(set.open(copy)), label).toEqual(contents);
      const sizeOfCopy = set.sizeBytes(copy, 0);
      const allocated = memory.entries.allocatedBytes;
      let steps = 1;
      while (!set.disposeStep(copy, 5)) steps++;
      expect(allocated - memory.entries.allocatedBytes, label).toBe(sizeOfCopy);
      if (contents.length > 1000) expect(steps).toBeGreaterThan(10);
      expectSame(set.open(root), model, label);
      expect(set.disposeStep(root, Number.MAX_SAFE_INTEGER)).toBe(true);
      expect(memory.entries.allocatedBytes, label).toBe(before);
    }
  });

  test("in order, and from behind, leaves are full", () => {
    const memory = newValueMemory();
    const set = new TreeSortedSet(memory);
    const sizes = [1, -1].map((direction) => {
      const root = set.create();
      for (let i = 0; i < 5000; i++) {
        const member = Buffer.from(`element:${String(i).padStart(8, "0")}`);
        set.insert(direction * i, member, 0, member.length);
      }
      const bytes = set.sizeBytes(root, 0);
      set.disposeStep(root, Number.MAX_SAFE_INTEGER);
      return bytes / 5000;
    });
    // Twice 24 bytes of score and member, and what blocks and buckets add.
    for (const bytes of sizes) expect(bytes).toBeLessThan(75);
  });

  test("a queue that moved on takes no more than its length asks for", () => {
    const memory = newValueMemory();
    const set = new TreeSortedSet(memory);
    const root = set.create();
    const memberFor = (i: number) => Buffer.from(`element:${String(i).padStart(8, "0")}`);
    for (let i = 0; i < 20_000; i++) {
      set.insert(i, memberFor(i), 0, 16);
      if (i >= 200) set.removeRange(0, 1);
    }
    expect(set.size).toBe(200);
    expect(set.sizeBytes(root, 0)).toBeLessThan(200 * 100);
    set.removeRange(0, 200);
    expect(set.size).toBe(0);
    expect(set.sizeBytes(root, 0)).toBeLessThan(1000);
  });

  test("queues larger than the processor's caches, whatever else happens to them", () => {
    const random = new SeededRandom(usualSeed());
    const set = new TreeSortedSet(newValueMemory());
    let made = 0;
    let lowest = 0;
    const memberFor = () =>
      Buffer.from(`element:${String(made++).padStart(random.below(8) === 0 ? 300 : 8, "0")}`);
    const queues = [0, 1].map(() => {
      const root = set.create();
      const members = Array.from({ length: 11_000 }, memberFor);
      for (const [score, member] of members.entries()) set.insert(score, member, 0, member.length);
      return { root, members };
    });
    for (let i = 0; i < 4000; i++) {
      const { root, members } = queues[random.below(20) === 0 ? 1 : 0];
      set.open(root);
      const kind = random.below(30);
      if (kind === 0) {
        const member = memberFor();
        set.insert(--lowest, member, 0, member.length);
        members.unshift(member);
      } else if (kind === 1) {
        const [next] = members.splice(random.below(6), 1);
        expect(set.find(next, 0, next.length)).toBe(true);
        set.removeFound(next, 0, next.length);
      } else {
        const [first, count] = kind === 2 ? [random.below(3), 1 + random.below(100)] : [0, 1];
        set.seek(first);
        expect(elementAt(set).member).toEqual(members[first]);
        set.removeRange(first, count);
        for (const gone of members.splice(first, count)) expect(set.find(gone, 0, gone.length)).toBe(false);
        while (members.length < 11_000) {
          const member = memberFor();
          set.insert(made + 11_000, member, 0, member.length);
          members.push(member);
        }
      }
      expect([set.size, set.tallied]).toEqual([members.length, members.length]);
    }
    for (const { root, members } of queues) {
      expect(elementsOf(set.open(root)).map(({ member }) => member.toString())).toEqual(members.map(String));
      for (const member of members) expect(set.find(member, 0, member.length)).toBe(true);
    }
  });

  test("scores first, order later", () => {
    const random = new SeededRandom(usualSeed());
    const set = new TreeSortedSet(newValueMemory());
    set.create();
    const model = new SortedSetModel();
    for (let i = 0; i < 3000; i++) {
      const member = memberOf(random, "names", 700);
      const score = random.below(100);
      if (!set.find(member, 0, member.length)) {
        set.tally(score);
        model.set(member, score);
      } else if (random.below(3) === 0) {
        set.removeTallied();
        model.remove(member);
      } else {
        set.changeTally(score);
        model.set(member, score);
      }
    }
    expect(set.tallied).toBe(model.elements.length);
    set.arrange();
    expectSame(set, model, "arranged");
  });

  test("ranges by member", () => {
    const random = new SeededRandom(usualSeed());
    const set = new TreeSortedSet(newValueMemory());
    set.create();
    const model = new SortedSetModel();
    for (let i = 0; i < 2000; i++) {
      const member = memberOf(random, "any", 900);
      if (!set.find(member, 0, member.length)) set.insert(0, member, 0, member.length);
      model.set(member, 0);
    }
    const members = model.elements.map(({ member }) => member);
    const bound = new MemberBound();
    for (let i = 0; i < 500; i++) {
      const wanted = memberOf(random, "any", 1200).subarray(0, random.below(8));
      bound.buffer = wanted;
      bound.length = wanted.length;
      bound.includesEqual = i % 2 === 0;
      const before = members.filter((each) => {
        const order = each.compare(wanted);
        return order < 0 || (order === 0 && bound.includesEqual);
      });
      expect(set.countBefore(bound)).toBe(before.length);
    }
  });
});

describe("a listpack", () => {
  test.each(KINDS)("members: %s", (kind) => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + RUNS; seed++) {
      const label = `seed ${seed}, ${kind}`;
      const random = new SeededRandom(seed);
      const bytes = new GrowingBytes();
      const set = new PackedSortedSet().create(bytes);
      const model = new SortedSetModel();
      const spread = [0, 5, 1e9, 1e18][random.below(4)];
      for (let i = 0; i < 400; i++) {
        change(random, set, model, memberOf(random, kind, 120), scoreOf(random, spread));
        expect(checkListpack(bytes.buffer, 0, bytes.length, true), label).toBe(2 * set.size);
        if (i % 40 === 0) expectSame(set, model, label);
      }
      shrink(random, set, model, label);
    }
  });

  test("knows how many elements it may still take", () => {
    const bytes = new GrowingBytes();
    createListpack(bytes);
    const set = new PackedSortedSet().open(bytes);
    expect(set.canTake(1000)).toBe(true);
    expect(set.canTake(2 ** 30)).toBe(false);
  });
});
