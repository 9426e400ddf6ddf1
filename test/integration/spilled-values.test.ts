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
