/**
 * Commands of the server with services of the test's own making.
 */
import { describe, expect, test } from "vitest";
import type { AofAccess, ShutdownOptions } from "../../../src/commands/services.ts";
import { newServerHarness } from "./harness.ts";

function aof(parts: Partial<AofAccess>): AofAccess {
  return {
    enabled: true,
    appendedPosition: 100,
    syncedPosition: 100,
    waitForSync: () => Promise.reject(new Error("nothing to wait for")),
    rewrite: () => ({ status: "Background append only file rewriting started" }),
    ...parts,
  };
}

describe("WAITAOF", () => {
  test("answers at once what needs no waiting", () => {
    const harness = newServerHarness({ services: { aof: aof({}) } });
    harness.client.lastWritePosition = 100;
    expect(harness.text("WAITAOF", 1, 0, 0)).toBe("*2\r\n:1\r\n:0\r\n");
    harness.client.lastWritePosition = 101;
    expect(harness.text("WAITAOF", 0, 0, 5)).toBe("*2\r\n:0\r\n:0\r\n");
  });

  test("waits for the sync of what the client wrote, or for the timeout", async () => {
    for (const isSynced of [true, false]) {
      const asked: number[] = [];
      const access = {
        ...aof({ syncedPosition: 50 }),
        async waitForSync(position: number, timeoutMs: number) {
          asked.push(position, timeoutMs);
          if (isSynced) access.syncedPosition = position;
          return isSynced;
        },
      };
      const harness = newServerHarness({ services: { aof: access } });
      harness.client.lastWritePosition = 80;
      expect(String(await harness.runAsync("WAITAOF", 1, 0, 700))).toBe(
        `*2\r\n:${isSynced ? 1 : 0}\r\n:0\r\n`,
      );
      expect(asked).toEqual([80, 700]);
    }
  });

  test("replicas that do not exist are waited for in vain", async () => {
    const harness = newServerHarness({ services: { aof: aof({}) } });
    expect(String(await harness.runAsync("WAITAOF", 1, 2, 1))).toBe("*2\r\n:1\r\n:0\r\n");
  });

  test("is an error without an append-only file, be it from the beginning or later", async () => {
    const text = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n";
    const access = {
      ...aof({ syncedPosition: 0 }),
      enabled: false,
      waitForSync: async () => (access.enabled = false),
    };
    const harness = newServerHarness({ services: { aof: access } });
    expect(harness.text("WAITAOF", 1, 0, 0)).toBe(text);
    expect(harness.text("WAITAOF", 0, 0, 0)).toBe("*2\r\n:0\r\n:0\r\n");
    access.enabled = true;
    harness.client.lastWritePosition = 5;
    expect(String(await harness.runAsync("WAITAOF", 1, 0, 0))).toBe(text);
  });

  test("arguments", () => {
    const harness = newServerHarness({ services: { aof: aof({}) } });
    const error = (...args: string[]) => harness.text("WAITAOF", ...args);
    expect(error("2", "0", "0")).toBe("-ERR value is out of range, value must between 0 and 1\r\n");
    expect(error("x", "0", "0")).toBe("-ERR value is not an integer or out of range\r\n");
    expect(error("1", "-1", "0")).toBe("-ERR value is out of range, must be positive\r\n");
    expect(error("1", "0", "-1")).toBe("-ERR timeout is negative\r\n");
    expect(error("1", "0", "x")).toBe("-ERR timeout is not an integer or out of range\r\n");
    expect(error("1", "0", "9223372036854775807")).toBe("-ERR timeout is out of range\r\n");
  });
});

describe("SHUTDOWN", () => {
  test("passes its options on, and answers only if it fails", async () => {
    const given: ShutdownOptions[] = [];
    const harness = newServerHarness({
      services: {
        shutdown: async (options) => {
          given.push(options);
          return "the disk is full";
        },
      },
    });
    expect(String(await harness.runAsync("SHUTDOWN"))).toBe(
      "-ERR Errors trying to SHUTDOWN. Check logs.\r\n",
    );
    await harness.runAsync("SHUTDOWN", "nosave", "NOW", "FORCE");
    await harness.runAsync("SHUTDOWN", "SAVE", "save");
    expect(given).toEqual([
      { save: "default", now: false, force: false },
      { save: "nosave", now: true, force: true },
      { save: "save", now: false, force: false },
    ]);
  });

  test("ABORT", () => {
    const harness = newServerHarness({ services: { abortShutdown: () => true } });
    expect(harness.text("SHUTDOWN", "abort")).toBe("+OK\r\n");
    expect(harness.text("SHUTDOWN", "abort", "force")).toBe("-ERR syntax error\r\n");
  });
});

