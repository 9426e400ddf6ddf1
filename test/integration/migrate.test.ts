/**
 * MIGRATE between running servers: all kinds of values, to Redis and from it; what others may do meanwhile; and what
 * becomes of the keys when the target is slow, refuses, or breaks off.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { ScriptedTarget } from "../support/scripted-target.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { collectionRequests } from "./sample-collections.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
/** Long enough never to be over in a test that does not wait for it. */
const LONG = "60000";
const SHORT = "50";

/** Digests of the values of keys. */
async function digests(client: RawClient, keys: readonly string[]): Promise<string> {
  return await client.text("DEBUG", "DIGEST-VALUE", ...keys);
}

async function allKeys(client: RawClient): Promise<string[]> {
  const reply = await client.text("KEYS", "*");
  return reply
    .split("\r\n")
    .slice(1, -1)
    .filter((_, i) => i % 2 === 1)
    .sort();
}

/** Keys and values of strings, of all databases. */
async function contentsOf(client: RawClient): Promise<string[]> {
  const all: string[] = [];
  for (let db = 0; db < 16; db++) {
    await client.run("SELECT", db);
    for (const key of await allKeys(client)) all.push(`${db} ${key} ${await client.text("GET", key)}`);
  }
  return all;
}

describe("to other servers", () => {
  const others: { process: ServerProcess; client: RawClient; folder: string }[] = [];

  afterEach(async () => {
    for (const { process, client, folder } of others.splice(0)) {
      client.close();
      await process.kill();
      removeFolder(folder);
    }
  });

  async function startOther(
    start: (args: readonly string[], folder: string) => Promise<ServerProcess>,
  ): Promise<{ port: string; client: RawClient }> {
    const folder = temporaryFolder();
    const process = await start(["--enable-debug-command", "yes"], folder);
    const client = await RawClient.connect(process.port);
    others.push({ process, client, folder });
    return { port: String(process.port), client };
  }

  const startTsredis = () => startOther((args, folder) => startServerProcess(folder, args));
  const startRedis = () => startOther(startRedisServer);

  async function expectMovesThereAndBack(
    otherPort: string,
    other: RawClient,
    own: RawClient,
    ownPort: string,
  ) {
    await own.runAll(collectionRequests());
    await own.run("SELECT", 3);
    await own.runAll([
      ["SET", "large string", Buffer.alloc(3_000_000, "abcdefg")],
      ["SET", "timed", "v", "PX", "1000000"],
    ]);
    const keys = await allKeys(own);
    const before = await digests(own, keys);
    expect(await own.text("MIGRATE", "127.0.0.1", otherPort, "", "9", LONG, "KEYS", ...keys)).toBe("+OK\r\n");
    expect(await own.text("DBSIZE")).toBe(":0\r\n");
    await other.run("SELECT", "9");
    expect(await allKeys(other)).toEqual(keys);
    expect(await digests(other, keys)).toBe(before);
    const left = Number((await other.text("PTTL", "timed")).slice(1));
    expect(left).toBeGreaterThan(900_000);
    expect(left).toBeLessThanOrEqual(1_000_000);
    expect(await other.text("MIGRATE", "127.0.0.1", ownPort, "", "3", LONG, "KEYS", ...keys)).toBe("+OK\r\n");
    expect(await digests(own, keys)).toBe(before);
    expect(await other.text("DBSIZE")).toBe(":0\r\n");
  }

  test("values of all types move to another tsredis and back", async () => {
    const own = await fixture.start("--enable-debug-command", "yes");
    const { client, port } = await startTsredis();
    await expectMovesThereAndBack(port, client, own, String(fixture.server.port));
  });

  test.skipIf(!hasRedisServer)("values of all types move to Redis and back", async () => {
    const own = await fixture.start("--enable-debug-command", "yes");
    const { client, port } = await startRedis();
    await expectMovesThereAndBack(port, client, own, String(fixture.server.port));
  });

  test("after one that names no keys, nobody waits for its end", async () => {
    const own = await fixture.start();
    await own.run("SET", "k", "v");
    expect(await own.text("MIGRATE", "127.0.0.1", "1", "", "0", LONG, "KEYS")).toBe("+NOKEY\r\n");
    expect(await own.text("SWAPDB", "0", "1")).toBe("+OK\r\n");
    expect(await own.text("FLUSHALL")).toBe("+OK\r\n");
    expect(await own.text("DBSIZE")).toBe(":0\r\n");
  });

  test.skipIf(!hasRedisServer)("answers are Redis's", async () => {
    const own = await fixture.start();
    const redis = await startRedis();
    const targets = [await startRedis(), await startRedis()];
    for (const { client } of targets) {
      await client.run("SET", "b", "there already");
      await client.run("ACL", "SETUSER", "mover", "on", ">secret", "~*", "+@all");
    }
    const to = (...rest: string[]) => ["MIGRATE", "127.0.0.1", "PORT", ...rest];
    const requests: Argument[][] = [
      ["SET", "k", "v"],
      to("none", "0", LONG),
      to("", "0", LONG, "KEYS", "none", "nor this"),
      to("k", "0", LONG, "COPY"),
      to("k", "0", LONG, "COPY"),
      to("k", "0", LONG, "COPY", "REPLACE"),
      to("k", "9", LONG, "replace", "copy"),
      to("k", "99", LONG, "COPY", "REPLACE"),
      to("k", "-2", LONG, "COPY", "REPLACE"),
      to("k", "99999999999999999999", LONG),
      to("k", "0", "x"),
      to("k", "x", "x"),
      to("k", "0", LONG, "WHAT"),
      to("k", "0", LONG, "AUTH"),
      to("k", "0", LONG, "AUTH2", "a"),
      to("k", "0", LONG, "KEYS", "k"),
      to("", "0", LONG, "KEYS"),
      to("k", "0", LONG, "COPY", "REPLACE", "AUTH", "wrong"),
      to("k", "0", LONG, "COPY", "REPLACE", "AUTH2", "mover", "wrong"),
      to("k", "0", LONG, "COPY", "REPLACE", "AUTH2", "mover", "secret"),
      ["MIGRATE", "127.0.0.1", "1", "k", "0", LONG],
      ["MIGRATE", "127.0.0.1", "none", "k", "0", LONG],
      ["MIGRATE", "", "PORT", "k", "0", LONG],
      ["MIGRATE", "127.0.0.1", "PORT", "k", "0"],
      ["SET", "a", "1"],
      ["SET", "b", "2"],
      ["SET", "c", "3"],
      // Some are there already.
      to("", "0", LONG, "COPY", "KEYS", "a", "b"),
      to("", "0", LONG, "KEYS", "a", "k", "c", "b"),
      ["EXISTS", "a", "b"],
      ["EXISTS", "c"],
      to("", "0", LONG, "REPLACE", "KEYS", "a", "a", "none", "b"),
      ["DBSIZE"],
      ["COMMAND", "GETKEYS", ...to("k", "0", LONG)],
      ["COMMAND", "GETKEYS", ...to("", "0", LONG, "AUTH", "KEYS", "KEYS", "a", "b")],
      ["COMMAND", "GETKEYS", ...to("", "0", LONG, "AUTH2", "COPY", "KEYS", "COPY", "KEYS", "a", "b")],
      ["COMMAND", "GETKEYS", ...to("k", "0", LONG, "KEYS", "a", "b")],
      ["COMMAND", "GETKEYSANDFLAGS", ...to("", "0", LONG, "KEYS", "a", "b")],
      ["COMMAND", "INFO", "MIGRATE"],
    ];
    for (const request of requests) {
      const [expected, actual] = await Promise.all(
        [redis.client, own].map((source, i) =>
          source.text(...request.map((word) => (word === "PORT" ? targets[i].port : word))),
        ),
      );
      expect(actual, request.join(" ")).toBe(expected);
    }
    const [expected, actual] = await Promise.all(targets.map(({ client }) => contentsOf(client)));
    expect(actual).toEqual(expected);
  });
});

