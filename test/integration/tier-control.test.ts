/**
 * TIER: where keys are, and having them moved, on a running server with more data than memory.
 */
import { expect, test, vi } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { expectFilled, fill, infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const KEYS = 4000;
const VALUE_BYTES = 1000;
/** What LevelDB keeps in memory first is less than the rest. */
const MIN_COLD_BYTES = 1_000_000;

/** TIER EXPLAIN as name and value; undefined if there is no such key. */
async function explain(client: RawClient, key: string): Promise<Record<string, string> | undefined> {
  const text = await client.text("TIER", "EXPLAIN", key);
  if (text === "$-1\r\n") return undefined;
  const parts = text
    .split("\r\n")
    .filter((line) => line !== "" && !/^[*]\d+$/.test(line) && !/^\$\d+$/.test(line));
  return Object.fromEntries(
    Array.from({ length: parts.length / 2 }, (_, i) => [parts[2 * i], parts[2 * i + 1].replace(/^:/, "")]),
  );
}

async function coldKeys(client: RawClient): Promise<number> {
  return Number(await infoOf(client, "cold_keys"));
}

/** How many of the keys are cold. */
async function countCold(client: RawClient, keys: readonly string[]): Promise<number> {
  const places = [];
  for (const key of keys) places.push(await explain(client, key));
  return places.filter((place) => place?.["state"] === "cold").length;
}

const FIRST = Array.from({ length: 50 }, (_, i) => `k${i}`);

test("EXPLAIN tells where a key is, and leaves it there", async () => {
  const client = await fixture.start("--maxmemory", "100mb");
  await client.run("SET", "s", "x".repeat(2000), "EX", "1000");
  await client.run("RPUSH", "l", "a", "b");
  expect(await explain(client, "none")).toBeUndefined();
  expect(await explain(client, "s")).toMatchObject({
    state: "hot",
    type: "string",
    encoding: "raw",
    record: "none",
    "disk-bytes": "0",
    pinned: "0",
  });
  expect(Number((await explain(client, "s"))?.["hot-bytes"])).toBeGreaterThan(2000);
  expect(await client.text("TIER", "DEMOTE", "s")).toBe(":1\r\n");
  expect(await client.text("TIER", "DEMOTE", "l")).toBe(":1\r\n");
  expect(await client.text("TIER", "DEMOTE", "l")).toBe(":0\r\n");
  const cold = await explain(client, "s");
  expect(cold).toMatchObject({
    state: "cold",
    type: "string",
    encoding: "$-1",
    "hot-bytes": "0",
    record: "current",
    compression: "lz4",
  });
  expect(Number(cold?.["idle-seconds"])).toBeLessThan(100);
  expect(Number(cold?.["raw-bytes"])).toBeGreaterThanOrEqual(2000);
  expect(Number(cold?.["disk-bytes"])).toBeLessThan(1000);
  expect(Number(cold?.["ttl-ms"])).toBeGreaterThan(900_000);
  expect(await explain(client, "l")).toMatchObject({ state: "cold", type: "list", compression: "none" });
  expect(await explain(client, "s")).toMatchObject({ state: "cold" });
  expect(await client.text("TIER", "WARM", "s")).toBe(":1\r\n");
  expect(await client.text("TIER", "WARM", "s")).toBe(":0\r\n");
  expect(await explain(client, "s")).toMatchObject({ state: "hot", record: "current" });
  await client.run("APPEND", "s", "y");
  expect(await explain(client, "s")).toMatchObject({ state: "hot", record: "outdated" });
  await client.run("DEL", "s");
  expect(await explain(client, "s")).toBeUndefined();
  expect(await client.text("TIER", "WARM", "none")).toBe(":0\r\n");
});

test("INFO tells how much lies on disk, and how often memory had what was asked for", async () => {
  const client = await fixture.start("--maxmemory", "100mb");
  await fill(client, 0, KEYS, VALUE_BYTES);
  expect(Number(await infoOf(client, "cold_bytes"))).toBeLessThan(VALUE_BYTES);
  await client.run("TIER", "DEMOTE", "MATCH", "*");
  await expect
    .poll(async () => Number(await infoOf(client, "cold_bytes")), POLL)
    .toBeGreaterThan(MIN_COLD_BYTES);
  await client.run("CONFIG", "RESETSTAT");
  for (const key of ["k1", "k2", "k1", "none", "k2"]) await client.run("GET", key);
  expect(await infoOf(client, "hot_hits")).toBe("2");
  expect(await infoOf(client, "hot_misses")).toBe("3");
  expect(await infoOf(client, "tier_keys_found")).toBe("2");
});

test("DEMOTE and WARM move all that match; values and their number stay", async () => {
  const client = await fixture.start("--maxmemory", "100mb");
  await fill(client, 0, KEYS, VALUE_BYTES);
  expect(await client.text("TIER", "DEMOTE", "MATCH", "k1*")).toBe(":1111\r\n");
  expect(await coldKeys(client)).toBe(1111);
  expect(await client.text("DBSIZE")).toBe(`:${KEYS}\r\n`);
  expect(await client.text("TIER", "WARM", "match", "k19*")).toBe(":111\r\n");
  expect(await coldKeys(client)).toBe(1000);
  expect(await client.text("TIER", "DEMOTE", "MATCH", "*")).toBe(`:${KEYS - 1000}\r\n`);
  expect(await coldKeys(client)).toBe(KEYS);
  await expectFilled(client, KEYS, VALUE_BYTES);
});

test("WARM ends when memory is full", async () => {
  const client = await fixture.start("--maxmemory", "2mb");
  await fill(client, 0, KEYS, VALUE_BYTES);
  await client.run("TIER", "WARM", "MATCH", "*");
  expect(await coldKeys(client)).toBeGreaterThan(KEYS / 2);
  await expectFilled(client, KEYS, VALUE_BYTES);
});

test("pinned keys stay in memory, whatever becomes of them, until they are unpinned", async () => {
  const client = await fixture.start("--maxmemory", "2mb");
  await fill(client, 0, 50, VALUE_BYTES);
  for (const key of FIRST) expect(await client.text("TIER", "PIN", key)).toBe(":1\r\n");
  expect(await client.text("TIER", "PIN", "MATCH", "k*")).toBe(":0\r\n");
  expect(await client.text("TIER", "PIN", "none")).toBe(":0\r\n");
  await fill(client, 50, KEYS, VALUE_BYTES);
  expect(await countCold(client, FIRST)).toBe(0);
  expect(await client.text("TIER", "DEMOTE", "k1")).toBe(":0\r\n");
  await client.run("SET", "k1", "other");
  await client.run("DEL", "k2");
  await client.run("SET", "k2", "again");
  await fill(client, 50, KEYS, VALUE_BYTES);
  expect(await countCold(client, FIRST)).toBe(0);
  expect(await explain(client, "k2")).toMatchObject({ pinned: "1" });
  expect(await infoOf(client, "tier_pinned_keys")).toBe("50");
  expect(await client.text("TIER", "UNPIN", "k1")).toBe(":1\r\n");
  expect(await client.text("TIER", "UNPIN", "k1")).toBe(":0\r\n");
  expect(await client.text("TIER", "UNPIN", "MATCH", "k[0-9]")).toBe(":9\r\n");
  expect(await client.text("TIER", "UNPIN", "MATCH", "*")).toBe(":40\r\n");
  await fill(client, 50, KEYS, VALUE_BYTES);
  await vi.waitUntil(async () => (await countCold(client, FIRST)) > 25, POLL);
});

test("a cold key that is pinned comes into memory; a flush forgets pins", async () => {
  const client = await fixture.start("--maxmemory", "100mb");
  await fill(client, 0, 50, VALUE_BYTES);
  await client.run("TIER", "DEMOTE", "MATCH", "*");
  expect(await client.text("TIER", "PIN", "MATCH", "k4*")).toBe(":11\r\n");
  expect(await coldKeys(client)).toBe(39);
  await client.run("FLUSHALL");
  expect(await infoOf(client, "tier_pinned_keys")).toBe("0");
});

test("others are served while many keys are moved", async () => {
  const client = await fixture.start("--maxmemory", "200mb");
  const other = await fixture.connect();
  await fill(client, 0, 20_000, 100);
  let served = 0;
  let isDone = false;
  const moving = client.text("TIER", "DEMOTE", "MATCH", "*").then((reply) => {
    isDone = true;
    return reply;
  });
  while (!isDone) {
    await other.run("SET", `o${served}`, "v");
    served++;
  }
  expect(Number((await moving).slice(1, -2))).toBeGreaterThanOrEqual(20_000);
  expect(served).toBeGreaterThan(5);
});

test("without a cold tier, and within a transaction, nothing is moved", async () => {
  let client = await fixture.start("--cold-tier", "no");
  await client.run("SET", "k", "v");
  expect(await client.text("TIER", "WARM", "k")).toMatch(/^-ERR The cold tier is off/);
  expect(await explain(client, "k")).toMatchObject({ state: "hot", record: "none" });
  expect(await client.text("TIER", "INFO")).toBe("*0\r\n");
  await fixture.server.stop();
  client = await fixture.start();
  await client.run("MULTI");
  expect(await client.text("TIER", "PIN", "k")).toMatch(/^-ERR Command not allowed inside a transaction/);
  await client.run("DISCARD");
  expect(await client.text("TIER", "PIN", "a", "b")).toBe("-ERR syntax error\r\n");
  expect(await client.text("TIER", "INFO")).toContain("hot_keys");
});
