/**
 * EXEC with a script that runs for long: others are told, the script can be ended, and what EXEC answers, does and logs
 * is what it would be without a pause.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { StreamClient } from "../support/stream-client.ts";
import { expectSame, useReplicas } from "./replica-fixture.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

type Requests = readonly (readonly Argument[])[];

const server = useServer();
const replicas = useReplicas(server);
const BUSY = /^-BUSY Redis is busy running a script/;
const SUSPENDING = ["--busy-reply-threshold", "20"];
const FOR_EVER = ["EVAL", "while true do end", "0"];
/** Runs for a while after a write, and answers. */
const SLOW = `
  redis.call('INCR', KEYS[1])
  local start = redis.call('TIME')
  repeat
    local now = redis.call('TIME')
  until (now[1] - start[1]) * 1000 + (now[2] - start[2]) / 1000 > tonumber(ARGV[1] or 300)
  return redis.call('INCR', KEYS[1])`;
/** Milliseconds that `slow` takes for somebody to see that the server is busy, even if the machine stands still. */
const SEEN = 2000;
const LIBRARY = `#!lua name=lib
redis.register_function('spin', function() while true do end end)`;

function slow(key: string, milliseconds = 300): Argument[] {
  return ["EVAL", SLOW, "1", key, milliseconds];
}

function inTransaction(requests: Requests): Requests {
  return [["MULTI"], ...requests, ["EXEC"]];
}

function bulk(text: string | number): string {
  return `$${String(text).length}\r\n${text}\r\n`;
}

/** Both have begun; resolves when the server is busy. */
async function untilBusy(other: RawClient, pattern = BUSY): Promise<void> {
  await expect.poll(() => other.text("PING"), POLL).toMatch(pattern);
}

/** A field of INFO commandstats. */
async function statOf(client: RawClient, command: string, field: string): Promise<string | undefined> {
  const stats = await client.text("INFO", "commandstats");
  return new RegExp(`cmdstat_${command}:.*\\b${field}=(\\d+)`).exec(stats)?.[1];
}

describe.skipIf(!hasRedisServer)("a script within EXEC, as in Redis", () => {
  let redis: RedisServer | undefined;
  afterEach(async () => {
    await redis?.kill();
    redis = undefined;
  });

  it.each<[string, Requests, "SCRIPT" | "FUNCTION"]>([
    ["behind a write", [["SET", "a", "1"], FOR_EVER, ["INCR", "a"]], "SCRIPT"],
    ["as the first and the last", [FOR_EVER], "SCRIPT"],
    [
      "that is a function",
      [
        ["INCR", "a"],
        ["FCALL", "spin", "0"],
        ["SELECT", "3"],
        ["SET", "a", "b"],
      ],
      "FUNCTION",
    ],
    [
      "before errors",
      [["EVAL", "redis.call('SELECT', 2) while true do end", "0"], ["GET"], ["LPUSH", "a"]],
      "SCRIPT",
    ],
    [
      "with another",
      [["SELECT", "1"], FOR_EVER, ["EVAL", "return redis.pcall('NONE')", "0"], ["TYPE", "a"]],
      "SCRIPT",
    ],
  ])("is ended, and EXEC goes on behind it: %s", async (_, requests, kind) => {
    await server.start(...SUSPENDING);
    redis = await startRedisServer(SUSPENDING, server.folder);
    const seen: unknown[] = [];
    for (const { port } of [server.server, redis]) {
      const [client, other] = [await RawClient.connect(port), await RawClient.connect(port)];
      await client.run("FUNCTION", "LOAD", LIBRARY);
      const hasErrors = requests.some((request) => request.length === 1 || request[0] === "LPUSH");
      const replies = client.runAll([["SET", "b", "1"], ...inTransaction(requests), ["DBSIZE"]]);
      if (!hasErrors) {
        await untilBusy(other, /^-BUSY/);
        expect(await other.text(kind, "KILL")).toBe("+OK\r\n");
      }
      const texts = (await replies).map(String);
      const failed: unknown[] = [];
      for (const name of ["exec", "eval", "fcall"]) failed.push(await statOf(other, name, "failed_calls"));
      seen.push([texts, failed, await other.text("MGET", "a", "b"), await other.text("SCRIPT", "KILL")]);
      client.close();
      other.close();
    }
    expect(seen[0]).toEqual(seen[1]);
  });
});

