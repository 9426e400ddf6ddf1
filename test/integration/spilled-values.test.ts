/**
 * A server whose values go to disk as soon as no command needs them: what commands that find further keys in values
 * need must be in memory together.
 */
import { expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const ELEMENTS = 300;

test("SORT by keys, and getting keys, that are all on disk", async () => {
  const client = await fixture.start("--cold-tier-spill-all", "yes");
  const setUp: Argument[][] = [];
  for (let i = 0; i < ELEMENTS; i++) {
    setUp.push(
      ["RPUSH", "list", i],
      ["SET", `weight_${i}`, ELEMENTS - i],
      ["HSET", `hash_${i}`, "field", i % 7],
    );
  }
  await client.runAll(setUp);
  const allCold = () => infoOf(client, "cold_keys");
  await expect.poll(allCold, POLL).toBe(String(2 * ELEMENTS + 1));
  const first = (reply: string) => reply.split("\r\n").slice(0, 3).join();
  expect(first(await client.text("SORT", "list", "BY", "weight_*"))).toBe(`*${ELEMENTS},$3,299`);
  expect(first(await client.text("SORT", "list", "BY", "hash_*->field", "DESC"))).toBe(`*${ELEMENTS},$2,97`);
  const got = await client.text(
    "SORT",
    "list",
    "BY",
    "weight_*",
    "LIMIT",
    0,
    1,
    "GET",
    "hash_*->field",
    "GET",
    "#",
  );
  expect(got).toBe("*2\r\n$1\r\n5\r\n$3\r\n299\r\n");
  await client.run("SORT", "list", "BY", "weight_*", "GET", "hash_*->field", "STORE", "list");
  expect(await client.text("LRANGE", "list", 0, 1)).toBe("*2\r\n$1\r\n5\r\n$1\r\n4\r\n");
  await expect.poll(allCold, POLL).toBe(String(2 * ELEMENTS + 1));
});

test("SCAN over what is mostly on disk, each key read as it comes", async () => {
  const client = await fixture.start("--maxmemory", "8mb", "--save", "");
  const keys = 15_000;
  const value = Buffer.alloc(1000, "v");
  for (let from = 0; from < keys; from += 500) {
    await client.runAll(Array.from({ length: 500 }, (_, i) => ["SET", `key:${from + i}`, value]));
  }
  const seen = new Set<string>();
  for (let cursor = "0"; ; ) {
    const [, , next, , ...rest] = (await client.text("SCAN", cursor, "COUNT", 100)).split("\r\n");
    const found = rest.filter((word) => word.startsWith("key:"));
    for (const key of found) seen.add(key);
    // Warmed in the order of their hashes, and so far more crowded there than what else is in memory.
    const lengths = await client.runAll(found.map((key) => ["GETRANGE", key, 0, 1]));
    expect(lengths.every((reply) => reply.toString() === "$2\r\nvv\r\n")).toBe(true);
    cursor = next;
    if (cursor === "0") break;
  }
  expect(seen.size).toBe(keys);
});
