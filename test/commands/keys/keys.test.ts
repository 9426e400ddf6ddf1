/**
 * Generic key commands with a clock that the test moves: expiry, the memory of use, walks, other databases.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { copy, move } from "../../../src/commands/keys/move.ts";
import { KeyList } from "../../../src/keyspace/key-list.ts";
import { Request } from "../../../src/protocol/request.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { newKeyHarness } from "./harness.ts";

const START_MS = 1_700_000_000_000;

function harnessWith(...keys: string[]): CommandHarness {
  const harness = newKeyHarness({ startMs: START_MS });
  for (const key of keys) harness.run("SET", key, `value of ${key}`);
  harness.takeEffects();
  return harness;
}

/** One step of SCAN: the next cursor and the keys. */
function scanStep(harness: CommandHarness, cursor: string, ...options: string[]): [string, string[]] {
  const lines = harness.text("SCAN", cursor, ...options).split("\r\n");
  return [lines[2], lines.slice(5).filter((_, i) => i % 2 === 0 && i < lines.length - 6)];
}

function scanAll(
  harness: CommandHarness,
  onStep: (keys: string[]) => void,
  ...options: string[]
): Set<string> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, keys] = scanStep(harness, cursor, ...options);
    for (const key of keys) found.add(key);
    onStep(keys);
    cursor = next;
  } while (cursor !== "0");
  return found;
}

describe("expiry", () => {
  test("a key lives until its time and no longer, and its end is propagated", () => {
    const harness = harnessWith("k");
    expect(harness.text("EXPIRE", "k", "10")).toBe(":1\r\n");
    expect(harness.takeEffects()).toEqual([`PEXPIREAT k ${START_MS + 10_000}`]);
    harness.clock.advance(9_400);
    expect(harness.text("TTL", "k")).toBe(":1\r\n");
    expect(harness.text("PTTL", "k")).toBe(":600\r\n");
    harness.clock.advance(599);
    expect(harness.text("EXISTS", "k")).toBe(":1\r\n");
    expect(harness.text("TTL", "k")).toBe(":0\r\n");
    harness.clock.advance(1);
    expect(harness.text("EXISTS", "k", "k")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual(["DEL k"]);
    expect(harness.text("DBSIZE")).toBe(":0\r\n");
  });

  test("a time in the past deletes now, but not while data is loaded", () => {
    const harness = harnessWith("k", "l");
    expect(harness.text("PEXPIREAT", "k", START_MS)).toBe(":1\r\n");
    expect(harness.takeEffects()).toEqual(["DEL k"]);
    harness.keyspace.expiring = false;
    expect(harness.text("PEXPIREAT", "l", -5)).toBe(":1\r\n");
    expect(harness.text("EXISTS", "l")).toBe(":1\r\n");
    expect(harness.text("PTTL", "l")).toBe(":0\r\n");
    harness.keyspace.expiring = true;
    expect(harness.text("EXISTS", "l")).toBe(":0\r\n");
  });

  test("conditions that do not hold change and propagate nothing", () => {
    const harness = harnessWith("k");
    harness.run("EXPIRE", "k", "100");
    harness.takeEffects();
    for (const attempt of [
      ["50", "NX"],
      ["100", "GT"],
      ["99", "GT", "XX"],
      ["100", "LT"],
      ["101", "LT", "XX"],
    ]) {
      expect(harness.text("EXPIRE", "k", ...attempt), attempt.join(" ")).toBe(":0\r\n");
    }
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("TTL", "k")).toBe(":100\r\n");
    expect(harness.text("EXPIRE", "k", "101", "GT")).toBe(":1\r\n");
    expect(harness.takeEffects()).toEqual([`PEXPIREAT k ${START_MS + 101_000} GT`]);
    harness.run("PERSIST", "k");
    expect(harness.text("EXPIRE", "k", "500", "GT")).toBe(":0\r\n");
    expect(harness.text("EXPIRE", "k", "500", "LT")).toBe(":1\r\n");
  });

  test("RENAME, COPY and MOVE take the expiry along", () => {
    const harness = harnessWith("k");
    harness.run("PEXPIREAT", "k", START_MS + 5000);
    harness.run("COPY", "k", "copied");
    harness.run("RENAME", "k", "renamed");
    harness.run("MOVE", "renamed", 1);
    expect(harness.text("PEXPIRETIME", "copied")).toBe(`:${START_MS + 5000}\r\n`);
    harness.run("SELECT", 1);
    expect(harness.text("PEXPIRETIME", "renamed")).toBe(`:${START_MS + 5000}\r\n`);
    harness.clock.advance(5000);
    expect(harness.text("EXISTS", "renamed")).toBe(":0\r\n");
  });
});

