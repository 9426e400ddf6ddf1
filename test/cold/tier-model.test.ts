/**
 * The cold tier against its model, by seed, with power cuts at any call of the store and batches that are
 * refused: on a store in memory, where batches are simply there or not, on the simulated LevelDB, and for a
 * few seeds on LevelDB.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { openLevelStore } from "../../src/cold/level-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { MortalDisk, type Survivor } from "./mortal-disk.ts";
import { SimulatedModelDisk } from "./simulated-model-disk.ts";
import { type ModelDisk, TierModel } from "./tier-model.ts";

const STEPS = 120;

/** Runs the model over seeds; the totals show that a run has met what it is about. */
async function runSeeds(
  first: number,
  last: number,
  makeDisk: (random: Random, seed: number) => Promise<ModelDisk>,
): Promise<void> {
  let crashes = 0;
  let refusals = 0;
  for (let seed = first; seed <= last; seed += 1) {
    const random = new SeededRandom(seed);
    const model = new TierModel(random, await makeDisk(random, seed));
    await model.run(STEPS).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    });
    crashes += model.crashes;
    refusals += model.refusals;
  }
  expect(crashes).toBeGreaterThan(last - first);
  expect(refusals).toBeGreaterThan(last - first);
}

/** A store whose contents simply stay. */
function memorySurvivor(): Survivor {
  const store = new MemoryStore();
  return { open: async () => store, crash: async () => {} };
}

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/**
 * A folder of LevelDB's, opened anew after each crash; small buffers, so that tables are written all the
 * time.
 */
async function levelSurvivor(): Promise<Survivor> {
  const folder = await mkdtemp(join(tmpdir(), "tsredis-tier-"));
  folders.push(folder);
  const open = openLevelStore({ writeBufferSizeBytes: 64 << 10, maxFileSizeBytes: 1 << 20 });
  return { open: () => open(folder), crash: (store) => store.close() };
}

describe("recovery brings back exactly the named cut, whatever happened since", () => {
  test("on a store in memory", () =>
    runSeeds(1, 100, async (random) => new MortalDisk(random, memorySurvivor())));

  test("on the simulated LevelDB", () =>
    runSeeds(1001, 1150, async (random, seed) => new SimulatedModelDisk(random, seed)));

  test("on LevelDB", () =>
    runSeeds(2001, 2008, async (random) => new MortalDisk(random, await levelSurvivor())));
});
