/**
 * SAVE, BGSAVE, save points and what a failing disk makes of them, on running servers; with the replies of the real
 * Redis beside them, and its server and its tool on the files.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, runRedisTool, startRedisServer } from "../support/redis-server.ts";
import { contentsOf, sampleRequests } from "./contents.ts";
import { expectFilled, fill, infoOf, POLL, rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();
const NO_AOF = ["--appendonly", "no"];
const DENIED =
  "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that " +
  "may modify the data set are disabled, because this instance is configured to report errors during writes if RDB " +
  "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB " +
  "error.\r\n";
/** So slow that a save is under way when the next command comes. */
const SLOW = ["--rdb-key-save-delay", "10000000"];

async function saved(client: RawClient): Promise<void> {
  await expect
    .poll(() => client.text("INFO", "persistence"), POLL)
    .toMatch(/rdb_bgsave_in_progress:0[^]*rdb_last_bgsave_status:ok/);
}

/** Makes it impossible to write a dump: a folder is in its place. */
function blockDump(): void {
  rmSync(join(fixture.data, "dump.rdb"), { force: true });
  mkdirSync(join(fixture.data, "dump.rdb"));
}

function unfinished(): string[] {
  return readdirSync(fixture.data).filter((name) => name.startsWith("temp-"));
}

test("what SAVE wrote is there after a kill, and nothing newer", async () => {
  let client = await fixture.start(...NO_AOF);
  await fill(client, 0, 500, 100);
  expect(await client.text("SAVE")).toBe("+OK\r\n");
  await client.run("SET", "later", "x");
  await fixture.server.kill();
  client = await fixture.start(...NO_AOF);
  await expectFilled(client, 500, 100);
  expect(await infoOf(client, "rdb_last_load_keys_loaded")).toBe("500");
});

test("a dump holds cold values too, as of its beginning, while they move and change", async () => {
  const COUNT = 6000;
  const args = [...NO_AOF, "--maxmemory", "3mb", "--save", ""];
  let client = await fixture.start(...args);
  await fill(client, 0, COUNT, 1000);
  expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(COUNT / 4);
  expect(await client.text("BGSAVE")).toBe("+Background saving started\r\n");
  for (let i = 0; i < COUNT; i += 7) {
    await client.run(i % 2 === 0 ? "DEL" : "APPEND", `k${i}`, ...(i % 2 === 0 ? [] : ["changed"]));
  }
  await saved(client);
  await fixture.server.kill();
  client = await fixture.start(...args);
  await expectFilled(client, COUNT, 1000);
});

test("large values are written as they were, though they are changed at once", async () => {
  const COUNT = 30_000;
  const client = await fixture.start(...NO_AOF, "--save", "");
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  const text = "x".repeat(5_000_000);
  await client.runAll([
    ["RPUSH", "list", ...numbers.map((i) => `element ${i}`)],
    ["SADD", "set", ...numbers.map((i) => `member ${i}`)],
    ["ZADD", "sorted", ...numbers.flatMap((i) => [i, `member ${i}`])],
    ["HSET", "hash", ...numbers.flatMap((i) => [`field ${i}`, i])],
    ["SET", "text", text],
    ...numbers
      .slice(0, 5000)
      .map((i) => ["XADD", "stream", `${i + 1}-0`, "field", `value of ${i}`.repeat(5)]),
  ]);
  const changes = [
    ["RPOP", "list"],
    ["SADD", "set", "new"],
    ["ZINCRBY", "sorted", 5, "member 7"],
    ["HDEL", "hash", "field 7"],
    ["APPEND", "text", "y"],
    ["XADD", "stream", "*", "field", "new"],
  ];
  const expected = await contentsOf(fixture.server.port);
  // In one packet: there is no turn between them.
  const replies = await client.runAll([["BGSAVE"], ...changes]);
  expect(replies.map(String).filter((reply) => reply[0] === "-")).toEqual([]);
  await saved(client);
  await fixture.server.kill();
  await fixture.start(...NO_AOF);
  const found = await contentsOf(fixture.server.port);
  expect(found.map((line, i) => line === expected[i])).toEqual(expected.map(() => true));
});

test("the version of a dump is that of Redis 7.0, unless fields of a hash expire", async () => {
  let client = await fixture.start(...NO_AOF, "--save", "");
  const version = () => readFileSync(join(fixture.data, "dump.rdb"), "latin1").slice(0, 9);
  await client.run("HSET", "hash", "a", "1", "b", "2");
  await client.run("SAVE");
  expect(version()).toBe("REDIS0010");
  await client.run("HEXPIRE", "hash", 1000, "FIELDS", 1, "a");
  await client.run("SAVE");
  expect(version()).toBe("REDIS0012");
  await fixture.server.kill();
  client = await fixture.start(...NO_AOF);
  expect(await client.text("HTTL", "hash", "FIELDS", 2, "a", "b")).toMatch(/^\*2\r\n:\d+\r\n:-1\r\n$/);
});

