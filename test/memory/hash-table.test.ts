/** The hash table against a plain Map, over random sequences, through growth, shrinking and equal hashes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HashTable } from "../../src/memory/hash-table.ts";
import { Slabs } from "../../src/memory/slabs.ts";

function addressesOf(table: HashTable, hash: number): number[] {
  const found: number[] = [];
  for (let address = table.seek(hash); address !== 0; address = table.probeNext()) found.push(address);
  return found;
}

describe("HashTable", () => {
  it("that was made ready is as any other", () => {
    for (const entries of [0, 1, 1000, 20_000]) {
      const slabs = new Slabs();
      const table = new HashTable(slabs);
      table.reserve(entries);
      const reserved = slabs.allocatedBytes;
      for (let i = 1; i <= entries; i++) table.insert(Math.imul(i, 0x9e3779b1), i);
      // No segment had to be split.
      expect(slabs.allocatedBytes).toBe(reserved);
      table.reserve(2 * entries);
      for (let i = 1; i <= 2 * entries; i++) {
        const hash = Math.imul(i, 0x9e3779b1);
        if (i > entries) table.insert(hash, i);
        expect(addressesOf(table, hash)).toEqual([i]);
      }
      expect(table.size).toBe(2 * entries);
      for (let i = 1; i <= 2 * entries; i++) table.remove(Math.imul(i, 0x9e3779b1), i);
      expect(table.size).toBe(0);
      table.dispose();
      expect(slabs.allocatedBytes).toBe(0);
    }
  });

  it("finds exactly what was inserted and not removed", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom(0xffffffff, 0xffff0000, 0x00000fff, 0xff0000ff),
        (seed, count, mask) => {
          const slabs = new Slabs();
          const table = new HashTable(slabs);
          const model: [hash: number, address: number][] = [];
          let state = seed;
          const random = () => {
            state = (Math.imul(state, 1664525) + 1013904223) | 0;
            return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) | 0;
          };
          for (let i = 1; i <= count; i++) {
            const hash = random() & mask;
            // The mask makes clusters; with few distinct hashes the table may rightly be full.
            table.insert(hash, i);
            model.push([hash, i]);
            if ((random() & 3) === 0) {
              const [gone] = model.splice((random() >>> 0) % model.length, 1);
              table.remove(gone[0], gone[1]);
            }
          }
          expect(table.size).toBe(model.length);
          for (const [hash, address] of model) expect(addressesOf(table, hash)).toContain(address);
          const all: number[] = [];
          expect(table.collect(0, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, all)).toBe(0x1_0000_0000);
          expect(all.length).toBe(model.length);
          const hashOf = new Map(model.map(([hash, address]) => [address, hash >>> 0]));
          for (let i = 1; i < all.length; i++)
            expect(hashOf.get(all[i])!).toBeGreaterThanOrEqual(hashOf.get(all[i - 1])!);
          for (const [hash, address] of model) table.remove(hash, address);
          expect(table.size).toBe(0);
          expect(table.seek(0)).toBe(0);
          table.dispose();
          expect(slabs.allocatedBytes).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("a walk in slices sees every element that is there throughout, while others come and go", () => {
    const slabs = new Slabs();
    const table = new HashTable(slabs);
    const stays = new Set<number>();
    const hashOf = (i: number) => Math.imul(i, 0x9e3779b1) | 0;
    for (let i = 1; i <= 5000; i++) {
      table.insert(hashOf(i), i);
      stays.add(i);
    }
    const seen = new Set<number>();
    let next = 10_000;
    for (let position = 0; position < 0x1_0000_0000; ) {
      const out: number[] = [];
      position = table.collect(position, 0x1_0000_0000, 10, out);
      for (const address of out) seen.add(address);
      // 40 more per step: the table grows many times over while the walk goes on.
      for (let i = 0; i < 40; i++, next++) table.insert(hashOf(next), next);
      if (next % 80 === 0) for (let i = next - 60; i < next; i++) table.remove(hashOf(i), i);
    }
    for (const address of stays) expect(seen.has(address)).toBe(true);
  });

  it("takes a crowd of hashes anywhere, and lets it go", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.integer({ min: 1, max: 21 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 0, max: 2000 }),
        (beginning, shift, crowd, others) => {
          const slabs = new Slabs();
          const table = new HashTable(slabs);
          const model: [hash: number, address: number][] = [];
          const add = (hash: number) => {
            model.push([hash, model.length + 1]);
            table.insert(hash, model.length);
          };
          for (let i = 0; i < others; i++) add(Math.imul(i, 0x9e3779b1) | 0);
          for (let i = 0; i < crowd; i++) add((beginning + i * 2 ** shift) | 0);
          expect(model.every(([hash, address]) => addressesOf(table, hash).includes(address))).toBe(true);
          const all: number[] = [];
          table.collect(0, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, all);
          expect(all.length).toBe(model.length);
          // The others first: what remains is a crowd in segments that would be joined if it had room.
          for (const [hash, address] of model) table.remove(hash, address);
          expect(table.size).toBe(0);
          table.dispose();
          expect(slabs.allocatedBytes).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("a window of neighbouring hashes moves through it, as a walk over cold keys warms them", () => {
    for (const window of [100, 1000, 10_000]) {
      const table = new HashTable(new Slabs());
      for (let i = 1; i <= 20_000; i++) table.insert(Math.imul(i, 0x9e3779b1) | 0, i);
      const all = Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 0x85ebca6b) >>> 0).sort(
        (a, b) => a - b,
      );
      const address = (i: number) => 100_000 + i;
      for (const [i, hash] of all.entries()) {
        table.insert(hash | 0, address(i));
        if (i >= window) table.remove(all[i - window] | 0, address(i - window));
      }
      expect(table.size).toBe(20_000 + window);
      for (let i = all.length - window; i < all.length; i++)
        expect(addressesOf(table, all[i] | 0)).toContain(address(i));
    }
  });

  it("samples only live entries", () => {
    const table = new HashTable(new Slabs());
    expect(table.sample(123)).toBe(0);
    table.insert(0x7000_0000, 42);
    for (let r = 0; r < 50; r++) expect(table.sample(Math.imul(r, 0x9e3779b1) >>> 0)).toBe(42);
  });
});
