/** The set of cold keys' hashes against a plain list, few and many, while it is held, and through a base file. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { ColdKeys } from "../../src/keyspace/cold-keys.ts";
import { Slabs } from "../../src/memory/slabs.ts";

/** Few hashes under many numbers: equal ones, and runs of several. */
const MASKS = [0xffffffff, 0xffff0fff, 0x000f00ff, 0xf00000ff];

function contentsOf(keys: ColdKeys): number[] {
  const restored: number[] = [];
  let last = 0;
  for (const { differences } of keys.parts(64)) {
    for (let i = 0; i < differences.length; ) {
      let scale = 1;
      let byte: number;
      do {
        byte = differences[i++];
        last += (byte & 0x7f) * scale;
        scale *= 128;
      } while (byte >= 0x80);
      restored.push(last);
    }
  }
  return restored;
}

function copyOf(keys: ColdKeys, bytes: number): ColdKeys {
  const copy = new ColdKeys(new Slabs());
  copy.isComplete = false;
  for (const part of keys.parts(bytes)) {
    expect(copy.isComplete).toBe(false);
    copy.restore({ ...part, differences: Buffer.from(part.differences) });
  }
  return copy;
}

const sorted = (hashes: readonly number[]): number[] =>
  hashes.map((hash) => hash >>> 0).sort((a, b) => a - b);

describe("cold keys", () => {
  test("are those that were added and not removed, whatever their number", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 4000 }),
        fc.constantFrom(...MASKS),
        (seed, steps, mask) => {
          const random = new SeededRandom(seed);
          const slabs = new Slabs();
          const keys = new ColdKeys(slabs);
          let model: number[] = [];
          let heldModel: number[] | undefined;
          for (let i = 0; i < steps; i++) {
            if (model.length > 0 && random.below(4) === 0) {
              const [gone] = model.splice(random.below(model.length), 1);
              keys.remove(gone);
            } else {
              const hash = random.next() & mask;
              model.push(hash);
              keys.add(hash);
            }
            if (random.below(500) !== 0) continue;
            if (heldModel === undefined) {
              keys.hold();
              heldModel = [...model];
            } else {
              expect(contentsOf(keys)).toEqual(sorted(heldModel));
              keys.release();
              heldModel = undefined;
            }
          }
          for (const hash of model) expect(keys.mayHave(hash)).toBe(true);
          keys.release();
          expect(keys.size).toBe(model.length);
          expect(contentsOf(keys)).toEqual(sorted(model));
          const known = new Set(model.map((hash) => hash | 0));
          for (let i = 0; i < 200; i++) {
            const hash = random.next() & mask;
            expect(keys.mayHave(hash)).toBe(known.has(hash));
          }
          const copy = copyOf(keys, 1 + random.below(2000));
          expect(copy.isComplete).toBe(model.length > 0);
          expect(contentsOf(copy)).toEqual(sorted(model));
          for (const hash of model) keys.remove(hash);
          expect(keys.size).toBe(0);
          keys.dispose();
          expect(slabs.allocatedBytes).toBe(0);
          model = [];
        },
      ),
      { numRuns: 60 },
    );
  });

  test("take little memory, and their parts too", () => {
    const random = new SeededRandom(1);
    const slabs = new Slabs();
    const keys = new ColdKeys(slabs);
    const count = 1_000_000;
    for (let i = 0; i < count; i++) keys.add(random.next());
    expect((slabs.allocatedBytes + keys.directoryBytes) / count).toBeLessThan(3.2);
    let bytes = 0;
    let left = count;
    for (const part of keys.parts(16 * 1024)) {
      expect(part.left).toBeLessThan(left);
      left = part.left;
      bytes += part.differences.length;
    }
    expect(left).toBe(0);
    expect(bytes / count).toBeLessThan(2.1);
    expect(contentsOf(copyOf(keys, 16 * 1024)).length).toBe(count);
  });

  test("that are not all known rule nothing out", () => {
    const keys = new ColdKeys(new Slabs());
    keys.isComplete = false;
    expect(keys.mayHave(5)).toBe(true);
    keys.restore({ differences: Buffer.from([3]), left: 1 });
    expect(keys.mayHave(5)).toBe(true);
    keys.restore({ differences: Buffer.from([4]), left: 0 });
    expect([3, 5, 7].map((hash) => keys.mayHave(hash))).toEqual([true, false, true]);
  });

  test("give up where one run would outgrow its object, and rule nothing out from then on", () => {
    const slabs = new Slabs();
    const keys = new ColdKeys(slabs);
    for (let i = 0; i < 5000; i++) keys.add(0x12340000 + i);
    expect(keys.isComplete).toBe(false);
    expect(keys.mayHave(1)).toBe(true);
    keys.remove(0x12340000);
    keys.add(7);
    expect(slabs.allocatedBytes).toBe(0);
  });

  test("refuse damaged parts", () => {
    for (const differences of [[0x80], [0xff, 0xff, 0xff, 0xff, 0xff, 1], [0xff, 0xff, 0xff, 0xff, 0x7f]]) {
      const keys = new ColdKeys(new Slabs());
      expect(() => keys.restore({ differences: Buffer.from(differences), left: 0 })).toThrow("damaged");
    }
  });
});
