/** Joins of element tables: each element is visited once, and found in the other table if that has its key. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { TableJoin } from "../../../src/types/element-table/table-join.ts";
import { VARIABLE_PAYLOAD } from "../../../src/types/element-table/table-root.ts";
import { usualSeed } from "../../support/seed.ts";
import { keyOf, ModelledTable, maskedHash, mustBe, TableWorld } from "./table-model.ts";

/** Longer keys lie outside of their buckets. */
const LONGEST_KEYS = [4, 20, 400];

function fill(
  table: ModelledTable,
  elements: number,
  from: number,
  longest: number,
  random: SeededRandom,
): void {
  for (let i = 0; i < elements; i++)
    table.set(keyOf(from + random.below(2 * elements), longest), table.payload(random, 30));
}

function checkJoin(join: TableJoin, table: ModelledTable, other: ModelledTable): void {
  const visited = new Set<string>();
  join.begin(table.root, other.root);
  while (join.next()) {
    const key = join.element.key().toString("latin1");
    mustBe(visited.has(key), false);
    visited.add(key);
    mustBe(join.element.payload().toString("latin1"), table.model.get(key));
    mustBe(join.isMatched, other.model.has(key));
    if (!join.isMatched) continue;
    mustBe(join.match.key().toString("latin1"), key);
    mustBe(join.match.payload().toString("latin1"), other.model.get(key));
  }
  mustBe(visited.size, table.model.size);
}

it("finds each element once, and its match: tables of any two sizes and sorts", () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 2000 }));
  const payload = fc.constantFrom(0, 8, VARIABLE_PAYLOAD);
  const property = fc.property(
    fc.integer({ min: 1 }),
    fc.tuple(size, size),
    fc.tuple(payload, payload),
    fc.constantFrom(...LONGEST_KEYS),
    fc.constantFrom(-1, 0xff, 0),
    (seed, [elements, others], [payloadLength, otherPayload], longest, mask) => {
      const random = new SeededRandom(seed);
      const world = new TableWorld(maskedHash(mask));
      const table = new ModelledTable(world, payloadLength);
      const other = new ModelledTable(world, otherPayload);
      // With the same hash for all a bucket has all elements.
      const most = mask === -1 ? 2000 : 100;
      fill(table, Math.min(elements, most), 0, longest, random);
      fill(other, Math.min(others, most), random.below(elements + 1), longest, random);
      const join = new TableJoin(world.blocks);
      checkJoin(join, table, other);
      checkJoin(join, other, table);
      checkJoin(join, table, table);
    },
  );
  fc.assert(property, { numRuns: 60, seed: usualSeed() });
});

it("costs less than lookups in a table that is not much larger", () => {
  const world = new TableWorld();
  const random = new SeededRandom(usualSeed());
  const [small, large] = [new ModelledTable(world, 0), new ModelledTable(world, 0)];
  fill(small, 10, 0, 20, random);
  fill(large, 2000, 0, 20, random);
  const join = new TableJoin(world.blocks);
  expect(join.isCheaper(small.root, large.root)).toBe(false);
  expect(join.isCheaper(large.root, small.root)).toBe(true);
  expect(join.isCheaper(large.root, large.root)).toBe(true);
});
