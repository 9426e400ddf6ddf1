/**
 * A base that consists of commands (aof-use-rdb-preamble no), on a running server: what it holds, when it is made, and
 * that damage to it is noticed. That Redis reads it, and that large values go into it in parts, is tested in
 * interop-digest.test.ts and crash/simulated-snapshots.test.ts.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import type { RawClient } from "../support/raw-client.ts";
import { runServerProgram } from "../support/server-process.ts";
import { expectFilled, fill, infoOf, rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();
const NO_PREAMBLE = ["--aof-use-rdb-preamble", "no"];
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 7 end)";

/** Name and bytes of the base. */
function base(): { readonly name: string; readonly path: string; readonly text: string } {
  const folder = join(fixture.data, "appendonlydir");
  const names = readdirSync(folder).filter((each) => each.includes(".base."));
  expect(names).toHaveLength(1);
  const path = join(folder, names[0]);
  return { name: names[0], path, text: readFileSync(path, "latin1") };
}

/** The commands of the base, each as its words. */
function commandsOf(text: string): string[] {
  const words = text.split("\r\n").filter((line) => !/^#(?:TS|BLOCK)/.test(line));
  const commands: string[] = [];
  for (let at = 0; words[at]?.startsWith("*"); ) {
    const count = Number(words[at].slice(1));
    commands.push(Array.from({ length: count }, (_, i) => words[at + 2 + 2 * i]).join(" "));
    at += 1 + 2 * count;
  }
  return commands;
}

async function runAll(client: RawClient, lines: readonly string[]): Promise<void> {
  for (const line of lines) expect(await client.text(...line.split(" "))).not.toMatch(/^-/);
}

test("holds the commands that make each key, and functions, in blocks", async () => {
  const far = Date.now() + 1e9;
  const client = await fixture.start(...NO_PREAMBLE);
  await client.run("FUNCTION", "LOAD", LIBRARY);
  await runAll(client, [
    "SET text some",
    `SET expiring thing PXAT ${far}`,
    "RPUSH list a 1",
    "SADD set m",
    "ZADD zset 1.5 m",
    "HSET hash g w",
    `HPEXPIREAT hash ${far} FIELDS 1 g`,
    "XADD stream 1-1 f v",
    "XADD emptied 5-1 f v",
    "XTRIM emptied MAXLEN 0",
    "XGROUP CREATE stream group 0",
    "SELECT 3",
    "SET text there",
  ]);
  await rewriteLog(client);
  const { name, text } = base();
  expect(name).toBe("appendonly.aof.2.base.aof");
  expect(text).toMatch(/^#TSREDIS-AOF:2\r\n#TS:\d+\r\n\*3\r\n\$8\r\nFUNCTION\r\n/);
  expect(text).toMatch(/#BLOCK:\d+:[0-9a-f]{8}:\d+\r\n$/);
  const commands = commandsOf(text);
  expect(commands.slice(-2)).toEqual(["SELECT 3", "SET text there"]);
  expect(commands.slice(1, -2).toSorted()).toEqual(
    [
      "SELECT 0",
      "SET text some",
      "SET expiring thing",
      `PEXPIREAT expiring ${far}`,
      "RPUSH list a 1",
      "SADD set m",
      "ZADD zset 1.5 m",
      "HMSET hash g w",
      `HPEXPIREAT hash ${far} FIELDS 1 g`,
      "XADD stream 1-1 f v",
      "XSETID stream 1-1 ENTRIESADDED 1 MAXDELETEDID 0-0",
      "XGROUP CREATE stream group 0-0 ENTRIESREAD -1",
      "XADD emptied MAXLEN 0 0-1 x y",
      "XSETID emptied 5-1 ENTRIESADDED 1 MAXDELETEDID 0-0",
    ].toSorted(),
  );
  await fixture.server.kill();
  const again = await fixture.start();
  expect(await again.text("FCALL", "f", "0")).toBe(":7\r\n");
  expect(await again.text("HPEXPIRETIME", "hash", "FIELDS", "1", "g")).toBe(`*1\r\n:${far}\r\n`);
  expect(await again.text("PEXPIRETIME", "expiring")).toBe(`:${far}\r\n`);
});

test("a key whose time is over at the start is not there any more, though its base says when", async () => {
  let client = await fixture.start(...NO_PREAMBLE);
  await client.run("SET", "stays", "x");
  // Long enough to be in the base.
  await client.run("SET", "brief", "x", "PX", "3000");
  await rewriteLog(client);
  expect(base().text).toContain("PEXPIREAT");
  await expect.poll(() => client.text("EXISTS", "brief")).toBe(":0\r\n");
  await fixture.server.kill();
  client = await fixture.start(...NO_PREAMBLE);
  expect(await client.text("DBSIZE")).toBe(":1\r\n");
});

test("CONFIG SET decides for the next rewrite", async () => {
  const client = await fixture.start();
  await fill(client, 0, 1000, 300);
  for (const [value, extension] of [
    ["no", "aof"],
    ["yes", "rdb"],
    ["no", "aof"],
  ]) {
    expect(await client.text("CONFIG", "SET", "aof-use-rdb-preamble", value)).toBe("+OK\r\n");
    await rewriteLog(client);
    expect(base().name).toMatch(new RegExp(`\\.base\\.${extension}$`));
  }
  await fixture.server.kill();
  await expectFilled(await fixture.start(), 1000, 300);
});

test("while values lie in the cold tier the base is an RDB; when none does, it is commands again", async () => {
  const limited = [...NO_PREAMBLE, "--maxmemory", "2mb"];
  let client = await fixture.start(...limited);
  await fill(client, 0, 3000, 1000);
  expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(500);
  await rewriteLog(client);
  expect(base().name).toMatch(/\.rdb$/);
  await fixture.server.kill();
  client = await fixture.start(...limited);
  await expectFilled(client, 3000, 1000);
  await client.run("FLUSHALL");
  await fill(client, 0, 100, 1000);
  await rewriteLog(client);
  expect(base().name).toMatch(/\.aof$/);
  await fixture.server.kill();
  await expectFilled(await fixture.start(...limited), 100, 1000);
});

test("a flipped bit in it is noticed, and the server does not start", async () => {
  const client = await fixture.start(...NO_PREAMBLE);
  await fill(client, 0, 500, 1000);
  await rewriteLog(client);
  await fixture.server.stop();
  const { path } = base();
  const bytes = readFileSync(path);
  bytes[200_000] ^= 1;
  writeFileSync(path, bytes);
  const args = ["--port", String(await freePort()), "--bind", "127.0.0.1", "--dir", fixture.data];
  const { status, output } = await runServerProgram(args, fixture.folder);
  expect(status).toBe(1);
  expect(output).toMatch(/Bad file format reading the append only file .*\.base\.aof at offset \d+/);
});
