/**
 * The commands of streams against the real Redis 7: random sequences, the same for both, must get the same replies and
 * propagate the same commands; and what they leave is the same to the byte, when each server takes over the other's.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { streamCommands } from "../../../src/commands/streams/index.ts";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";
import { compareReplies } from "../../support/comparison.ts";
import { dumpInReply } from "../../support/dump-payloads.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { comparableEffect, comparableReply } from "./comparison.ts";
import { StreamCommandGenerator } from "./generator.ts";
import { type NodeSizes, newStreamHarness } from "./harness.ts";

const SEQUENCES = 15;
const COMMANDS_PER_SEQUENCE = 300;
const NODE_SIZES: readonly NodeSizes[] = [
  { bytes: 4096, entries: 100 },
  { bytes: 4096, entries: 3 },
  { bytes: 100, entries: 0 },
  { bytes: 0, entries: 1 },
  { bytes: 200, entries: 5 },
  { bytes: 0, entries: 0 },
];
const SHOWN_COMMANDS = 15;

describe.skipIf(!hasRedisServer)(
  "streams as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      oracle = await RedisOracle.start("--rdbcompression", "no");
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      await redis.run("HELLO", resp);
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const label = `seed ${seed}, RESP${resp}`;
        const nodes = NODE_SIZES[seed % NODE_SIZES.length];
        const generator = new StreamCommandGenerator(new SeededRandom(seed));
        const harness = newStreamHarness(nodes);
        harness.client.resp = resp;
        await beginSequence(redis, nodes);
        harness.run("SET", "plain", "text");
        harness.takeEffects();
        const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
        await compareTimedReplies(redis, harness, requests, label);
        compareEffects(sinceLastFlush(oracle.propagated()), harness.effects, harness.clock.nowMs, label);
        for (const key of generator.keys) await compareStream(redis, harness, key, label);
        replay(harness, nodes, generator.keys, label);
      }
    });

    test("the same number of arguments is wrong for each command", async () => {
      await redis.run("HELLO", 2);
      await redis.run("FLUSHALL");
      const requests: Argument[][] = [];
      for (const { name, subcommands } of streamCommands) {
        for (let extra = 0; extra < 7; extra++) {
          const rest = Array<string>(extra).fill("5");
          requests.push([name, ...rest]);
          for (const sub of subcommands ?? []) requests.push([name, sub.name, ...rest]);
        }
      }
      await compareReplies(redis, newStreamHarness(), requests, "arity");
    });

    test("HELP answers what Redis does", async () => {
      await redis.run("HELLO", 2);
      await compareReplies(
        redis,
        newStreamHarness(),
        [
          ["XGROUP", "HELP"],
          ["XINFO", "help"],
        ],
        "help",
      );
    });
  },
);

async function beginSequence(redis: RawClient, nodes: NodeSizes): Promise<void> {
  await redis.runAll([
    ["CONFIG", "SET", "stream-node-max-bytes", nodes.bytes, "stream-node-max-entries", nodes.entries],
    ["FLUSHALL"],
    ["SET", "plain", "text"],
  ]);
}

/** As compareReplies, but times in replies need only be about the same. */
async function compareTimedReplies(
  redis: RawClient,
  harness: CommandHarness,
  requests: readonly (readonly Argument[])[],
  label: string,
): Promise<void> {
  const expected = await redis.runAll(requests);
  const nowMs = Date.now();
  for (const [i, request] of requests.entries()) {
    const actual = comparableReply(request, harness.run(...request), harness.clock.nowMs);
    const wanted = comparableReply(request, expected[i], nowMs);
    if (actual === wanted) continue;
    const before = requests.slice(Math.max(0, i - SHOWN_COMMANDS), i + 1).map((words) => words.join(" "));
    throw new Error(`${label}, command ${i}:\n${before.join("\n")}\nRedis:   ${wanted}\ntsredis: ${actual}`);
  }
}

/** What was propagated after the last FLUSHALL and the SET that follows it, without the brackets of transactions. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 2).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}

function compareEffects(expected: Buffer[][], actual: Buffer[][], nowMs: number, label: string): void {
  const now = Date.now();
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const wanted = expected[i] === undefined ? "nothing" : comparableEffect(expected[i], now);
    const found = actual[i] === undefined ? "nothing" : comparableEffect(actual[i], nowMs);
    if (wanted !== found)
      throw new Error(`${label}, propagated command ${i}:\nRedis:   ${wanted}\ntsredis: ${found}`);
  }
}

/** The same stream is in both, as each tells when it takes over the other's. */
async function compareStream(
  redis: RawClient,
  harness: CommandHarness,
  key: string,
  label: string,
): Promise<void> {
  const theirs = dumpInReply(await redis.run("DUMP", key));
  const ours = dumpInReply(harness.run("DUMP", key));
  expect(ours === undefined, label).toBe(theirs === undefined);
  if (ours === undefined || theirs === undefined) return;
  const hasGroups = !harness.text("XINFO", "GROUPS", key).startsWith("*0");
  // What is known of groups holds the time of each delivery.
  if (!hasGroups) expect(ours.toString("hex"), `${label}: ${key}`).toBe(theirs.toString("hex"));
  await redis.runAll([
    ["DEL", "taken"],
    ["RESTORE", "taken", 0, ours],
  ]);
  expect(dumpInReply(await redis.run("DUMP", "taken"))?.toString("hex"), label).toBe(ours.toString("hex"));
  harness.run("DEL", "taken");
  harness.run("RESTORE", "taken", 0, theirs);
  expect(dumpInReply(harness.run("DUMP", "taken"))?.toString("hex"), label).toBe(theirs.toString("hex"));
  harness.run("DEL", "taken");
  expect(await redis.text("DEBUG", "DIGEST-VALUE", key)).toBe(
    await redis.text("DEBUG", "DIGEST-VALUE", "taken"),
  );
  await redis.run("DEL", "taken");
}

/** What was propagated makes the same streams, when it is run on an empty server. */
function replay(original: CommandHarness, nodes: NodeSizes, keys: readonly string[], label: string): void {
  const copy = newStreamHarness(nodes, original.clock.nowMs);
  copy.client.resp = original.client.resp;
  copy.keyspace.expiring = false;
  for (const effect of original.effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
  copy.keyspace.expiring = true;
  for (const key of keys) {
    expect(copy.text("XRANGE", key, "-", "+"), label).toBe(original.text("XRANGE", key, "-", "+"));
    expect(copy.text("XINFO", "STREAM", key), label).toBe(original.text("XINFO", "STREAM", key));
  }
}
