/**
 * Goal: whatever the disk does and whenever the machine dies, the server starts again with the data that its fsync
 * policy promises, and with no state that never was. Method: simulation.ts, by seed.
 * CRASH_SEEDS asks for more seeds than usual, CRASH_SEED for a single one (with its log).
 */
import { describe, expect, it } from "vitest";
import { type Policy, Simulation } from "./simulation.ts";
import { newTally } from "./tally.ts";

/** Seeds for each policy. */
const SEEDS = Number(process.env["CRASH_SEEDS"] ?? 100);
const ONLY = process.env["CRASH_SEED"];

const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(ONLY)];

describe.each<Policy>(["always", "everysec", "no", "changing"])("a server with appendfsync %s", (policy) => {
  it("starts with what it promised, after any end", { timeout: 60_000 + seeds.length * 2000 }, async () => {
    const tally = newTally();
    for (const seed of seeds) {
      const simulation = new Simulation(seed, policy, tally);
      await simulation.run().catch((cause: unknown) => {
        const log = ONLY === undefined ? "" : `\n${simulation.world.logged.join("\n")}`;
        throw new Error(`CRASH_SEED=${seed}, ${policy}: ${String(cause)}${log}`, { cause });
      });
    }
    if (ONLY !== undefined) return;
    // A test that met none of this has tested nothing.
    for (const [name, count] of Object.entries(tally)) {
      if (name !== "refusedStarts") expect(count, name).toBeGreaterThan(seeds.length / 20);
    }
  });
});
