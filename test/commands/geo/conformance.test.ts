/**
 * Geographic commands against the real Redis 7: random sequences, the same for both, must get the same replies byte for
 * byte (errors included), leave the same values, and propagate the same commands to the append-only file. The seed is
 * printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { geoCommands } from "../../../src/commands/geo/index.ts";
import { sortedSetCommands } from "../../../src/commands/sorted-sets/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies } from "../../support/comparison.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { GeoCommandGenerator } from "./generator.ts";

const SEQUENCES = 30;
const COMMANDS_PER_SEQUENCE = 300;
const CROWDS = 15;
const SEARCHES = 150;

function newHarness(resp: 2 | 3, maxListpackEntries = 128): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...sortedSetCommands, ...geoCommands],
    startMs: Date.now(),
  });
  harness.client.resp = resp;
  harness.keyspace.memory.limits.zsetMaxListpackEntries = maxListpackEntries;
  return harness;
}

describe.skipIf(!hasRedisServer)(
  "positions as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      oracle = await RedisOracle.start();
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    async function reset(resp: 2 | 3, entries: number): Promise<void> {
      await redis.runAll([
        ["HELLO", resp],
        ["CONFIG", "SET", "zset-max-listpack-entries", entries],
        ["FLUSHALL"],
      ]);
    }

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const entries = seed % 2 === 0 ? 128 : 4;
        const label = `seed ${seed}, RESP${resp}, limit ${entries}`;
        await reset(resp, entries);
        const harness = newHarness(resp, entries);
        const generator = new GeoCommandGenerator(new SeededRandom(seed));
        const requests: Argument[][] = [["SET", "string", "text"]];
        for (let i = 0; i < COMMANDS_PER_SEQUENCE; i++) requests.push(generator.next());
        await compareReplies(redis, harness, requests, label);
        const effects = [...harness.effects];
        await compareValues(redis, harness, generator.keys, label);
        comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
      }
    });

    test("crowds: which of many members at the same places come first", async () => {
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + CROWDS; seed++) {
        await reset(2, 128);
        const random = new SeededRandom(seed);
        const generator = new GeoCommandGenerator(random);
        const requests = [generator.crowd(5 + random.below(400))];
        for (let i = 0; i < SEARCHES; i++) {
          const center = `member${random.below(5)}`;
          const order = ["ASC", "DESC", ""][random.below(3)];
          const details = random.below(2) === 0 ? ["WITHDIST"] : [];
          const options = [order, ...details].filter((word) => word !== "");
          const count = ["COUNT", 1 + random.below(60), ...(random.below(5) === 0 ? ["ANY"] : [])];
          const radius = String(100 * 2 ** random.below(12));
          requests.push(["GEORADIUSBYMEMBER", "g1", center, radius, "m", ...options, ...count]);
        }
        await compareReplies(redis, newHarness(2), requests, `seed ${seed}`);
      }
    });

    test("distances that are stored differ by no more than a rounding", async () => {
      await reset(2, 128);
      const harness = newHarness(2);
      const generator = new GeoCommandGenerator(new SeededRandom(usualSeed()));
      const requests = [
        generator.crowd(500),
        ["GEOSEARCHSTORE", "to", "g1", "FROMMEMBER", "member0", "BYRADIUS", "100", "km", "STOREDIST"],
        ["GEORADIUSBYMEMBER", "g1", "member0", "100", "mi", "STOREDIST", "other"],
      ];
      await compareReplies(redis, harness, requests, "storing");
      for (const key of ["to", "other"]) {
        const all = ["ZRANGE", key, 0, -1, "WITHSCORES"];
        const expected = scoresOf(await redis.text(...all));
        expect(expected.size).toBe(500);
        for (const [member, score] of scoresOf(harness.text(...all)))
          expect(score, member).toBeCloseTo(expected.get(member)!, 8);
      }
    });

    test("the same number of arguments is wrong for each command", async () => {
      await reset(2, 128);
      const requests: Argument[][] = [];
      for (const { name } of geoCommands) {
        for (let extra = 0; extra < 9; extra++) requests.push([name, ...Array<string>(extra).fill("5")]);
      }
      await compareReplies(redis, newHarness(2), requests, "arity");
    });
  },
);

/** Members and scores in a reply of RESP2. */
function scoresOf(reply: string): Map<string, number> {
  const texts = reply.split("\r\n").filter((_line, i) => i > 0 && i % 2 === 0);
  const scores = new Map<string, number>();
  for (let i = 0; i + 1 < texts.length; i += 2) scores.set(texts[i], Number(texts[i + 1]));
  return scores;
}

/** What was propagated after the last FLUSHALL, without the brackets of transactions. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 1).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}