describe("EXEC that was suspended", () => {
  it("answers in its order, with what was pushed in between", async () => {
    await server.start(...SUSPENDING);
    const client = await StreamClient.connect(server.server.port);
    await client.exchange(["HELLO", "3"], ["SUBSCRIBE", "channel"]);
    const publish = [
      "EVAL",
      `${SLOW.replace("return", "redis.call('PUBLISH', 'channel', 'm') return")}`,
      "1",
      "k",
    ];
    const reply = await client.exchange(
      ["SET", "before", "1"],
      ...inTransaction([["SET", "a", "1"], publish, ["GET", "a"], slow("k"), ["INCR", "a"]]),
      ["GET", "before"],
    );
    const push = `>3\r\n${bulk("message")}${bulk("channel")}${bulk("m")}`;
    const queued = "+QUEUED\r\n".repeat(5);
    expect(reply).toBe(`+OK\r\n+OK\r\n${queued}*5\r\n+OK\r\n${push}:2\r\n${bulk(1)}:4\r\n:2\r\n${bulk(1)}`);
    client.close();
  });

  it("tells its client nothing before it is done", async () => {
    const other = await server.start(...SUSPENDING);
    const client = await StreamClient.connect(server.server.port);
    client.send(...inTransaction([["SET", "a", "1"], FOR_EVER, ["GET", "a"]]));
    await untilBusy(other);
    expect(await client.readTo("+QUEUED\r\n".repeat(3))).toBe("+OK\r\n");
    await untilBusy(other);
    expect(await other.text("SCRIPT", "KILL")).toBe("+OK\r\n");
    expect(await client.readTo(bulk(1))).toMatch(/^\*3\r\n\+OK\r\n-ERR Script killed by user.*\r\n$/);
    client.close();
  });

  it("heeds CLIENT REPLY", async () => {
    await server.start(...SUSPENDING);
    const client = await StreamClient.connect(server.server.port);
    const off = [["SET", "a", "1"], slow("k"), ["CLIENT", "REPLY", "OFF"], slow("k"), ["GET", "a"]];
    const begun = `+OK\r\n${"+QUEUED\r\n".repeat(5)}*5\r\n+OK\r\n:2\r\n`;
    expect(await client.exchange(...inTransaction(off), ["CLIENT", "REPLY", "ON"])).toBe(`${begun}+OK\r\n`);
    const skip = [["CLIENT", "REPLY", "SKIP"], slow("k"), ["GET", "a"]];
    const replies = await client.exchange(...inTransaction(skip), ["GET", "a"], ["GET", "k"]);
    expect(replies).toBe(`+OK\r\n${"+QUEUED\r\n".repeat(3)}*3\r\n:6\r\n${bulk(1)}${bulk(6)}`);
    const muted = await client.exchange(["CLIENT", "REPLY", "OFF"], ...inTransaction([slow("k")]), [
      "CLIENT",
      "REPLY",
      "ON",
    ]);
    expect(muted).toBe("+OK\r\n");
    client.close();
  });

  it("goes on without its client", async () => {
    const other = await server.start(...SUSPENDING);
    const client = await server.connect();
    const gone = client.runAll(
      inTransaction([["SET", "a", "1"], slow("k", SEEN), slow("k"), ["SET", "b", "2"]]),
    );
    await untilBusy(other);
    client.close();
    await expect
      .poll(() => other.text("MGET", "a", "k", "b"), POLL)
      .toBe(`*3\r\n${bulk(1)}${bulk(4)}${bulk(2)}`);
    expect(await infoOf(other, "connected_clients")).toBe("1");
    await expect(Promise.race([gone, Promise.resolve("waits")])).resolves.toBe("waits");
  });

  it.each(["everysec", "always"])("is one group of the log, with appendfsync %s", async (policy) => {
    const client = await server.start(...SUSPENDING, "--appendfsync", policy);
    const other = await server.connect();
    const replies = client.runAll(
      inTransaction([["SET", "a", "1"], slow("k", SEEN), ["INCR", "a"], slow("k")]),
    );
    await untilBusy(other);
    expect(String((await replies).at(-1))).toBe("*4\r\n+OK\r\n:2\r\n:2\r\n:4\r\n");
    const half = client
      .runAll(inTransaction([["SET", "half", "1"], slow("k"), FOR_EVER]))
      .catch(() => "closed");
    await expect.poll(() => other.text("SCRIPT", "KILL"), POLL).toMatch(/^-UNKILLABLE/);
    await server.server.kill();
    expect(await half).toBe("closed");
    const restarted = await server.start();
    expect(await restarted.text("MGET", "a", "k", "half")).toBe(`*3\r\n${bulk(2)}${bulk(4)}$-1\r\n`);
  });

  it("leaves nothing in the log when SHUTDOWN NOSAVE ends the server", async () => {
    const client = await server.start(...SUSPENDING);
    const other = await server.connect();
    const replies = client.runAll([
      ["SET", "before", "1"],
      ...inTransaction([["SET", "half", "1"], FOR_EVER]),
    ]);
    const ended = replies.catch(() => "closed");
    await untilBusy(other);
    const end = other.text("SHUTDOWN", "NOSAVE").catch(() => "closed");
    expect(await Promise.all([ended, end])).toEqual(["closed", "closed"]);
    const restarted = await server.start();
    expect(await restarted.text("MGET", "before", "half")).toBe(`*2\r\n${bulk(1)}$-1\r\n`);
  });

  it("is awaited by SIGTERM, and is whole then", async () => {
    const client = await server.start(...SUSPENDING);
    const other = await server.connect();
    const replies = client.runAll(
      inTransaction([["SET", "a", "1"], slow("k", SEEN), slow("k"), ["INCR", "a"]]),
    );
    await untilBusy(other);
    const stopped = server.server.stop();
    expect(String((await replies).at(-1))).toBe("*4\r\n+OK\r\n:2\r\n:4\r\n:2\r\n");
    await stopped;
    const restarted = await server.start();
    expect(await restarted.text("MGET", "a", "k")).toBe(`*2\r\n${bulk(2)}${bulk(4)}`);
  });

  it.skipIf(!hasRedisServer)("reaches replicas as one transaction", async () => {
    const client = await server.start(...SUSPENDING, "--enable-debug-command", "yes");
    const other = await server.connect();
    const replica = await replicas.start();
    const replies = client.runAll(
      inTransaction([["SET", "a", "1"], slow("k", SEEN), ["INCR", "a"], slow("k")]),
    );
    await untilBusy(other);
    expect(await replica.text("MGET", "a", "k")).toBe("*2\r\n$-1\r\n$-1\r\n");
    await replies;
    await expectSame(other, replica);
    expect(await replica.text("MGET", "a", "k")).toBe(`*2\r\n${bulk(2)}${bulk(4)}`);
    expect(await statOf(replica, "exec", "calls")).toBe("1");
  });

  it("finds cold keys and walks over them, and no time passes", async () => {
    const client = await server.start(...SUSPENDING, "--cold-tier-spill-all", "yes", "--save", "");
    await client.runAll(Array.from({ length: 50 }, (_, i) => ["SET", `k${i}`, i]));
    await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("50");
    const replies = await client.runAll(
      inTransaction([
        ["DEL", "k1"],
        ["SET", "short", "v", "PX", "250"],
        slow("k2"),
        ["GET", "k3"],
        ["GET", "short"],
        ["KEYS", "k1*"],
        ["DBSIZE"],
      ]),
    );
    const [header, ...rest] = String(replies.at(-1)).split("\r\n");
    expect([header, ...rest.slice(0, 7)]).toEqual(["*7", ":1", "+OK", ":4", "$1", "3", "$1", "v"]);
    expect(rest.filter((line) => line.startsWith("k")).sort()).toEqual(
      Array.from({ length: 10 }, (_, i) => `k1${i}`),
    );
    expect(await client.text("EXISTS", "short")).toBe(":0\r\n");
    await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("49");
  });

  it("is shown by MONITOR behind its commands, and tells caches of clients", async () => {
    const client = await server.start(...SUSPENDING);
    const [monitor, reader] = [await StreamClient.connect(server.server.port), await server.connect()];
    await reader.runAll([
      ["HELLO", "3"],
      ["CLIENT", "TRACKING", "ON"],
      ["GET", "a"],
      ["GET", "k"],
    ]);
    monitor.send(["MONITOR"]);
    await monitor.readTo("+OK\r\n");
    await client.runAll(inTransaction([slow("k"), ["SET", "a", "1"]]));
    const shown = await monitor.readTo('"EXEC"\r\n');
    const names = [...shown.matchAll(/\] "(\w+)"/g)]
      .map(([, name]) => name)
      .filter((name) => name !== "TIME");
    expect(names).toEqual(["MULTI", "EVAL", "INCR", "INCR", "SET"]);
    const told = (await reader.readReplies(2)).map(String);
    expect(told.map((message) => message.split("\r\n").at(-2))).toEqual(["k", "a"]);
    expect(await statOf(client, "exec", "calls")).toBe("1");
    monitor.close();
  });
});
