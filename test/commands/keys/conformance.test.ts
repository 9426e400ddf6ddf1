/**
 * The generic key commands against the real Redis 7: random sequences, the same for both, must get the same replies
 * byte for byte (times within a tolerance, as there are two clocks), leave the same keys, and propagate the same
 * commands to the append-only file. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { keyCommands } from "../../../src/commands/keys/index.ts";
import type { Argument, CommandHarness } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies, compareStrings } from "../../support/comparison.ts";
import { areSameDumps } from "../../support/dump-payloads.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { KeyCommandGenerator } from "./generator.ts";
import { newKeyHarness } from "./harness.ts";

const SEQUENCES = 60;
const COMMANDS_PER_SEQUENCE = 300;
const DATABASES = [0, 1, 2];
const CLOCK_TOLERANCE_MS = 60_000;
const DUMP = /^dump$/i;
const TIME_COMMANDS = /^p?(ttl|expiretime)$/i;

describe.skipIf(!hasRedisServer)("keys as in the real Redis (skipped where redis-server is missing)", () => {
  let oracle: RedisOracle;
  let redis: RawClient;

  beforeAll(async () => {
    oracle = await RedisOracle.start();
    redis = oracle.client;
  });

  afterAll(() => oracle.stop());

  function logSince(marker: string): Buffer[][] {
    const log = oracle.propagated();
    const start = log.findLastIndex((command) => command[1]?.toString() === marker);
    return log.slice(start + 1).filter((command) => !/^(multi|exec|select)$/i.test(command[0].toString()));
  }

  test.each([
    [2, true],
    [3, true],
    [2, false],
  ] as const)("random sequences in RESP%i (other databases: %s)", async (resp, databases) => {
    await redis.run("HELLO", resp);
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
      const label = `seed ${seed}, RESP${resp}`;
      const marker = `marker ${seed}`;
      await redis.runAll([["SELECT", 0], ["FLUSHALL"], ["SET", marker, ""], ["DEL", marker]]);
      const harness = newKeyHarness();
      harness.client.resp = resp;
      const generator = new KeyCommandGenerator(new SeededRandom(seed), databases);
      const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
      await compareWithTolerance(redis, harness, requests, label);
      const effects = [...harness.effects];
      comparePropagated(logSince(marker), effects, label);
      for (const index of DATABASES) {
        await redis.run("SELECT", index);
        harness.run("SELECT", index);
        await compareStrings(redis, harness, generator.keys, `${label}, database ${index}`);
      }
      if (!databases) replay(effects, harness, label);
    }
  });

  test("the same number of arguments is wrong for each command", async () => {
    await redis.runAll([["HELLO", 2], ["SELECT", 0], ["FLUSHALL"]]);
    const requests: Argument[][] = [];
    for (const command of keyCommands) {
      if (/^(object|randomkey|keys|scan|.*(expire|ttl).*)$/.test(command.name)) continue;
      for (let extra = 0; extra < 5; extra++)
        requests.push([command.name, ...Array<string>(extra).fill("5")]);
    }
    for (const name of ["expire", "ttl", "keys", "scan", "randomkey", "object"]) requests.push([name]);
    requests.push(
      ["OBJECT", "ENCODING"],
      ["object", "freq", "a", "b"],
      ["RANDOMKEY", "x"],
      ["KEYS", "a", "b"],
    );
    await compareReplies(redis, newKeyHarness(), requests, "arity");
  });

  test("errors and answers about values", async () => {
    await redis.runAll([["HELLO", 2], ["SELECT", 0], ["FLUSHALL"]]);
    const requests: Argument[][] = [];
    for (const value of ["0", "9999", "10000", "-1", "text", "x".repeat(50)]) {
      requests.push(["SET", "k", value], ["OBJECT", "REFCOUNT", "k"], ["OBJECT", "ENCODING", "k"]);
    }
    requests.push(["OBJECT", "FREQ", "k"], ["OBJECT", "FREQ", "none"], ["OBJECT", "IDLETIME", "none"]);
    requests.push(["OBJECT", "IDLETIME", "k"], ["OBJECT", "REFCOUNT", "none"]);
    await compareReplies(redis, newKeyHarness(), requests, "object");
  });

  test("cursors and options of SCAN", async () => {
    await redis.runAll([["HELLO", 2], ["SELECT", 0], ["FLUSHALL"]]);
    const requests: Argument[][] = [];
    const cursors = [
      "0",
      "",
      "-1",
      "+0",
      " 0",
      "0 ",
      "abc",
      "-",
      "18446744073709551615",
      "18446744073709551616",
      "0x1",
    ];
    for (const cursor of [...cursors, "-18446744073709551615", "0\0x", "\0", "-18446744073709551616"]) {
      requests.push(["SCAN", cursor]);
    }
    for (const options of [
      "COUNT",
      "COUNT 0",
      "COUNT -1",
      "COUNT x",
      "MATCH",
      "TYPE",
      "TYPE nothing",
      "x y",
      "COUNT 5 x",
    ]) {
      requests.push(["SCAN", "0", ...options.split(" ")], ["SCAN", "x", ...options.split(" ")]);
    }
    await compareReplies(redis, newKeyHarness(), requests, "scan");
  });

  test("KEYS and whole scans find the same keys", async () => {
    const harness = newKeyHarness();
    await redis.runAll([["HELLO", 2], ["SELECT", 0], ["FLUSHALL"]]);
    const fill: Argument[][] = [["SET", "", "empty"]];
    for (let i = 0; i < 300; i++) fill.push(["SET", `key:${i}`, i]);
    await compareReplies(redis, harness, fill, "fill");
    for (const pattern of ["*", "key:1*", "key:[0-3]?", "", "nothing", "key:\\1", "*2"]) {
      const expected = bulks(await redis.run("KEYS", pattern)).sort();
      expect(bulks(harness.run("KEYS", pattern)).sort(), pattern).toEqual(expected);
      const scanned = bulks(harness.run("SCAN", "0", "MATCH", pattern, "COUNT", "100000"));
      const whole = bulks(await redis.run("SCAN", "0", "MATCH", pattern, "COUNT", "100000"));
      expect(scanned.sort(), pattern).toEqual(whole.sort());
    }
    for (const type of ["string", "STRING", "list", "nothing"]) {
      const scanned = bulks(harness.run("SCAN", "0", "TYPE", type, "COUNT", "100000"));
      expect(scanned.sort()).toEqual(
        bulks(await redis.run("SCAN", "0", "COUNT", "100000", "TYPE", type)).sort(),
      );
    }
  });
});

async function compareWithTolerance(
  redis: RawClient,
  harness: CommandHarness,
  requests: readonly Argument[][],
  label: string,
): Promise<void> {
  const expected = await redis.runAll(requests);
  for (const [i, request] of requests.entries()) {
    const actual = harness.run(...request);
    if (actual.equals(expected[i]) || areCloseTimes(request, expected[i], actual)) continue;
    if (DUMP.test(String(request[0])) && areSameDumps(expected[i], actual)) continue;
    const before = requests.slice(Math.max(0, i - 15), i + 1).map((args) => JSON.stringify(args));
    throw new Error(
      `${label}, command ${i}:\n${before.join("\n")}\nRedis:   ${expected[i].toString("latin1")}tsredis: ${actual.toString("latin1")}`,
    );
  }
}

function areCloseTimes(request: readonly Argument[], expected: Buffer, actual: Buffer): boolean {
  const name = String(request[0]);
  if (!TIME_COMMANDS.test(name)) return false;
  const tolerance = name.toLowerCase().startsWith("p") ? CLOCK_TOLERANCE_MS : CLOCK_TOLERANCE_MS / 1000;
  const [first, second] = [expected, actual].map((reply) => Number(reply.toString().slice(1)));
  // Redis keeps times beyond 2^53 milliseconds, which are cut off here.
  const limit = name.toLowerCase().startsWith("p") ? Number.MAX_SAFE_INTEGER : Number.MAX_SAFE_INTEGER / 1000;
  const shown = [first, second].map((time) => Math.min(time, limit - 2 * Date.now()));
  return first > 0 && second > 0 && Math.abs(shown[0] - shown[1]) < tolerance;
}

/** What was propagated makes the same keys when it is run on an empty server, past expiries and all. */
function replay(effects: readonly Buffer[][], original: CommandHarness, label: string): void {
  const copy = newKeyHarness();
  copy.keyspace.expiring = false;
  for (const effect of effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
  copy.keyspace.expiring = true;
  original.run("SELECT", 0);
  const keys = bulks(original.run("KEYS", "*")).sort();
  expect(bulks(copy.run("KEYS", "*")).sort(), label).toEqual(keys);
  for (const key of keys) {
    for (const question of ["GET", "PEXPIRETIME"]) {
      expect(copy.text(question, key), label).toBe(original.text(question, key));
    }
  }
}

/** The bulk strings of a flat or nested reply, without a cursor. */
function bulks(reply: Buffer): string[] {
  const found = [...reply.toString("latin1").matchAll(/\$(\d+)\r\n([^\r]*)\r\n/g)].map((match) => match[2]);
  return reply.toString("latin1").startsWith("*2\r\n$") ? found.slice(1) : found;
}
