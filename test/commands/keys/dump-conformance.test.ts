/**
 * DUMP and RESTORE against the real Redis 7: the same payloads where neither compresses, payloads that the other takes
 * where they do, in both directions and of any size, and the same answer to every version and every damage.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { decodeLength, decodeString, RdbEncodingError, RdbLength } from "../../../src/types/rdb-encoding.ts";
import type { Argument, CommandHarness } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies, compareStrings } from "../../support/comparison.ts";
import { dumpInReply, plainDump, withFooter } from "../../support/dump-payloads.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { newKeyHarness } from "./harness.ts";

const RANDOM_VALUES = 400;
const LARGE_BYTES = 20_000_000;
const LZF = 0xc3;
const UNKNOWN_LENGTH = /^Unknown length/;

/** Strings of every encoding in RDB, at the borders between them. */
function edgeValues(): Buffer[] {
  const texts = ["", "0", "-0", "+1", "01", "1.5", "9223372036854775807", "-9223372036854775808"];
  for (const power of [7, 8, 15, 16, 31, 32, 33, 53]) {
    for (const offset of [-1, 0, 1]) texts.push(String(2 ** power + offset), String(-(2 ** power) + offset));
  }
  const values: Buffer[] = texts.map((text) => Buffer.from(text));
  for (const length of [19, 20, 21, 22, 43, 44, 45, 63, 64, 65, 16_383, 16_384, 70_000]) {
    values.push(Buffer.alloc(length, "x"), Buffer.alloc(length, "abcdefghijklmnopqrstuvwxyz"));
    values.push(new SeededRandom(length).bytes(length));
  }
  return values;
}

function randomValue(random: SeededRandom): Buffer {
  const length = random.below(random.below(2) === 0 ? 40 : 3000);
  const noise = random.bytes(length);
  // From noise to text of few letters, which compresses well.
  const letters = 1 << (1 + random.below(8));
  return Buffer.from(noise.map((byte) => 0x30 + (byte % letters)));
}

