/**
 * Fields that expire: replies, error texts and effects of Redis 7.4, which is not at hand to compare with.
 */
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { hashCommands } from "../../../src/commands/hashes/index.ts";
import { ActiveExpiry } from "../../../src/keyspace/expiry.ts";
import { createDump } from "../../../src/types/dump-payload.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { WHOLE_ENTRIES } from "../../support/whole-entries.ts";
import { newHashHarness } from "./harness.ts";

/** Both forms: entries of a small hash. */
const FORMS = [
  { form: "listpackex", entries: 512 },
  { form: "hashtable", entries: 1 },
];

/** The integers of an array reply. */
function integers(harness: CommandHarness, ...args: string[]): number[] {
  const [header, ...lines] = harness
    .text(...args)
    .trim()
    .split("\r\n");
  expect(header).toBe(`*${lines.length}`);
  return lines.map((line) => Number(line.slice(1)));
}

function bulks(harness: CommandHarness, ...args: string[]): string[] {
  const lines = harness
    .text(...args)
    .trim()
    .split("\r\n")
    .slice(1);
  return lines.filter((_line, i) => i % 2 === 1).sort();
}

function encoding(harness: CommandHarness, key: string): string {
  return harness.text("OBJECT", "ENCODING", key).split("\r\n")[1];
}

