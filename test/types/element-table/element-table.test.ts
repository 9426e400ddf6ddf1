/** Element tables against a Map, over random sequences: growth, shrinking, collisions, elements of any size. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { KeyHash } from "../../../src/memory/key-hash.ts";
import { VARIABLE_PAYLOAD } from "../../../src/types/element-table/table-root.ts";
import { HASH_SEED, keyOf, ModelledTable, maskedHash, mustBe, TableWorld } from "./table-model.ts";

const PAYLOADS = fc.constantFrom(0, 8, VARIABLE_PAYLOAD);

describe("ElementTable", () => {
  it("holds exactly what was set and not deleted, whatever the sizes, and gives all memory back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(20, 60, 400, 20_000),
        PAYLOADS,
        fc.constantFrom(0xffff_ffff, 0xff, 0xff00_0000, 0),
        (seed, operations, longest, payloadLength, mask) => {
          const isFlood = mask !== 0xffff_ffff;
          const count = Math.min(operations, longest > 1000 ? 300 : isFlood ? 600 : operations);
          const world = new TableWorld(isFlood ? maskedHash(mask) : new KeyHash(HASH_SEED));
          const random = new SeededRandom(seed);
          const modelled = new ModelledTable(world, payloadLength);
          const range = Math.ceil(count * 0.7);
          for (let i = 0; i < count; i++) {
            const key = keyOf(random.below(range), longest);
            if (random.below(4) === 0) modelled.delete(key);
            else modelled.set(key, modelled.payload(random, longest));
          }
          modelled.check();
          if (seed % 2 === 0)
            for (const name of Array.from(modelled.model.keys()))
              modelled.delete(Buffer.from(name, "latin1"));
          modelled.check();
          modelled.dispose(1 + random.below(50));
          expect(world.allocatedBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("grows over several levels of its directory and shrinks again, without a trace", () => {
    const world = new TableWorld();
    const modelled = new ModelledTable(world, 0);
    const { table } = world;
    const empty = world.allocatedBytes;
    const count = 40_000;
    const nothing = Buffer.alloc(0);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < count; i++) {
        const key = keyOf(i, 20);
        mustBe(table.set(modelled.root, key, 0, key.length, nothing, 0, 0), true);
      }
      expect(table.buckets(modelled.root)).toBeGreaterThan(2 * 1024);
      for (let i = 0; i < count; i += 7) {
        const key = keyOf(i, 20);
        mustBe(table.find(modelled.root, key, 0, key.length), true);
      }
      for (let i = 0; i < count; i++) {
        const key = keyOf(i, 20);
        mustBe(table.delete(modelled.root, key, 0, key.length), true);
        mustBe(table.find(modelled.root, key, 0, key.length), false);
      }
      expect(table.size(modelled.root)).toBe(0);
      expect(world.allocatedBytes).toBe(empty);
    }
    modelled.dispose(1);
    expect(world.allocatedBytes).toBe(0);
  });

  it("a copy has the same elements and lives on its own", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 400 }),
        fc.constantFrom(20, 400, 20_000),
        PAYLOADS,
        (seed, count, longest, payloadLength) => {
          const world = new TableWorld();
          const random = new SeededRandom(seed);
          const modelled = new ModelledTable(world, payloadLength);
          const limit = longest > 1000 ? count / 10 : count;
          for (let i = 0; i < limit; i++) modelled.set(keyOf(i, longest), modelled.payload(random, longest));
          const copy = new ModelledTable(world, payloadLength, world.table.copy(modelled.root));
          for (const [key, payload] of modelled.model) copy.model.set(key, payload);
          copy.check();
          for (let i = 0; i < limit; i += 2) modelled.delete(keyOf(i, longest));
          for (let i = 0; i < limit; i += 3) copy.set(keyOf(i, longest), copy.payload(random, longest));
          modelled.check();
          copy.check();
          expect(world.table.sizeBytes(modelled.root, 0) + world.table.sizeBytes(copy.root, 0)).toBe(
            world.allocatedBytes,
          );
          modelled.dispose(Number.MAX_SAFE_INTEGER);
          copy.check();
          copy.dispose(3);
          expect(world.allocatedBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has its elements in the same order when it is built again from them", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.constantFrom(5, 20, 100, 400),
        PAYLOADS,
        (seed, operations, longest, payloadLength) => {
          const world = new TableWorld();
          const random = new SeededRandom(seed);
          const modelled = new ModelledTable(world, payloadLength);
          for (let i = 0; i < operations; i++) {
            const key = keyOf(random.below(operations), longest);
            if (random.below(3) === 0) modelled.delete(key);
            else modelled.set(key, modelled.payload(random, longest));
          }
          const again = new ModelledTable(world, payloadLength);
          if (seed % 2 === 0) world.table.reserve(again.root, world.table.size(modelled.root));
          const order = modelled.walk();
          for (const [key, payload] of order) again.set(key, payload);
          expect(again.walk()).toEqual(order);
          if (order.length > 0)
            expect(world.table.buckets(again.root)).toBe(world.table.buckets(modelled.root));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes less than 27 bytes for a member of 16, and less than 50 with a value of 16", () => {
    const value = Buffer.alloc(16, "v");
    for (const [payloadLength, limit] of [
      [0, 27],
      [VARIABLE_PAYLOAD, 50],
    ]) {
      const world = new TableWorld();
      const root = world.table.create(payloadLength);
      const length = payloadLength === 0 ? 0 : value.length;
      for (let i = 1; i <= 60_000; i++) {
        const key = Buffer.from(`member:${String(i).padStart(9, "0")}`);
        world.table.set(root, key, 0, key.length, value, 0, length);
        if (i < 20_000 || i % 1000 !== 0) continue;
        mustBe(world.allocatedBytes / i < limit, true);
        const estimate = world.table.sizeBytes(root, 200);
        mustBe(Math.abs(estimate / world.allocatedBytes - 1) < 0.2, true);
      }
    }
  });
});
