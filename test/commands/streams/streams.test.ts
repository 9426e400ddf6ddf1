/**
 * Commands of streams, one by one: what random sequences seldom or never meet. The clock is the test's.
 */
import { describe, expect, test } from "vitest";
import type { CommandHarness } from "../../support/command-harness.ts";
import { parseReply } from "./comparison.ts";
import { newStreamHarness } from "./harness.ts";

const MAX_UINT64 = "18446744073709551615";
const ONE_TIME_ON_DISK = "on disk, where Redis 7.0 has to understand it, a consumer has one time";

/** Runs a command written as one line; the reply as values. */
function run(harness: CommandHarness, line: string): unknown {
  return parseReply(harness.run(...line.split(" ")));
}

describe("ids that XADD chooses", () => {
  test("are the time, and go on where it stands still or goes back", () => {
    const harness = newStreamHarness(undefined, 1000);
    expect(run(harness, "XADD s * f v")).toBe("1000-0");
    expect(run(harness, "XADD s * f v")).toBe("1000-1");
    harness.clock.advance(5);
    expect(run(harness, "XADD s * f v")).toBe("1005-0");
    expect(run(harness, `XADD s 2000-${MAX_UINT64} f v`)).toBe(`2000-${MAX_UINT64}`);
    expect(run(harness, "XADD s * f v")).toBe("2001-0");
    expect(harness.takeEffects().slice(-2)).toEqual([`XADD s 2000-${MAX_UINT64} f v`, "XADD s 2001-0 f v"]);
  });

  test("are not beyond the last one", () => {
    const harness = newStreamHarness();
    run(harness, `XADD s 5-${MAX_UINT64} f v`);
    expect(run(harness, "XADD s 5-* f v")).toMatch(/^-ERR The ID specified in XADD is equal or smaller/);
    run(harness, `XADD s ${MAX_UINT64}-${MAX_UINT64} f v`);
    expect(run(harness, "XADD s * f v")).toMatch(/^-ERR The stream has exhausted/);
    expect(run(harness, "XLEN s")).toBe(2);
  });
});

describe("what the log is told", () => {
  test("of trimming: what was left, with LIMIT, which is not judged again", () => {
    const harness = newStreamHarness({ bytes: 4096, entries: 10 }, 1);
    for (let i = 1; i <= 95; i++) run(harness, `XADD s ${i}-0 f v`);
    harness.takeEffects();
    run(harness, "XADD s MAXLEN ~ 55 LIMIT 30 * f v");
    run(harness, "XTRIM s MINID ~ 52");
    run(harness, "XTRIM s MAXLEN 3");
    run(harness, "XTRIM s MAXLEN 3");
    const effects = harness.takeEffects();
    expect(effects).toEqual([
      "XADD s MAXLEN = 66 LIMIT 30 95-1 f v",
      "XTRIM s MINID = 51-0",
      "XTRIM s MAXLEN 3",
    ]);
    expect(run(harness, effects[0])).toMatch(/^-ERR syntax error, LIMIT cannot be used/);
    const loaded = newStreamHarness({ bytes: 4096, entries: 1 });
    loaded.keyspace.expiring = false;
    for (let i = 1; i <= 95; i++) run(loaded, `XADD s ${i}-0 f v`);
    run(loaded, effects[0]);
    expect(run(loaded, "XLEN s")).toBe(66);
  });

  test("of reading: each entry that is pending now, or how far the group has read", () => {
    const harness = newStreamHarness(undefined, 5000);
    for (const id of ["1-1", "1-2", "1-3"]) run(harness, `XADD s ${id} f v`);
    run(harness, "XGROUP CREATE s g 0");
    harness.takeEffects();
    run(harness, "XREADGROUP GROUP g alice COUNT 2 STREAMS s >");
    run(harness, "XREADGROUP GROUP g bob NOACK STREAMS s >");
    run(harness, "XREADGROUP GROUP g alice STREAMS s 0");
    const claim = (id: string) => `XCLAIM s g alice 0 ${id} TIME 5000 RETRYCOUNT 1 FORCE JUSTID LASTID ${id}`;
    expect(harness.takeEffects()).toEqual([
      claim("1-1"),
      claim("1-2"),
      "XGROUP CREATECONSUMER s g bob",
      "XGROUP SETID s g 1-3 ENTRIESREAD 3",
    ]);
  });

  test("of claiming: entries that are gone too, by their last consumer", () => {
    const harness = newStreamHarness(undefined, 5000);
    for (const id of ["1-1", "1-2", "1-3"]) run(harness, `XADD s ${id} f v`);
    run(harness, "XGROUP CREATE s g 0");
    run(harness, "XREADGROUP GROUP g alice STREAMS s >");
    run(harness, "XDEL s 1-2");
    harness.takeEffects();
    harness.clock.advance(100);
    expect(run(harness, "XCLAIM s g bob 50 1 1-1 1-2 JUSTID RETRYCOUNT 7")).toEqual(["1-1"]);
    expect(run(harness, "XAUTOCLAIM s g bob 50 -")).toEqual(["0-0", [["1-3", ["f", "v"]]], []]);
    expect(run(harness, "XCLAIM s g bob 1000 1-3 LASTID 9-9")).toEqual([]);
    expect(harness.takeEffects()).toEqual([
      "XCLAIM s g bob 0 1-1 TIME 5100 RETRYCOUNT 7 FORCE JUSTID LASTID 1-3",
      "XCLAIM s g alice 0 1-2 TIME 5000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-3",
      "XCLAIM s g bob 0 1-3 TIME 5100 RETRYCOUNT 2 FORCE JUSTID LASTID 1-3",
      "XGROUP SETID s g 9-9 ENTRIESREAD 3",
    ]);
    expect(run(harness, "XPENDING s g - + 9")).toEqual([
      ["1-1", "bob", 0, 7],
      ["1-3", "bob", 0, 2],
    ]);
  });
});

