/**
 * DEBUG beside the real Redis: who may use it, digests of everything there is, what RELOAD and LOADAOF do.
 */
import { afterEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { contentsOf, sampleRequests } from "./contents.ts";
import { expectFilled, fill, infoOf, rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();
const ALLOWED = ["--enable-debug-command", "yes"];

test("nobody may use it unless the directive says so", async () => {
  const client = await fixture.start();
  expect(await client.text("DEBUG", "DIGEST")).toMatch(
    /^-ERR DEBUG command not allowed\. If the enable-debug-command/,
  );
  expect(await client.text("DEBUG")).toMatch(/^-ERR wrong number of arguments for 'debug'/);
  await fixture.server.stop();
  const local = await fixture.start("--enable-debug-command", "local");
  expect(await local.text("DEBUG", "DIGEST")).toBe(`+${"0".repeat(40)}\r\n`);
});

test("digests of cold keys are those of hot ones", async () => {
  const client = await fixture.start(...ALLOWED, "--maxmemory", "2mb");
  await fill(client, 0, 4000, 1000);
  expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(500);
  const digest = await client.text("DEBUG", "DIGEST");
  const value = await client.text("DEBUG", "DIGEST-VALUE", "k1", "k2", "none");
  await client.run("CONFIG", "SET", "maxmemory", "1gb");
  for (let i = 0; i < 4000; i++) await client.run("GET", `k${i}`);
  expect(Number(await infoOf(client, "cold_keys"))).toBe(0);
  expect(await client.text("DEBUG", "DIGEST")).toBe(digest);
  expect(await client.text("DEBUG", "DIGEST-VALUE", "k1", "k2", "none")).toBe(value);
});

test("RELOAD gives back what there was, and with its options what the file has", async () => {
  let client = await fixture.start(...ALLOWED, "--maxmemory", "2mb");
  await fill(client, 0, 3000, 1000);
  const digest = await client.text("DEBUG", "DIGEST");
  expect(await client.text("DEBUG", "RELOAD")).toBe("+OK\r\n");
  await expectFilled(client, 3000, 1000);
  expect(await client.text("DEBUG", "DIGEST")).toBe(digest);
  await client.run("SET", "k5", "other");
  await client.run("SET", "new", "x");
  expect(await client.text("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")).toBe(
    "-ERR Error trying to load the RDB dump\r\n",
  );
  expect(await client.text("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")).toBe("+OK\r\n");
  expect(await client.text("GET", "new")).toBe("$1\r\nx\r\n");
  await client.run("DEL", "new");
  await expectFilled(client, 3000, 1000);
  await client.run("SET", "new", "x");
  expect(await client.text("DEBUG", "RELOAD", "nosave")).toBe("+OK\r\n");
  expect(await client.text("DEBUG", "DIGEST")).toBe(digest);
  // The append-only file, which knows nothing of that, goes on behind it.
  await client.run("SET", "new", "x");
  await client.run("DEL", "new");
  await client.run("SET", "k5", await bytesOf(client, "k5"));
  await fixture.server.kill();
  client = await fixture.start(...ALLOWED, "--maxmemory", "2mb");
  await expectFilled(client, 3000, 1000);
});

test("LOADAOF gives back what the append-only file tells, more than memory holds too", async () => {
  const args = [...ALLOWED, "--maxmemory", "2mb"];
  let client = await fixture.start(...args);
  await fill(client, 0, 3000, 1000);
  await client.run(
    "FUNCTION",
    "LOAD",
    "#!lua name=lib\nredis.register_function('f', function() return 7 end)",
  );
  await client.run("SET", "expiring", "x", "PX", "100000");
  const digest = await client.text("DEBUG", "DIGEST");
  // Nothing of this is in the file.
  expect(await client.text("DEBUG", "POPULATE", "10")).toBe("+OK\r\n");
  expect(await client.text("DEBUG", "LOADAOF")).toBe("+OK\r\n");
  expect(await client.text("DEBUG", "DIGEST")).toBe(digest);
  expect(await client.text("FCALL", "f", "0")).toBe(":7\r\n");
  expect(await infoOf(client, "rdb_changes_since_last_save")).toBe("0");
  // The file goes on behind it.
  await client.run("DEL", "expiring");
  await fixture.server.kill();
  client = await fixture.start(...args);
  await expectFilled(client, 3000, 1000);
});

test("LOADAOF refuses what it cannot do, and leaves all as it was", async () => {
  const client = await fixture.start(...ALLOWED, "--maxmemory", "2mb");
  await fill(client, 0, 3000, 1000);
  await rewriteLog(client);
  expect(await client.text("DEBUG", "LOADAOF")).toMatch(/^-ERR A part of the data lies in the cold tier/);
  await expectFilled(client, 3000, 1000);
  await fixture.server.stop();
  const other = await fixture.start(...ALLOWED, "--appendonly", "no", "--appenddirname", "other");
  await other.run("SET", "k", "v");
  expect(await other.text("DEBUG", "LOADAOF")).toBe(
    "-ERR There is no append only file that can be loaded\r\n",
  );
  expect(await other.text("GET", "k")).toBe("$1\r\nv\r\n");
});

test("POPULATE makes strings as Redis does, and leaves alone what is there, cold keys too", async () => {
  const client = await fixture.start(...ALLOWED, "--maxmemory", "100mb");
  await client.run("SET", "key:1", "mine");
  await client.run("TIER", "DEMOTE", "key:1");
  expect(await client.text("DEBUG", "POPULATE", "3")).toBe("+OK\r\n");
  expect(await client.text("MGET", "key:0", "key:1", "key:2")).toBe(
    "*3\r\n$7\r\nvalue:0\r\n$4\r\nmine\r\n$7\r\nvalue:2\r\n",
  );
  expect(await client.text("DEBUG", "POPULATE", "2", "p", "10")).toBe("+OK\r\n");
  expect(await client.text("GET", "p:1")).toBe("$10\r\nvalue:1\0\0\0\r\n");
  expect(await client.text("DEBUG", "POPULATE", "1", "p", "4")).toBe("+OK\r\n");
  expect(await client.text("DBSIZE")).toBe(":5\r\n");
  expect(await client.text("DEBUG", "POPULATE", "-1")).toMatch(/^-ERR value is out of range/);
  expect(await client.text("DEBUG", "POPULATE", "1", "p", "4", "x")).toMatch(
    /^-ERR unknown subcommand or wrong number/,
  );
});

async function bytesOf(client: RawClient, key: string, command = "GET"): Promise<Buffer> {
  const reply = await client.run(command, key);
  return reply.subarray(reply.indexOf("\n") + 1, -2);
}

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let redis: RedisServer | undefined;

  afterEach(async () => {
    await redis?.stop();
    redis = undefined;
  });

  test("the same data has the same digest, and the same commands get the same replies", async () => {
    redis = await startRedisServer([...ALLOWED, "--appendonly", "no"], fixture.data);
    const theirs = await RawClient.connect(redis.port);
    const requests = sampleRequests();
    await theirs.runAll(requests);
    await theirs.run("SAVE");
    const ours = await fixture.start(...ALLOWED, "--appendonly", "no", "--save", "");
    expect((await contentsOf(fixture.server.port)).length).toBeGreaterThan(500);
    const questions: Argument[][] = [
      ["DEBUG", "DIGEST"],
      ["DEBUG", "digest-value", "many:7", "counter", "nothing"],
      ["SELECT", 3],
      ...[
        "list:20",
        "set:3000",
        "integers:130",
        "sorted:20",
        "sorted:3000",
        "hash:130",
        "stream",
        "long list",
      ].map((key) => ["DEBUG", "DIGEST-VALUE", key]),
      ["DEBUG", "RELOAD"],
      ["DEBUG", "DIGEST"],
      ["DEBUG", "RELOAD", "sometimes"],
      ["DEBUG", "DIGEST", "x"],
      ["DEBUG", "nothing"],
      ["DEBUG", "ERROR", "CODE a\nb"],
      ["DEBUG", "SLEEP", "0.01"],
      ["DEBUG", "SLEEP"],
      ["DEBUG", "SET-ACTIVE-EXPIRE", "0"],
      ["DEBUG", "SET-ACTIVE-EXPIRE", "1"],
      ["DEBUG", "OBJECT", "nothing"],
      ["DEBUG", "LOG", "a message"],
      ["COMMAND", "INFO", "debug"],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", "x"],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", "-1"],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", "4gb"],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", "100b"],
      ["CONFIG", "SET", "rdbcompression", "no"],
      ["RPUSH", "plain", "a long element ".repeat(20)],
      ["DUMP", "plain"],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0"],
      ["RPUSH", "packed", "a long element ".repeat(20)],
      ["DUMP", "packed"],
      ["HELLO", 3],
      ...[
        "string",
        "integer",
        "double",
        "bignum",
        "null",
        "array",
        "set",
        "map",
        "verbatim",
        "true",
        "false",
        "x",
      ].map((type) => ["DEBUG", "PROTOCOL", type]),
    ];
    for (const request of questions) {
      const [expected, actual] = [await theirs.text(...request), await ours.text(...request)];
      if (request[0] !== "HELLO") expect(actual, request.join(" ")).toBe(expected);
    }
    theirs.close();
  });
});

