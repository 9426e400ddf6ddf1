/**
 * Goal: whatever the disk does and whenever the machine dies, the manifest is that of the last step or of a later one
 * that was begun, and names only whole files. Method: directory-simulation.ts, by seed. AOF_SEEDS asks for more seeds,
 * AOF_SEED for a single one.
 */
import { it } from "vitest";
import { DirectorySimulation } from "./directory-simulation.ts";

const SEEDS = Number(process.env.AOF_SEEDS ?? 600);
const ONLY = process.env.AOF_SEED;

it("an append-only directory keeps what it has promised, after any end", async () => {
  const from = ONLY === undefined ? 1 : Number(ONLY);
  const to = ONLY === undefined ? SEEDS : from;
  for (let seed = from; seed <= to; seed++) {
    await new DirectorySimulation(seed).run().catch((error: unknown) => {
      throw new Error(`AOF_SEED=${seed}: ${String(error)}`, { cause: error });
    });
  }
});
