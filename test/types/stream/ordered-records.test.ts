/**
 * Ordered records against a sorted array: pending entries (by id) and named objects, with as many records as make a
 * tree of several levels, added and removed in many orders; and that memory follows their number.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Int64 } from "../../../src/base/int64.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { createTree } from "../../../src/types/chunk-tree/whole-tree.ts";
import { NAME, NamedObjects, nameOf } from "../../../src/types/stream/named-objects.ts";
import { clearRecords, copyRecords } from "../../../src/types/stream/ordered-records.ts";
import { OwnedEntries, PendingEntries } from "../../../src/types/stream/pending-entries.ts";
import { StreamId } from "../../../src/types/stream/stream-id.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";

const OBJECT_BYTES = (NAME + 2) * 4;

const idOf = (number: number) => new StreamId().setWords(number >> 20, -(number & 1), number, number << 28);
/** Ids that differ in any of their words, in an order of their own. */
const inOrder = (a: number, b: number) => idOf(a).compare(idOf(b));

/** Everything in the set, by way of first and next. */
function all(records: PendingEntries | OwnedEntries): string[] {
  const ids: string[] = [];
  for (let found = records.first(); found; found = records.next())
    ids.push(records.readId(new StreamId()).toString());
  return ids;
}

describe("pending entries", () => {
  test("do what a sorted array does", () => {
    const operation = fc.record({ number: fc.nat(3000), adds: fc.boolean(), run: fc.nat(200) });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 50 }), (operations) => {
        const { slabs } = newValueMemory().blocks;
        const records = new OwnedEntries().open(slabs, createTree(slabs));
        const model = new Set<number>();
        for (const { number, adds, run } of operations) {
          for (let i = number; i < number + run; i++) {
            const id = idOf(i);
            let isRight = records.find(id) === model.has(i);
            if (adds) {
              isRight &&=
                records.add(id) !== model.has(i) && records.readId(new StreamId()).compare(id) === 0;
              model.add(i);
            } else if (records.find(id)) {
              records.remove();
              model.delete(i);
            }
            if (!isRight) throw new Error(`${adds ? "adding" : "removing"} ${i}`);
          }
          expect(records.size).toBe(model.size);
        }
        const sorted = [...model].sort(inOrder);
        const expected = sorted.map((i) => idOf(i).toString());
        expect(all(records)).toEqual(expected);
        expect(records.last()).toBe(model.size > 0);
        if (model.size > 0) expect(records.readId(new StreamId()).toString()).toBe(expected.at(-1));
        for (const { number } of operations) {
          const index = sorted.findIndex((i) => inOrder(i, number) >= 0);
          expect(records.seek(idOf(number))).toBe(index !== -1);
          if (index !== -1) expect(records.readId(new StreamId()).toString()).toBe(expected[index]);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("carry their words along, and take memory in proportion to their number", () => {
    const { slabs } = newValueMemory().blocks;
    const random = new SeededRandom(usualSeed());
    const before = slabs.allocatedBytes;
    const root = createTree(slabs);
    const pending = new PendingEntries().open(slabs, root);
    const count = new Int64();
    const numbers = Array.from({ length: 20_000 }, (_, i) => i);
    shuffle(numbers, random);
    for (const number of numbers) {
      expect(pending.add(idOf(number))).toBe(true);
      pending.timeMs = 2 ** 45 + number;
      count.setNumber(number * 2 ** 20);
      pending.writeCount(count);
      pending.incrementCount();
      pending.consumer = number + 1;
    }
    const perRecord = (slabs.allocatedBytes - before) / numbers.length;
    expect(perRecord).toBeLessThan(36 * 1.8);
    shuffle(numbers, random);
    for (const number of numbers.splice(1000)) {
      expect(pending.find(idOf(number))).toBe(true);
      pending.remove();
    }
    expect((slabs.allocatedBytes - before) / numbers.length).toBeLessThan(36 * 4);
    for (const number of numbers) {
      expect(pending.find(idOf(number))).toBe(true);
      expect(pending.timeMs).toBe(2 ** 45 + number);
      expect(pending.readCount(count).toNumber()).toBe(number * 2 ** 20 + 1);
      expect(pending.consumer).toBe(number + 1);
    }
    const copy = createTree(slabs);
    copyRecords(slabs, root, copy);
    const copied = all(new PendingEntries().open(slabs, copy));
    expect(copied).toEqual(all(pending));
    let steps = 0;
    while (!clearRecords(slabs, copy, 5)) steps++;
    expect(steps).toBeGreaterThan(3);
    slabs.free(copy);
    for (const number of numbers) {
      pending.find(idOf(number));
      pending.remove();
    }
    expect(pending.first()).toBe(false);
    slabs.free(root);
    expect(slabs.allocatedBytes).toBe(before);
  });

  test("that are added in order and removed in order, as a queue, leave nothing behind", () => {
    const { slabs } = newValueMemory().blocks;
    const records = new OwnedEntries().open(slabs, createTree(slabs));
    const empty = slabs.allocatedBytes;
    for (let i = 0; i < 100_000; i++) {
      records.append(new StreamId().setWords(0, 0, 0, i));
      if (i < 1000) continue;
      records.first();
      records.remove();
    }
    expect(records.size).toBe(1000);
    expect(slabs.allocatedBytes - empty).toBeLessThan(1000 * 16 * 2);
  });
});

describe("named objects", () => {
  test("are in the order of their names' bytes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 4 }), fc.boolean()), { maxLength: 400 }),
        (operations) => {
          const { blocks } = newValueMemory();
          const { slabs } = blocks;
          const before = slabs.allocatedBytes;
          const root = createTree(slabs);
          const objects = new NamedObjects().openIn(blocks, root);
          const model = new Map<string, number>();
          for (const [bytes, adds] of operations) {
            const name = Buffer.from(bytes);
            const key = name.toString("hex");
            expect(objects.find(name, 0, name.length)).toBe(model.get(key) ?? 0);
            if (adds) {
              const address = objects.add(name, 0, name.length, OBJECT_BYTES);
              expect(address !== 0).toBe(!model.has(key));
              if (address !== 0) model.set(key, address);
            } else if (objects.find(name, 0, name.length) !== 0) {
              objects.removeObject();
              model.delete(key);
            }
          }
          const names: Buffer[] = [];
          for (let found = objects.first(); found; found = objects.next()) {
            const block = nameOf(blocks, objects.address);
            const start = blocks.start(block);
            names.push(Buffer.from(blocks.buffer(block).subarray(start, start + blocks.length(block))));
          }
          const expected = [...model.keys()]
            .map((key) => Buffer.from(key, "hex"))
            .sort((a, b) => a.compare(b));
          expect(names).toEqual(expected);
          while (objects.last()) objects.removeObject();
          slabs.free(root);
          expect(slabs.allocatedBytes).toBe(before);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function shuffle(numbers: number[], random: SeededRandom): void {
  for (let i = numbers.length - 1; i > 0; i--) {
    const k = random.below(i + 1);
    [numbers[i], numbers[k]] = [numbers[k], numbers[i]];
  }
}
