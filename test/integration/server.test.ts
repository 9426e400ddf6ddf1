/**
 * The built server as its users meet it: start and end, connections and what is said on them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { encodeRequest, exchange } from "../support/raw-client.ts";
import { connectRedis, hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { runServerProgram } from "../support/server-process.ts";
import { bulk, expectFilled, fill, infoOf, POLL, useServer, valueOf } from "./server-fixture.ts";

const HUGE_BYTES = 512 * 1024 * 1024;

const fixture = useServer();

describe("starts", () => {
  test("with a configuration file and options over it, and says so in one line", async () => {
    const file = join(fixture.folder, "redis.conf");
    writeFileSync(file, "maxmemory 100mb\nappendfsync always\n# a comment\nmaxmemory-samples 7\n");
    const port = await freePort();
    const args = [
      file,
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      fixture.data,
      "--maxmemory",
      "64mb",
    ];
    const pidFile = join(fixture.folder, "server.pid");
    const client = await fixture.startWith([...args, "--pidfile", pidFile], port);
    const started = fixture.server;
    expect(await client.text("CONFIG", "GET", "maxmemory-samples")).toContain("$1\r\n7\r\n");
    expect(await client.text("CONFIG", "GET", "maxmemory")).toContain("67108864");
    const ready = started.output.split("\n").find((line) => line.includes("Ready to accept connections"))!;
    for (const fact of [`127.0.0.1:${port}`, fixture.data, "64 MB", "appendfsync always"])
      expect(ready).toContain(fact);
    expect(existsSync(pidFile)).toBe(true);
    expect(await started.stop()).toBe(0);
    expect(existsSync(pidFile)).toBe(false);
  });

  test("in the working folder if that is what --dir says", async () => {
    const client = await fixture.start("--dir", fixture.data);
    await client.run("SET", "a", "b");
    await fixture.server.stop();
    expect(readdirSync(fixture.data)).toContain("appendonlydir");
  });

  test("in ./data if nothing is said", async () => {
    const port = await freePort();
    const client = await fixture.startWith(["--port", String(port), "--bind", "127.0.0.1"], port);
    await client.run("SET", "a", "b");
    expect(await fixture.server.stop()).toBe(0);
    expect(readdirSync(fixture.data)).toContain("appendonlydir");
  });

  test("not with a directive that it does not know: names file, line and reason, and touches nothing", async () => {
    const file = join(fixture.folder, "redis.conf");
    writeFileSync(file, "port 0\n\nno-such-thing yes\n");
    const { status, errors } = await runServerProgram([file, "--dir", fixture.data], fixture.folder);
    expect(status).toBe(1);
    for (const part of ["FATAL CONFIG FILE ERROR", "at line 3", "no-such-thing yes", "Bad directive", file]) {
      expect(errors).toContain(part);
    }
    expect(readdirSync(fixture.data)).toEqual([]);
    for (const args of [
      ["--port", "70000"],
      ["--appendfsync", "sometimes"],
      ["--maxmemory", "lots"],
    ]) {
      const { status: code, errors: text } = await runServerProgram(
        [...args, "--dir", fixture.data],
        fixture.folder,
      );
      expect(code, args.join(" ")).toBe(1);
      expect(text).toContain(args[0].slice(2));
    }
  });

  test("not on a port that is taken, and then its log does not tell the line that says it can be reached", async () => {
    await fixture.start();
    const other = join(fixture.folder, "other");
    mkdirSync(other);
    const args = ["--port", String(fixture.server.port), "--bind", "127.0.0.1", "--dir", other];
    const { status, output } = await runServerProgram(args, fixture.folder);
    expect(status).toBe(1);
    expect(output).toContain("EADDRINUSE");
    expect(fixture.server.output).toContain(` PID: ${fixture.server.pid}\n`);
    expect(output).not.toContain(" PID: ");
  });

  test.each([
    ["with a cold tier", []],
    ["without one", ["--cold-tier", "no"]],
    ["without an append-only file", ["--appendonly", "no"]],
  ])("not on a directory that another uses, %s", async (_, args) => {
    const client = await fixture.start("--maxmemory", "4mb", ...args);
    const count = args.length === 0 ? 2000 : 500;
    await fill(client, 0, count, 4000);
    const { status, output, errors } = await runServerProgram(
      ["--port", String(await freePort()), "--bind", "127.0.0.1", "--dir", fixture.data, ...args],
      fixture.folder,
    );
    expect(output + errors).toContain("Another server is running on this data directory");
    expect(status).toBe(1);
    await expectFilled(client, count, 4000);
  });
});

describe("in the background", () => {
  test("serves while the process that was started has ended", async () => {
    const port = await freePort();
    const pidFile = join(fixture.folder, "daemon.pid");
    const lines = `port ${port}\nbind 127.0.0.1\ndir "${fixture.data}"\nlogfile "${fixture.folder}/log"\n`;
    const args = ["-", "--daemonize", "yes", "--pidfile", pidFile];
    expect(await runServerProgram(args, fixture.folder, lines)).toEqual({
      status: 0,
      output: "",
      errors: "",
    });
    await expect.poll(() => existsSync(pidFile), POLL).toBe(true);
    const pid = Number(readFileSync(pidFile, "utf8"));
    try {
      const answer = await exchange(port, Buffer.from("CONFIG GET daemonize\r\nSHUTDOWN\r\n"));
      expect(answer.toString()).toBe("*2\r\n$9\r\ndaemonize\r\n$3\r\nyes\r\n");
      await expect.poll(() => isRunning(pid), POLL).toBe(false);
    } finally {
      if (isRunning(pid)) process.kill(pid, "SIGKILL");
    }
    expect(readFileSync(join(fixture.folder, "log"), "utf8")).toContain("ready to exit");
    expect(existsSync(pidFile)).toBe(false);
  });

  test("not with a configuration that cannot be read", async () => {
    const args = ["--daemonize", "yes", "--port", "70000", "--dir", fixture.data];
    const { status, errors } = await runServerProgram(args, fixture.folder);
    expect(status).toBe(1);
    expect(errors).toContain("70000");
  });
});

describe("ends", () => {
  test("with everything saved on SIGTERM, and says good bye", async () => {
    const client = await fixture.start("--appendfsync", "no");
    await fill(client, 0, 200, 100);
    expect(await fixture.server.stop()).toBe(0);
    expect(fixture.server.output).toContain("ready to exit");
    await expectFilled(await fixture.start(), 200, 100);
  });

  test.each([["NOSAVE"], ["SAVE"], ["NOW"], []])("on SHUTDOWN %s", async (...words) => {
    const client = await fixture.start();
    await client.run("SET", "a", "b");
    const answer = client.text("SHUTDOWN", ...words);
    await expect(answer).rejects.toThrow();
    expect(await fixture.server.ended).toBe(0);
    expect(readdirSync(fixture.data).includes("dump.rdb")).toBe(words[0] === "SAVE");
    expect(await (await fixture.start()).text("GET", "a")).toBe("$1\r\nb\r\n");
  });

  test("without what was written since the last snapshot, if told so", async () => {
    const args = ["--appendonly", "no", "--save", "3600 1000000"];
    let client = await fixture.start(...args);
    await client.run("SET", "a", "b");
    expect(await fixture.server.stop()).toBe(0);
    client = await fixture.start(...args);
    expect(await client.text("GET", "a")).toBe("$1\r\nb\r\n");
    await client.run("SET", "c", "d");
    await expect(client.text("SHUTDOWN", "NOSAVE")).rejects.toThrow();
    await fixture.server.ended;
    client = await fixture.start(...args);
    expect(await client.text("MGET", "a", "c")).toBe("*2\r\n$1\r\nb\r\n$-1\r\n");
  });

  test.each([
    ["SIGTERM", "--shutdown-on-sigterm", "save now", true],
    ["SIGTERM", "--shutdown-on-sigterm", "default", false],
    ["SIGINT", "--shutdown-on-sigint", "force save", true],
    ["SIGINT", "--shutdown-on-sigterm", "save", false],
  ] as const)("on %s, with %s %s", async (signal, directive, flags, isSaved) => {
    const client = await fixture.start(directive, flags);
    await client.run("SET", "a", "b");
    process.kill(fixture.server.pid, signal);
    expect(await fixture.server.ended).toBe(0);
    expect(fixture.server.output).toContain(`Received ${signal} scheduling shutdown...`);
    expect(readdirSync(fixture.data).includes("dump.rdb")).toBe(isSaved);
  });

  test("at once on a second SIGINT, but for the one that npm passes on", async () => {
    const client = await fixture.start("--busy-reply-threshold", "1");
    const endless = "redis.call('SET', KEYS[1], 1) while true do end";
    client.text("EVAL", endless, 1, "a").catch(() => {});
    const other = await fixture.connect();
    await expect.poll(() => other.text("GET", "a"), POLL).toMatch(/^-BUSY/);
    const signal = () => process.kill(fixture.server.pid, "SIGINT");
    signal();
    signal();
    const received = /Received SIGINT/g;
    await expect.poll(() => fixture.server.output.match(received)?.length, POLL).toBeGreaterThan(0);
    await sleep(1000);
    signal();
    expect(await fixture.server.ended).toBe(1);
    expect(fixture.server.output).toContain("You insist... exiting now.");
    expect(await (await fixture.start()).text("EXISTS", "a")).toBe(":0\r\n");
  });
});

describe("has connections", () => {
  test("that need the password, if there is one", async () => {
    const client = await fixture.start("--requirepass", "secret");
    const refused = "-NOAUTH Authentication required.\r\n";
    expect(await client.text("GET", "a")).toBe(refused);
    expect(await client.text("AUTH", "wrong")).toMatch(/^-WRONGPASS/);
    expect(await client.text("GET", "a")).toBe(refused);
    expect(await client.text("AUTH", "secret")).toBe("+OK\r\n");
    expect(await client.text("GET", "a")).toBe("$-1\r\n");
    const other = await fixture.connect();
    expect(await other.text("HELLO", 3, "AUTH", "default", "secret")).toMatch(/^%7\r\n/);
    expect(await client.text("CONFIG", "SET", "requirepass", "")).toBe("+OK\r\n");
    expect(await (await fixture.connect()).text("PING")).toBe("+PONG\r\n");
  });

  test("up to maxclients", async () => {
    const client = await fixture.start("--maxclients", "3");
    const others = [await fixture.connect(), await fixture.connect()];
    for (const other of others) expect(await other.text("PING")).toBe("+PONG\r\n");
    const answer = await exchange(fixture.server.port, Buffer.from("PING\r\n"));
    expect(answer.toString()).toBe("-ERR max number of clients reached\r\n");
    expect(await infoOf(client, "rejected_connections")).toBe("1");
    const received = Number(await infoOf(client, "total_connections_received"));
    await exchange(fixture.server.port, Buffer.from("PING\r\n"));
    expect(Number(await infoOf(client, "total_connections_received"))).toBe(received);
    others[0].close();
    await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("2");
    expect(await (await fixture.connect()).text("PING")).toBe("+PONG\r\n");
    expect(await client.text("CONFIG", "SET", "maxclients", 4)).toBe("+OK\r\n");
    expect(await (await fixture.connect()).text("PING")).toBe("+PONG\r\n");
  });

  test.each([
    ["PING\r\n", "+PONG\r\n"],
    ["SET a b\r\nGET a\r\nPING", "+OK\r\n$1\r\nb\r\n"],
    ["*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGE", "+PONG\r\n"],
    ["", ""],
  ])("that get their replies when they have ended: %j", async (bytes, answer) => {
    await fixture.start("--appendfsync", "always");
    expect((await exchange(fixture.server.port, Buffer.from(bytes))).toString()).toBe(answer);
  });

  test("whose cold keys are still read when they have ended", async () => {
    const client = await fixture.start("--maxmemory", "2mb");
    await fill(client, 0, 1000, 4000);
    const requests = Array.from({ length: 1000 }, (_, i) => encodeRequest(["GET", `k${i}`]));
    const answer = await exchange(fixture.server.port, Buffer.concat(requests));
    const expected = Buffer.concat(Array.from({ length: 1000 }, (_, i) => bulk(valueOf(i, 4000))));
    expect(answer.equals(expected)).toBe(true);
  });

  test.each([
    ["*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'\r\n"],
    ["*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"],
    ["PING\r\n*1\r\n$-5\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"],
    ['SET "a\r\nPING\r\n', "-ERR Protocol error: unbalanced quotes in request\r\n"],
  ])("that are closed after a protocol error: %j", async (bytes, answer) => {
    await fixture.start();
    // This end stays open: the server must close.
    const socket = connect(fixture.server.port, "127.0.0.1", () => socket.write(bytes));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    await new Promise((resolve) => socket.once("close", resolve));
    expect(received).toBe(answer);
  });

  test.skipIf(!hasRedisServer)("with CLIENT REPLY as in Redis", async () => {
    await fixture.start();
    const redis = await startRedisServer([], fixture.folder);
    const lines = [
      "SET a 1|CLIENT REPLY SKIP|INCR a|GET a",
      "CLIENT REPLY OFF|INCR a|PING|CLIENT REPLY SKIP|PING|CLIENT REPLY ON|GET a|PING",
      "CLIENT REPLY SKIP|CLIENT REPLY SKIP|PING|PING",
      "CLIENT REPLY OFF|nothing|SET|QUIT",
      "CLIENT REPLY SKIP|QUIT|PING",
      "CLIENT REPLY SKIP|CLIENT REPLY ON|PING",
      "CLIENT REPLY SKIP|RESET|PING",
      "CLIENT REPLY OFF|RESET|PING",
    ];
    try {
      for (const line of lines) {
        const bytes = Buffer.from(`${line.replaceAll("|", "\r\n")}\r\n`);
        const [expected, actual] = [
          await exchange(redis.port, bytes),
          await exchange(fixture.server.port, bytes),
        ];
        expect(actual.toString(), line).toBe(expected.toString());
      }
    } finally {
      await redis.stop();
    }
  });

  test.skipIf(!hasRedisServer)(
    "without those of web browsers, whose requests end the connection, as in Redis",
    async () => {
      const client = await fixture.start();
      const redis = await startRedisServer([], fixture.folder);
      const texts = [
        "POST / HTTP/1.1\r\nHost: x\r\n\r\nSET web 1\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n\r\nSET web 1\r\n",
        "*1\r\n$4\r\npost\r\nSET web 1\r\n",
        "MULTI\r\nHost:\r\nSET web 1\r\n",
        "poste\r\nSET other 1\r\n",
      ];
      try {
        for (const text of texts) {
          const bytes = Buffer.from(text);
          const expected = await exchange(redis.port, bytes);
          expect((await exchange(fixture.server.port, bytes)).toString(), text).toBe(expected.toString());
        }
        expect(await client.text("KEYS", "*")).toBe("*1\r\n$5\r\nother\r\n");
        const told = fixture.server.output.match(/Possible SECURITY ATTACK/g);
        expect(told).toHaveLength(1);
      } finally {
        await redis.stop();
      }
    },
  );

  test("that can be listed and killed", async () => {
    const client = await fixture.start();
    const victim = await fixture.connect();
    await victim.run("CLIENT", "SETNAME", "victim");
    const id = (await victim.text("CLIENT", "ID")).slice(1, -2);
    expect(await client.text("CLIENT", "LIST")).toMatch(
      new RegExp(`id=${id} addr=127.0.0.1:\\d+ .*name=victim `),
    );
    // One that kills itself gets the reply first.
    expect(await victim.text("CLIENT", "KILL", "ID", id, "SKIPME", "no")).toBe(":1\r\n");
    await expect(victim.text("PING")).rejects.toThrow();
    const second = await fixture.connect();
    await second.run("CLIENT", "SETNAME", "second");
    const secondId = (await second.text("CLIENT", "ID")).slice(1, -2);
    expect(await client.text("CLIENT", "KILL", "ID", secondId)).toBe(":1\r\n");
    await expect(second.text("PING")).rejects.toThrow();
    expect(await client.text("CLIENT", "LIST")).not.toContain("name=second");
    expect(await client.text("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")).toMatch(/^:\d+\r\n$/);
    await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("1");
  });

  test("from a client library, at work", async () => {
    await fixture.start("--maxmemory", "4mb");
    const redis = await connectRedis(fixture.server.port);
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
  const available = Number(/MemAvailable:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))![1]) * 1024;
  if (available < 12 * HUGE_BYTES) skip("not enough memory for a value of 512 MB");
  await fixture.start("--maxmemory", "2gb");
  const value = Buffer.alloc(HUGE_BYTES, "0123456789abcdef");
  value.write("the end", HUGE_BYTES - 7);
  const request = [Buffer.from(`*3\r\n$3\r\nSET\r\n$4\r\nhuge\r\n$${HUGE_BYTES}\r\n`), value];
  const tail = Buffer.from("\r\n*2\r\n$6\r\nSTRLEN\r\n$4\r\nhuge\r\n*2\r\n$3\r\nGET\r\n$4\r\nhuge\r\n");
  const answers: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const socket = connect(fixture.server.port, "127.0.0.1");
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
  const refused = await exchange(
    fixture.server.port,
    Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$${one}\r\n`),
  );
  expect(refused.toString()).toBe("-ERR Protocol error: invalid bulk length\r\n");
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
