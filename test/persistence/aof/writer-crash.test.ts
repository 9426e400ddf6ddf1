/**
 * Goal: whatever the disk does and whenever the machine dies, the promises of each policy hold, and nothing is there
 * twice. Method: writer-simulation.ts, by the thousand. AOF_SEEDS asks for more seeds for each policy, AOF_SEED for a
 * single one.
 */
import { describe, it } from "vitest";
import { type LogPolicy, runLog } from "./writer-simulation.ts";

const SEEDS_PER_POLICY = Number(process.env.AOF_SEEDS ?? 400);

describe("AofWriter on a disk that fails", () => {
  it.each<LogPolicy>(["always", "everysec", "no", "changing"])(
    "keeps its promises with appendfsync %s",
    async (policy) => {
      const only = process.env.AOF_SEED;
      const from = only === undefined ? 0 : Number(only);
      const to = only === undefined ? SEEDS_PER_POLICY : from + 1;
      for (let seed = from; seed < to; seed++) {
        await runLog(seed, policy).catch((error: unknown) => {
          throw new Error(`seed ${seed}, appendfsync ${policy}: ${String(error)}`, { cause: error });
        });
      }
    },
  );
});
