/**
 * The real Redis as a replica: both have the same digest after its link was cut, after it was killed, and beside
 * others. Who waits for it is told when it has all. What redis-cli takes of the stream is whole, too.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasRedisServer, runRedisTool } from "../support/redis-server.ts";
import { sampleRequests } from "./contents.ts";
import { expectSame, linkedUp, useReplicas } from "./replica-fixture.ts";
import { fill, infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const replicas = useReplicas(fixture);
const DEBUG = ["--enable-debug-command", "yes", "--save", ""];

describe.skipIf(!hasRedisServer)("a real Redis as replica (skipped where redis-server is missing)", () => {
  test("goes on from the backlog when its link was cut", async () => {
    const master = await fixture.start(...DEBUG);
    await fill(master, 0, 500, 100);
    const replica = await replicas.start();
    for (let i = 1; i <= 3; i++) {
      expect(await master.text("CLIENT", "KILL", "TYPE", "replica")).toBe(":1\r\n");
      await fill(master, 500 * i, 500 * i + 500, 100);
      await linkedUp(replica);
      await expectSame(master, replica);
      expect(await infoOf(master, "sync_partial_ok")).toBe(String(i));
    }
    expect(await infoOf(master, "sync_full")).toBe("1");
    expect(await infoOf(master, "sync_partial_err")).toBe("0");
    expect(await replica.text("DBSIZE")).toBe(":2000\r\n");
  });

  test("gets all anew when it has missed more than the backlog holds", async () => {
    const master = await fixture.start(...DEBUG, "--repl-backlog-size", "16kb");
    const replica = await replicas.start();
    const { pid } = replicas;
    process.kill(pid, "SIGSTOP");
    await master.run("CLIENT", "KILL", "TYPE", "replica");
    await fill(master, 0, 3000, 100);
    process.kill(pid, "SIGCONT");
    await expect.poll(() => infoOf(master, "sync_full"), POLL).toBe("2");
    await linkedUp(replica);
    await expectSame(master, replica);
    expect(await infoOf(master, "sync_partial_err")).toBe("1");
  });

  test("killed and started again, or beside others, it has all", async () => {
    const master = await fixture.start(...DEBUG, "--maxmemory", "4mb");
    await fill(master, 0, 4000, 1000);
    expect(Number(await infoOf(master, "cold_keys"))).toBeGreaterThan(200);
    const first = await replicas.start();
    await expectSame(master, first);
    await replicas.kill();
    await expect.poll(() => infoOf(master, "connected_slaves"), POLL).toBe("0");
    await master.run("SET", "while it was away", "x");
    const others = await Promise.all([replicas.start(), replicas.start("second"), replicas.start("third")]);
    for (const other of others) await expectSame(master, other);
    expect(await infoOf(master, "connected_slaves")).toBe("3");
    await master.run("FLUSHALL");
    for (const other of others) await expectSame(master, other);
  });

  test("WAIT counts it when it has the writes, and not before", async () => {
    const master = await fixture.start(...DEBUG);
    const replica = await replicas.start();
    await expect.poll(() => infoOf(master, "slave0"), POLL).toContain("state=online");
    await master.run("SET", "a", "1");
    expect(await master.text("WAIT", 1, 0)).toBe(":1\r\n");
    expect(await replica.text("GET", "a")).toBe("$1\r\n1\r\n");
    expect(await master.text("WAIT", 2, 10)).toBe(":1\r\n");
    const { pid } = replicas;
    process.kill(pid, "SIGSTOP");
    await master.run("INCR", "a");
    expect(await master.text("WAIT", 1, 50)).toBe(":0\r\n");
    await master.run("WAITAOF", 1, 0, 0);
    expect(await master.text("WAITAOF", 1, 1, 50)).toBe("*2\r\n:1\r\n:0\r\n");
    const other = await fixture.connect();
    await other.run("INCR", "a");
    const waiting = other.text("WAIT", 1, 0);
    const third = await fixture.connect();
    await expect.poll(() => infoOf(third, "blocked_clients"), POLL).toBe("1");
    process.kill(pid, "SIGCONT");
    expect(await waiting).toBe(":1\r\n");
    expect(await replica.text("GET", "a")).toBe("$1\r\n3\r\n");
  });

  test("SHUTDOWN waits for it, unless it is told not to", async () => {
    const master = await fixture.start(...DEBUG, "--shutdown-timeout", "3600");
    const replica = await replicas.start();
    await expect.poll(() => infoOf(master, "slave0"), POLL).toContain("state=online");
    const { pid } = replicas;
    process.kill(pid, "SIGSTOP");
    await master.run("SET", "a", "1");
    const ending = await fixture.connect();
    const aborted = ending.text("SHUTDOWN");
    await expect.poll(() => master.text("SHUTDOWN", "ABORT"), POLL).toBe("+OK\r\n");
    expect(await aborted).toBe("-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    expect(await master.text("SET", "a", "2")).toBe("+OK\r\n");
    const ended = ending.text("SHUTDOWN").catch(() => "ended");
    const writer = await fixture.connect();
    const written = writer.text("SET", "a", "3").catch(() => "ended");
    await expect.poll(() => infoOf(master, "blocked_clients"), POLL).toBe("1");
    process.kill(pid, "SIGCONT");
    expect(await ended).toBe("ended");
    expect(await written).toBe("ended");
    expect(await replica.text("GET", "a")).toBe("$1\r\n2\r\n");
  });

  test("writes that need it are refused without", async () => {
    const master = await fixture.start(...DEBUG, "--min-replicas-to-write", "1");
    const refused = "-NOREPLICAS Not enough good replicas to write.\r\n";
    expect(await master.text("SET", "a", "1")).toBe(refused);
    expect(await master.text("EVAL", "return redis.pcall('set', 'a', 1)", 0)).toBe(refused);
    expect(await master.text("EVAL", "#!lua\nreturn 1", 0)).toBe(refused);
    expect(await infoOf(master, "min_slaves_good_slaves")).toBe("0");
    await replicas.start();
    await expect.poll(() => master.text("SET", "a", "1"), POLL).toBe("+OK\r\n");
    expect(await infoOf(master, "min_slaves_good_slaves")).toBe("1");
    await replicas.kill();
    await expect.poll(() => master.text("SET", "a", "1"), POLL).toBe(refused);
    expect(await master.text("GET", "a")).toBe("$1\r\n1\r\n");
    await master.run("CONFIG", "SET", "min-replicas-to-write", "0");
    expect(await master.text("SET", "a", "1")).toBe("+OK\r\n");
  });

  test("redis-cli takes a file of all keys, or of functions", async () => {
    const master = await fixture.start(...DEBUG, "--maxmemory", "4mb");
    await fill(master, 0, 3000, 1000);
    await master.runAll(sampleRequests());
    await master.run(
      "FUNCTION",
      "LOAD",
      "#!lua name=l\nredis.register_function('f', function() return 1 end)",
    );
    const folder = join(fixture.folder, "taken");
    mkdirSync(folder);
    const take = (option: string) => {
      const path = join(folder, "dump.rdb");
      const { status } = spawnSync("redis-cli", ["-p", String(fixture.server.port), option, path]);
      expect(status).toBe(0);
      expect(runRedisTool("redis-check-rdb", [path]).output).toContain("RDB looks OK!");
    };
    take("--rdb");
    const all = await replicas.startServer("taken");
    expect(await all.text("DEBUG", "DIGEST")).toBe(await master.text("DEBUG", "DIGEST"));
    expect(await all.text("FCALL", "f", 0)).toBe(":1\r\n");
    await replicas.kill();
    take("--functions-rdb");
    const functions = await replicas.startServer("taken");
    expect(await functions.text("DBSIZE")).toBe(":0\r\n");
    expect(await functions.text("FCALL", "f", 0)).toBe(":1\r\n");
    await expect.poll(() => infoOf(master, "connected_slaves"), POLL).toBe("0");
  });
});
