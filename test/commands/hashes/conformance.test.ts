/**
 * Hashes against the real Redis 7: random sequences, the same for both, must get the same replies (byte for byte; where
 * the order of fields means nothing, in any order), leave the same values in the same encodings, and propagate the same
 * commands to the append-only file. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { hashCommands } from "../../../src/commands/hashes/index.ts";
import type { Argument } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies } from "../../support/comparison.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { HashCommandGenerator } from "./generator.ts";
import { newHashHarness } from "./harness.ts";

const SEQUENCES = 30;
const COMMANDS_PER_SEQUENCE = 250;
/** Of small hashes: entries, length of values, and how many fields there are. */
const SIZES = [
  { entries: 512, value: 64, fields: 30 },
  { entries: 8, value: 12, fields: 20 },
  { entries: 0, value: 64, fields: 15 },
  { entries: 30, value: 64, fields: 200 },
];

describe.skipIf(!hasRedisServer)(
  "hashes as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      oracle = await RedisOracle.start("--rdbcompression", "no");
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    async function reset(resp: 2 | 3, entries: number, value: number): Promise<void> {
      await redis.runAll([
        ["HELLO", resp],
        ["CONFIG", "SET", "hash-max-listpack-entries", entries],
        ["CONFIG", "SET", "hash-max-listpack-value", value],
        ["FLUSHALL"],
        ["SET", "string", "a"],
      ]);
    }

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const size = SIZES[seed % SIZES.length];
        const label = `seed ${seed}, RESP${resp}, at most ${size.entries} entries of ${size.value} bytes`;
        await reset(resp, size.entries, size.value);
        const harness = newHashHarness(size);
        harness.run("SET", "string", "a");
        harness.takeEffects();
        harness.client.resp = resp;
        const options = { fields: size.fields, maxListpackValue: size.value };
        const generator = new HashCommandGenerator(new SeededRandom(seed), options);
        const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
        await compareReplies(redis, harness, requests, label, areSameReplies);
        const effects = [...harness.effects];
        const hashes = generator.keys.slice(0, 3);
        await compareValues(redis, harness, hashes, label);
        comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
        const copy = newHashHarness(size);
        copy.run("SET", "string", "a");
        for (const effect of effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
        await compareValues(redis, copy, hashes, `${label}, replayed`);
      }
    });

    test("the same number of arguments is wrong for each command", async () => {
      await reset(2, 512, 64);
      const requests: Argument[][] = [];
      for (const { name, since } of hashCommands) {
        if (since === "7.4.0") continue;
        for (let extra = 0; extra < 6; extra++) requests.push([name, ...Array<string>(extra).fill("5")]);
      }
      await compareReplies(redis, newHashHarness(), requests, "arity", areSameReplies);
    });
  },
);

/** Whether replies to a request mean the same. */
function areSameReplies(request: readonly Argument[], expected: Buffer, actual: Buffer): boolean {
  if (expected.equals(actual)) return true;
  const name = String(request[0]).toUpperCase();
  if (!["HGETALL", "HKEYS", "HVALS", "HRANDFIELD", "HSCAN"].includes(name)) return false;
  const isPairs = name === "HGETALL" || name === "HSCAN" || /^withvalues$/i.test(String(request[3]));
  return sortedItems(expected, isPairs).join("\n") === sortedItems(actual, isPairs).join("\n");
}

/** The header of an aggregate of bulk strings, and then its items (or pairs of them) sorted. */
function sortedItems(reply: Buffer, isPairs: boolean): string[] {
  const text = reply.toString("latin1");
  // The cursor that HSCAN has ended with is among the headers.
  const end = /^\*2\r\n\$1\r\n0\r\n\*\d+\r\n|^.*\r\n/.exec(text)![0].length;
  const items: string[] = [];
  for (let at = end; at < text.length; ) {
    const lineEnd = text.indexOf("\r\n", at) + 2;
    const length = text[at] === "$" ? Number(text.slice(at + 1, lineEnd - 2)) : -2;
    if (length >= 0) items.push(text.slice(lineEnd, lineEnd + length));
    at = lineEnd + length + 2;
  }
  const grouped = isPairs
    ? items.flatMap((item, i) => (i % 2 === 0 ? [JSON.stringify([item, items[i + 1]])] : []))
    : items;
  return [text.slice(0, end), ...grouped.sort()];
}

/** What was propagated after the last FLUSHALL and the SET that follows it. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 2).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}
