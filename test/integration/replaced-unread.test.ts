/**
 * A start repeats the commands of the log. Values on disk that these replace or delete are not read for it, also where
 * other commands have to do with the same keys; and whatever is there afterwards is what was there before.
 */
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../persistence/aof/aof-files.ts";
import type { Argument } from "../support/command-harness.ts";
import type { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, runRedisTool } from "../support/redis-server.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const KEYS = 200;

/** All keys of the first two databases with what they hold. */
async function contents(client: RawClient): Promise<string[]> {
  const found: string[] = [];
  for (const db of [1, 0]) {
    await client.run("SELECT", db);
    const keys = (await client.text("KEYS", "*")).split("\r\n").filter((line) => /^[a-z]/.test(line));
    for (const key of keys.sort()) {
      const expiry = await client.text("PEXPIRETIME", key);
      found.push(`${db} ${key} ${expiry} ${(await client.run("DUMP", key)).toString("latin1")}`);
    }
    found.push(await client.text("DBSIZE"));
  }
  return found;
}

/** Puts everything on disk, into the base file's state, then runs `commands`, which leave it at once as well. */
async function afterKill(commands: readonly Argument[][]): Promise<{ read: number; unread: number }> {
  const client = await fixture.start("--cold-tier-spill-all", "yes");
  const setUp: Argument[][] = [
    ["SELECT", 1],
    ["SET", "k0", "of database 1"],
    ["SELECT", 0],
  ];
  for (let i = 0; i < KEYS; i++) setUp.push(["SET", `k${i}`, `value ${i}`]);
  setUp.push(["RPUSH", "list", 2, 1], ["SET", "counter", 5], ["SET", "timed", "x", "PX", 10_000_000]);
  setUp.push(["SET", "weight:1", 1], ["SET", "weight:2", 2]);
  await client.runAll(setUp);
  await expect.poll(() => infoOf(client, "hot_keys"), POLL).toBe("0");
  expect(await client.text("BGREWRITEAOF")).toContain("rewriting started");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  for (const command of commands) {
    expect(await client.text(...command)).not.toMatch(/^-/);
    await expect.poll(() => infoOf(client, "hot_keys"), POLL).toBe("0");
  }
  const before = await contents(client);
  await fixture.server.kill();
  const after = await fixture.start("--cold-tier-spill-all", "yes");
  const read = Number(await infoOf(after, "tier_keys_found"));
  const unread = Number(await infoOf(after, "tier_keys_replaced_unread"));
  expect(await contents(after)).toEqual(before);
  return { read, unread };
}

test("values that commands replace or delete are not read", async () => {
  const commands: Argument[][] = [
    ["SET", "k0", "new"],
    ["SET", "k1", "new", "PX", 10_000_000],
    ["SETEX", "k2", 10_000, "new"],
    ["MSET", "k3", "new", "k4", "new"],
    ["DEL", "k5"],
    ["UNLINK", "k6", "k7", "list"],
    ["GETDEL", "k8"],
    ["GETSET", "k9", "new"],
    ["SET", "timed", "without expiry"],
    ["PEXPIRE", "k10", 1],
  ];
  expect(await afterKill(commands)).toEqual({ read: 1, unread: 12 });
});

test("values are read where a command needs them, or not all of its keys were there", async () => {
  const commands: Argument[][] = [
    ["INCR", "counter"],
    ["APPEND", "k0", "more"],
    ["SET", "timed", "y", "KEEPTTL"],
    ["MSET", "k1", "new", "new", "new"],
    ["DEL", "k2", "none"],
    ["EXPIRE", "k3", 1000],
    ["RPUSH", "list", "x"],
  ];
  expect(await afterKill(commands)).toEqual({ read: 7, unread: 0 });
});

test("keys that other commands bring or take without naming them in their database", async () => {
  const commands: Argument[][] = [
    ["MOVE", "k1", 1],
    ["SELECT", 1],
    ["SET", "k1", "replaced after it was moved"],
    ["SELECT", 0],
    ["COPY", "k2", "copy", "DB", 1],
    ["SELECT", 1],
    ["SET", "copy", "replaced after it was copied"],
    ["SELECT", 0],
    ["SORT", "list", "BY", "weight:*", "STORE", "sorted"],
    ["SET", "weight:1", 9],
    ["SWAPDB", 0, 1],
    ["SET", "k0", "in the other database"],
    ["SELECT", 1],
    ["INCR", "counter"],
    ["DEL", "counter"],
    ["RENAME", "k3", "k4"],
    ["SET", "k4", "replaced after it was renamed"],
  ];
  const { unread } = await afterKill(commands);
  expect(unread).toBe(0);
});

test("what should have been replaced by a command that failed is still there", async () => {
  const client = await fixture.start("--cold-tier-spill-all", "yes");
  await client.run("SET", "k", "value");
  await expect.poll(() => infoOf(client, "hot_keys"), POLL).toBe("0");
  expect(await client.text("BGREWRITEAOF")).toContain("rewriting started");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  await fixture.server.kill();
  const folder = join(fixture.data, "appendonlydir");
  const last = readdirSync(folder).find((name) => name.endsWith(".incr.aof"));
  const failing = Buffer.concat([Buffer.from("#OLD\r\n"), command("SET", "k", "new", "PXAT", "never")]);
  appendFileSync(join(folder, last ?? ""), failing);
  // Nothing leaves memory that need not.
  const after = await fixture.start("--maxmemory", "100mb");
  expect(fixture.server.output).toContain("1 commands of the append only file failed");
  expect(await infoOf(after, "tier_keys_replaced_unread")).toBe("1");
  expect(await after.text("GET", "k")).toBe("$5\r\nvalue\r\n");
  expect(await after.text("DBSIZE")).toBe(":1\r\n");
});

test.skipIf(!hasRedisServer)("the stock checker takes what the log says of them", async () => {
  const client = await fixture.start("--cold-tier-spill-all", "yes", "--aof-use-rdb-preamble", "no");
  for (let i = 0; i < 20; i++) await client.run("SET", `k${i}`, "x");
  await expect.poll(() => infoOf(client, "hot_keys"), POLL).toBe("0");
  await client.runAll([["MULTI"], ["SET", "k0", "y"], ["DEL", "k1"], ["SET", "new", "z"], ["EXEC"]]);
  await client.run("SET", "k2", "y");
  await fixture.server.kill();
  const folder = `${fixture.data}/appendonlydir`;
  const checked = runRedisTool("redis-check-aof", [`${folder}/appendonly.aof.manifest`]);
  expect(checked.output).toContain("All AOF files and manifest are valid");
});
