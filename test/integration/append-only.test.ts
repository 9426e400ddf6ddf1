/**
 * The append-only file of the running server: waiting for it, rewriting it under load, switching it off and on.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { bulk, expectFilled, fill, infoOf, POLL, rewriteLog, useServer, valueOf } from "./server-fixture.ts";

const fixture = useServer();

describe("the server has an append-only file", () => {
  test("that WAITAOF waits for", async () => {
    const client = await fixture.start("--appendfsync", "no");
    const replies = await client.runAll([
      ["SET", "a", "b"],
      ["WAITAOF", 1, 0, 0],
      ["WAITAOF", 0, 0, 0],
      ["WAITAOF", 0, 1, 10],
    ]);
    expect(replies.slice(1).map(String)).toEqual(Array(3).fill("*2\r\n:1\r\n:0\r\n"));
    await client.run("CONFIG", "SET", "appendonly", "no");
    expect(await client.text("WAITAOF", 1, 0, 0)).toMatch(/^-ERR WAITAOF cannot be used/);
  });

  test("that with appendfsync no may grow without ever being synced", async () => {
    const client = await fixture.start("--appendfsync", "no", "--auto-aof-rewrite-percentage", "0");
    const value = "x".repeat(8 * 1024 * 1024);
    for (let i = 0; i < 10; i++) expect(await client.text("SET", "key", value)).toBe("+OK\r\n");
    expect(Number(await infoOf(client, "aof_current_size"))).toBeGreaterThan(80 * 1024 * 1024);
    expect(await client.text("STRLEN", "key")).toBe(`:${value.length}\r\n`);
  });

  test.each([["everysec"], ["always"]])("that is rewritten under load, with %s", async (policy) => {
    const client = await fixture.start("--appendfsync", policy, "--maxmemory", "4mb");
    const writers = await Promise.all([fixture.connect(), fixture.connect(), fixture.connect()]);
    let isDone = false;
    const counts = writers.map(async (writer, i) => {
      let count = 0;
      for (; !isDone; count += 50) {
        const requests = Array.from({ length: 50 }, (_, j): Argument[] =>
          j % 2 === 0
            ? ["INCR", `counter ${i}`]
            : ["SET", `k${i}:${(count + j) % 999}`, valueOf(count, 2000)],
        );
        await writer.runAll(requests);
      }
      return count / 2;
    });
    for (let round = 0; round < 4; round++) await rewriteLog(client);
    isDone = true;
    const expected = await Promise.all(counts);
    const size = await client.text("DBSIZE");
    await fixture.server.kill();
    const after = await fixture.start("--maxmemory", "4mb");
    expect(await after.text("DBSIZE")).toBe(size);
    for (const [i, count] of expected.entries()) {
      expect(await after.text("GET", `counter ${i}`)).toBe(bulk(String(count)).toString());
    }
  });

  test.each([
    ["are read and changed", (i: number): Argument[] => ["APPEND", `k${i}`, "x"]],
    ["are written", (i: number): Argument[] => ["COPY", "k0", `copy ${i}`]],
  ])(
    "that is rewritten by itself when many cold values %s, though it has grown little",
    async (_, request) => {
      const client = await fixture.start("--maxmemory", "4mb", "--auto-aof-rewrite-percentage", "0");
      await fill(client, 0, 5000, 2000);
      await rewriteLog(client);
      await client.run(
        "CONFIG",
        "SET",
        "auto-aof-rewrite-min-size",
        "1mb",
        "auto-aof-rewrite-percentage",
        "20",
      );
      for (let i = 1; i <= 5000; i += 100)
        await client.runAll(Array.from({ length: 100 }, (__, j) => request(i + j)));
      await expect.poll(() => infoOf(client, "aof_rewrites"), POLL).not.toBe("1");
      expect(fixture.server.output).toMatch(
        /automatic rewriting of AOF on \d+% growth, counting work on the cold tier/,
      );
    },
  );

  test("that holds what PFCOUNT keeps in the value, though it only reads", async () => {
    const client = await fixture.start("--appendfsync", "always");
    await client.run("PFADD", "k", "a", "b", "c");
    expect(await client.text("GETRANGE", "k", 15, 15)).toBe("$1\r\n\x80\r\n");
    // The reply comes when the change is as safe as any other.
    expect(await client.text("PFCOUNT", "k")).toBe(":3\r\n");
    const value = await client.text("GET", "k");
    await fixture.server.kill();
    const after = await fixture.start();
    expect(await after.text("GET", "k")).toBe(value);
    expect(await after.text("GETRANGE", "k", 8, 15)).toBe(`$8\r\n\x03${"\0".repeat(7)}\r\n`);
  });

  test("that can be switched off and on", async () => {
    let client = await fixture.start();
    await fill(client, 0, 100, 50);
    expect(await client.text("CONFIG", "SET", "appendonly", "no")).toBe("+OK\r\n");
    await fill(client, 100, 200, 50);
    expect(await infoOf(client, "aof_enabled")).toBe("0");
    expect(await client.text("CONFIG", "SET", "appendonly", "yes")).toBe("+OK\r\n");
    await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
    expect(await infoOf(client, "aof_enabled")).toBe("1");
    await fill(client, 200, 300, 50);
    await fixture.server.kill();
    client = await fixture.start();
    await expectFilled(client, 300, 50);
  });

  test("of which BGREWRITEAOF makes the base also while it is off", async () => {
    let client = await fixture.start("--appendonly", "no", "--maxmemory", "4mb", "--save", "");
    await fill(client, 0, 1500, 4000);
    expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(0);
    await rewriteLog(client);
    expect(await infoOf(client, "aof_enabled")).toBe("0");
    const manifest = join(fixture.data, "appendonlydir", "appendonly.aof.manifest");
    const lines = "file appendonly.aof.1.base.rdb seq 1 type b\nfile cold-tier seq 1 type t\n";
    expect(readFileSync(manifest, "utf8")).toBe(lines);
    // The base holds none of this, and a start without it leaves it alone.
    await client.run("SET", "k5", "changed later");
    await fill(client, 1500, 1600, 4000);
    await fixture.server.kill();
    client = await fixture.start("--appendonly", "no", "--save", "");
    expect(await client.text("DBSIZE")).toBe(":0\r\n");
    await fixture.server.stop();
    client = await fixture.start("--maxmemory", "4mb");
    await expectFilled(client, 1500, 4000);
  });

  test("that keeps what it had when it is switched off", async () => {
    let client = await fixture.start("--maxmemory", "4mb");
    await fill(client, 0, 1500, 4000);
    expect(await client.text("CONFIG", "SET", "appendonly", "no")).toBe("+OK\r\n");
    await client.run("SET", "k5", "changed later");
    await fill(client, 1500, 1600, 4000);
    await fixture.server.kill();
    client = await fixture.start("--maxmemory", "4mb");
    await expectFilled(client, 1500, 4000);
  });
});
