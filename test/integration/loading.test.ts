/**
 * While a server loads its data: what it answers, with the replies of the real Redis beside it, what INFO tells, and
 * how it ends if it is told to.
 */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LISTENING, type ServerProcess, startListening } from "../support/child-servers.ts";
import { freePort } from "../support/free-port.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer } from "../support/redis-server.ts";
import { startServerWith } from "../support/server-process.ts";
import { expectFilled, fill, infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const KEYS = 4000;
/** So slow that all requests of a test come before the end of the load. */
const SLOW = ["--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024", "--save", ""];
const LOADING_ERROR = "-LOADING Redis is loading the dataset in memory\r\n";

async function makeDump(keys = KEYS): Promise<void> {
  const client = await fixture.start("--appendonly", "no");
  await fill(client, 0, keys, 100);
  expect(await client.text("SAVE")).toBe("+OK\r\n");
  await fixture.server.kill();
}

async function startSlowly(...args: string[]): Promise<{ server: ServerProcess; client: RawClient }> {
  const port = await freePort();
  const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", fixture.data];
  const server = await startServerWith([...where, ...args], fixture.data, port, LISTENING);
  return { server, client: await RawClient.connect(port) };
}

function startLoading(...args: string[]): ReturnType<typeof startSlowly> {
  return startSlowly(...SLOW, ...args);
}

async function loadingFields(client: RawClient): Promise<ReadonlyMap<string, string>> {
  const info = await client.text("INFO", "persistence");
  return new Map(
    [...info.matchAll(/^((?:async_)?loading\w*):(.*)\r$/gm)].map(([, name, text]) => [name, text]),
  );
}

test("a server that loads says so, tells how far it is, and serves all when it is done", async () => {
  await makeDump();
  const { server, client } = await startLoading("--appendonly", "no");
  expect(await client.text("GET", "k1")).toBe(LOADING_ERROR);
  const loaded = async () => Number((await loadingFields(client)).get("loading_loaded_bytes"));
  const before = await loaded();
  await expect.poll(loaded, POLL).toBeGreaterThan(before);
  const fields = await loadingFields(client);
  expect(Number(fields.get("loading_total_bytes"))).toBeGreaterThan(KEYS * 50);
  expect(Number(fields.get("loading_rdb_used_mem"))).toBeGreaterThan(KEYS * 50);
  expect(Number(fields.get("loading_loaded_perc"))).toBeGreaterThan(0);
  expect(Number(fields.get("loading_loaded_perc"))).toBeLessThan(100);
  expect(Number(fields.get("loading_start_time"))).toBeGreaterThan(1.6e9);
  expect(await client.text("CONFIG", "SET", "key-load-delay", "0")).toBe("+OK\r\n");
  await expect.poll(() => infoOf(client, "loading"), POLL).toBe("0");
  await expectFilled(client, KEYS, 100);
  expect((await loadingFields(client)).size).toBe(2);
  client.close();
  await server.kill();
});

test.each(["SIGTERM", "SHUTDOWN"])("%s ends a server that loads", async (how) => {
  await makeDump();
  const { server, client } = await startLoading("--appendonly", "no");
  if (how === "SIGTERM") {
    expect(await server.stop()).toBe(0);
  } else {
    client.run("SHUTDOWN").catch(() => undefined);
    expect(await server.ended).toBe(0);
  }
  expect(server.output).toContain("during loading, exiting now");
  client.close();
});

describe("who comes before much has been loaded", () => {
  test("waits, if there is little to load, and is answered when it is there", async () => {
    await makeDump(50);
    const { server, client } = await startSlowly(
      "--appendonly",
      "no",
      "--key-load-delay",
      "3000",
      "--save",
      "",
    );
    const replies = await client.runAll([["DBSIZE"], ["SET", "new", "1"], ["INFO", "persistence"]]);
    expect(replies.slice(0, 2).map(String)).toEqual([":50\r\n", "+OK\r\n"]);
    expect(String(replies[2])).toContain("\nloading:0\r\n");
    client.close();
    await server.kill();
  });

  test("is told after a while that the server loads, if there is much", async () => {
    await makeDump();
    const { server, client } = await startLoading(
      "--appendonly",
      "no",
      "--loading-process-events-interval-bytes",
      "100000",
    );
    expect(await client.text("DBSIZE")).toBe(LOADING_ERROR);
    expect(await infoOf(client, "loading")).toBe("1");
    client.close();
    await server.kill();
  });

  test("finds a new server ready", async () => {
    const { server, client } = await startSlowly();
    expect(await client.text("SET", "a", "1")).toBe("+OK\r\n");
    client.close();
    await server.kill();
  });
});

test("an append-only file is loaded in steps, too", async () => {
  const client = await fixture.start("--appendfsync", "no");
  await fill(client, 0, KEYS, 5000);
  await fixture.server.stop();
  const loading = await startLoading();
  const total = async () => Number((await loadingFields(loading.client)).get("loading_total_bytes"));
  await expect.poll(total, POLL).toBeGreaterThan(KEYS * 5000);
  expect(await loading.client.text("DBSIZE")).toBe(LOADING_ERROR);
  const loaded = async () => Number((await loadingFields(loading.client)).get("loading_loaded_bytes"));
  const before = await loaded();
  await expect.poll(loaded, POLL).toBeGreaterThan(before);
  expect(await loading.client.text("CONFIG", "SET", "key-load-delay", "0")).toBe("+OK\r\n");
  await expect.poll(() => infoOf(loading.client, "loading"), POLL).toBe("0");
  await expectFilled(loading.client, KEYS, 5000);
  loading.client.close();
  await loading.server.kill();
});

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  test("the same commands get the same replies", async () => {
    await makeDump();
    const folder = join(fixture.folder, "redis");
    mkdirSync(folder);
    copyFileSync(join(fixture.data, "dump.rdb"), join(folder, "dump.rdb"));
    const port = await freePort();
    const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "no"];
    // There a delay is none in which clients are answered: with a shorter one they are in time.
    const slow = ["--key-load-delay", "2000", ...SLOW.slice(2)];
    const redis = await startListening("redis-server", [...where, ...slow], folder, port, LISTENING);
    const theirs = await RawClient.connect(port);
    const { server, client } = await startLoading("--appendonly", "no");
    const requests = [
      ["PING"],
      ["GET", "k1"],
      ["SET", "k1", "x"],
      ["SELECT", "1"],
      ["ECHO", "a"],
      ["MULTI"],
      ["GET", "k1"],
      ["EXEC"],
      ["DBSIZE"],
      ["BGSAVE"],
      ["SAVE"],
      ["BGREWRITEAOF"],
      ["EVAL", "return 1", "0"],
      ["SCRIPT", "EXISTS", "x"],
      ["CLIENT", "GETNAME"],
      ["CLIENT", "SETNAME", "me"],
      ["CONFIG", "GET", "appendonly"],
      ["SUBSCRIBE", "a"],
      ["UNSUBSCRIBE", "a"],
      ["PUBLISH", "a", "b"],
      ["AUTH", "x"],
      ["TIME"].slice(1),
      ["FLUSHALL"],
      ["WATCH", "a"],
      ["UNWATCH"],
      ["DISCARD"],
      ["NOSUCH"],
      ["GET"],
    ].filter((request) => request.length > 0);
    for (const [name, ...args] of requests) {
      const expected = await theirs.text(name, ...args);
      expect(await client.text(name, ...args), [name, ...args].join(" ")).toBe(expected);
    }
    const names = async (of: RawClient) => [...(await loadingFields(of)).keys()];
    expect(await names(client)).toEqual(await names(theirs));
    client.close();
    theirs.close();
    await redis.kill();
    await server.kill();
  });
});
