/**
 * Goal: a dump or base is exactly the state of its beginning, however large values are changed meanwhile, and nobody
 * has one written on the spot who could have waited. Method: snapshot-simulation.ts, by seed. CRASH_SEEDS asks for more
 * seeds than usual, CRASH_SEED for a single one (with its log).
 */
import { expect, it } from "vitest";
import { newSnapshotTally, SnapshotSimulation } from "./snapshot-simulation.ts";

const SEEDS = Number(process.env["CRASH_SEEDS"] ?? 6);
const ONLY = process.env["CRASH_SEED"];

const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONLY)];

it("a snapshot is exact, whatever large values go through", {
  timeout: 60_000 + seeds.length * 5000,
}, async () => {
  const tally = newSnapshotTally();
  for (const seed of seeds) {
    const simulation = new SnapshotSimulation(seed, tally);
    await simulation.run().catch((cause: unknown) => {
      const log = ONLY === undefined ? "" : `\n${simulation.world.logged.join("\n")}`;
      throw new Error(`CRASH_SEED=${seed}: ${String(cause)}${log}`, { cause });
    });
  }
  if (ONLY !== undefined) return;
  // A test that met none of this has tested nothing.
  for (const [name, count] of Object.entries(tally)) expect(count, name).toBeGreaterThan(0);
});
