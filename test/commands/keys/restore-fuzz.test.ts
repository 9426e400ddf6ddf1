/**
 * Payloads of all types, damaged at random and given a checksum that fits: RESTORE takes them or refuses them, but
 * never fails otherwise; and what it takes is a value like any other, which all commands can read, that can be dumped
 * and restored again, and whose memory comes back when it is deleted.
 */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { commandSpecs } from "../../../src/commands/all.ts";
import type { Argument } from "../../support/command-harness.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { dumpInReply, withFooter } from "../../support/dump-payloads.ts";
import { usualSeed } from "../../support/seed.ts";

const FOOTER_BYTES = 10;
/** FUZZ asks for more. */
const DAMAGED_PER_VALUE = Number(process.env["FUZZ"] ?? 400);

function numbered(count: number, text: (i: number) => Argument[]): Argument[] {
  return Array.from({ length: count }, (_, i) => text(i)).flat();
}

const long = "long ".repeat(60);

/** Commands that make a value of each type and form under the key `k`. */
const VALUES: readonly (readonly [name: string, commands: readonly Argument[][]])[] = [
  ["a list", [["RPUSH", "k", "a", 1, -1, 5000, "some text", "", long, "9223372036854775807"]]],
  ["a list of several chunks", [["RPUSH", "k", ...numbered(1500, (i) => [`element ${i}`])]]],
  ["an intset", [["SADD", "k", 1, 2, 70_000, -5]]],
  ["a wide intset", [["SADD", "k", "9223372036854775807", "-9223372036854775808", 0, 17]]],
  ["a set", [["SADD", "k", "a", "b", 3, long]]],
  ["a sorted set", [["ZADD", "k", 1, "a", 1.5, "b", "-inf", "c", 1e20, "d", 3, "33"]]],
  ["a large sorted set", [["ZADD", "k", ...numbered(200, (i) => [i / 3, `member ${i}`])]]],
  ["a hash", [["HSET", "k", "a", 1, "b", "text", "c", ""]]],
  ["a large hash", [["HSET", "k", "a", long, "b", "text", "c", 4]]],
  [
    "a stream",
    [
      ["XADD", "k", "1-1", "a", "b"],
      ["XADD", "k", "2-1", "a", "c", "d", "e"],
      ["XADD", "k", "2-5", "a", 1],
    ],
  ],
  [
    "a stream with groups",
    [
      ...Array.from({ length: 30 }, (_, i): Argument[] => ["XADD", "k", `${i + 1}-0`, "f", i]),
      ["XGROUP", "CREATE", "k", "g", 0],
      ["XREADGROUP", "GROUP", "g", "alice", "COUNT", 9, "STREAMS", "k", ">"],
      ["XREADGROUP", "GROUP", "g", "bob", "COUNT", 3, "STREAMS", "k", ">"],
      ["XACK", "k", "g", "2-0"],
      ["XDEL", "k", "3-0"],
    ],
  ],
];

/** Commands that look at all of a value, whatever its type; most answer that it has another one. */
const READS: readonly Argument[][] = [
  ["LRANGE", "k", 0, -1],
  ["LINDEX", "k", -2],
  ["SMEMBERS", "k"],
  ["SRANDMEMBER", "k", 5],
  ["ZRANGE", "k", 0, -1, "WITHSCORES"],
  ["ZRANGEBYSCORE", "k", "-inf", "+inf"],
  ["HGETALL", "k"],
  ["HRANDFIELD", "k", 3, "WITHVALUES"],
  ["XRANGE", "k", "-", "+"],
  ["XINFO", "STREAM", "k", "FULL", "COUNT", 0],
  ["XPENDING", "k", "g"],
  ["GET", "k"],
  ["OBJECT", "ENCODING", "k"],
  ["MEMORY", "USAGE", "k", "SAMPLES", 0],
];

/** Commands that change a value of each type. */
const CHANGES: readonly Argument[][] = [
  ["RPUSH", "k", "new"],
  ["LPOP", "k"],
  ["LSET", "k", 0, "other"],
  ["SADD", "k", "new"],
  ["SPOP", "k"],
  ["ZADD", "k", 2, "new"],
  ["ZINCRBY", "k", 5, "a"],
  ["ZPOPMIN", "k"],
  ["HSET", "k", "new", 1],
  ["HDEL", "k", "a"],
  ["XADD", "k", "18446744073709551615-5", "f", "v"],
  ["XTRIM", "k", "MAXLEN", 2],
  ["XACK", "k", "g", "1-0"],
];

/** Flips bits, overwrites, inserts and cuts bytes, one to three times. */
function damage(payload: Buffer, random: SeededRandom): Buffer {
  let bytes = Buffer.from(payload.subarray(0, -FOOTER_BYTES));
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(bytes.length);
    const kind = random.below(6);
    if (kind === 0) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
    else if (kind === 1)
      bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(3)), bytes.subarray(at)]);
    else if (kind === 2) bytes[at] = random.below(256);
    else if (kind === 3) bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
    else bytes[at] ^= 1 << random.below(8);
    if (bytes.length === 0) bytes = Buffer.from([random.below(25)]);
  }
  return withFooter(bytes);
}

describe("damaged payloads", () => {
  test.each(VALUES)("of %s", (_, commands) => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const harness = new CommandHarness({ commands: commandSpecs, config: { rdbcompression: true } });
    for (const command of commands) expect(harness.text(...command)).not.toMatch(/^-/);
    const payload = dumpInReply(harness.run("DUMP", "k"))!;
    harness.run("DEL", "k");
    const before = harness.keyspace.entries.allocatedBytes;
    let taken = 0;
    for (let i = 0; i < DAMAGED_PER_VALUE; i++) {
      const damaged = damage(payload, random);
      const label = `seed ${seed}, ${damaged.toString("hex").slice(0, 4000)}`;
      const reply = harness.text("RESTORE", "k", 0, damaged);
      if (reply === "-ERR Bad data format\r\n") continue;
      expect(reply, label).toBe("+OK\r\n");
      taken++;
      for (const read of READS) expect(() => harness.run(...read), label).not.toThrow();
      const again = dumpInReply(harness.run("DUMP", "k"))!;
      expect(harness.text("RESTORE", "k2", 0, again), label).toBe("+OK\r\n");
      expect(dumpInReply(harness.run("DUMP", "k2")), label).toEqual(again);
      for (const change of CHANGES) expect(() => harness.run(...change), label).not.toThrow();
      harness.run("DEL", "k", "k2");
      expect(harness.keyspace.entries.allocatedBytes, label).toBe(before);
    }
    // Most damage is noticed; what only changes an element is not.
    expect(taken).toBeLessThan(DAMAGED_PER_VALUE);
  });
});