describe("to a target that the test plays", () => {
  let target: ScriptedTarget;
  let client: RawClient;
  let other: RawClient;

  beforeEach(async () => {
    target = await ScriptedTarget.start();
    client = await fixture.start("--enable-debug-command", "yes");
    other = await fixture.connect();
  });

  afterEach(() => target.close());

  const to = (...rest: Argument[]): Argument[] => ["MIGRATE", "127.0.0.1", String(target.port), ...rest];
  const restores = () => target.requests.filter(([name]) => name === "RESTORE");
  const acknowledge = (request: string[]) => (request[0] === "RESTORE" ? undefined : "+OK\r\n");

  test("others are served; who would change the key waits until it has gone", async () => {
    target.onRequest = acknowledge;
    await client.runAll([
      ["RPUSH", "l", "a"],
      ["SET", "unconcerned", "1"],
    ]);
    const moved = client.text(...to("l", "0", LONG));
    await expect.poll(() => restores().length, POLL).toBe(1);
    const writers: Promise<string>[] = [];
    for (const request of [
      ["RPUSH", "l", "b"],
      ["EVAL", "return redis.call('rpush', KEYS[1], 'c')", "1", "l"],
      ["FLUSHALL"],
      ["SWAPDB", "0", "1"],
    ])
      writers.push((await fixture.connect()).text(...request));
    const transaction = (await fixture.connect()).runAll([
      ["MULTI"],
      ["SET", "unconcerned", "2"],
      ["LPOP", "l"],
      ["EXEC"],
    ]);
    expect(await other.text("LRANGE", "l", "0", "-1")).toBe("*1\r\n$1\r\na\r\n");
    expect(await other.text("COPY", "l", "copied")).toBe(":1\r\n");
    expect(await other.text("INCR", "unconcerned")).toBe(":2\r\n");
    expect(await infoOf(other, "migrate_cached_sockets")).toBe("1");
    target.say("+OK\r\n");
    expect(await moved).toBe("+OK\r\n");
    // As the list was gone, the first of them made a new one.
    expect(await writers[0]).toBe(":1\r\n");
    await Promise.all(writers);
    const replies = await transaction;
    expect(replies.at(-1)!.toString()).toMatch(/^\*2\r\n/);
  });

  test("after a timeout the key is still here, and who waited goes on", async () => {
    await client.run("MSET", "before", "1", "k", "1");
    // Connected by now: no time goes by before it waits for the answer.
    target.onRequest = () => "+OK\r\n";
    await client.run(...to("before", "0", LONG));
    target.onRequest = acknowledge;
    const moved = client.text(...to("k", "0", SHORT));
    const changed = other.text("INCR", "k");
    expect(await moved).toBe("-IOERR error or timeout reading to target instance\r\n");
    expect(await changed).toBe(":2\r\n");
    expect(await infoOf(other, "migrate_cached_sockets")).toBe("0");
    expect(target.connections).toBe(1);
  });

  test("what was acknowledged before the connection broke is deleted, and no more", async () => {
    let left = 2;
    target.onRequest = (request) => {
      if (request[0] !== "RESTORE") return "+OK\r\n";
      if (left-- > 0) return "+OK\r\n";
      target.hangUp();
      return undefined;
    };
    await client.run("MSET", "a", "1", "b", "2", "c", "3", "d", "4");
    const reply = await client.text(...to("", "0", LONG, "KEYS", "a", "none", "b", "c", "d"));
    expect(reply).toBe("-IOERR error or timeout reading to target instance\r\n");
    expect(await allKeys(other)).toEqual(["c", "d"]);
  });

  test("a connection that the target has closed is opened anew", async () => {
    target.onRequest = () => "+OK\r\n";
    await client.run("MSET", "a", "1", "b", "2");
    expect(await client.text(...to("a", "0", LONG))).toBe("+OK\r\n");
    target.onRequest = () => {
      target.onRequest = () => "+OK\r\n";
      target.hangUp();
      return undefined;
    };
    expect(await client.text(...to("b", "0", LONG))).toBe("+OK\r\n");
    expect(target.connections).toBe(2);
    expect(await other.text("DBSIZE")).toBe(":0\r\n");
  });

  test("SELECT and AUTH are sent when they must be", async () => {
    target.onRequest = () => "+OK\r\n";
    await client.run("MSET", "a", "1", "b", "2", "c", "3");
    await client.run(...to("a", "7", LONG));
    await client.run(...to("b", "7", LONG, "AUTH", "pw"));
    await client.run(...to("c", "8", LONG, "AUTH2", "user", "pw", "REPLACE"));
    expect(target.requests.map(([name, first]) => `${name} ${first}`)).toEqual([
      "SELECT 7",
      "RESTORE a",
      "AUTH pw",
      "RESTORE b",
      "AUTH user",
      "SELECT 8",
      "RESTORE c",
    ]);
    expect(target.requests.at(-1)!.at(-1)).toBe("REPLACE");
  });

  test("nothing is sent to a target that refuses user or database", async () => {
    target.onRequest = ([name]) => (name === "SELECT" ? "-ERR no\r\n" : "+OK\r\n");
    await client.run("SET", "a", "1");
    expect(await client.text(...to("a", "7", LONG, "AUTH", "x"))).toBe(
      "-ERR Target instance replied with error: ERR no\r\n",
    );
    expect(restores()).toEqual([]);
  });

  test("the key goes although its client has gone", async () => {
    target.onRequest = acknowledge;
    await client.run("SET", "k", "1");
    const leaving = await fixture.connect();
    const id = (await leaving.text("CLIENT", "ID")).slice(1).trim();
    const moved = leaving.run(...to("k", "0", LONG)).catch(() => undefined);
    await expect.poll(() => restores().length, POLL).toBe(1);
    await client.run("CLIENT", "KILL", "ID", id);
    await moved;
    target.say("+OK\r\n");
    await expect.poll(() => client.text("EXISTS", "k"), POLL).toBe(":0\r\n");
  });

  test("what a script changes undeclared stays, and is told", async () => {
    target.onRequest = acknowledge;
    await client.run("MSET", "changed", "1", "deleted", "1", "moved", "1");
    const moved = client.text(...to("", "0", LONG, "KEYS", "changed", "deleted", "moved"));
    await expect.poll(() => restores().length, POLL).toBe(3);
    await other.run("EVAL", "redis.call('incr', 'changed') redis.call('del', 'deleted')", "0");
    target.say("+OK\r\n+OK\r\n+OK\r\n");
    expect(await moved).toBe(
      "-ERR A script changed a key that it had not declared while it was migrated: it is in both instances\r\n",
    );
    expect(await allKeys(other)).toEqual(["changed"]);
    expect(await other.text("GET", "changed")).toBe("$1\r\n2\r\n");
  });

  test("large values go in parts, as they were when their first part went", async () => {
    for (let i = 0; i < 40_000; i += 1000) {
      const fields = Array.from({ length: 1000 }, (_, k) => [`field:${i + k}`, "x".repeat(500)]);
      await client.run("HSET", "large", ...fields.flat());
    }
    await client.run("SET", "long", Buffer.alloc(6_000_000, "long"));
    const before = await digests(client, ["large", "long"]);
    target.onRequest = acknowledge;
    target.deafFromBytes = 100_000;
    const moved = client.text(...to("", "0", LONG, "KEYS", "large", "long"));
    // Of the first value a part has come, and the rest waits until the target takes more.
    await expect.poll(() => target.receivedBytes, POLL).toBeGreaterThan(100_000);
    expect(await other.text("HLEN", "large")).toBe(":40000\r\n");
    await other.run("EVAL", "redis.call('hset', 'large', 'field:39999', 'changed')", "0");
    target.hear();
    await expect.poll(() => restores().length, POLL).toBe(2);
    target.say("+OK\r\n+OK\r\n");
    expect(await moved).toMatch(/^-ERR A script changed/);
    expect(await allKeys(other)).toEqual(["large"]);
    expect(await other.text("HGET", "large", "field:39999")).toBe("$7\r\nchanged\r\n");
    for (const [, key, ttl, payload] of restores())
      expect(await other.text("RESTORE", key, ttl, Buffer.from(payload, "latin1"), "REPLACE")).toBe(
        "+OK\r\n",
      );
    expect(await digests(other, ["large", "long"])).toBe(before);
  });

  test("passwords are shown to nobody", async () => {
    await client.run("CONFIG", "SET", "slowlog-log-slower-than", "0");
    const monitor = await fixture.connect();
    await monitor.run("MONITOR");
    await client.run(...to("none", "0", LONG, "AUTH2", "joe", "hidden", "KEYS"));
    await client.run(...to("none", "0", LONG, "AUTH", "hidden"));
    const [refused, shown] = await monitor.readReplies(2);
    expect(refused.toString()).toContain('"AUTH2" "(redacted)" "(redacted)" "KEYS"');
    expect(shown.toString()).toContain('"AUTH" "(redacted)"');
    const log = await client.text("SLOWLOG", "GET", "-1");
    expect(log).toContain("(redacted)");
    expect(log).not.toContain("hidden");
  });
});

