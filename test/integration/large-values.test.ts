/**
 * Values that take a good part of the memory, or more than all of it: they are not written and read for each command.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { bulk, fill, infoOf, POLL, rewriteLog, useServer, valueOf } from "./server-fixture.ts";

const fixture = useServer();
const MB = 1024 * 1024;
const ELEMENT_BYTES = 1000;
const ELEMENTS_AT_ONCE = 500;
/** 24 MB. */
const ELEMENTS = 24_000;

test("a list that grows beyond memory is written when nobody uses it, and not before", async () => {
  const client = await fixture.start("--maxmemory", "8mb", "--cold-tier-compression", "no");
  const spilled = async () => Number(await infoOf(client, "tier_spilled_bytes"));
  for (let i = 0; i < ELEMENTS; i += ELEMENTS_AT_ONCE) {
    const elements = Array.from({ length: ELEMENTS_AT_ONCE }, (_, j) => valueOf(i + j, ELEMENT_BYTES));
    expect(await client.text("RPUSH", "list", ...elements)).toBe(`:${i + ELEMENTS_AT_ONCE}\r\n`);
  }
  // A machine that stands still for seconds may see it idle in between, but not with each of 48 commands.
  expect(await spilled()).toBeLessThan(6 * ELEMENTS * ELEMENT_BYTES);
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("1");
  expect(Number(await infoOf(client, "tier_kept_bytes"))).toBe(0);
  // It is freed bit by bit.
  await expect.poll(async () => Number(await infoOf(client, "hot_bytes")), POLL).toBeLessThan(MB);
  const written = await spilled();
  for (let i = 0; i < ELEMENTS; i += 400) {
    const element = await client.run("LINDEX", "list", i);
    expect(element.includes(valueOf(i, ELEMENT_BYTES))).toBe(true);
  }
  expect(await client.text("LLEN", "list")).toBe(`:${ELEMENTS}\r\n`);
  // Reading writes nothing.
  expect(await spilled()).toBe(written);
  expect(Number(await infoOf(client, "tier_keys_found"))).toBeLessThan(10);
});

test("what a large value took on its way to disk is given back", async () => {
  const client = await fixture.start("--maxmemory", "8mb");
  const value = Buffer.alloc(64 * MB);
  for (let at = 0; at < value.length; at += MB) valueOf(at, MB).copy(value, at);
  await client.run("SET", "string", value);
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("1");
  const limit = 200 * MB;
  await expect.poll(async () => Number(await infoOf(client, "used_memory_rss")), POLL).toBeLessThan(limit);
});

test("values of all sizes come back from disk as they were, also after changes, a rewrite and a restart", async () => {
  const sizes = [256 * 1024 - 40, 256 * 1024, MB - 60, MB - 30, MB, 2 * MB + 1, 9 * MB];
  const values = sizes.flatMap((size) => [randomBytes(size), valueOf(size, size), Buffer.alloc(size, "abc")]);
  const options = ["--maxmemory", "16mb", "--cold-tier-spill-all", "yes"];
  let client = await fixture.start(...options);
  const allCold = () => expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe(String(values.length));
  const allAreThere = async () => {
    for (const [i, value] of values.entries()) {
      const reply = await client.run("GET", `k${i}`);
      expect(reply.equals(bulk(value)), `k${i} of ${value.length} bytes`).toBe(true);
    }
  };
  for (const [i, value] of values.entries()) await client.run("SET", `k${i}`, value);
  await allCold();
  await allAreThere();
  await rewriteLog(client);
  for (const [i, value] of values.entries()) {
    const end = randomBytes(1000);
    values[i] = Buffer.concat([value, end]);
    values[i].write("changed", 100_000);
    await client.runAll([
      ["APPEND", `k${i}`, end],
      ["SETRANGE", `k${i}`, 100_000, "changed"],
    ]);
  }
  await allCold();
  await allAreThere();
  await fixture.server.kill();
  client = await fixture.start(...options);
  await allAreThere();
  await allCold();
});

test("others get room beside one that is larger than memory", async () => {
  const client = await fixture.start("--maxmemory", "8mb");
  const appends = Array.from({ length: 24 }, (): Argument[] => ["APPEND", "string", Buffer.alloc(MB, "s")]);
  for (const append of appends) await client.run(...append);
  const other = await fixture.connect();
  let isDone = false;
  const use = async () => {
    while (!isDone) expect(await other.text("STRLEN", "string")).toBe(`:${24 * MB}\r\n`);
  };
  const using = use();
  await fill(client, 0, 10_000, 1000);
  isDone = true;
  await using;
  expect(Number(await infoOf(client, "hot_bytes"))).toBeLessThan(24 * MB + 12 * MB);
  await client.run("DEL", "string");
  await expect.poll(async () => Number(await infoOf(client, "hot_bytes")), POLL).toBeLessThan(8 * MB);
});
