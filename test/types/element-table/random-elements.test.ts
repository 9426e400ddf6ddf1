/** Random elements of element tables: whether each is as likely as another (chi-square, with fixed seeds). */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { openPlace, RandomPlaces, randomPlace } from "../../../src/types/element-table/random-elements.ts";
import { keyOf, ModelledTable, TableWorld } from "./table-model.ts";

/** The statistic, and what it is below in 999 of 1000 cases if all are equally likely (Wilson and Hilferty). */
function chiSquare(counts: readonly number[], draws: number): { value: number; limit: number } {
  const expected = draws / counts.length;
  const value = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  const limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;
  return { value, limit };
}

function tableOf(elements: number): ModelledTable {
  const modelled = new ModelledTable(new TableWorld(), 0);
  for (let i = 0; i < elements; i++) modelled.set(keyOf(i, 20), Buffer.alloc(0));
  return modelled;
}

describe("random elements", () => {
  it.each([1, 2, 7, 13, 40, 64, 100, 1000])("each of %d is as likely as another", (elements) => {
    const { world, root, model } = tableOf(elements);
    const random = new SeededRandom(elements);
    const counts = new Map([...model.keys()].map((key) => [key, 0]));
    const draws = 200 * elements;
    for (let i = 0; i < draws; i++) {
      openPlace(world.table, root, randomPlace(world.table, root, random));
      const key = world.table.element.key().toString("latin1");
      counts.set(key, counts.get(key)! + 1);
    }
    expect(counts.size).toBe(elements);
    if (elements === 1) return;
    const { value, limit } = chiSquare([...counts.values()], draws);
    expect(value).toBeLessThan(limit);
  });

  it("several are different, and each is as likely as another to be among them", () => {
    const { world, root, model } = tableOf(300);
    const random = new SeededRandom(5);
    const counts = new Map([...model.keys()].map((key) => [key, 0]));
    const drawn = new RandomPlaces();
    for (let round = 0; round < 600; round++) {
      const keys = new Set<string>();
      drawn.draw(world.table, root, 100, random);
      for (let i = 0; i < 100; i++) {
        openPlace(world.table, root, drawn.places[i]);
        keys.add(world.table.element.key().toString("latin1"));
      }
      expect(keys.size).toBe(100);
      for (const key of keys) counts.set(key, counts.get(key)! + 1);
    }
    const { value, limit } = chiSquare([...counts.values()], 60_000);
    // Without replacement the counts differ less than with it: by the share that is left.
    expect(value).toBeLessThan(limit * (200 / 299));
  });

  it("an element at a place can be removed", () => {
    const modelled = tableOf(500);
    const { world, root } = modelled;
    const random = new SeededRandom(9);
    while (modelled.model.size > 0) {
      openPlace(world.table, root, randomPlace(world.table, root, random));
      modelled.model.delete(world.table.element.key().toString("latin1"));
      world.table.remove();
      if (modelled.model.size % 50 === 0) modelled.check();
    }
    modelled.dispose(1);
    expect(world.allocatedBytes).toBe(0);
  });
});