describe.skipIf(!hasRedisServer)(
  "payloads as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;
    let harness: CommandHarness;

    beforeAll(async () => {
      oracle = await RedisOracle.start();
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    beforeEach(async () => {
      await redis.runAll([["HELLO", 2], ["FLUSHALL"], ["CONFIG", "SET", "rdbcompression", "yes"]]);
      harness = newKeyHarness();
    });

    function bothRun(...request: Argument[]): Promise<[Buffer, Buffer]> {
      return redis.run(...request).then((reply) => [reply, harness.run(...request)]);
    }

    /** Our payload into Redis and Redis's into ours: both must then hold `value`, encoded alike. */
    async function carryBothWays(value: Buffer, label: string): Promise<void> {
      await bothRun("SET", "k", value);
      const [theirs, ours] = (await bothRun("DUMP", "k")).map((reply) => dumpInReply(reply)!);
      expect((await redis.text("RESTORE", "carried", 0, ours, "REPLACE"))[0], label).toBe("+");
      expect(harness.text("RESTORE", "carried", 0, theirs, "REPLACE")[0], label).toBe("+");
      const bulk = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n")]);
      for (const reply of await bothRun("GET", "carried")) expect(reply.equals(bulk), label).toBe(true);
      for (const question of [
        ["OBJECT", "ENCODING", "carried"],
        ["OBJECT", "REFCOUNT", "carried"],
      ]) {
        const [expected, actual] = await bothRun(...question);
        expect(actual.toString(), label).toBe(expected.toString());
      }
    }

    test("payloads that are not compressed are the same, byte for byte", async () => {
      await redis.run("CONFIG", "SET", "rdbcompression", "no");
      Object.assign(harness.server.config, { rdbcompression: false });
      const seed = usualSeed();
      const random = new SeededRandom(seed);
      const values = edgeValues();
      for (let i = 0; i < RANDOM_VALUES; i++) values.push(randomValue(random));
      const requests = values.flatMap((value): Argument[][] => [
        ["SET", "k", value],
        ["DUMP", "k"],
      ]);
      requests.push(["SET", "k", "1"], ["APPEND", "k", "2"], ["DUMP", "k"], ["INCR", "k"], ["DUMP", "k"]);
      requests.push(["SETRANGE", "k", 100, "end"], ["DUMP", "k"], ["DUMP", "none"]);
      await compareReplies(redis, harness, requests, `seed ${seed}`);
    });

    test("compressed payloads are taken over in both directions", async () => {
      const seed = usualSeed();
      const random = new SeededRandom(seed);
      for (const [i, value] of edgeValues().entries()) await carryBothWays(value, `edge ${i}`);
      for (let i = 0; i < RANDOM_VALUES; i++) await carryBothWays(randomValue(random), `seed ${seed}, ${i}`);
    });

    test("so are values of 20 MB, compressible or not", async () => {
      for (const value of [Buffer.alloc(LARGE_BYTES, "text "), new SeededRandom(1).bytes(LARGE_BYTES)]) {
        await carryBothWays(value, "large");
      }
    });

    test("versions, checksums, types and options are judged alike", async () => {
      const good = Buffer.from("00036f6e65", "hex");
      const requests: Argument[][] = [];
      for (const version of [0, 1, 6, 9, 10, 11, 12, 13, 255, 256, 0x0a00, 0xffff]) {
        requests.push(["RESTORE", "k", 0, withFooter(good, version), "REPLACE"]);
      }
      const zeroed = withFooter(good);
      zeroed.fill(0, zeroed.length - 8);
      for (const payload of [zeroed, "", "short", "nine byte", "ten bytes."])
        requests.push(["RESTORE", "k", 0, payload, "REPLACE"]);
      for (let type = 0; type < 256; type++) {
        // A body that is nothing of any type: its first length reaches far beyond the end.
        requests.push(["RESTORE", "k", 0, withFooter(Buffer.of(type, 0x7f, 0xff, 1, 2, 3)), "REPLACE"]);
      }
      for (const time of ["0", "-1", "-0", "1.0", "", "x", "9223372036854775808", "9223372036854775807"]) {
        for (const options of [[], ["ABSTTL"], ["REPLACE", "ABSTTL"], ["IDLETIME", "9223372036854775807"]])
          requests.push(["RESTORE", `time ${time}`, time, plainDump("v"), ...options]);
      }
      await compareReplies(redis, harness, requests, "judgements");
    });

    test("damage that the checksum does not show is refused alike", async () => {
      const seed = usualSeed();
      const random = new SeededRandom(seed);
      const requests: Argument[][] = [];
      while (requests.length < 800) {
        harness.run("SET", "source", randomValue(random));
        const body = dumpInReply(harness.run("DUMP", "source"))!.subarray(0, -10);
        const place = random.below(random.below(2) === 0 ? Math.min(8, body.length) : body.length);
        const damaged = Buffer.from(body);
        damaged[place] ^= 1 << random.below(8);
        const payload = withFooter(damaged);
        if (damaged[0] !== 0 || !isJudgedAlike(payload)) continue;
        requests.push(["RESTORE", "k", 0, payload, "REPLACE"], ["GET", "k"]);
      }
      await redis.run("SET", "k", "untouched");
      harness.run("SET", "k", "untouched");
      await compareReplies(redis, harness, requests, `seed ${seed}`);
    });

    test("what is propagated is the same", async () => {
      const marker = "marker";
      await bothRun("SET", marker, "");
      harness.effects.length = 0;
      const payload = plainDump("v");
      const requests: Argument[][] = [
        ["restore", "a", 0, payload],
        ["RESTORE", "b", 500_000, payload, "idletime", 5],
        ["RESTORE", "b", 600_000, payload, "replace", "freq", 5],
        ["RESTORE-ASKING", "c", 44_000_000_000_000, payload, "absttl"],
        ["restore-asking", "d", 700_000, payload],
        ["RESTORE", "d", 1, payload, "ABSTTL", "REPLACE"],
        ["RESTORE", "none", 1, payload, "ABSTTL", "REPLACE"],
        ["RESTORE", "a", "9223372036854775807", payload, "REPLACE"],
        ["RESTORE", "c", 0, payload],
        ["RESTORE", "c", 0, "x", "REPLACE"],
      ];
      await compareReplies(redis, harness, requests, "propagation");
      const log = oracle.propagated();
      const start = log.findLastIndex((command) => command[1]?.toString() === marker);
      comparePropagated(log.slice(start + 1), harness.effects, "propagation");
      await compareStrings(redis, harness, ["a", "b", "c", "d", "none"], "propagation");
    });
  },
);

/**
 * Whether Redis, too, goes by the value's own bytes. It does not mind bytes behind the value; it lets a value that is
 * too long end in the footer; it takes a string's encoding for a length, and any LZF for nothing if that is what the
 * length says. None of these is accepted here, so such damage is left out.
 */
function isJudgedAlike(payload: Buffer): boolean {
  const bytes = { buffer: payload, next: 1, end: payload.length };
  try {
    decodeString(bytes);
  } catch (error) {
    if (!(error instanceof RdbEncodingError)) throw error;
    return payload[1] !== LZF || UNKNOWN_LENGTH.test(error.message) || claimsSomething(payload);
  }
  // At the start if there is no string even with the footer.
  return bytes.next === 1 || bytes.next === payload.length - 10;
}

/** Whether both lengths of an LZF string are lengths, and the second is not zero. */
function claimsSomething(payload: Buffer): boolean {
  const bytes = { buffer: payload, next: 2, end: payload.length };
  const length = new RdbLength();
  for (let i = 0; i < 2; i++) {
    decodeLength(bytes, length);
    if (length.isEncoding) return false;
  }
  return length.value > 0;
}