test("a save point saves by itself, and FLUSHALL an empty dump", async () => {
  const client = await fixture.start(...NO_AOF, "--save", "3600 1");
  const begun = Number((await client.text("LASTSAVE")).slice(1));
  await fill(client, 0, 20, 10);
  expect(await infoOf(client, "rdb_changes_since_last_save")).toBe("20");
  expect(await client.text("CONFIG", "SET", "save", "1 10")).toBe("+OK\r\n");
  await expect.poll(() => infoOf(client, "rdb_changes_since_last_save"), POLL).toBe("0");
  expect(Number((await client.text("LASTSAVE")).slice(1))).toBeGreaterThan(begun);
  expect(existsSync(join(fixture.data, "dump.rdb"))).toBe(true);
  expect(await client.text("FLUSHALL")).toBe("+OK\r\n");
  expect(await infoOf(client, "rdb_changes_since_last_save")).toBe("0");
  expect(readFileSync(join(fixture.data, "dump.rdb")).length).toBeLessThan(120);
});

test("while dumps fail, writes and PING are refused as stop-writes-on-bgsave-error says", async () => {
  const client = await fixture.start(...NO_AOF, "--save", "3600 1");
  await fill(client, 0, 10, 10);
  blockDump();
  expect(await client.text("SAVE")).toBe("-ERR\r\n");
  expect(await client.text("SET", "a", "1")).toBe("+OK\r\n");
  await client.run("BGSAVE");
  await expect.poll(() => infoOf(client, "rdb_last_bgsave_status"), POLL).toBe("err");
  expect(unfinished()).toEqual([]);
  expect(await client.text("SET", "a", "2")).toBe(DENIED);
  expect(await client.text("PING")).toBe(DENIED);
  expect(await client.text("GET", "a")).toBe("$1\r\n1\r\n");
  expect(await client.text("MULTI")).toBe("+OK\r\n");
  expect(await client.text("SET", "a", "2")).toBe(DENIED);
  expect(await client.text("EXEC")).toMatch(/^-EXECABORT/);
  await client.run("CONFIG", "SET", "stop-writes-on-bgsave-error", "no");
  expect(await client.text("SET", "a", "3")).toBe("+OK\r\n");
  await client.run("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes");
  await client.run("CONFIG", "SET", "save", "");
  expect(await client.text("SET", "a", "4")).toBe("+OK\r\n");
  await client.run("CONFIG", "SET", "save", "3600 1");
  rmSync(join(fixture.data, "dump.rdb"), { recursive: true });
  expect(await client.text("SET", "a", "5")).toBe(DENIED);
  expect(await client.text("SAVE")).toBe("+OK\r\n");
  expect(await client.text("SET", "a", "5")).toBe("+OK\r\n");
});

test("a save and a rewrite wait for each other", async () => {
  const client = await fixture.start("--save", "", ...SLOW);
  await fill(client, 0, 10, 10);
  await client.run("BGSAVE");
  expect(await client.text("BGREWRITEAOF")).toBe("+Background append only file rewriting scheduled\r\n");
  expect(await infoOf(client, "aof_rewrite_scheduled")).toBe("1");
  expect(await client.text("SAVE")).toBe("-ERR Background save already in progress\r\n");
  // FLUSHALL stops the save.
  expect(await client.text("FLUSHALL")).toBe("+OK\r\n");
  await expect.poll(() => infoOf(client, "aof_rewrite_scheduled"), POLL).toBe("0");
  expect(await infoOf(client, "rdb_last_bgsave_status")).toBe("ok");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  await client.run("CONFIG", "SET", "rdb-key-save-delay", "0");
  await rewriteLog(client);
  expect(await client.text("SAVE")).toBe("+OK\r\n");
});

