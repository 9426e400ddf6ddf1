/**
 * CONFIG SET where more than a number has to change: sockets and files. And what a refused change leaves behind.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { RawClient } from "../support/raw-client.ts";
import { fill, infoOf, POLL, rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();

async function valueOf(client: RawClient, directive: string): Promise<string> {
  return (await client.text("CONFIG", "GET", directive)).split("\r\n")[4];
}

/** Connects to `port` for one PING. */
async function pingAt(port: number): Promise<string> {
  const client = await RawClient.connect(port);
  try {
    return await client.text("PING");
  } finally {
    client.close();
  }
}

describe("CONFIG SET port and bind", () => {
  test("move the server; who is connected stays", async () => {
    const client = await fixture.start();
    const before = fixture.server.port;
    const next = await freePort();
    expect(await client.text("CONFIG", "SET", "port", String(next))).toBe("+OK\r\n");
    expect(await pingAt(next)).toBe("+PONG\r\n");
    await expect(pingAt(before)).rejects.toThrow();
    expect(await client.text("CONFIG", "SET", "bind", "*")).toBe("+OK\r\n");
    expect(await pingAt(next)).toBe("+PONG\r\n");
    expect(await client.text("PING")).toBe("+PONG\r\n");
  });

  test("are refused with all that came with them if that is not possible", async () => {
    const client = await fixture.start();
    const { port } = fixture.server;
    const other = createServer();
    const taken = await freePort();
    await new Promise<void>((resolve) => other.listen(taken, "127.0.0.1", resolve));
    try {
      const set = ["CONFIG", "SET", "maxmemory", "10000001", "port", String(taken), "timeout", "77"];
      expect(await client.text(...set)).toBe(
        "-ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.\r\n",
      );
    } finally {
      other.close();
    }
    expect(await valueOf(client, "port")).toBe(String(port));
    expect(await valueOf(client, "maxmemory")).not.toBe("10000001");
    expect(await valueOf(client, "timeout")).toBe("0");
    // A network that documentation uses, and nobody has.
    expect(await client.text("CONFIG", "SET", "bind", "192.0.2.1")).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.\r\n",
    );
    expect(await valueOf(client, "bind")).toBe("127.0.0.1");
    expect(await pingAt(port)).toBe("+PONG\r\n");
  });
});

test("CONFIG SET hll-sparse-max-bytes says which HyperLogLogs become dense from then on", async () => {
  const client = await fixture.start("--hll-sparse-max-bytes", "30");
  const encodingAfter = async (key: string) => {
    await client.run("PFADD", key, ..."a b c d e f g h i j".split(" "));
    return client.text("PFDEBUG", "ENCODING", key);
  };
  expect(await encodingAfter("first")).toBe("+dense\r\n");
  expect(await client.text("CONFIG", "SET", "hll-sparse-max-bytes", "1kb")).toBe("+OK\r\n");
  expect(await valueOf(client, "hll-sparse-max-bytes")).toBe("1024");
  expect(await encodingAfter("second")).toBe("+sparse\r\n");
});

test("CONFIG SET maxmemory evicts what is too much, without a write that asks for room", async () => {
  const client = await fixture.start("--cold-tier", "no", "--maxmemory-policy", "allkeys-lru");
  const count = 3000;
  await fill(client, 0, count, 4000);
  expect(await client.text("DBSIZE")).toBe(`:${count}\r\n`);
  await client.run("CONFIG", "SET", "maxmemory", "6mb");
  await expect
    .poll(async () => Number(await infoOf(client, "used_memory")), POLL)
    .toBeLessThan(6 * 1024 * 1024);
  // Asked together: what clients take counts as well, and may have one more evicted.
  const [info, size] = (await client.runAll([["INFO", "stats"], ["DBSIZE"]])).map(String);
  const evicted = Number(/evicted_keys:(\d+)/.exec(info)![1]);
  expect(evicted).toBeGreaterThan(0);
  expect(size).toBe(`:${count - evicted}\r\n`);
});

test("CONFIG SET aof-disable-auto-gc keeps the files that a rewrite replaces, until it is taken back", async () => {
  const client = await fixture.start();
  const files = () => readdirSync(join(fixture.data, "appendonlydir"));
  await rewriteLog(client);
  // A manifest, a base and an incr file.
  await expect.poll(() => files().length, POLL).toBe(3);
  await client.run("CONFIG", "SET", "aof-disable-auto-gc", "yes");
  await rewriteLog(client);
  await rewriteLog(client);
  expect(files()).toHaveLength(7);
  await client.run("CONFIG", "SET", "aof-disable-auto-gc", "no");
  await expect.poll(() => files().length, POLL).toBe(3);
});

test("a snapshot that cannot be saved keeps the server alive, and says so in Redis's words", async () => {
  const client = await fixture.start("--appendonly", "no", "--save", "3600 1");
  await client.run("SET", "a", "b");
  // No file can take the place of a folder.
  mkdirSync(join(fixture.data, "dump.rdb"));
  expect(await client.text("SHUTDOWN")).toBe("-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
  await expect.poll(() => fixture.server.output, POLL).toContain("Error trying to save the DB, can't exit");
  expect(await client.text("GET", "a")).toBe("$1\r\nb\r\n");
  await expect(client.text("SHUTDOWN", "NOSAVE")).rejects.toThrow();
  expect(await fixture.server.ended).toBe(0);
});

test("CLIENT LIST counts the command that asks among the bytes received", async () => {
  const client = await fixture.start();
  expect(await client.text("CLIENT", "LIST")).toMatch(/ qbuf=26 qbuf-free=0 /);
  const waiting = await fixture.connect();
  await waiting.run("PING");
  const id = (await waiting.text("CLIENT", "ID")).slice(1, -2);
  expect(await client.text("CLIENT", "LIST", "ID", id)).toMatch(/ qbuf=0 /);
});
