/**
 * The cold tier against its model, by seed, with power cuts at any call of the store and batches that are refused.
 */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { StandInDisk } from "./stand-in-disk.ts";
import { TierModel } from "./tier-model.ts";

const SEEDS = 300;
const STEPS = 120;

describe("cold tier", () => {
  test("recovery brings back exactly the named cut, whatever happened since", async () => {
    let crashes = 0;
    let refusals = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = new SeededRandom(seed);
      const model = new TierModel(random, new StandInDisk(random));
      await model.run(STEPS).catch((cause: unknown) => {
        throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
      });
      crashes += model.crashes;
      refusals += model.refusals;
    }
    // The run has met what it is about.
    expect(crashes).toBeGreaterThan(SEEDS);
    expect(refusals).toBeGreaterThan(SEEDS);
  });
});