describe("moving values", () => {
  test("a huge value arrives whole, under short and long keys", () => {
    const value = Buffer.alloc(100_000, "0123456789");
    const longKey = "k".repeat(5000);
    const harness = harnessWith();
    harness.run("SET", "k", value);
    harness.run("RENAME", "k", longKey);
    harness.run("COPY", longKey, "back");
    expect(harness.run("GET", "back").includes(value)).toBe(true);
    expect(harness.run("GET", longKey).includes(value)).toBe(true);
    expect(harness.text("EXISTS", "k")).toBe(":0\r\n");
  });

  test("everything is freed when the last key goes", () => {
    const harness = harnessWith();
    const emptyBytes = harness.keyspace.entries.allocatedBytes;
    harness.run("SET", "k", Buffer.alloc(50_000), "EX", 100);
    harness.run("SET", "l", "small");
    for (const command of ["RENAME k l", "COPY l m", "MOVE m 3", "EXPIRE l 5", "PERSIST l", "RENAME l k"]) {
      harness.run(...command.split(" "));
    }
    harness.run("DEL", "k");
    harness.run("SELECT", 3);
    harness.run("UNLINK", "m");
    expect(harness.keyspace.entries.allocatedBytes).toBe(emptyBytes);
  });

  test("keys in other databases are named to whoever fetches keys", () => {
    expect(move.foreignKey?.(Request.of("MOVE", "k", "7"))).toEqual({ position: 1, dbIndex: 7 });
    expect(copy.foreignKey?.(Request.of("COPY", "k", "l"))).toBeUndefined();
    expect(copy.foreignKey?.(Request.of("COPY", "k", "l", "REPLACE", "DB", "3"))).toEqual({
      position: 2,
      dbIndex: 3,
    });
    expect(copy.foreignKey?.(Request.of("COPY", "k", "l", "DB", "3", "db", "4"))?.dbIndex).toBe(4);
    expect(copy.foreignKey?.(Request.of("COPY", "k", "l", "DB"))).toBeUndefined();
  });
});

describe("the memory of use", () => {
  test("questions leave it, reads and TOUCH renew it, a copy begins anew", () => {
    const harness = harnessWith("k");
    harness.clock.advance(30_000);
    for (const question of ["TTL", "PTTL", "TYPE", "EXISTS", "EXPIRETIME"]) harness.run(question, "k");
    harness.run("OBJECT", "ENCODING", "k");
    expect(harness.text("OBJECT", "IDLETIME", "k")).toBe(":30\r\n");
    harness.run("RENAME", "k", "l");
    expect(harness.text("OBJECT", "IDLETIME", "l")).toBe(":0\r\n");
    harness.clock.advance(7_000);
    harness.run("COPY", "l", "m");
    harness.clock.advance(5_000);
    expect(harness.text("OBJECT", "IDLETIME", "m")).toBe(":5\r\n");
    expect(harness.text("OBJECT", "IDLETIME", "l")).toBe(":5\r\n");
    harness.run("TOUCH", "l", "none");
    expect(harness.text("OBJECT", "IDLETIME", "l")).toBe(":0\r\n");
  });

  test("a client with NO-TOUCH touches with TOUCH only", () => {
    const harness = harnessWith("k");
    harness.keyspace.touching = false;
    harness.clock.advance(9_000);
    harness.run("GET", "k");
    expect(harness.text("OBJECT", "IDLETIME", "k")).toBe(":9\r\n");
    expect(harness.text("TOUCH", "k")).toBe(":1\r\n");
    expect(harness.text("OBJECT", "IDLETIME", "k")).toBe(":0\r\n");
  });

  test("with an LFU policy there is a frequency and no idle time", () => {
    const harness = newKeyHarness({ startMs: START_MS });
    harness.keyspace.accessClock.lfu = true;
    harness.run("SET", "k", "v");
    expect(harness.text("OBJECT", "FREQ", "k")).toBe(":5\r\n");
    harness.run("GET", "k");
    expect(harness.text("OBJECT", "FREQ", "k")).toBe(":6\r\n");
    harness.clock.advance(3 * 60_000);
    expect(harness.text("OBJECT", "FREQ", "k")).toBe(":3\r\n");
    expect(harness.text("OBJECT", "IDLETIME", "k")).toMatch(
      /^-ERR An LFU maxmemory policy is selected, idle time/,
    );
  });

  test("small integers are shared where Redis shares them", () => {
    const refcount = (maxmemoryPolicy: string, maxmemory: string) => {
      const harness = newKeyHarness({ maxmemoryPolicy, directives: { maxmemory } });
      harness.run("SET", "k", "17");
      return harness.text("OBJECT", "REFCOUNT", "k");
    };
    expect(refcount("noeviction", "1000")).toBe(":2147483647\r\n");
    expect(refcount("allkeys-lru", "0")).toBe(":2147483647\r\n");
    expect(refcount("allkeys-lru", "1000")).toBe(":1\r\n");
    expect(refcount("volatile-lfu", "1000")).toBe(":1\r\n");
    expect(refcount("volatile-ttl", "1000")).toBe(":2147483647\r\n");
  });

  test("a small integer that COPY made is not shared, until it is counted up", () => {
    const harness = newKeyHarness({});
    harness.run("SET", "k", "17");
    harness.run("COPY", "k", "copy");
    harness.run("RENAME", "copy", "renamed");
    expect(harness.text("OBJECT", "REFCOUNT", "renamed")).toBe(":1\r\n");
    expect(harness.text("OBJECT", "ENCODING", "renamed")).toBe("$3\r\nint\r\n");
    harness.run("INCR", "renamed");
    expect(harness.text("OBJECT", "REFCOUNT", "renamed")).toBe(":2147483647\r\n");
    expect(harness.text("OBJECT", "REFCOUNT", "k")).toBe(":2147483647\r\n");
  });
});

