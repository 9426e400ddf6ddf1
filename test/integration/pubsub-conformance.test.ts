/**
 * Publish and subscribe on the real Redis and on tsredis: several connections, in both versions of the protocol, send
 * the same random commands; what each of them gets, and in which order, must be the same bytes.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { pubsubCommands } from "../../src/commands/pubsub/index.ts";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const CONNECTIONS = 4;
const STEPS = Number(process.env["PUBSUB_STEPS"] ?? 600);
const CHANNELS = ["a", "b", "ab", "abc", "", "\xff\0"];
const PATTERNS = ["a*", "?", "[ab]*", "abc", "*"];

type Command = readonly Argument[];

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)];
}

function some<T>(random: Random, items: readonly T[]): T[] {
  return Array.from({ length: 1 + random.below(3) }, () => pick(random, items));
}

const channelsOf = (random: Random) => some(random, CHANNELS).map((name) => Buffer.from(name, "latin1"));

const COMMANDS: readonly ((random: Random) => Command)[] = [
  (random) => ["SUBSCRIBE", ...channelsOf(random)],
  (random) => ["UNSUBSCRIBE", ...channelsOf(random)],
  (random) => ["SSUBSCRIBE", ...channelsOf(random)],
  (random) => ["SUNSUBSCRIBE", ...channelsOf(random)],
  (random) => ["PSUBSCRIBE", ...some(random, PATTERNS)],
  (random) => ["PUNSUBSCRIBE", ...some(random, PATTERNS)],
  (random) => ["PUBLISH", ...channelsOf(random).slice(0, 1), "x".repeat(random.below(300))],
  (random) => ["PUBLISH", ...channelsOf(random).slice(0, 1), "m"],
  (random) => ["SPUBLISH", ...channelsOf(random).slice(0, 1), "m"],
  (random) => ["PUBSUB", "NUMSUB", ...channelsOf(random)],
  (random) => ["PUBSUB", "SHARDNUMSUB", ...channelsOf(random)],
  () => ["PUBSUB", "NUMPAT"],
  () => ["PUBSUB", "CHANNELS", "abc"],
  () => ["PING"],
  () => ["PING", "text"],
  () => ["GET", "key"],
  (random) => [
    "EVAL",
    "redis.call('set', 'key', ARGV[1]) return redis.call('publish', KEYS[1], ARGV[1])",
    1,
    ...channelsOf(random).slice(0, 1),
    "s",
  ],
];

/** One or several commands that belong together. */
function nextStep(random: Random): Command[] {
  const commands = Array.from({ length: 1 + random.below(4) }, () => pick(random, COMMANDS)(random));
  switch (random.below(14)) {
    case 0:
      return [["MULTI"], ...commands.filter(([name]) => name !== "EVAL"), ["EXEC"]];
    case 1:
      // In RESP2 a subscriber can end that with RESET only.
      return [["CLIENT", "REPLY", "OFF"], ...commands, ["RESET"]];
    case 2:
      return [["CLIENT", "REPLY", "SKIP"], ...commands];
    case 3:
      return [["UNSUBSCRIBE"], ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"], ...commands];
    case 4:
      return [["RESET"], ...commands];
    case 5:
      return [["HELLO", pick(random, [2, 3])]];
    case 6:
      return [["RESET"], ["HELLO", 3], ["CLIENT", "REPLY", "OFF"], ...commands, ["CLIENT", "REPLY", "ON"]];
    default:
      return commands;
  }
}

/** What came, with that in one order which Redis has in that of its hash tables. */
function inOrder(frames: readonly Buffer[]): string[] {
  const texts = frames
    .map((frame) => frame.toString("latin1"))
    .filter((text) => !text.includes("$5\r\nproto"));
  const isUnordered = (text: string) =>
    /^[*>]\d+\r\n\$8\r\npmessage|^[*>]3\r\n\$1[0-3]\r\n[ps]?unsubscribe/.test(text);
  const result: string[] = [];
  let run: string[] = [];
  const close = () => {
    // Of subscriptions that end, the counts are in order, the names are not.
    const counts = run.map((text) => /:\d+\r\n$/.exec(text)?.[0] ?? "");
    const names = run.map((text) => text.replace(/:\d+\r\n$/, "")).sort();
    result.push(...names.map((name, i) => name + counts[i]));
    run = [];
  };
  for (const text of texts) {
    if (isUnordered(text)) run.push(text);
    else {
      close();
      result.push(text);
    }
  }
  close();
  return result;
}

describe.skipIf(!hasRedisServer)("publish and subscribe as the real Redis", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess;
  let pairs: (readonly [redis: RawClient, own: RawClient])[] = [];

  beforeAll(async () => {
    folder = temporaryFolder();
    redis = await startRedisServer([], folder);
    own = await startServerProcess(folder, ["--save", ""]);
  });

  afterAll(async () => {
    await Promise.all([redis.stop(), own.kill()]);
    removeFolder(folder);
  });

  beforeEach(async () => {
    const connectPair = () => Promise.all([RawClient.connect(redis.port), RawClient.connect(own.port)]);
    pairs = await Promise.all(Array.from({ length: CONNECTIONS }, connectPair));
  });

  afterEach(() => {
    for (const pair of pairs) for (const client of pair) client.close();
  });

  test("all connections get the same messages and replies in the same order", async () => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const history: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const commands = nextStep(random);
      const sender = random.below(CONNECTIONS);
      history.push(`${sender}: ${commands.map((command) => command.map(String).join(" ")).join("; ")}`);
      for (const receiver of [sender, ...pairs.keys()]) {
        const requests = receiver === sender ? commands.splice(0) : [];
        const [expected, actual] = await Promise.all(
          pairs[receiver].map((client) => client.collect(requests)),
        );
        const label = `seed ${seed}, connection ${receiver} after\n${history.slice(-12).join("\n")}`;
        expect(inOrder(actual), label).toEqual(inOrder(expected));
      }
    }
  });

  test("the commands are described alike", async () => {
    const [[redisClient, ownClient]] = pairs;
    for (const { name, subcommands = [] } of pubsubCommands) {
      const names = [name, ...subcommands.map((subcommand) => `${name}|${subcommand.name}`)];
      // The order of subcommands within their container is Redis's hash table's.
      for (const full of subcommands.length > 0 ? names.slice(1) : names) {
        const description = await ownClient.text("COMMAND", "INFO", full);
        expect(description, full).toBe(await redisClient.text("COMMAND", "INFO", full));
      }
    }
  });

  test("what is wrong is refused in the same words", async () => {
    const [[redisClient, ownClient]] = pairs;
    const requests: Command[] = [
      ["SUBSCRIBE"],
      ["PUBLISH", "a"],
      ["SPUBLISH", "a", "b", "c"],
      ["PUBSUB"],
      ["PUBSUB", "NONE"],
      ["PUBSUB", "CHANNELS", "a", "b"],
      ["PUBSUB", "NUMPAT", "a"],
      ["PUBSUB", "SHARDCHANNELS", "a", "b"],
      ["EVAL", "return redis.call('subscribe', 'a')", 0],
      ["EVAL_RO", "return redis.call('publish', 'a', 'b')", 0],
      ["EVAL", "#!lua flags=no-writes\nreturn redis.call('publish', 'a', 'b')", 0],
      ["MULTI"],
      ["SSUBSCRIBE", "a"],
      ["EXEC"],
      ["COMMAND", "GETKEYS", "SSUBSCRIBE", "a", "b"],
      ["COMMAND", "GETKEYS", "PUBLISH", "a", "b"],
      ["SUBSCRIBE", "a"],
      ["GET", "a"],
      ["MULTI"],
      ["CLIENT", "ID"],
      ["PUBLISH", "a", "b"],
      ["NONE"],
      ["GET"],
    ];
    const [expected, actual] = await Promise.all(
      [redisClient, ownClient].map((client) => client.runAll(requests)),
    );
    expect(actual.map(String)).toEqual(expected.map(String));
  });
});