test("pending entries tell how long ago they were delivered", () => {
  const harness = newStreamHarness(undefined, 1_000_000);
  harness.staysInMemoryBecause = ONE_TIME_ON_DISK;
  for (let i = 1; i <= 4; i++) run(harness, `XADD s ${i} f v`);
  run(harness, "XGROUP CREATE s g 0");
  for (let i = 1; i <= 4; i++) {
    run(harness, `XREADGROUP GROUP g c${i % 2} COUNT 1 STREAMS s >`);
    harness.clock.advance(1000);
  }
  run(harness, "XREADGROUP GROUP g c0 COUNT 1 STREAMS s 0");
  harness.clock.advance(500);
  expect(run(harness, "XPENDING s g IDLE 1500 - + 10")).toEqual([
    ["1-0", "c1", 4500, 1],
    ["3-0", "c1", 2500, 1],
    ["4-0", "c0", 1500, 1],
  ]);
  expect(run(harness, "XPENDING s g - + 10 c0")).toEqual([
    ["2-0", "c0", 500, 2],
    ["4-0", "c0", 1500, 1],
  ]);
  expect(run(harness, "XPENDING s g")).toEqual([
    4,
    "1-0",
    "4-0",
    [
      ["c0", "2"],
      ["c1", "2"],
    ],
  ]);
  expect(run(harness, "XINFO CONSUMERS s g")).toEqual([
    ["name", "c0", "pending", 2, "idle", 500, "inactive", 1500],
    ["name", "c1", "pending", 2, "idle", 2500, "inactive", 2500],
  ]);
});

test("a consumer that gets nothing is seen, but not active", () => {
  const harness = newStreamHarness();
  harness.staysInMemoryBecause = ONE_TIME_ON_DISK;
  const consumers = (): unknown => run(harness, "XINFO CONSUMERS s g");
  run(harness, "XGROUP CREATE s g $ MKSTREAM");
  expect(run(harness, "XREADGROUP GROUP g c STREAMS s >")).toBe(null);
  expect(consumers()).toEqual([]);
  run(harness, "XGROUP CREATECONSUMER s g c");
  harness.clock.advance(1000);
  expect(consumers()).toEqual([["name", "c", "pending", 0, "idle", 1000, "inactive", -1]]);
  run(harness, "XREADGROUP GROUP g c STREAMS s >");
  expect(consumers()).toEqual([["name", "c", "pending", 0, "idle", 0, "inactive", -1]]);
  run(harness, "XADD s 1-1 f v");
  run(harness, "XREADGROUP GROUP g c STREAMS s >");
  harness.clock.advance(1000);
  run(harness, "XREADGROUP GROUP g c STREAMS s >");
  expect(consumers()).toEqual([["name", "c", "pending", 1, "idle", 0, "inactive", 1000]]);
  expect(run(harness, "XCLAIM s g c 5000 1-1")).toEqual([]);
  expect(run(harness, "XAUTOCLAIM s g c 500 - JUSTID")).toEqual(["0-0", ["1-1"], []]);
  expect(consumers()).toEqual([["name", "c", "pending", 1, "idle", 0, "inactive", 0]]);
});