test("SHUTDOWN stops a save, and saves if there are save points", async () => {
  let client = await fixture.start("--save", "3600 1", ...SLOW);
  await fill(client, 0, 10, 10);
  await client.run("BGSAVE");
  await client.run("CONFIG", "SET", "rdb-key-save-delay", "0");
  expect(await fixture.server.stop()).toBe(0);
  expect(unfinished()).toEqual([]);
  rmSync(join(fixture.data, "appendonlydir"), { recursive: true });
  client = await fixture.start();
  await expectFilled(client, 10, 10);
  rmSync(join(fixture.data, "dump.rdb"));
  expect(await client.text("CONFIG", "GET", "save")).toBe("*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  expect(await fixture.server.stop()).toBe(0);
  expect(existsSync(join(fixture.data, "dump.rdb"))).toBe(false);
});

test("a start removes what killed saves and rewrites left, but nothing of a running process", async () => {
  const folder = join(fixture.data, "appendonlydir");
  mkdirSync(folder);
  for (const processId of [4_000_000, process.pid]) {
    writeFileSync(join(fixture.data, `temp-${processId}.rdb`), "half");
    writeFileSync(join(folder, `temp-rewriteaof-bg-${processId}.aof`), "half");
  }
  await fixture.start();
  expect(unfinished()).toEqual([`temp-${process.pid}.rdb`]);
  expect(readdirSync(folder).filter((name) => name.startsWith("temp-"))).toEqual([
    `temp-rewriteaof-bg-${process.pid}.aof`,
  ]);
});

test("save-max-bytes-per-second slows a save down", async () => {
  const client = await fixture.start(
    ...NO_AOF,
    "--save-max-bytes-per-second",
    "1mb",
    "--rdbcompression",
    "no",
  );
  await fill(client, 0, 2000, 1000);
  const begun = performance.now();
  expect(await client.text("SAVE")).toBe("+OK\r\n");
  // Two megabytes, of which the first quarter of one goes out at once.
  expect(performance.now() - begun).toBeGreaterThan(1000);
});

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let redis: RedisServer | undefined;

  afterEach(async () => {
    await redis?.stop();
    redis = undefined;
  });

  async function send(port: number, requests: readonly (readonly Argument[])[]): Promise<void> {
    const client = await RawClient.connect(port);
    const replies = await client.runAll(requests);
    client.close();
    expect(replies.map((reply) => reply.toString("latin1")).filter((reply) => reply[0] === "-")).toEqual([]);
  }

  /** Without encodings: a server that ran before has values as commands left them. */
  async function valuesOf(port: number): Promise<string[]> {
    return (await contentsOf(port)).map((line) => line.replace(/(: :-?\d+\r\n )\$\d+\r\n\w+\r\n/, "$1"));
  }

  test("the same commands get the same replies", async () => {
    redis = await startRedisServer([...NO_AOF, ...SLOW], fixture.folder);
    const theirs = await RawClient.connect(redis.port);
    const ours = await fixture.start(...NO_AOF, "--save", "", ...SLOW);
    const requests: Argument[][] = [
      ["SAVE", "x"],
      ["BGSAVE", "x"],
      ["BGSAVE", "SCHEDULE", "x"],
      ["LASTSAVE", "x"],
      ["SAVE"],
      ["SET", "a", "1"],
      ["BGSAVE", "schedule"],
      ["BGSAVE"],
      ["BGSAVE", "SCHEDULE"],
      ["SAVE"],
      ["MULTI"],
      ["SAVE"],
      ["EXEC"],
      ["MULTI"],
      ["BGSAVE"],
      ["EXEC"],
    ];
    for (const request of requests) {
      const expected = await theirs.text(...request);
      expect(await ours.text(...request), request.join(" ")).toBe(expected);
    }
    theirs.close();
  });

  test("redis-check-rdb and redis-server take the dump, with all values", async () => {
    await fixture.start(...NO_AOF);
    await send(fixture.server.port, sampleRequests());
    await send(fixture.server.port, [["SAVE"]]);
    const expected = await valuesOf(fixture.server.port);
    expect(expected.length).toBeGreaterThan(500);
    const check = runRedisTool("redis-check-rdb", [join(fixture.data, "dump.rdb")]);
    expect(check.output).toContain("RDB looks OK!");
    expect(check.status).toBe(0);
    redis = await startRedisServer(NO_AOF, fixture.data);
    expect(await valuesOf(redis.port)).toEqual(expected);
  });

  test("tsredis takes Redis's dump, and gives it back to Redis with cold values", async () => {
    redis = await startRedisServer([...NO_AOF, "--maxmemory-policy", "allkeys-lru"], fixture.data);
    await send(redis.port, sampleRequests());
    await send(redis.port, [["SAVE"]]);
    const expected = await valuesOf(redis.port);
    await redis.stop();
    const client = await fixture.start(
      ...NO_AOF,
      "--cold-tier-spill-all",
      "yes",
      "--maxmemory-policy",
      "allkeys-lru",
    );
    expect(await valuesOf(fixture.server.port)).toEqual(expected);
    expect(await client.text("SAVE")).toBe("+OK\r\n");
    redis = await startRedisServer(NO_AOF, fixture.data);
    expect(await valuesOf(redis.port)).toEqual(expected);
  });
});
