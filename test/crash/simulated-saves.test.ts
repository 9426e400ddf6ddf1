/**
 * Goal: dump.rdb is at any time the whole state of one instant, that of the last save that succeeded or of a later one,
 * whatever the disk does, whenever the machine dies, and whatever clients do meanwhile. Method: save-simulation.ts, by
 * seed. CRASH_SEEDS asks for more seeds than usual, CRASH_SEED for a single one (with its log).
 */
import { expect, it } from "vitest";
import { newSaveTally, SaveSimulation } from "./save-simulation.ts";

const SEEDS = Number(process.env["CRASH_SEEDS"] ?? 40);
const ONLY = process.env["CRASH_SEED"];

const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONLY)];

it("a dump is always whole, and of one instant", { timeout: 60_000 + seeds.length * 2000 }, async () => {
  const tally = newSaveTally();
  for (const seed of seeds) {
    const simulation = new SaveSimulation(seed, tally);
    await simulation.run().catch((cause: unknown) => {
      const log = ONLY === undefined ? "" : `\n${simulation.world.logged.join("\n")}`;
      throw new Error(`CRASH_SEED=${seed}: ${String(cause)}${log}`, { cause });
    });
  }
  if (ONLY !== undefined) return;
  // A test that met none of this has tested nothing.
  for (const [name, count] of Object.entries(tally)) expect(count, name).toBeGreaterThan(seeds.length / 20);
});
