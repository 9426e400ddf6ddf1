/**
 * The table of tracked keys against a map of sets: random reads and changes, among few keys and clients, and many.
 */
import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { TrackingTable } from "../../../src/server/tracking/tracking-table.ts";

const SEED = 7;
const MOST_IDS = 4000;

function newKeyspace(random: SeededRandom): Keyspace {
  return new Keyspace({
    databases: 1,
    clock: new ManualClock(0),
    random,
    hashSeed: Buffer.from("0123456789abcdef"),
  });
}

test.each([
  ["few", 5, 3],
  ["many keys", 3000, 3],
  ["many clients", 3, MOST_IDS],
])("remembers who read what: %s", (_name, keys, clients) => {
  const random = new SeededRandom(SEED);
  const table = new TrackingTable(newKeyspace(random));
  const model = new Map<string, Set<number>>();
  for (let i = 0; i < 20_000; i++) {
    const name = `key:${"x".repeat(random.below(2) * 1200)}${random.below(keys)}`;
    const key = Buffer.from(`--${name}--`);
    if (random.below(10) < 8) {
      const id = 2 ** 33 * random.below(2) + random.below(clients);
      table.add(key, 2, key.length - 4, id);
      model.set(name, (model.get(name) ?? new Set()).add(id));
    } else if (clients < MOST_IDS || random.below(100) === 0) {
      const expected = [...(model.get(name) ?? [])].sort((first, second) => first - second);
      expect(table.take(Buffer.from(name))).toEqual(expected);
      model.delete(name);
    }
    expect(table.has(Buffer.from(name))).toBe(model.has(name));
  }
  expect(table.size).toBe(model.size);
  expect(table.items).toBe([...model.values()].reduce((sum, ids) => sum + ids.size, 0));
  expect(model.has(table.randomKey().toString())).toBe(true);
});

test("what is forgotten as a whole is freed bit by bit", () => {
  const random = new SeededRandom(SEED);
  const keyspace = newKeyspace(random);
  const table = new TrackingTable(keyspace);
  const before = keyspace.entries.allocatedBytes;
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1000; i++) {
      const key = Buffer.from(`key:${i}`);
      table.add(key, 0, key.length, i);
    }
    table.clear();
    expect([table.size, table.items, table.has(Buffer.from("key:1"))]).toEqual([0, 0, false]);
  }
  const full = keyspace.entries.allocatedBytes;
  table.freeStep(100);
  expect(keyspace.entries.allocatedBytes).toBeLessThan(full);
  expect(keyspace.entries.allocatedBytes).toBeGreaterThan(before);
  for (let i = 0; i < 30; i++) table.freeStep(100);
  expect(keyspace.entries.allocatedBytes).toBe(before);
});