test("counters of 64 bits are exact", () => {
  const harness = newStreamHarness();
  run(harness, "XADD s 1-1 f v");
  run(harness, "XSETID s 1-1 ENTRIESADDED 9223372036854775806");
  run(harness, "XADD s 1-2 f v");
  run(harness, "XGROUP CREATE s g 1-2 ENTRIESREAD 9223372036854775805");
  expect(harness.text("XINFO", "GROUPS", "s")).toContain(
    "entries-read\r\n:9223372036854775805\r\n$3\r\nlag\r\n:2\r\n",
  );
  expect(harness.text("XINFO", "STREAM", "s")).toContain("entries-added\r\n:9223372036854775807\r\n");
  run(harness, "XCLAIM s g c 0 1-2 FORCE RETRYCOUNT 9223372036854775806");
  run(harness, "XCLAIM s g d 0 1-2");
  expect(harness.text("XPENDING", "s", "g", "-", "+", "1")).toContain(":9223372036854775807\r\n");
});

test("a stream stays without entries, until it is deleted", () => {
  const harness = newStreamHarness();
  run(harness, "XADD s MAXLEN 0 7-7 f v");
  expect(run(harness, "XLEN s")).toBe(0);
  expect(run(harness, "XRANGE s - +")).toEqual([]);
  expect(run(harness, "XADD s 7-7 f v")).toMatch(/^-ERR The ID specified/);
  expect(run(harness, "EXISTS s")).toBe(1);
  expect(run(harness, "OBJECT ENCODING s")).toBe("stream");
  expect(run(harness, "TYPE s")).toBe("+stream");
});

test("ten thousand consumers and groups are found, and gone again", () => {
  const harness = newStreamHarness();
  harness.staysInMemoryBecause = "so large a value takes too long to go forty thousand times";
  run(harness, "XGROUP CREATE s g $ MKSTREAM");
  run(harness, "XADD s 1-1 f v");
  const { allocatedBytes } = harness.keyspace.entries;
  for (let i = 0; i < 10_000; i++) {
    run(harness, `XGROUP CREATECONSUMER s g consumer:${i}`);
    run(harness, `XGROUP CREATE s group:${i} 0`);
  }
  const consumers = run(harness, "XINFO CONSUMERS s g") as [string, string][];
  expect(consumers.length).toBe(10_000);
  expect(consumers.map(([, name]) => name)).toEqual(consumers.map(([, name]) => name).sort());
  for (let i = 0; i < 10_000; i++) {
    expect(run(harness, `XGROUP DELCONSUMER s g consumer:${i}`)).toBe(0);
    expect(run(harness, `XGROUP DESTROY s group:${i}`)).toBe(1);
  }
  expect(run(harness, "XINFO GROUPS s")).toHaveLength(1);
  expect(harness.keyspace.entries.allocatedBytes).toBe(allocatedBytes);
});

test("a group with many pending entries is freed bit by bit", () => {
  const harness = newStreamHarness();
  harness.staysInMemoryBecause = "what it takes there is what is looked at";
  const { keyspace } = harness;
  run(harness, "XGROUP CREATE s g $ MKSTREAM");
  for (let i = 1; i <= 20_000; i++) run(harness, `XADD s ${i} f v`);
  const { allocatedBytes } = keyspace.entries;
  run(harness, "XREADGROUP GROUP g c STREAMS s >");
  // Records of 36 and 16 bytes, in leaves that are full.
  expect((keyspace.entries.allocatedBytes - allocatedBytes) / 20_000).toBeLessThan(60);
  expect(run(harness, "XGROUP DESTROY s g")).toBe(1);
  expect(keyspace.isFreeing).toBe(true);
  while (keyspace.freeRetired(10));
  expect(keyspace.entries.allocatedBytes).toBeLessThan(allocatedBytes);
  expect(run(harness, "XLEN s")).toBe(20_000);
});