describe("CONFIG", () => {
  test("bytes go through unchanged", () => {
    const set: (readonly [string, string])[] = [];
    const harness = newServerHarness({
      config: {
        get: (patterns) => [
          ["requirepass", "\u00e4\u00ff"],
          ...patterns.map((p): [string, string] => [p.toString(), "x"]),
        ],
        set: (pairs) => {
          set.push(
            ...pairs.map(([name, value]) => [name.toString("latin1"), value.toString("latin1")] as const),
          );
          return pairs.length > 1 ? "ERR CONFIG SET failed" : undefined;
        },
      },
    });
    expect(harness.run("CONFIG", "GET", "a*", "b")).toEqual(
      Buffer.from(
        "*6\r\n$11\r\nrequirepass\r\n$2\r\n\u00e4\u00ff\r\n$2\r\na*\r\n$1\r\nx\r\n$1\r\nb\r\n$1\r\nx\r\n",
        "latin1",
      ),
    );
    harness.client.resp = 3;
    expect(harness.text("CONFIG", "GET", "x")).toMatch(/^%2\r\n/);
    expect(harness.text("CONFIG", "SET", "dir", Buffer.from([0xfe]))).toBe("+OK\r\n");
    expect(set).toEqual([["dir", "\u00fe"]]);
    expect(harness.text("CONFIG", "SET", "a", "1", "b", "2")).toBe("-ERR CONFIG SET failed\r\n");
  });

  test("RESETSTAT", () => {
    let resets = 0;
    const harness = newServerHarness({ services: { resetStatistics: () => resets++ } });
    expect(harness.text("CONFIG", "RESETSTAT")).toBe("+OK\r\n");
    expect(resets).toBe(1);
  });
});

test("INFO passes section names on in lower case and answers a text", () => {
  const harness = newServerHarness({ services: { info: (sections) => sections.join(",") } });
  expect(harness.text("INFO")).toBe("$0\r\n\r\n");
  expect(harness.text("INFO", "Server", "ALL")).toBe("$10\r\nserver,all\r\n");
  harness.client.resp = 3;
  expect(harness.text("INFO", "x")).toBe("=5\r\ntxt:x\r\n");
});

test("TIME is the clock's, in seconds and microseconds", () => {
  expect(newServerHarness({ startMs: 1_700_000_000_042 }).text("TIME")).toBe(
    "*2\r\n$10\r\n1700000000\r\n$5\r\n42000\r\n",
  );
});

test("BGREWRITEAOF answers what the append-only file says", () => {
  const started = newServerHarness({ services: { aof: aof({}) } });
  expect(started.text("BGREWRITEAOF")).toBe("+Background append only file rewriting started\r\n");
  const refused = newServerHarness({ services: { aof: aof({ rewrite: () => ({ error: "ERR already" }) }) } });
  expect(refused.text("BGREWRITEAOF")).toBe("-ERR already\r\n");
});

test("FLUSHDB, FLUSHALL and SWAPDB", () => {
  const harness = newServerHarness({ config: { get: () => [["lazyfree-lazy-user-flush", "yes"]] } });
  const sizes = () => [0, 1].map((index) => harness.text("SELECT", index) && harness.text("DBSIZE"));
  for (const index of [0, 1, 1]) {
    harness.run("SELECT", index);
    harness.run("SET", harness.keyspace.databases[index].size, "x");
  }
  harness.takeEffects();
  harness.run("SWAPDB", 0, 1);
  expect(sizes()).toEqual([":2\r\n", ":1\r\n"]);
  harness.run("FLUSHDB", "async");
  expect(sizes()).toEqual([":2\r\n", ":0\r\n"]);
  harness.run("FLUSHDB");
  harness.run("FLUSHALL");
  expect(sizes()).toEqual([":0\r\n", ":0\r\n"]);
  expect(harness.takeEffects()).toEqual(["SWAPDB 0 1", "FLUSHDB async", "FLUSHDB", "FLUSHALL"]);
});
