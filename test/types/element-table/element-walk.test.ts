/** Scans of element tables: who is there all the time is visited exactly once, whatever else happens meanwhile. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { keyOf, ModelledTable, TableWorld } from "./table-model.ts";

describe("ElementWalk.scan", () => {
  it("visits each element once in a table that does not change, about as many as asked for at a time", () => {
    const world = new TableWorld();
    const modelled = new ModelledTable(world, 0);
    for (let i = 0; i < 3000; i++) modelled.set(keyOf(i, 20), Buffer.alloc(0));
    for (const count of [1, 10, 333, 100_000]) {
      const seen: string[] = [];
      let cursor = 0;
      do {
        const before = seen.length;
        cursor = world.walk.scan(modelled.root, cursor, count, world.keyHash, (element) =>
          seen.push(element.key().toString()),
        );
        expect(seen.length - before).toBeLessThan(count + 60);
      } while (cursor !== 0);
      expect(seen.length).toBe(3000);
      expect(new Set(seen)).toEqual(new Set(modelled.model.keys()));
    }
  });

  it("visits who stays exactly once while others come and go in any number", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 1500 }),
        fc.integer({ min: 3, max: 40 }),
        (seed, staying, others, count) => {
          const world = new TableWorld();
          const random = new SeededRandom(seed);
          const modelled = new ModelledTable(world, 0);
          const nothing = Buffer.alloc(0);
          for (let i = 0; i < staying; i++) modelled.set(keyOf(i, 20), nothing);
          const stayers = new Set(modelled.model.keys());
          const seen = new Map<string, number>();
          let cursor = 0;
          // Grows, shrinks, grows ... in strokes that split and join many buckets between two steps.
          let isGrowing = random.below(2) === 0;
          let present = 0;
          do {
            cursor = world.walk.scan(modelled.root, cursor, count, world.keyHash, (element) => {
              const key = element.key().toString("latin1");
              seen.set(key, (seen.get(key) ?? 0) + 1);
            });
            const target = isGrowing ? random.below(others + 1) : 0;
            while (present < target) modelled.set(keyOf(1000 + present++, 20), nothing);
            while (present > target) modelled.delete(keyOf(1000 + --present, 20));
            isGrowing = !isGrowing;
          } while (cursor !== 0);
          for (const key of stayers) expect(seen.get(key)).toBe(1);
          modelled.check();
        },
      ),
      { numRuns: 30 },
    );
  });

  it("goes on in a table that was built again in the meantime", () => {
    const world = new TableWorld();
    const first = new ModelledTable(world, 0);
    const second = new ModelledTable(world, 0);
    const nothing = Buffer.alloc(0);
    for (let i = 0; i < 1000; i++) first.set(keyOf(i, 20), nothing);
    for (let i = 5000; i > 0; i--) second.set(keyOf(i - 1, 20), nothing);
    const seen: string[] = [];
    let cursor = 0;
    let root = first.root;
    do {
      cursor = world.walk.scan(root, cursor, 50, world.keyHash, (element) =>
        seen.push(element.key().toString()),
      );
      root = root === first.root ? second.root : first.root;
    } while (cursor !== 0);
    for (const key of first.model.keys()) expect(seen.filter((other) => other === key)).toEqual([key]);
  });

  it("any number is a cursor", () => {
    const world = new TableWorld();
    const modelled = new ModelledTable(world, 0);
    const visit = () => {};
    expect(world.walk.scan(modelled.root, 12345, 10, world.keyHash, visit)).toBe(0);
    for (let i = 0; i < 500; i++) modelled.set(keyOf(i, 20), Buffer.alloc(0));
    for (const cursor of [1, 77, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 2 ** 32, 2 ** 64]) {
      const next = world.walk.scan(modelled.root, cursor, 10, world.keyHash, visit);
      expect(next === 0 || next > cursor).toBe(true);
    }
  });
});
