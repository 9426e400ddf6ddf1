/**
 * Sets against the real Redis 7: random sequences, the same for both, must get the same replies (members in any order),
 * leave the same values in the same encodings, and propagate the same commands to the append-only file. The seed is
 * printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { setCommands } from "../../../src/commands/sets/index.ts";
import type { Argument } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies } from "../../support/comparison.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { SetCommandGenerator } from "./generator.ts";
import { itemsOf, newSetHarness } from "./harness.ts";

const SEQUENCES = 40;
const COMMANDS_PER_SEQUENCE = 300;
/** set-max-intset-entries, and how many different members there are. */
const SIZES = [
  { entries: 512, range: 40 },
  { entries: 10, range: 40 },
  { entries: 0, range: 30 },
  { entries: 64, range: 400 },
];
const UNORDERED = ["SMEMBERS", "SINTER", "SUNION", "SDIFF", "SSCAN", "SPOP", "SRANDMEMBER"];

describe.skipIf(!hasRedisServer)("sets as in the real Redis (skipped where redis-server is missing)", () => {
  let oracle: RedisOracle;
  let redis: RawClient;

  beforeAll(async () => {
    oracle = await RedisOracle.start("--rdbcompression", "no");
    redis = oracle.client;
  });

  afterAll(() => oracle.stop());

  async function reset(resp: 2 | 3, entries: number): Promise<void> {
    await redis.runAll([["HELLO", resp], ["CONFIG", "SET", "set-max-intset-entries", entries], ["FLUSHALL"]]);
  }

  test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
      const { entries, range } = SIZES[seed % SIZES.length];
      const label = `seed ${seed}, RESP${resp}, intsets up to ${entries}`;
      await reset(resp, entries);
      const harness = newSetHarness(entries);
      harness.client.resp = resp;
      const generator = new SetCommandGenerator(new SeededRandom(seed), { range });
      const requests: Argument[][] = [["SET", "string", "text"]];
      for (let i = 0; i < COMMANDS_PER_SEQUENCE; i++) requests.push(generator.next());
      await compareReplies(redis, harness, requests, label, areSameReplies);
      const effects = [...harness.effects];
      await compareValues(redis, harness, generator.keys, label);
      comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
      const copy = newSetHarness(entries);
      for (const effect of effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
      await compareValues(redis, copy, generator.keys, `${label}, replayed`);
    }
  });

  test("values go over to Redis and come from there by DUMP and RESTORE; an intset's bytes are the same", async () => {
    await reset(2, 100);
    const harness = newSetHarness(100);
    const sets: Record<string, Argument[]> = {
      small: [3, -1, 200],
      wide: [1, 100_000, "9223372036854775807"],
      many: Array.from({ length: 101 }, (_, i) => i),
      texts: ["a", "b", 12, "", "x".repeat(30), "y".repeat(300), "z".repeat(20_000)],
    };
    for (const [key, members] of Object.entries(sets)) {
      await redis.run("SADD", key, ...members);
      harness.run("SADD", key, ...members);
      const [theirs, ours] = [payloadOf(await redis.run("DUMP", key)), payloadOf(harness.run("DUMP", key))];
      if (key === "small" || key === "wide") expect(ours.equals(theirs)).toBe(true);
      expect(await redis.text("RESTORE", `${key}2`, 0, ours)).toBe("+OK\r\n");
      expect(harness.text("RESTORE", `${key}2`, 0, theirs)).toBe("+OK\r\n");
    }
    const keys = Object.keys(sets).flatMap((key) => [key, `${key}2`]);
    await compareValues(redis, harness, keys, "after RESTORE");
  });

  test("the same number of arguments is wrong for each command", async () => {
    await reset(2, 512);
    const requests: Argument[][] = [];
    for (const { name } of setCommands)
      for (let extra = 0; extra < 6; extra++) requests.push([name, ...Array<string>(extra).fill("5")]);
    await compareReplies(redis, newSetHarness(), requests, "arity", areSameReplies);
  });
});

/** Whether replies to a request mean the same. */
function areSameReplies(request: readonly Argument[], expected: Buffer, actual: Buffer): boolean {
  if (expected.equals(actual)) return true;
  if (!UNORDERED.includes(String(request[0]).toUpperCase()) || expected.length !== actual.length)
    return false;
  const header = /^(\*2\r\n\$1\r\n0\r\n)?[*~]\d+\r\n/;
  const [theirs, ours] = [expected, actual].map((reply) => header.exec(reply.toString("latin1"))?.[0]);
  if (theirs === undefined || theirs !== ours) return false;
  return itemsOf(expected).sort().join("\n") === itemsOf(actual).sort().join("\n");
}

function payloadOf(reply: Buffer): Buffer {
  return reply.subarray(reply.indexOf("\r\n") + 2, reply.length - 2);
}

/** What was propagated after the last FLUSHALL, without the brackets of transactions. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 1).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}
