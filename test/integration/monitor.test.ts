/**
 * MONITOR beside the real Redis: the same lines for the same commands, but for time and address; secrets left out; many
 * that watch; and what ends it.
 */
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
/** The commands of each test end with this one. */
const LAST = "the-last-one";
const TIME_AND_ADDRESS = /^\+\d{10}\.\d{6} \[(\d+) (lua|127\.0\.0\.1:\d+)\]/;

/** Lines without what differs from run to run. */
function lines(text: string): string[] {
  return text
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) =>
      line.replace(TIME_AND_ADDRESS, (_, db, who) => `+ [${db} ${who === "lua" ? who : "client"}]`),
    );
}

/** What a client that watches is shown while another one has commands executed. */
async function watch(port: number, requests: readonly (readonly Argument[])[]): Promise<string[]> {
  const watcher = await RawClient.connect(port);
  const client = await RawClient.connect(port);
  try {
    expect(await watcher.text("MONITOR")).toBe("+OK\r\n");
    for (const request of requests) await client.run(...request);
    await client.run("ECHO", LAST);
    let seen = "";
    while (!seen.includes(LAST)) seen += (await watcher.readReplies(1))[0].toString("latin1");
    return lines(seen);
  } finally {
    watcher.close();
    client.close();
  }
}

const REQUESTS: readonly (readonly Argument[])[] = [
  ["SET", "k", Buffer.from([0, 7, 8, 9, 10, 13, 27, 34, 92, 127, 200, 255])],
  ["get", "k"],
  ["SELECT", "3"],
  ["set", "n", "10"],
  [
    "EVAL",
    "redis.call('set', KEYS[1], ARGV[1]); redis.call('select', 5); return redis.call('get', 'x')",
    1,
    "a",
    "b",
  ],
  ["EVALSHA", "0".repeat(40), 0],
  ["nosuch", "command"],
  ["get"],
  ["MULTI"],
  ["INCR", "n"],
  ["EVAL", "return redis.call('incr', 'n')", 0],
  ["EXEC"],
  ["MULTI"],
  ["nosuch"],
  ["EXEC"],
  ["MULTI"],
  ["EXEC", "x"],
  ["AUTH", "secret"],
  ["AUTH", "user", "secret"],
  ["HELLO", "2", "AUTH", "user", "secret", "SETNAME", "me"],
  ["HELLO", "3"],
  ["CONFIG", "SET", "maxclients", "500"],
  ["CONFIG", "HELP"],
  ["CLIENT", "LIST"],
  ["CLIENT", "GETNAME"],
  ["LPUSH", "l", "1", "2"],
  ["SPOP", "s", "3"],
  ["BLPOP", "none", "0.01"],
  ["SORT", "l", "BY", "w_*"],
  ["RESET"],
];

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await startRedisServer(["--save", "", "--appendonly", "no"], fixture.folder);
  });
  afterEach(() => redis.stop());

  test("the lines are the same", async () => {
    await fixture.start();
    const expected = await watch(redis.port, REQUESTS);
    expect(await watch(fixture.server.port, REQUESTS)).toEqual(expected);
    expect(expected.join("")).not.toContain("secret");
  });
});

test("all that watch are shown the same, from their beginning on; RESET ends it", async () => {
  const client = await fixture.start();
  const watchers = await Promise.all(Array.from({ length: 20 }, () => fixture.connect()));
  for (const watcher of watchers) {
    await watcher.run("MONITOR");
    await client.run("ECHO", "x");
  }
  await client.run("ECHO", LAST);
  const last = watchers.at(-1)!;
  const [, ending] = await last.readReplies(2);
  expect(ending.toString()).toContain(LAST);
  for (const [i, watcher] of watchers.slice(0, -1).entries()) {
    const seen = await watcher.readReplies(watchers.length - i + 1);
    expect(seen.filter((line) => line.includes("ECHO"))).toHaveLength(watchers.length - i + 1);
  }
  expect(await client.text("CLIENT", "LIST")).toMatch(/flags=O /);
  for (const watcher of watchers)
    expect(await watcher.text("GET", "k")).toMatch(/^-ERR Replica can't interact/);
  // Each is shown that others end.
  for (const watcher of watchers) {
    let reply = await watcher.text("RESET");
    while (reply !== "+RESET\r\n") reply = String((await watcher.readReplies(1))[0]);
  }
  await client.run("ECHO", "unseen");
  expect(await last.text("GET", "k")).toBe("$-1\r\n");
  expect(await client.text("CLIENT", "LIST")).not.toMatch(/flags=O /);
});

test("a client that does not read what it is shown is closed at its limit, and others are served", async () => {
  const client = await fixture.start("--client-output-buffer-limit", "normal 1mb 0 0");
  const watcher = await fixture.connect();
  await watcher.run("MONITOR");
  watcher.pause();
  const value = "x".repeat(1024 * 1024);
  await vi.waitUntil(async () => {
    expect(await client.text("SET", "k", value)).toBe("+OK\r\n");
    return !/flags=O /.test(await client.text("CLIENT", "LIST"));
  }, POLL);
});

test("a pipeline of a thousand is shown in its order", async () => {
  const client = await fixture.start();
  const watcher = await fixture.connect();
  await watcher.run("MONITOR");
  await client.runAll(Array.from({ length: 1000 }, (_, i) => ["SET", `k${i}`, "v"]));
  const seen = await watcher.readReplies(1000);
  expect(seen.map((line) => line.toString().split('"')[3])).toEqual(
    Array.from({ length: 1000 }, (_, i) => `k${i}`),
  );
});

test("clients of a unix socket are shown by its path", async () => {
  const path = join(fixture.folder, "s.sock");
  const client = await fixture.start("--unixsocket", path);
  await client.run("MONITOR");
  const answer = await exchangeAt(path, "PING\r\nCLIENT INFO\r\n");
  expect(answer).toMatch(/flags=U /);
  const [line] = await client.readReplies(1);
  expect(String(line)).toContain(` [0 unix:${path}] "PING"`);
});

/** Sends inline commands over a unix socket, and collects all answers. */
function exchangeAt(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(path, () => socket.end(text));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