describe("with little memory", () => {
  test("more than memory holds goes in one command", async () => {
    const own = await fixture.start("--maxmemory", "40mb");
    const folder = temporaryFolder();
    const process = await startServerProcess(folder, ["--maxmemory", "40mb"]);
    const target = await RawClient.connect(process.port);
    try {
      const keys = Array.from({ length: 450 }, (_, i) => `k${i}`);
      for (const [i, key] of keys.entries())
        expect(await own.text("SET", key, Buffer.alloc(100_000, String(i)))).toBe("+OK\r\n");
      expect(
        await own.text("MIGRATE", "127.0.0.1", String(process.port), "", "0", LONG, "KEYS", ...keys),
      ).toBe("+OK\r\n");
      expect(await own.text("DBSIZE")).toBe(":0\r\n");
      expect(await target.text("DBSIZE")).toBe(":450\r\n");
      for (const [i, key] of keys.entries())
        expect(await target.text("GETRANGE", key, "99990", "-1")).toBe(
          `$10\r\n${Buffer.alloc(100_000, String(i)).toString("latin1", 99_990)}\r\n`,
        );
      await own.run("SET", "after", "1");
      await fixture.server.stop();
      const again = await fixture.start();
      expect(await allKeys(again)).toEqual(["after"]);
    } finally {
      target.close();
      await process.kill();
      removeFolder(folder);
    }
  });
});