describe.each(FORMS)("as $form", ({ form, entries }) => {
  function newHash(): CommandHarness {
    const harness = newHashHarness({ entries });
    harness.run("HSET", "h", "a", "1", "b", "2", "c", "3");
    harness.takeEffects();
    return harness;
  }

  test("each command sets a time, and the log gets the instant", () => {
    const harness = newHash();
    const now = harness.clock.nowMs;
    const seconds = Math.ceil(now / 1000);
    expect(integers(harness, "HEXPIRE", "h", "10", "FIELDS", "2", "a", "x")).toEqual([1, -2]);
    expect(encoding(harness, "h")).toBe(form);
    expect(integers(harness, "HPEXPIRE", "h", "10500", "fields", "1", "b")).toEqual([1]);
    expect(integers(harness, "HTTL", "h", "FIELDS", "4", "a", "b", "c", "x")).toEqual([10, 11, -1, -2]);
    expect(integers(harness, "HPTTL", "h", "FIELDS", "3", "a", "b", "c")).toEqual([10000, 10500, -1]);
    expect(integers(harness, "HPEXPIRETIME", "h", "FIELDS", "1", "b")).toEqual([now + 10500]);
    expect(integers(harness, "HEXPIRETIME", "h", "FIELDS", "1", "b")).toEqual([
      Math.ceil((now + 10500) / 1000),
    ]);
    expect(integers(harness, "HEXPIREAT", "h", String(seconds + 5), "FIELDS", "1", "c")).toEqual([1]);
    expect(integers(harness, "HPEXPIREAT", "h", String(now + 7), "FIELDS", "2", "a", "a")).toEqual([1, 1]);
    expect(harness.takeEffects()).toEqual([
      `HPEXPIREAT h ${now + 10000} FIELDS 1 a`,
      `HPEXPIREAT h ${now + 10500} FIELDS 1 b`,
      `HPEXPIREAT h ${(seconds + 5) * 1000} FIELDS 1 c`,
      `HPEXPIREAT h ${now + 7} FIELDS 2 a a`,
    ]);
    expect(integers(harness, "HPERSIST", "h", "FIELDS", "3", "a", "a", "x")).toEqual([1, -1, -2]);
    expect(integers(harness, "HTTL", "h", "FIELDS", "1", "a")).toEqual([-1]);
    expect(harness.takeEffects()).toEqual(["HPERSIST h FIELDS 3 a a x"]);
    expect(integers(harness, "HPERSIST", "h", "FIELDS", "1", "a")).toEqual([-1]);
    expect(harness.takeEffects()).toEqual([]);
  });

  test("conditions", () => {
    const harness = newHash();
    const set = (time: string, ...rest: string[]) =>
      integers(harness, "HPEXPIRE", "h", time, ...rest, "FIELDS", "1", "a")[0];
    expect(set("100", "XX")).toBe(0);
    expect(set("100", "GT")).toBe(0);
    expect(set("100", "LT")).toBe(1);
    expect(set("100", "LT")).toBe(0);
    expect(set("100", "GT")).toBe(0);
    expect(set("101", "gt")).toBe(1);
    expect(set("200", "NX")).toBe(0);
    expect(set("200", "XX")).toBe(1);
    expect(set("150", "lt")).toBe(1);
    expect(integers(harness, "HPEXPIRE", "h", "50", "NX", "FIELDS", "2", "a", "b")).toEqual([0, 1]);
    expect(harness.takeEffects().at(-1)).toBe(`HPEXPIREAT h ${harness.clock.nowMs + 50} FIELDS 1 b`);
  });

  test("an instant that has passed removes fields, and the key with the last one", () => {
    const harness = newHash();
    expect(integers(harness, "HEXPIREAT", "h", "1", "FIELDS", "3", "a", "a", "b")).toEqual([2, -2, 2]);
    expect(integers(harness, "HPEXPIRE", "h", "0", "FIELDS", "1", "c")).toEqual([2]);
    expect(harness.text("EXISTS", "h")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual(["HDEL h a b", "HDEL h c"]);
  });

  test("a field whose time has come is not there, and goes when it is asked for", () => {
    const harness = newHash();
    integers(harness, "HPEXPIRE", "h", "10", "FIELDS", "2", "a", "b");
    harness.takeEffects();
    harness.clock.advance(9);
    expect(bulks(harness, "HKEYS", "h")).toEqual(["a", "b", "c"]);
    harness.clock.advance(1);
    expect(harness.text("HGETALL", "h")).toBe("*2\r\n$1\r\nc\r\n$1\r\n3\r\n");
    expect(harness.text("HKEYS", "h")).toBe("*1\r\n$1\r\nc\r\n");
    expect(harness.text("HVALS", "h")).toBe("*1\r\n$1\r\n3\r\n");
    expect(harness.text("HSCAN", "h", "0")).toBe("*2\r\n$1\r\n0\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n");
    expect(harness.text("HLEN", "h")).toBe(":3\r\n");
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("HMGET", "h", "a", "c", "a")).toBe("*3\r\n$-1\r\n$1\r\n3\r\n$-1\r\n");
    expect(harness.takeEffects()).toEqual(["HDEL h a"]);
    expect(harness.text("HLEN", "h")).toBe(":2\r\n");
    expect(harness.text("HRANDFIELD", "h", "5")).toBe("*1\r\n$1\r\nc\r\n");
    expect(harness.takeEffects()).toEqual(["HDEL h b"]);
    expect(harness.text("HLEN", "h")).toBe(":1\r\n");
    expect(harness.keyspace.expiredFields).toBe(2);
  });

  test.each([
    ["HGET h a", "$-1\r\n"],
    ["HMGET h a b a", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"],
    ["HEXISTS h a", ":0\r\n"],
    ["HSTRLEN h a", ":0\r\n"],
    ["HRANDFIELD h", "$-1\r\n"],
    ["HRANDFIELD h 2 WITHVALUES", "*0\r\n"],
    ["HTTL h FIELDS 1 a", "*1\r\n:-2\r\n"],
    ["HPERSIST h FIELDS 1 a", "*1\r\n:-2\r\n"],
    ["HEXPIRE h 5 FIELDS 1 a", "*1\r\n:-2\r\n"],
  ])("the key goes with the last field: %s", (command, reply) => {
    const harness = newHashHarness({ entries });
    harness.run("HSET", "h", "a", "1");
    harness.run("HPEXPIRE", "h", "10", "FIELDS", "1", "a");
    harness.takeEffects();
    harness.clock.advance(10);
    expect(harness.text("HGETALL", "h")).toBe("*0\r\n");
    expect(harness.text("EXISTS", "h")).toBe(":1\r\n");
    expect(harness.text(...command.split(" "))).toBe(reply);
    expect(harness.text("EXISTS", "h")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual(["HDEL h a"]);
  });

  test.each([
    ["HSETNX h a 2", ":1\r\n"],
    ["HINCRBY h a 2", ":2\r\n"],
    ["HINCRBYFLOAT h a 2", "$1\r\n2\r\n"],
  ])("a field whose time has come is new, even if the hash was all gone: %s", (command, reply) => {
    const harness = newHashHarness({ entries });
    harness.run("HSET", "h", "a", "1");
    harness.run("HPEXPIRE", "h", "10", "FIELDS", "1", "a");
    harness.takeEffects();
    harness.clock.advance(10);
    expect(harness.text(...command.split(" "))).toBe(reply);
    expect(harness.text("HGET", "h", "a")).toBe("$1\r\n2\r\n");
    expect(integers(harness, "HTTL", "h", "FIELDS", "1", "a")).toEqual([-1]);
    expect(harness.takeEffects()).toEqual(["HDEL h a", command.replace("HINCRBYFLOAT", "HSET")]);
  });

  test("HSET and HDEL do not ask whether the time of a field has come", () => {
    const harness = newHash();
    integers(harness, "HPEXPIRE", "h", "10", "FIELDS", "3", "a", "b", "c");
    harness.takeEffects();
    harness.clock.advance(10);
    expect(harness.text("HSET", "h", "a", "5")).toBe(":0\r\n");
    expect(harness.text("HDEL", "h", "b", "x")).toBe(":1\r\n");
    expect(harness.text("HGETALL", "h")).toBe("*2\r\n$1\r\na\r\n$1\r\n5\r\n");
    expect(harness.takeEffects()).toEqual(["HSET h a 5", "HDEL h b x"]);
  });

  test("HSET takes a field's time away, HINCRBY and HINCRBYFLOAT keep it", () => {
    const harness = newHash();
    integers(harness, "HEXPIRE", "h", "10", "FIELDS", "3", "a", "b", "c");
    const at = harness.clock.nowMs + 10_000;
    harness.takeEffects();
    harness.run("HSET", "h", "a", "5");
    harness.run("HINCRBY", "h", "b", "5");
    harness.run("HINCRBYFLOAT", "h", "c", "0.5");
    expect(integers(harness, "HTTL", "h", "FIELDS", "3", "a", "b", "c")).toEqual([-1, 10, 10]);
    // Repeating the HSET alone would take the time away.
    expect(harness.takeEffects()).toEqual([
      "HSET h a 5",
      "HINCRBY h b 5",
      "HSET h c 3.5",
      `HPEXPIREAT h ${at} FIELDS 1 c`,
    ]);
  });

  test("COPY, RENAME, DUMP and RESTORE keep the times", () => {
    const harness = newHash();
    integers(harness, "HPEXPIRE", "h", "10", "FIELDS", "1", "a");
    integers(harness, "HPEXPIRE", "h", "5000", "FIELDS", "1", "c");
    harness.run("COPY", "h", "copy");
    const payload = harness.run("DUMP", "h");
    harness.run("RENAME", "h", "renamed");
    harness.run("RESTORE", "restored", "0", payload.subarray(payload.indexOf("\n") + 1, -2));
    for (const key of ["copy", "renamed", "restored"]) {
      expect(encoding(harness, key)).toBe(form);
      expect(integers(harness, "HPTTL", key, "FIELDS", "3", "a", "b", "c"), key).toEqual([10, -1, 5000]);
    }
    harness.clock.advance(10);
    for (const key of ["copy", "renamed", "restored"])
      expect(bulks(harness, "HKEYS", key)).toEqual(["b", "c"]);
    const { timedHashes } = harness.db;
    expect(timedHashes.size).toBe(3);
    harness.run("DEL", "copy", "renamed", "restored");
    expect(timedHashes.size).toBe(0);
  });

  test("active expiry removes what nobody asks for", () => {
    const harness = newHash();
    harness.run("HSET", "gone", "a", "1");
    integers(harness, "HPEXPIRE", "h", "10", "FIELDS", "1", "b");
    integers(harness, "HPEXPIRE", "gone", "10", "FIELDS", "1", "a");
    harness.takeEffects();
    const expiry = new ActiveExpiry(harness.keyspace);
    harness.clock.advance(9);
    harness.keyspace.refreshClock();
    expiry.hotCycle(1000);
    expect(harness.takeEffects()).toEqual([]);
    harness.clock.advance(1);
    harness.keyspace.refreshClock();
    expiry.hotCycle(1000);
    expect(harness.takeEffects().sort()).toEqual(["HDEL gone a", "HDEL h b"]);
    expect(harness.text("HLEN", "h")).toBe(":2\r\n");
    expect(harness.text("EXISTS", "gone")).toBe(":0\r\n");
  });

  test("a snapshot under way gets the fields that expiry removes", () => {
    const harness = newHash();
    integers(harness, "HPEXPIRE", "h", "10", "FIELDS", "3", "a", "b", "c");
    const before = harness.run("DUMP", "h");
    let seen: Buffer | undefined;
    const { memory, snapshots } = harness.keyspace;
    snapshots.start({
      entry(_index, _database, address) {
        const { type, value, footer } = createDump(memory, address, new ByteArena(), true);
        seen = Buffer.concat([type, value, footer]);
        return false;
      },
      ...WHOLE_ENTRIES,
    });
    harness.clock.advance(10);
    harness.keyspace.refreshClock();
    new ActiveExpiry(harness.keyspace).hotCycle(1000);
    expect(harness.text("EXISTS", "h")).toBe(":0\r\n");
    expect(seen).toEqual(before.subarray(before.indexOf("\n") + 1, -2));
  });

  test("while data is loaded nothing expires", () => {
    const harness = newHash();
    harness.keyspace.expiring = false;
    expect(integers(harness, "HPEXPIREAT", "h", "1", "FIELDS", "2", "a", "b")).toEqual([1, 1]);
    expect(harness.text("HINCRBY", "h", "a", "1")).toBe(":2\r\n");
    expect(bulks(harness, "HKEYS", "h")).toEqual(["a", "b", "c"]);
    expect(harness.text("HRANDFIELD", "h", "0")).toBe("*0\r\n");
    expect(harness.text("HLEN", "h")).toBe(":3\r\n");
    harness.takeEffects();
    harness.keyspace.expiring = true;
    expect(bulks(harness, "HKEYS", "h")).toEqual(["c"]);
  });
});

test("a hash without times keeps its form, and one that had some does too", () => {
  const harness = newHashHarness();
  harness.run("HSET", "h", "a", "1");
  expect(integers(harness, "HEXPIRE", "h", "10", "FIELDS", "1", "x")).toEqual([-2]);
  expect(integers(harness, "HPERSIST", "h", "FIELDS", "1", "a")).toEqual([-1]);
  expect(encoding(harness, "h")).toBe("listpack");
  const plain = harness.run("DUMP", "h");
  integers(harness, "HEXPIRE", "h", "10", "FIELDS", "1", "a");
  expect(harness.run("DUMP", "h")).not.toEqual(plain);
  integers(harness, "HPERSIST", "h", "FIELDS", "1", "a");
  expect(encoding(harness, "h")).toBe("listpackex");
  // Without any time, stock Redis can read it.
  expect(harness.run("DUMP", "h")).toEqual(plain);
});

test("errors, in their order", () => {
  const harness = newHashHarness();
  harness.run("SET", "string", "a");
  harness.run("HSET", "h", "a", "1");
  const wrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
  const cases: [string, string][] = [
    ["HEXPIRE string x FIELDS 1 a", wrongType],
    ["HEXPIRE h x y 1 a", "-ERR value is not an integer or out of range"],
    ["HEXPIRE h -1 y 1 a", "-ERR invalid expire time, must be >= 0"],
    ["HPEXPIRE h -9223372036854775808 y 1 a", "-ERR invalid expire time, must be >= 0"],
    ["HEXPIRE h 70368744178 y 1 a", "-ERR invalid expire time in 'hexpire' command"],
    ["HPEXPIREAT h 70368744177664 y 1 a", "-ERR invalid expire time in 'hpexpireat' command"],
    ["HEXPIREAT h 9223372036854775807 y 1 a", "-ERR invalid expire time in 'hexpireat' command"],
    ["HPEXPIRE h 70368744177663 y 1 a", "-ERR invalid expire time in 'hpexpire' command"],
    ["HEXPIRE h 1 y 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"],
    ["HEXPIRE h 1 NX 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"],
    ["HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"],
    ["HEXPIRE h 1 FIELDS x a", "-ERR Parameter `numFields` should be greater than 0"],
    ["HEXPIRE h 1 NX FIELDS 1", "-ERR The `numfields` parameter must match the number of arguments"],
    ["HEXPIRE h 1 FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments"],
    ["HEXPIRE h 1 FIELDS 1 a b", "-ERR The `numfields` parameter must match the number of arguments"],
    ["HTTL string x 1 a", wrongType],
    ["HTTL h x 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"],
    ["HPTTL h FIELDS -1 a", "-ERR Number of fields must be a positive integer"],
    ["HEXPIRETIME h FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments"],
    ["HPERSIST string x 1 a", wrongType],
    ["HPERSIST h x 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"],
    ["HPERSIST h FIELDS 1.5 a", "-ERR Number of fields must be a positive integer"],
    ["HPERSIST h FIELDS 3 a b", "-ERR The `numfields` parameter must match the number of arguments"],
    ["HPEXPIREAT h 70368744177663 NX FIELDS 1 a", "*1"],
    ["HEXPIRE none 10 FIELDS 2 a b", "*2"],
  ];
  for (const [command, reply] of cases)
    expect(harness.text(...command.split(" ")).split("\r\n")[0], command).toBe(reply);
  expect(integers(harness, "HPEXPIRETIME", "h", "FIELDS", "1", "a")).toEqual([70_368_744_177_663]);
  for (const name of ["HTTL", "HPERSIST"])
    expect(integers(harness, name, "none", "FIELDS", "2", "a", "b")).toEqual([-2, -2]);
});

test("facts of the commands are those of Redis 7.4", () => {
  const facts = Object.fromEntries(
    hashCommands
      .filter(({ since }) => since === "7.4.0")
      .map(({ name, arity, flags, keys }) => [name, [arity, ...flags, ...keys[0].flags].join(" ")]),
  );
  const setting = "-6 write denyoom fast RW update";
  const telling = "-5 readonly fast RO access";
  expect(facts).toEqual({
    hexpire: setting,
    hpexpire: setting,
    hexpireat: setting,
    hpexpireat: setting,
    hpersist: "-5 write fast RW update",
    httl: telling,
    hpttl: telling,
    hexpiretime: telling,
    hpexpiretime: telling,
  });
});
