/**
 * HyperLogLogs against the real Redis 7: random sequences, the same for both, must get the same replies byte for byte
 * (GET shows the whole value), leave the same strings, and propagate the same commands to the append-only file. The
 * seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { hyperloglogCommands } from "../../../src/commands/hyperloglog/index.ts";
import type { Argument } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies, compareStrings } from "../../support/comparison.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { HyperLogLogCommandGenerator } from "./generator.ts";
import { newHyperLogLogHarness } from "./harness.ts";

const SEQUENCES = 25;
const COMMANDS_PER_SEQUENCE = 200;
/** hll-sparse-max-bytes: never sparse, soon dense, the default, longer than any. */
const LIMITS = [0, 30, 200, 3000, 100_000];
const DAMAGED_VALUES = 3000;

describe.skipIf(!hasRedisServer)(
  "HyperLogLogs as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      oracle = await RedisOracle.start();
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    async function reset(resp: 2 | 3, hllSparseMaxBytes: number): Promise<void> {
      await redis.runAll([
        ["HELLO", resp],
        ["CONFIG", "SET", "hll-sparse-max-bytes", hllSparseMaxBytes],
        ["FLUSHALL"],
        ["RPUSH", "list", "a"],
      ]);
    }

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const limit = LIMITS[seed % LIMITS.length];
        const label = `seed ${seed}, RESP${resp}, hll-sparse-max-bytes ${limit}`;
        await reset(resp, limit);
        const harness = newHyperLogLogHarness(limit);
        harness.client.resp = resp;
        const generator = new HyperLogLogCommandGenerator(new SeededRandom(seed));
        const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
        await compareReplies(redis, harness, requests, label);
        const effects = [...harness.effects];
        await compareStrings(redis, harness, generator.keys, label);
        comparePropagated(sinceLastFlush(oracle.propagated()), effects, label);
        // Repeating what was propagated leaves the same bytes, cached cardinalities included.
        const copy = newHyperLogLogHarness(limit);
        copy.client.resp = resp;
        for (const effect of effects) expect(replayed(effect, copy), label).not.toMatch(/^-/);
        for (const key of generator.keys) expect(copy.text("GET", key), label).toBe(harness.text("GET", key));
      }
    });

    test("strings that are damaged HyperLogLogs, or none", async () => {
      const seed = usualSeed();
      const random = new SeededRandom(seed);
      const generator = new HyperLogLogCommandGenerator(random);
      await reset(2, 3000);
      const harness = newHyperLogLogHarness();
      for (let i = 0; i < DAMAGED_VALUES; i++) {
        // A value as commands make it, in which bytes are changed, or the end is cut off or added to.
        harness.run("GETDEL", "k");
        harness.run("PFADD", "k", ...generator.elements());
        if (random.below(8) === 0) harness.run("PFDEBUG", "TODENSE", "k");
        if (random.below(2) === 0) harness.run("PFCOUNT", "k");
        const value = damaged(bulk(harness.run("GET", "k")), random);
        if (isReadOtherwise(value)) continue;
        const question: Argument[] = [
          ["PFADD", "k", ...generator.elements().slice(0, 1)],
          ["PFCOUNT", "k"],
          ["PFCOUNT", "none", "k"],
          ["PFMERGE", "to", "k"],
          ["PFMERGE", "k"],
          ["PFDEBUG", ["GETREG", "DECODE", "ENCODING", "TODENSE"][random.below(4)], "k"],
        ][random.below(6)];
        const requests: Argument[][] = [
          ["SET", "k", value],
          ["GETDEL", "to"],
          question,
          ["GET", "k"],
          ["GET", "to"],
        ];
        await compareReplies(redis, harness, requests, `seed ${seed}, value ${i}`);
      }
    });

    test("registers beyond what elements bring", async () => {
      await reset(2, 3000);
      const requests: Argument[][] = [];
      for (const [value, count, others] of [
        [63, 0, 63],
        [50, 200, 63],
        [30, 1, 63],
        [40, 8000, 63],
        [51, 9000, 0],
        [51, 3, 40],
        [50, 16384, 0],
      ]) {
        const dense = Buffer.alloc(12304);
        dense.write("HYLL");
        dense[15] = 0x80;
        for (let i = 0; i < 16384; i++) {
          const bits = (i < count ? value : others) << ((6 * i) & 7);
          const at = 16 + ((6 * i) >> 3);
          dense[at] |= bits & 0xff;
          if (bits > 0xff) dense[at + 1] |= bits >> 8;
        }
        requests.push(["SET", "k", dense], ["PFCOUNT", "k", "none"], ["PFCOUNT", "k"], ["GET", "k"]);
        requests.push(["PFCOUNT", "k"], ["PFADD", "k", "a"], ["GET", "k"]);
      }
      const counted = Buffer.from("HYLL\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f\x7f\xff", "latin1");
      requests.push(["SET", "k", counted], ["PFCOUNT", "k"]);
      await compareReplies(redis, newHyperLogLogHarness(), requests, "registers");
    });

    test("the same number of arguments is wrong for each command", async () => {
      await reset(2, 3000);
      const requests: Argument[][] = [];
      for (const { name } of hyperloglogCommands) {
        for (let extra = name === "pfselftest" ? 1 : 0; extra < 5; extra++)
          requests.push([name, ...Array<string>(extra).fill("5")]);
      }
      await compareReplies(redis, newHyperLogLogHarness(), requests, "arity");
    });
  },
);

function replayed(effect: readonly Buffer[], copy: ReturnType<typeof newHyperLogLogHarness>): string {
  // Of keys, only what strings' commands make of them.
  const name = effect[0].toString().toUpperCase();
  if (name === "DEL") return copy.text("GETDEL", effect[1]);
  if (name === "PEXPIREAT") return copy.text("GETEX", effect[1], "PXAT", effect[2]);
  if (name === "PERSIST") return copy.text("GETEX", effect[1], "PERSIST");
  return copy.text(...effect);
}

/** What was propagated after the last FLUSHALL and the RPUSH that follows it. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 2).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}

/** The bytes of a bulk reply. */
function bulk(reply: Buffer): Buffer {
  return reply.subarray(reply.indexOf("\n") + 1, reply.length - 2);
}

function damaged(value: Buffer, random: SeededRandom): Buffer {
  let bytes = Buffer.from(value);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(random.below(4) === 0 ? Math.min(16, bytes.length) : bytes.length);
    switch (random.below(4)) {
      case 0:
        bytes = bytes.subarray(0, Math.max(1, at));
        break;
      case 1:
        bytes = Buffer.concat([bytes, random.bytes(1 + random.below(4))]);
        break;
      default:
        bytes[at] = random.next() & 0xff;
    }
  }
  return bytes;
}

/**
 * What Redis reads in its own way. An XZERO of which only the first byte is there: it writes one byte too few when that
 * is divided. And a VAL behind the last register: which versions of 7.0 take for damage differs.
 */
function isReadOtherwise(value: Buffer): boolean {
  if (value[4] !== 1) return false;
  let at = 16;
  let registers = 0;
  while (at < value.length) {
    const opcode = value[at];
    if (opcode >= 0x80 && registers + (opcode & 3) + 1 > 16384) return true;
    if (opcode >= 0x40 && opcode < 0x80) registers += (((opcode & 63) << 8) | value[++at]) + 1;
    else registers += (opcode >= 0x80 ? opcode & 3 : opcode) + 1;
    at++;
  }
  return at > value.length;
}
