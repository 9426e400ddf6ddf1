/**
 * The built server as its users meet it: start and end, connections, limits of memory and disk, the append-only file at
 * run time.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { encodeRequest, RawClient } from "../support/raw-client.ts";
import { exchange, freePort, hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import {
  runServerProgram,
  type ServerProcess,
  startServerProcess,
  startServerWith,
} from "../support/server-process.ts";

const POLL = { timeout: 60_000, interval: 20 };
const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const HUGE_BYTES = 512 * 1024 * 1024;

describe("the server as a process", () => {
  let folder: string;
  let data: string;
  let server: ServerProcess | undefined;
  let clients: RawClient[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-process-"));
    data = join(folder, "data");
    mkdirSync(data);
    clients = [];
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    await server?.kill();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  async function start(...args: string[]): Promise<RawClient> {
    server = await startServerProcess(data, args);
    return connectClient();
  }

  async function connectClient(): Promise<RawClient> {
    const client = await RawClient.connect(server!.port);
    clients.push(client);
    return client;
  }

  async function infoOf(client: RawClient, field: string): Promise<string> {
    const info = await client.text("INFO", "everything");
    return new RegExp(`^${field}:(.*)\r$`, "m").exec(info)![1];
  }

  /** Keys of `valueBytes` each, in pipelines. */
  async function fill(client: RawClient, from: number, to: number, valueBytes: number): Promise<void> {
    for (let i = from; i < to; i += 100) {
      const part = Array.from({ length: Math.min(100, to - i) }, (_, j): Argument[] => [
        "SET",
        `k${i + j}`,
        valueOf(i + j, valueBytes),
      ]);
      for (const reply of await client.runAll(part)) expect(reply.toString()).toBe("+OK\r\n");
    }
  }

  async function expectFilled(client: RawClient, count: number, valueBytes: number): Promise<void> {
    expect(await client.text("DBSIZE")).toBe(`:${count}\r\n`);
    for (let i = 0; i < count; i += 100) {
      const length = Math.min(100, count - i);
      const replies = await client.runAll(Array.from({ length }, (_, j) => ["GET", `k${i + j}`]));
      for (const [j, reply] of replies.entries()) {
        expect(reply.equals(bulk(valueOf(i + j, valueBytes))), `k${i + j}`).toBe(true);
      }
    }
  }

  describe("starts", () => {
    test("with a configuration file and options over it, and says so in one line", async () => {
      const file = join(folder, "redis.conf");
      writeFileSync(file, "maxmemory 100mb\nappendfsync always\n# a comment\nmaxmemory-samples 7\n");
      const port = await freePort();
      const args = [
        file,
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        data,
        "--maxmemory",
        "64mb",
      ];
      const pidFile = join(folder, "server.pid");
      const started = await startServerWith([...args, "--pidfile", pidFile], folder, port);
      server = started;
      const client = await connectClient();
      expect(await client.text("CONFIG", "GET", "maxmemory-samples")).toContain("$1\r\n7\r\n");
      expect(await client.text("CONFIG", "GET", "maxmemory")).toContain("67108864");
      const ready = started.output.split("\n").find((line) => line.includes("Ready to accept connections"))!;
      for (const fact of [`127.0.0.1:${port}`, data, "64 MB", "appendfsync always"])
        expect(ready).toContain(fact);
      expect(existsSync(pidFile)).toBe(true);
      expect(await started.stop()).toBe(0);
      expect(existsSync(pidFile)).toBe(false);
    });

    test("in the working folder if that is what --dir says", async () => {
      const client = await start("--dir", data);
      await client.run("SET", "a", "b");
      await server!.stop();
      expect(readdirSync(data)).toContain("appendonlydir");
    });

    test("in ./data if nothing is said", async () => {
      const port = await freePort();
      server = await startServerWith(["--port", String(port), "--bind", "127.0.0.1"], folder, port);
      const client = await connectClient();
      await client.run("SET", "a", "b");
      expect(await server.stop()).toBe(0);
      expect(readdirSync(data)).toContain("appendonlydir");
    });

    test("not with a directive that it does not know: names file, line and reason, and touches nothing", async () => {
      const file = join(folder, "redis.conf");
      writeFileSync(file, "port 0\n\nno-such-thing yes\n");
      const { status, errors } = await runServerProgram([file, "--dir", data], folder);
      expect(status).toBe(1);
      for (const part of [
        "FATAL CONFIG FILE ERROR",
        "at line 3",
        "no-such-thing yes",
        "Bad directive",
        file,
      ]) {
        expect(errors).toContain(part);
      }
      expect(readdirSync(data)).toEqual([]);
      for (const args of [
        ["--port", "70000"],
        ["--appendfsync", "sometimes"],
        ["--maxmemory", "lots"],
      ]) {
        const { status: code, errors: text } = await runServerProgram([...args, "--dir", data], folder);
        expect(code, args.join(" ")).toBe(1);
        expect(text).toContain(args[0].slice(2));
      }
    });

    test("not on a port that is taken", async () => {
      await start();
      const other = join(folder, "other");
      mkdirSync(other);
      const args = ["--port", String(server!.port), "--bind", "127.0.0.1", "--dir", other];
      const { status, output } = await runServerProgram(args, folder);
      expect(status).toBe(1);
      expect(output).toContain("EADDRINUSE");
    });

    test.each([
      ["with a cold tier", []],
      ["without one", ["--cold-tier", "no"]],
      ["without an append-only file", ["--appendonly", "no"]],
    ])("not on a directory that another uses, %s", async (_, args) => {
      const client = await start("--maxmemory", "4mb", ...args);
      const count = args.length === 0 ? 2000 : 500;
      await fill(client, 0, count, 4000);
      const { status, output, errors } = await runServerProgram(
        ["--port", "0", "--dir", data, ...args],
        folder,
        "",
        8000,
      );
      expect(output + errors).toContain("Another server is running on this data directory");
      expect(status).toBe(1);
      await expectFilled(client, count, 4000);
    });
  });

  describe("ends", () => {
    test("with everything saved on SIGTERM, and says good bye", async () => {
      const client = await start("--appendfsync", "no");
      await fill(client, 0, 200, 100);
      expect(await server!.stop()).toBe(0);
      expect(server!.output).toContain("ready to exit");
      await expectFilled(await start(), 200, 100);
    });

    test.each([["NOSAVE"], ["SAVE"], ["NOW"], []])("on SHUTDOWN %s", async (...words) => {
      const client = await start();
      await client.run("SET", "a", "b");
      const answer = client.text("SHUTDOWN", ...words);
      await expect(answer).rejects.toThrow();
      expect(await server!.ended).toBe(0);
      expect(readdirSync(data).includes("dump.rdb")).toBe(words[0] === "SAVE");
      expect(await (await start()).text("GET", "a")).toBe("$1\r\nb\r\n");
    });

    test("without what was written since the last snapshot, if told so", async () => {
      const args = ["--appendonly", "no", "--save", "3600 1000000"];
      let client = await start(...args);
      await client.run("SET", "a", "b");
      expect(await server!.stop()).toBe(0);
      client = await start(...args);
      expect(await client.text("GET", "a")).toBe("$1\r\nb\r\n");
      await client.run("SET", "c", "d");
      await expect(client.text("SHUTDOWN", "NOSAVE")).rejects.toThrow();
      await server!.ended;
      client = await start(...args);
      expect(await client.text("MGET", "a", "c")).toBe("*2\r\n$1\r\nb\r\n$-1\r\n");
    });
  });

  describe("has connections", () => {
    test("that need the password, if there is one", async () => {
      const client = await start("--requirepass", "secret");
      const refused = "-NOAUTH Authentication required.\r\n";
      expect(await client.text("GET", "a")).toBe(refused);
      expect(await client.text("AUTH", "wrong")).toMatch(/^-WRONGPASS/);
      expect(await client.text("GET", "a")).toBe(refused);
      expect(await client.text("AUTH", "secret")).toBe("+OK\r\n");
      expect(await client.text("GET", "a")).toBe("$-1\r\n");
      const other = await connectClient();
      expect(await other.text("HELLO", 3, "AUTH", "default", "secret")).toMatch(/^%7\r\n/);
      expect(await client.text("CONFIG", "SET", "requirepass", "")).toBe("+OK\r\n");
      expect(await (await connectClient()).text("PING")).toBe("+PONG\r\n");
    });

    test("up to maxclients", async () => {
      const client = await start("--maxclients", "3");
      const others = [await connectClient(), await connectClient()];
      for (const other of others) expect(await other.text("PING")).toBe("+PONG\r\n");
      const answer = await exchange(server!.port, Buffer.from("PING\r\n"));
      expect(answer.toString()).toBe("-ERR max number of clients reached\r\n");
      expect(await infoOf(client, "rejected_connections")).toBe("1");
      others[0].close();
      await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("2");
      expect(await (await connectClient()).text("PING")).toBe("+PONG\r\n");
      expect(await client.text("CONFIG", "SET", "maxclients", 4)).toBe("+OK\r\n");
      expect(await (await connectClient()).text("PING")).toBe("+PONG\r\n");
    });

    test.each([
      ["PING\r\n", "+PONG\r\n"],
      ["SET a b\r\nGET a\r\nPING", "+OK\r\n$1\r\nb\r\n"],
      ["*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGE", "+PONG\r\n"],
      ["", ""],
    ])("that get their replies when they have ended: %j", async (bytes, answer) => {
      await start("--appendfsync", "always");
      expect((await exchange(server!.port, Buffer.from(bytes))).toString()).toBe(answer);
    });

    test("whose cold keys are still read when they have ended", async () => {
      const client = await start("--maxmemory", "2mb");
      await fill(client, 0, 1000, 4000);
      const requests = Array.from({ length: 1000 }, (_, i) => encodeRequest(["GET", `k${i}`]));
      const answer = await exchange(server!.port, Buffer.concat(requests));
      const expected = Buffer.concat(Array.from({ length: 1000 }, (_, i) => bulk(valueOf(i, 4000))));
      expect(answer.equals(expected)).toBe(true);
    });

    test.each([
      ["*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'\r\n"],
      ["*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"],
      ["PING\r\n*1\r\n$-5\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"],
      ['SET "a\r\nPING\r\n', "-ERR Protocol error: unbalanced quotes in request\r\n"],
    ])("that are closed after a protocol error: %j", async (bytes, answer) => {
      await start();
      // This end stays open: the server must close.
      const socket = connect(server!.port, "127.0.0.1", () => socket.write(bytes));
      let received = "";
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
      });
      await new Promise((resolve) => socket.once("close", resolve));
      expect(received).toBe(answer);
    });

    test.skipIf(!hasRedisServer)("with CLIENT REPLY as in Redis", async () => {
      await start();
      const redis = await startRedisServer([], folder);
      const lines = [
        "SET a 1|CLIENT REPLY SKIP|INCR a|GET a",
        "CLIENT REPLY OFF|INCR a|PING|CLIENT REPLY SKIP|PING|CLIENT REPLY ON|GET a|PING",
        "CLIENT REPLY SKIP|CLIENT REPLY SKIP|PING|PING",
        "CLIENT REPLY OFF|nothing|SET|QUIT",
        "CLIENT REPLY SKIP|QUIT|PING",
        "CLIENT REPLY SKIP|CLIENT REPLY ON|PING",
      ];
      try {
        for (const line of lines) {
          const bytes = Buffer.from(`${line.replaceAll("|", "\r\n")}\r\n`);
          const [expected, actual] = [await exchange(redis.port, bytes), await exchange(server!.port, bytes)];
          expect(actual.toString(), line).toBe(expected.toString());
        }
      } finally {
        await redis.stop();
      }
    });

    test("that can be listed and killed", async () => {
      const client = await start();
      const victim = await connectClient();
      await victim.run("CLIENT", "SETNAME", "victim");
      const id = (await victim.text("CLIENT", "ID")).slice(1, -2);
      expect(await client.text("CLIENT", "LIST")).toMatch(
        new RegExp(`id=${id} addr=127.0.0.1:\\d+ .*name=victim `),
      );
      // One that kills itself gets the reply first.
      expect(await victim.text("CLIENT", "KILL", "ID", id, "SKIPME", "no")).toBe(":1\r\n");
      await expect(victim.text("PING")).rejects.toThrow();
      const second = await connectClient();
      await second.run("CLIENT", "SETNAME", "second");
      const secondId = (await second.text("CLIENT", "ID")).slice(1, -2);
      expect(await client.text("CLIENT", "KILL", "ID", secondId)).toBe(":1\r\n");
      await expect(second.text("PING")).rejects.toThrow();
      expect(await client.text("CLIENT", "LIST")).not.toContain("name=second");
      expect(await client.text("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")).toMatch(/^:\d+\r\n$/);
      await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("1");
    });

    test("from a client library, at work", async () => {
      await start("--maxmemory", "4mb");
      const redis = new Redis(server!.port, "127.0.0.1");
      const pipeline = redis.pipeline();
      for (let i = 0; i < 2000; i++) pipeline.set(`user:${i}`, `${i}:${"x".repeat(3000)}`);
      expect((await pipeline.exec())!.every(([error, reply]) => error === null && reply === "OK")).toBe(true);
      const found = new Set<string>();
      for await (const keys of redis.scanStream({ match: "user:*", count: 100 })) {
        for (const key of keys as string[]) found.add(key);
      }
      expect(found.size).toBe(2000);
      const values = await Promise.all(Array.from({ length: 2000 }, (_, i) => redis.get(`user:${i}`)));
      values.forEach((value, i) => expect(value).toBe(`${i}:${"x".repeat(3000)}`));
      expect(await redis.incrby("counter", 5)).toBe(5);
      expect(await redis.incrbyfloat("counter", 0.5)).toBe("5.5");
      expect(await redis.set("lock", "me", "PX", 60_000, "NX")).toBe("OK");
      expect(await redis.set("lock", "other", "PX", 60_000, "NX")).toBeNull();
      expect(await redis.pttl("lock")).toBeGreaterThan(50_000);
      expect(await redis.getdel("lock")).toBe("me");
      const bytes = Buffer.from([0, 1, 13, 10, 255]);
      await redis.set("bytes", bytes);
      expect(await redis.getBuffer("bytes")).toEqual(bytes);
      await expect(redis.call("NOSUCH", "x")).rejects.toThrow("unknown command 'NOSUCH'");
      expect(await redis.dbsize()).toBe(2002);
      await redis.quit();
    });
  });

  test("keeps a value of 512 MB", async ({ skip }) => {
    const available = Number(/MemAvailable:\s+(\d+)/.exec(meminfo())?.[1] ?? 0) * 1024;
    if (available < 12 * HUGE_BYTES) skip("not enough memory for a value of 512 MB");
    await start("--maxmemory", "2gb");
    const value = Buffer.alloc(HUGE_BYTES, "0123456789abcdef");
    value.write("the end", HUGE_BYTES - 7);
    const request = [Buffer.from(`*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$${HUGE_BYTES}\r\n`), value];
    const tail = Buffer.from("\r\n*2\r\n$6\r\nSTRLEN\r\n$4\r\nhuge\r\n*2\r\n$3\r\nGET\r\n$4\r\nhuge\r\n");
    const answers: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      const socket = connect(server!.port, "127.0.0.1");
      socket.on("data", (chunk) => answers.push(chunk));
      socket.once("error", reject);
      socket.once("close", () => resolve());
      for (const part of request) socket.write(part);
      socket.end(tail);
    });
    const head = Buffer.from(`+OK\r\n:${HUGE_BYTES}\r\n$${HUGE_BYTES}\r\n`);
    const expected = Buffer.concat([head, value, Buffer.from("\r\n")]);
    expect(Buffer.concat(answers).equals(expected)).toBe(true);
    const one = `${HUGE_BYTES + 1}`;
    const refused = await exchange(server!.port, Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$${one}\r\n`));
    expect(refused.toString()).toBe("-ERR Protocol error: invalid bulk length\r\n");
  });

  describe("has an append-only file", () => {
    test("that WAITAOF waits for", async () => {
      const client = await start("--appendfsync", "no");
      const replies = await client.runAll([
        ["SET", "a", "b"],
        ["WAITAOF", 1, 0, 0],
        ["WAITAOF", 0, 0, 0],
        ["WAITAOF", 0, 1, 10],
      ]);
      expect(replies.slice(1).map(String)).toEqual(Array(3).fill("*2\r\n:1\r\n:0\r\n"));
      await client.run("CONFIG", "SET", "appendonly", "no");
      expect(await client.text("WAITAOF", 1, 0, 0)).toMatch(/^-ERR WAITAOF cannot be used/);
    });

    test.each([["everysec"], ["always"]])("that is rewritten under load, with %s", async (policy) => {
      const client = await start("--appendfsync", policy, "--maxmemory", "4mb");
      const writers = await Promise.all([connectClient(), connectClient(), connectClient()]);
      let isDone = false;
      const counts = writers.map(async (writer, i) => {
        let count = 0;
        for (; !isDone; count += 50) {
          const requests = Array.from({ length: 50 }, (_, j): Argument[] =>
            j % 2 === 0
              ? ["INCR", `counter ${i}`]
              : ["SET", `k${i}:${(count + j) % 999}`, valueOf(count, 2000)],
          );
          await writer.runAll(requests);
        }
        return count / 2;
      });
      for (let round = 0; round < 4; round++) {
        expect(await client.text("BGREWRITEAOF")).toBe("+Background append only file rewriting started\r\n");
        await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
        expect(await infoOf(client, "aof_last_bgrewrite_status")).toBe("ok");
      }
      isDone = true;
      const expected = await Promise.all(counts);
      const size = await client.text("DBSIZE");
      await server!.kill();
      const after = await start("--maxmemory", "4mb");
      expect(await after.text("DBSIZE")).toBe(size);
      for (const [i, count] of expected.entries()) {
        expect(await after.text("GET", `counter ${i}`)).toBe(bulk(Buffer.from(String(count))).toString());
      }
    });

    test("that can be switched off and on", async () => {
      let client = await start();
      await fill(client, 0, 100, 50);
      expect(await client.text("CONFIG", "SET", "appendonly", "no")).toBe("+OK\r\n");
      await fill(client, 100, 200, 50);
      expect(await infoOf(client, "aof_enabled")).toBe("0");
      expect(await client.text("CONFIG", "SET", "appendonly", "yes")).toBe("+OK\r\n");
      await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
      expect(await infoOf(client, "aof_enabled")).toBe("1");
      await fill(client, 200, 300, 50);
      await server!.kill();
      client = await start();
      await expectFilled(client, 300, 50);
    });

    test("that keeps what it had when it is switched off", async () => {
      let client = await start("--maxmemory", "4mb");
      await fill(client, 0, 1500, 4000);
      expect(await client.text("CONFIG", "SET", "appendonly", "no")).toBe("+OK\r\n");
      await client.run("SET", "k5", "changed later");
      await fill(client, 1500, 1600, 4000);
      await server!.kill();
      client = await start("--maxmemory", "4mb");
      await expectFilled(client, 1500, 4000);
    });
  });

  describe("has little memory", () => {
    test("and spills at once when maxmemory is lowered", async () => {
      const client = await start("--maxmemory", "100mb");
      await fill(client, 0, 3000, 4000);
      expect(await infoOf(client, "cold_keys")).toBe("0");
      expect(await client.text("CONFIG", "SET", "maxmemory", "4mb")).toBe("+OK\r\n");
      await expect.poll(async () => Number(await infoOf(client, "cold_keys")), POLL).toBeGreaterThan(2000);
      await expect
        .poll(async () => Number(await infoOf(client, "used_memory")), POLL)
        .toBeLessThan(4 * 1024 * 1024);
      await expectFilled(client, 3000, 4000);
    });

    test("and refuses writes without a cold tier, in Redis's words", async () => {
      const client = await start("--cold-tier", "no", "--maxmemory", "4mb");
      let reply = "";
      let count = 0;
      for (; reply !== OUT_OF_MEMORY && count < 3000; count++)
        reply = await client.text("SET", `k${count}`, valueOf(count, 4000));
      expect(reply).toBe(OUT_OF_MEMORY);
      expect(await client.text("GET", "k1")).toBe(bulk(valueOf(1, 4000)).toString("latin1"));
      expect(await client.text("DEL", "k1", "k2", "k3")).toBe(":3\r\n");
      expect(await client.text("SET", "small", "x")).toBe("+OK\r\n");
      expect(await infoOf(client, "evicted_keys")).toBe("0");
    });

    test.each([
      ["allkeys-lru", false],
      ["allkeys-lfu", false],
      ["allkeys-random", false],
      ["volatile-lru", true],
      ["volatile-lfu", true],
      ["volatile-random", true],
      ["volatile-ttl", true],
    ])("and evicts without a cold tier by %s", async (policy, isVolatile) => {
      const client = await start("--cold-tier", "no", "--maxmemory", "4mb", "--maxmemory-policy", policy);
      for (let i = 0; i < 200; i++) await client.run("SET", `kept${i}`, valueOf(i, 2000));
      for (let i = 0; i < 3000; i++) {
        const expiry = i % 2 === 0 || isVolatile ? ["EX", 10_000 + i] : [];
        expect(await client.text("SET", `k${i}`, valueOf(i, 4000), ...expiry)).toBe("+OK\r\n");
      }
      expect(Number(await infoOf(client, "evicted_keys"))).toBeGreaterThan(1000);
      expect(Number(await infoOf(client, "used_memory"))).toBeLessThan(4.5 * 1024 * 1024);
      const kept = Array.from({ length: 200 }, (_, i) => `kept${i}`);
      if (isVolatile) expect(await client.text("EXISTS", ...kept)).toBe(":200\r\n");
      // What was evicted is gone after a restart, too.
      const size = await client.text("DBSIZE");
      await server!.kill();
      const after = await start("--cold-tier", "no");
      expect(await after.text("DBSIZE")).toBe(size);
    });

    test("and refuses writes by a volatile policy when nothing has an expiry", async () => {
      const client = await start(
        "--cold-tier",
        "no",
        "--maxmemory",
        "4mb",
        "--maxmemory-policy",
        "volatile-lru",
      );
      let reply = "";
      for (let i = 0; reply !== OUT_OF_MEMORY && i < 3000; i++)
        reply = await client.text("SET", `k${i}`, valueOf(i, 4000));
      expect(reply).toBe(OUT_OF_MEMORY);
    });
  });

  describe("has a full disk", () => {
    const canMount = mayMount();

    test.skipIf(!canMount).each([["everysec"], ["always"]])(
      "and refuses writes, reads on, and recovers, with %s (skipped where no tmpfs can be mounted)",
      async (policy) => {
        mountSmallDisk(data);
        try {
          const client = await start("--appendfsync", policy, "--auto-aof-rewrite-percentage", "0");
          await fill(client, 0, 100, 4000);
          writeFileSync(join(data, "ballast"), Buffer.alloc(4 * 1024 * 1024));
          const writer = await connectClient();
          let isFull = false;
          // With "always", the write that finds the disk full gets its reply when there is room again.
          const acknowledged = (async () => {
            for (let i = 100; ; i++) {
              if (isFull || (await writer.text("SET", `k${i}`, valueOf(i, 4000))) !== "+OK\r\n") return i;
            }
          })();
          await expect.poll(() => infoOf(client, "aof_last_write_status"), POLL).toBe("err");
          isFull = true;
          expect(await client.text("SET", "x", "y")).toMatch(/^-MISCONF .*No space left on device/);
          expect(await client.text("GET", "k7")).toBe(bulk(valueOf(7, 4000)).toString("latin1"));
          rmSync(join(data, "ballast"));
          await expect.poll(() => client.text("SET", "after", "x"), POLL).toBe("+OK\r\n");
          expect(await infoOf(client, "aof_last_write_status")).toBe("ok");
          const count = await acknowledged;
          expect(count).toBeGreaterThan(1000);
          await server!.kill();
          const again = await start("--appendfsync", policy);
          expect(await again.text("GET", "after")).toBe("$1\r\nx\r\n");
          for (let i = 0; i < count; i++) {
            const reply = await again.run("GET", `k${i}`);
            expect(reply.equals(bulk(valueOf(i, 4000))), `k${i}`).toBe(true);
          }
        } finally {
          await server?.kill();
          spawnSync("umount", [data]);
        }
      },
    );
  });
});

/** Half of it compressible, and different for each i. */
function valueOf(i: number, length: number): Buffer {
  const value = Buffer.alloc(length, `value ${i};`);
  for (let at = 0, x = i + 1; at + 4 <= length / 2; at += 4) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    value.writeUInt32LE(x, at);
  }
  return value;
}

function bulk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** A small disk in memory at `path`. */
function mountSmallDisk(path: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", path]).status === 0;
}

function mayMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), "tsredis-mount-"));
  const isMounted = mountSmallDisk(path);
  if (isMounted) spawnSync("umount", [path]);
  else process.stderr.write("no tmpfs can be mounted: the tests of a full disk are left out\n");
  rmSync(path, { recursive: true });
  return isMounted;
}

function meminfo(): string {
  return spawnSync("cat", ["/proc/meminfo"], { encoding: "utf8" }).stdout ?? "";
}
