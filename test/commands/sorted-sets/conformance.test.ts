/**
 * Sorted sets' commands against the real Redis 7: random sequences, the same for both, must get the same replies byte
 * for byte (errors included), leave the same values in the same encodings, and propagate the same commands to the
 * append-only file. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { sortedSetCommands } from "../../../src/commands/sorted-sets/index.ts";
import type { Argument } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies } from "../../support/comparison.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { SortedSetCommandGenerator } from "./generator.ts";
import { newSortedSetHarness } from "./harness.ts";

const SEQUENCES = 40;
const COMMANDS_PER_SEQUENCE = 300;
/** zset-max-listpack-entries and -value: nothing small, soon large, as usual, all small. */
const LIMITS = [
  [0, 64],
  [5, 64],
  [12, 3],
  [128, 64],
  [100_000, 1000],
] as const;

describe.skipIf(!hasRedisServer)(
  "sorted sets as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      // Clients that wait are let go this many times a second.
      oracle = await RedisOracle.start("--hz", "500");
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    async function reset(resp: 2 | 3, entries: number, value: number): Promise<void> {
      await redis.runAll([
        ["HELLO", resp],
        ["CONFIG", "SET", "zset-max-listpack-entries", entries, "zset-max-listpack-value", value],
        ["FLUSHALL"],
      ]);
    }

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const [entries, value] = LIMITS[seed % LIMITS.length];
        const label = `seed ${seed}, RESP${resp}, limits ${entries} and ${value}`;
        await reset(resp, entries, value);
        const harness = newSortedSetHarness(entries, value);
        harness.client.resp = resp;
        const generator = new SortedSetCommandGenerator(new SeededRandom(seed), { isSmall: entries > 1000 });
        const requests: Argument[][] = [["SET", "string", "text"]];
        for (let i = 0; i < COMMANDS_PER_SEQUENCE; i++) requests.push(generator.next());
        await compareReplies(redis, harness, requests, label);
        const effects = [...harness.effects];
        await compareValues(redis, harness, generator.keys, label);
        comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
        // What was propagated makes the same values. (With other limits it may not: a listpack has no -0.)
        const copy = newSortedSetHarness(entries, value);
        for (const effect of effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
        for (const key of generator.keys.slice(0, 6)) {
          const all = ["ZRANGE", key, 0, -1, "WITHSCORES"];
          harness.client.resp = 2;
          expect(copy.text(...all), label).toBe(harness.text(...all));
        }
      }
    });

    test.each([
      [128, 64],
      [2, 64],
      [128, 2],
    ])("where ZRANGESTORE keeps -0, with limits %i and %i", async (entries, value) => {
      await reset(2, entries, value);
      const requests: Argument[][] = [
        ["ZADD", "z", "-1", "abc", "-0", "a", "-0", "b", "-0", "long", "-0", "m", "1", "n"],
      ];
      for (const from of ["0", "1", "2", "3"]) {
        for (const options of [[], ["REV"], ["LIMIT", "0", "2"], ["REV", "LIMIT", "1", "9"]]) {
          if (!options.includes("LIMIT")) requests.push(["ZRANGESTORE", "to", "z", from, "5", ...options]);
          else if (options[0] === "REV")
            requests.push(["ZRANGESTORE", "to", "z", "1", "-1", "BYSCORE", ...options]);
          else requests.push(["ZRANGESTORE", "to", "z", "-1", "1", "BYSCORE", ...options]);
          requests.push(["ZRANGE", "to", "0", "-1", "WITHSCORES"]);
        }
      }
      await compareReplies(redis, newSortedSetHarness(entries, value), requests, "-0");
    });

    test("the same number of arguments is wrong for each command", async () => {
      await reset(2, 128, 64);
      const requests: Argument[][] = [];
      for (const { name } of sortedSetCommands) {
        // These take an option that Redis has only from 7.2 on.
        const most = name === "zrank" || name === "zrevrank" ? 3 : 6;
        for (let extra = 0; extra < most; extra++)
          requests.push([name, ...Array<string>(extra).fill("0.01")]);
      }
      await compareReplies(redis, newSortedSetHarness(), requests, "arity");
    });
  },
);

/** What was propagated after the last FLUSHALL, without the brackets of transactions. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 1).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}