test("RELOAD reloads functions, too", async () => {
  const client = await fixture.start(...ALLOWED);
  const library = (result: string) =>
    `#!lua name=lib\nredis.register_function{function_name='f', callback=function() return '${result}' end}`;
  await client.run("FUNCTION", "LOAD", library("old"));
  expect(await client.text("DEBUG", "RELOAD")).toBe("+OK\r\n");
  expect(await client.text("FCALL", "f", "0")).toBe("$3\r\nold\r\n");
  await client.run("FUNCTION", "LOAD", "REPLACE", library("new"));
  expect(await client.text("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")).toMatch(/^-ERR Error trying to load/);
  expect(await client.text("FCALL", "f", "0")).toBe("$3\r\nnew\r\n");
  expect(await client.text("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")).toBe("+OK\r\n");
  expect(await client.text("FCALL", "f", "0")).toBe("$3\r\nold\r\n");
});

test("scripts may call what is not for them, if so asked", async () => {
  const client = await fixture.start(...ALLOWED);
  const call = ["EVAL", "return redis.call('debug', 'protocol', 'integer')", "0"];
  const nested = ["EVAL", "return redis.call('eval', 'return 1', 0)", "0"];
  expect(await client.text(...call)).toMatch(/^-ERR This Redis command is not allowed from script/);
  expect(await client.text("DEBUG", "SET-DISABLE-DENY-SCRIPTS", "1")).toBe("+OK\r\n");
  expect(await client.text(...call)).toBe(":12345\r\n");
  expect(await client.text(...nested)).toMatch(/^-ERR This Redis command is not allowed from script/);
  const attributes = "redis.setresp(3) return redis.call('debug', 'protocol', 'attrib')";
  expect(await client.text("EVAL", attributes, "0")).toContain("Some real reply following the attribute");
  expect(await client.text("DEBUG", "SET-DISABLE-DENY-SCRIPTS", "0")).toBe("+OK\r\n");
  expect(await client.text(...call)).toMatch(/^-ERR This Redis command is not allowed from script/);
});

test("checksums are not looked at, if so asked", async () => {
  const client = await fixture.start(...ALLOWED);
  await client.run("SET", "k", "v");
  const payload = await bytesOf(client, "k", "DUMP");
  payload.fill(0, payload.length - 8);
  const restore = ["RESTORE", "restored", "0", payload];
  expect(await client.text(...restore)).toMatch(/^-ERR DUMP payload version or checksum are wrong/);
  await client.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1");
  expect(await client.text(...restore)).toBe("+OK\r\n");
  await client.run("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0");
  expect(await client.text(...restore, "REPLACE")).toMatch(
    /^-ERR DUMP payload version or checksum are wrong/,
  );
});
