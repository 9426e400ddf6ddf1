/**
 * Payloads of hashes against the real Redis 7: of small ones both make the same bytes; either restores what the other
 * has made, and what older versions made.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { dumpInReply, withFooter } from "../../support/dump-payloads.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { HashCommandGenerator } from "./generator.ts";
import { newHashHarness } from "./harness.ts";

const ROUNDS = 25;
const COMMANDS = 120;
/** RDB's type of small hashes. */
const LISTPACK = 16;
const KEYS = ["first", "second", "third"];
const SIZES = [
  { entries: 512, value: 64, fields: 60 },
  { entries: 6, value: 20, fields: 40 },
];

describe.skipIf(!hasRedisServer)("payloads (skipped where redis-server is missing)", () => {
  let oracle: RedisOracle;
  let redis: RawClient;

  beforeAll(async () => {
    oracle = await RedisOracle.start();
    redis = oracle.client;
  });

  afterAll(() => oracle.stop());

  async function reset(size: { entries: number; value: number }, compression: string): Promise<void> {
    await redis.runAll([
      ["CONFIG", "SET", "rdbcompression", compression],
      ["CONFIG", "SET", "hash-max-listpack-entries", size.entries],
      ["CONFIG", "SET", "hash-max-listpack-value", size.value],
      ["FLUSHALL"],
    ]);
  }

  test("made here and there", async () => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + ROUNDS; seed++) {
      const size = SIZES[seed % SIZES.length];
      const label = `seed ${seed}`;
      const compresses = seed % 4 >= 2;
      await reset(size, compresses ? "yes" : "no");
      const harness = newHashHarness({ ...size, compresses });
      const generator = new HashCommandGenerator(new SeededRandom(seed), {
        fields: size.fields,
        maxListpackValue: size.value,
      });
      const requests = Array.from({ length: COMMANDS }, () => generator.next());
      await redis.runAll(requests);
      for (const request of requests) harness.run(...request);
      for (const key of KEYS) {
        const theirs = dumpInReply(await redis.run("DUMP", key));
        const ours = dumpInReply(harness.run("DUMP", key));
        if (theirs === undefined || ours === undefined) {
          expect(ours, label).toBe(theirs);
          continue;
        }
        // The compressors are not the same, and the fields of a table have no order.
        if (compresses || theirs[0] !== LISTPACK) expect(ours[0], label).toBe(theirs[0]);
        else expect(ours, label).toEqual(theirs);
        expect(harness.text("RESTORE", key, "0", theirs, "REPLACE"), label).toBe("+OK\r\n");
        expect(await redis.text("RESTORE", key, "0", ours, "REPLACE"), label).toBe("+OK\r\n");
      }
      await redis.runAll(KEYS.map((key) => ["PERSIST", key]));
      await compareValues(redis, harness, KEYS, label);
    }
  });

  test("of older versions: zipmaps, ziplists, and fields one by one", async () => {
    await reset({ entries: 3, value: 8 }, "no");
    const harness = newHashHarness({ entries: 3, value: 8 });
    const string = (hex: string) => Buffer.concat([Buffer.of(hex.length / 2), Buffer.from(hex, "hex")]);
    const bodies = [
      Buffer.concat([Buffer.of(9), string("0203666f6f0300626172016104013132333421ff")]),
      Buffer.concat([Buffer.of(9), string("010161090031323334353637383 9ff".replaceAll(" ", ""))]),
      Buffer.concat([Buffer.of(9), string("fe0161010031ff")]),
      Buffer.concat([Buffer.of(13), string("1600000013000000040000016103fe2a03016203f3ff")]),
      Buffer.from("0402016101310162c00a", "hex"),
      Buffer.from("0404016101310162c00a0163c0ff0164c1e803", "hex"),
    ];
    for (const [i, body] of bodies.entries()) {
      const key = `old${i}`;
      const request = ["RESTORE", key, "0", withFooter(body, 6)];
      expect(await redis.text(...request), key).toBe("+OK\r\n");
      expect(harness.text(...request), key).toBe("+OK\r\n");
    }
    await compareValues(
      redis,
      harness,
      [...bodies.keys()].map((i) => `old${i}`),
      "older versions",
    );
  });
});