describe("walks", () => {
  test("SCAN returns every key that was there all along, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 60 }), (size, count) => {
        const harness = harnessWith(...Array.from({ length: size }, (_, i) => `stays:${i}`));
        let step = 0;
        const found = scanAll(
          harness,
          () => {
            // Never more at a time, or a walk in small steps would not keep up.
            for (let i = 0; i < 20; i++) {
              harness.run("DEL", `comes:${step - 1}:${i}`);
              harness.run("SET", `comes:${step}:${i}`, "");
            }
            step++;
          },
          "COUNT",
          String(count),
        );
        for (let i = 0; i < size; i++) expect(found).toContain(`stays:${i}`);
      }),
      { numRuns: 15 },
    );
  });

  test("a step returns about as many keys as asked for, and filters afterwards", () => {
    const harness = harnessWith(...Array.from({ length: 100 }, (_, i) => `key:${i}`));
    const [, keys] = scanStep(harness, "0", "COUNT", "30");
    expect(keys).toHaveLength(30);
    const sizes: number[] = [];
    const found = scanAll(harness, (some) => sizes.push(some.length), "MATCH", "key:7*", "COUNT", "10");
    expect(found.size).toBe(11);
    expect(sizes).toHaveLength(10);
  });

  test("keys past their expiry are not found; SCAN deletes those that it would have given, RANDOMKEY any", () => {
    const harness = harnessWith("k1", "k2", "l", "m1", "m2");
    for (const key of ["k1", "k2", "m1", "m2"]) harness.run("EXPIRE", key, 5);
    harness.clock.advance(5000);
    harness.takeEffects();
    expect(harness.text("KEYS", "*")).toBe("*1\r\n$1\r\nl\r\n");
    expect(harness.takeEffects()).toEqual([]);
    expect([...scanAll(harness, () => {}, "MATCH", "[kl]*", "TYPE", "string")]).toEqual(["l"]);
    expect(harness.takeEffects().sort()).toEqual(["DEL k1", "DEL k2"]);
    expect([...scanAll(harness, () => {}, "MATCH", "m2", "TYPE", "hash")]).toEqual([]);
    expect(harness.takeEffects()).toEqual(["DEL m2"]);
    for (let i = 0; i < 40; i++) expect(harness.text("RANDOMKEY")).toBe("$1\r\nl\r\n");
    expect(harness.takeEffects()).toEqual(["DEL m1"]);
  });

  test("RANDOMKEY finds every key sooner or later, and none in an empty database", () => {
    const harness = harnessWith();
    expect(harness.text("RANDOMKEY")).toBe("$-1\r\n");
    const names = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(2, "0"));
    for (const name of names) harness.run("SET", name, "");
    const drawn = new Set<string>();
    for (let i = 0; i < 2000; i++) drawn.add(harness.text("RANDOMKEY").split("\r\n")[1]);
    expect([...drawn].sort()).toEqual(names);
  });

  test("a walk that must read the disk parks the client, and what it asked for is kept", async () => {
    const harness = harnessWith();
    const found = new KeyList();
    for (const key of ["abc", "axyz"]) found.add(Buffer.from(`-${key}-`), 1, key.length);
    const asked: unknown[] = [];
    Object.assign(harness.server, {
      walk: {
        scan: async (...args: unknown[]) => {
          asked.push(args);
          return { cursor: 77, keys: found };
        },
        all: async (...args: unknown[]) => {
          asked.push(args);
          return { cursor: 0, keys: found };
        },
        random: async () => Buffer.from("abc"),
      },
    });
    const both = "*2\r\n$3\r\nabc\r\n$4\r\naxyz\r\n";
    const scanned = await harness.runAsync("SCAN", "5", "MATCH", "a*", "COUNT", "7", "TYPE", "String");
    expect(String(scanned)).toBe(`*2\r\n$2\r\n77\r\n${both}`);
    expect(String(await harness.runAsync("KEYS", "a*"))).toBe(both);
    expect(String(await harness.runAsync("KEYS", "*"))).toBe(both);
    expect(String(await harness.runAsync("RANDOMKEY"))).toBe("$3\r\nabc\r\n");
    const pattern = Buffer.from("a*");
    expect(asked).toEqual([
      [0, 5, 7, expect.objectContaining({ pattern, typeName: "string" }), expect.anything()],
      [0, { pattern }],
      [0, { pattern: undefined }],
    ]);
  });
});
