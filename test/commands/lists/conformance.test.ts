/**
 * Lists against the real Redis 7: random sequences, the same for both, must get the same replies byte for byte, leave
 * the same lists, and propagate the same commands to the append-only file. Commands that could wait run in a
 * transaction, where they do not. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { listCommands } from "../../../src/commands/lists/index.ts";
import { replyCommand } from "../../../src/commands/server/command-reply.ts";
import { ReplyWriter } from "../../../src/protocol/reply-writer.ts";
import type { Argument, CommandHarness } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies } from "../../support/comparison.ts";
import { dumpInReply } from "../../support/dump-payloads.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { compareValues } from "../../support/value-comparison.ts";
import { ListCommandGenerator } from "./generator.ts";
import { newListHarness } from "./harness.ts";

const SEQUENCES = 25;
const COMMANDS_PER_SEQUENCE = 300;
/** list-max-listpack-size. */
const FILLS = [-2, -1, 3, -5, 128, 1, 0];
const MAY_WAIT = /^B[LR]/;
const ARRAY_OF_ONE = "*1\r\n";

/** Sends what could wait in a transaction, and takes its reply out of that of EXEC. */
class UnblockingClient {
  private readonly redis: RawClient;

  constructor(redis: RawClient) {
    this.redis = redis;
  }

  async runAll(requests: readonly (readonly Argument[])[]): Promise<Buffer[]> {
    const sent = requests.flatMap((request) =>
      MAY_WAIT.test(String(request[0])) ? [["MULTI"], request, ["EXEC"]] : [request],
    );
    const replies = await this.redis.runAll(sent);
    return requests.map((request) => {
      const reply = replies.shift()!;
      if (!MAY_WAIT.test(String(request[0]))) return reply;
      const queued = replies.shift()!;
      const all = replies.shift()!;
      return queued[0] === 0x2d ? queued : all.subarray(ARRAY_OF_ONE.length);
    });
  }
}

describe.skipIf(!hasRedisServer)("lists as in the real Redis (skipped where redis-server is missing)", () => {
  let oracle: RedisOracle;
  let redis: RawClient;

  beforeAll(async () => {
    oracle = await RedisOracle.start("--rdbcompression", "no");
    redis = oracle.client;
  });

  afterAll(() => oracle.stop());

  async function reset(resp: 2 | 3, fill: number): Promise<void> {
    await redis.runAll([
      ["HELLO", resp],
      ["CONFIG", "SET", "list-max-listpack-size", fill],
      ["FLUSHALL"],
      ["SET", "string", "a"],
    ]);
  }

  test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
      const fill = FILLS[seed % FILLS.length];
      const label = `seed ${seed}, RESP${resp}, list-max-listpack-size ${fill}`;
      await reset(resp, fill);
      const harness = newListHarness(fill);
      harness.run("SET", "string", "a");
      harness.takeEffects();
      harness.client.resp = resp;
      const generator = new ListCommandGenerator(new SeededRandom(seed));
      const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
      await compareReplies(new UnblockingClient(redis), harness, requests, label);
      const effects = [...harness.effects];
      await compareValues(redis, harness, generator.keys, label);
      comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
      const copy = newListHarness(fill);
      copy.run("SET", "string", "a");
      for (const effect of effects) expect(copy.text(...effect), label).not.toMatch(/^-/);
      await compareValues(redis, copy, generator.keys, `${label}, replayed`);
      for (const key of generator.keys) await carryBothWays(harness, key, label);
    }
  });

  /** Our payload into Redis and Redis's into ours: both hold the same list then. */
  async function carryBothWays(harness: CommandHarness, key: string, label: string): Promise<void> {
    const ours = dumpInReply(harness.run("DUMP", key));
    const theirs = dumpInReply(await redis.run("DUMP", key));
    expect(ours === undefined, label).toBe(theirs === undefined);
    if (ours === undefined || theirs === undefined) return;
    expect(await redis.text("RESTORE", key, 0, ours, "REPLACE"), label).toBe("+OK\r\n");
    expect(harness.text("RESTORE", key, 0, theirs, "REPLACE"), label).toBe("+OK\r\n");
    await compareValues(redis, harness, [key], `${label}, carried`);
  }

  test("the payload of a list that was only pushed is the same, whatever its size", async () => {
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + 60; seed++) {
      const fill = [-2, -1, 5, 1][seed % 4];
      await reset(2, fill);
      const harness = newListHarness(fill);
      const random = new SeededRandom(seed);
      const maxLength = [3, 30, 300, 6000][random.below(4)];
      const end = random.below(2) === 0 ? "RPUSH" : "LPUSH";
      for (let i = random.below(60); i >= 0; i--) {
        const elements = Array.from({ length: 1 + random.below(20) }, () =>
          random.below(4) === 0 ? String(random.below(70_000)) : Buffer.alloc(random.below(maxLength), 0x61),
        );
        await redis.run(end, "k", ...elements);
        harness.run(end, "k", ...elements);
      }
      const expected = dumpInReply(await redis.run("DUMP", "k"))!;
      expect(dumpInReply(harness.run("DUMP", "k"))!.equals(expected), `seed ${seed}`).toBe(true);
    }
  });

  test("the same number of arguments is wrong for each command", async () => {
    await reset(2, -2);
    const requests: Argument[][] = [];
    for (const { name } of listCommands) {
      for (let extra = 0; extra < 7; extra++)
        requests.push([name.toUpperCase(), ...Array<string>(extra).fill("5")]);
    }
    await compareReplies(new UnblockingClient(redis), newListHarness(), requests, "arity");
  });

  test("COMMAND INFO says what the declarations say", async () => {
    await redis.run("HELLO", 3);
    for (const spec of listCommands) {
      const reply = new ReplyWriter();
      reply.resp = 3;
      reply.array(1);
      replyCommand(reply, spec);
      const expected = await redis.text("COMMAND", "INFO", spec.name);
      expect(reply.buf.toString("latin1", 0, reply.end)).toBe(expected);
    }
  });
});

/** What was propagated after the last FLUSHALL and the SET that follows it. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 2).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}
