/**
 * The way in and the way out: Redis 7.0 starts on a directory that tsredis wrote (nothing of it cold), and tsredis on
 * any that Redis wrote, with the same data. What the other cannot read is refused, clearly and without a change.
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { MODULE_DUMP } from "../support/dump-payloads.ts";
import { freePort } from "../support/free-port.ts";
import { encodeRequest, RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, runRedisTool, startRedisServer } from "../support/redis-server.ts";
import { runServerProgram, type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { contentsOf, sampleRequests } from "./contents.ts";
import { rewriteLog } from "./server-fixture.ts";

const WITH_AOF = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"];
const MANIFEST = "appendonly.aof.manifest";

describe.skipIf(!hasRedisServer)(
  "directories of Redis and tsredis (skipped where redis-server is missing)",
  () => {
    let folder: string;
    let data: string;
    let own: ServerProcess | undefined;
    let redis: RedisServer | undefined;

    beforeEach(() => {
      folder = temporaryFolder();
      data = join(folder, "data");
      mkdirSync(data);
    });

    afterEach(async () => {
      await own?.kill();
      await redis?.stop();
      own = undefined;
      redis = undefined;
      removeFolder(folder);
    });

    async function send(port: number, requests: readonly (readonly Argument[])[]): Promise<void> {
      const client = await RawClient.connect(port);
      const replies = await client.runAll(requests);
      client.close();
      expect(
        replies.map((reply) => reply.toString("latin1")).filter((reply) => reply.startsWith("-")),
      ).toEqual([]);
    }

    /** Runs BGREWRITEAOF and waits for its end. */
    async function rewrite(port: number): Promise<void> {
      const client = await RawClient.connect(port);
      await rewriteLog(client);
      client.close();
    }

    function filesOf(path: string): Map<string, string> {
      const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      return new Map(
        names.map(({ parentPath, name }) => {
          const file = join(parentPath, name);
          return [file, readFileSync(file).toString("latin1")];
        }),
      );
    }

    function aofFile(kind: "base" | "incr"): string {
      const name = readdirSync(join(data, "appendonlydir")).find((file) => file.includes(`.${kind}.`));
      return join(data, "appendonlydir", name!);
    }

    describe.each([
      ["without a cold tier", ["--cold-tier", "no"]],
      // In no mode of the suite: Redis is not to start on a directory with cold values.
      ["with a cold tier in which nothing is", ["--cold-tier", "yes", "--cold-tier-spill-all", "no"]],
    ])("Redis starts on a directory of tsredis %s", (_, tier) => {
      async function expectSameInRedis(end: "stopped" | "killed" = "stopped"): Promise<void> {
        const expected = await contentsOf(own!.port);
        expect(expected.length).toBeGreaterThan(500);
        if (end === "stopped") expect(await own!.stop()).toBe(0);
        else await own!.kill();
        const check = runRedisTool("redis-check-aof", [join(data, "appendonlydir", MANIFEST)]);
        expect(check.output).toContain("All AOF files and manifest are valid");
        expect(check.status).toBe(0);
        redis = await startRedisServer(WITH_AOF, data);
        const found = await contentsOf(redis.port);
        // A server that ran before has values as commands left them, one that starts has them encoded anew.
        expect(found.map(withoutEncoding)).toEqual(expected.map(withoutEncoding));
        expect(encodingsOf(found)).toEqual(new Set(["int", "embstr", "raw"]));
      }

      test("as it was written", async () => {
        own = await startServerProcess(data, tier);
        await send(own.port, sampleRequests());
        await expectSameInRedis();
      });

      test("as it was written to the disk at once, with what a kill leaves behind it", async () => {
        own = await startServerProcess(data, [...tier, "--appendfsync", "always"]);
        await send(own.port, sampleRequests());
        await rewrite(own.port);
        await send(own.port, [["SET", "last", "written"]]);
        await expectSameInRedis("killed");
      });

      test("after a rewrite, and with commands behind it", async () => {
        own = await startServerProcess(data, tier);
        await send(own.port, sampleRequests());
        await rewrite(own.port);
        await send(own.port, [
          ["SELECT", 4],
          ["SET", "later", "x", "EX", 1000],
          ["SELECT", 0],
          ["DEL", "many:7"],
        ]);
        await expectSameInRedis();
      });

      test("after a second rewrite, a kill and a restart", async () => {
        own = await startServerProcess(data, tier);
        await send(own.port, sampleRequests());
        await rewrite(own.port);
        await send(own.port, [["SET", "between", "rewrites"]]);
        await rewrite(own.port);
        await send(own.port, [
          ["APPEND", "between", " and after"],
          ["EXPIRE", "between", 5000],
        ]);
        await own.kill();
        own = await startServerProcess(data, tier);
        await send(own.port, [["APPEND", "between", " and later"]]);
        await expectSameInRedis();
      });

      test("and goes on writing to it, and then tsredis again", async () => {
        own = await startServerProcess(data, tier);
        await send(own.port, sampleRequests());
        await rewrite(own.port);
        await expectSameInRedis();
        await send(redis!.port, [
          ["SET", "from Redis", "x"],
          ["INCR", "counter"],
          ["DEL", "many:9"],
        ]);
        await rewrite(redis!.port);
        await send(redis!.port, [["APPEND", "from Redis", "y"]]);
        const expected = await contentsOf(redis!.port);
        await redis!.stop();
        redis = undefined;
        own = await startServerProcess(data, tier);
        expect((await contentsOf(own.port)).map(withoutEncoding)).toEqual(expected.map(withoutEncoding));
      });

      test("and writes behind what a kill has left there, and then tsredis again", async () => {
        own = await startServerProcess(data, [...tier, "--appendfsync", "always"]);
        await send(own.port, sampleRequests());
        await expectSameInRedis("killed");
        await send(redis!.port, [
          ["SET", "from Redis", "x"],
          ["INCR", "counter"],
        ]);
        const expected = await contentsOf(redis!.port);
        await redis!.stop();
        redis = undefined;
        for (let life = 0; life < 2; life++) {
          own = await startServerProcess(data, [...tier, "--appendfsync", "always"]);
          expect((await contentsOf(own.port)).map(withoutEncoding)).toEqual(expected.map(withoutEncoding));
          await own.kill();
        }
      });
    });

    describe("tsredis starts on a directory of Redis", () => {
      /** Ends Redis, starts tsredis on the directory, compares, writes, and compares after another start and a kill. */
      async function expectSameHere(args: readonly string[] = [], change?: () => void): Promise<void> {
        const expected = (await contentsOf(redis!.port)).map(withoutEncoding);
        expect(expected.length).toBeGreaterThan(500);
        await redis!.stop();
        redis = undefined;
        change?.();
        own = await startServerProcess(data, args);
        const found = await contentsOf(own.port);
        expect(found.map(withoutEncoding)).toEqual(expected);
        expect(encodingsOf(found)).toEqual(new Set(["int", "embstr", "raw"]));
        await send(own.port, [
          ["SELECT", 3],
          ["SET", "new here", "x"],
          ["INCR", "counter"],
        ]);
        const changed = (await contentsOf(own.port)).map(withoutEncoding);
        expect(changed.length).toBe(expected.length + 1);
        for (const end of [() => own!.stop(), () => own!.kill()]) {
          await end();
          own = await startServerProcess(data, args);
          expect((await contentsOf(own.port)).map(withoutEncoding)).toEqual(changed);
        }
      }

      async function startRedis(...args: string[]): Promise<void> {
        redis = await startRedisServer([...WITH_AOF, ...args], data);
        await send(redis.port, sampleRequests());
      }

      test.each([
        ["HSET", "only", "field", "value"],
        ["RPUSH", "only", "element"],
        ["SADD", "only", "member"],
        ["ZADD", "only", 1, "member"],
        ["XADD", "only", "1-1", "field", "value"],
      ])("whose base file begins with what %s makes", async (...request) => {
        redis = await startRedisServer(WITH_AOF, data);
        await send(redis.port, [request]);
        await rewrite(redis.port);
        const expected = await contentsOf(redis.port);
        await redis.stop();
        redis = undefined;
        own = await startServerProcess(data, []);
        expect(await contentsOf(own.port)).toEqual(expected);
      });

      test("with a fresh append-only file", async () => {
        await startRedis();
        await expectSameHere();
      });

      test("after a rewrite, with an RDB base", async () => {
        await startRedis();
        await rewrite(redis!.port);
        await send(redis!.port, [
          ["APPEND", "appended", "more"],
          ["SET", "text of 44", "other", "KEEPTTL"],
        ]);
        await expectSameHere();
      });

      test("after a rewrite, with a base of commands", async () => {
        await startRedis("--aof-use-rdb-preamble", "no");
        await rewrite(redis!.port);
        await send(redis!.port, [["APPEND", "appended", "more"]]);
        expect(readFileSync(aofFile("base"), "latin1")).toMatch(/^\*/);
        await expectSameHere();
      });

      test("with transactions and timestamps in the log", async () => {
        await startRedis("--aof-timestamp-enabled", "yes");
        await send(redis!.port, [["MULTI"], ["INCR", "counter"], ["SET", "in a group", "x"], ["EXEC"]]);
        await send(redis!.port, [
          ["MULTI"],
          ["SELECT", 2],
          ["MSET", "a", 1, "b", 2],
          ["EXPIRE", "a", 5000],
          ["EXEC"],
        ]);
        // Looked at when Redis has ended: it puts a write off while an fsync of its own is under way.
        await expectSameHere([], () => expect(readFileSync(aofFile("incr"), "latin1")).toContain("EXEC"));
      });

      test("with an old-style file of commands", async () => {
        await startRedis();
        await expectSameHere([], () => {
          const log = readFileSync(aofFile("incr"));
          rmSync(join(data, "appendonlydir"), { recursive: true });
          writeFileSync(join(data, "appendonly.aof"), log);
        });
      });

      test("with an old-style file that begins with an RDB", async () => {
        await startRedis();
        await rewrite(redis!.port);
        await send(redis!.port, [
          ["SET", "behind the preamble", "x"],
          ["DEL", "many:1"],
        ]);
        await expectSameHere([], () => {
          const whole = Buffer.concat([readFileSync(aofFile("base")), readFileSync(aofFile("incr"))]);
          rmSync(join(data, "appendonlydir"), { recursive: true });
          writeFileSync(join(data, "appendonly.aof"), whole);
        });
      });

      test.each([
        ["with the append-only file on, as it is by default", []],
        ["with the append-only file off", ["--appendonly", "no", "--save", "3600 1"]],
      ])("with dump.rdb, %s", async (_, args) => {
        redis = await startRedisServer(["--save", "3600 1"], data);
        await send(redis.port, sampleRequests());
        const expected = (await contentsOf(redis.port)).map(withoutEncoding);
        await redis.stop();
        redis = undefined;
        expect(readdirSync(data)).toContain("dump.rdb");
        own = await startServerProcess(data, args);
        expect((await contentsOf(own.port)).map(withoutEncoding)).toEqual(expected);
        await send(own.port, [["SET", "new here", "x"]]);
        const changed = (await contentsOf(own.port)).map(withoutEncoding);
        expect(await own.stop()).toBe(0);
        own = await startServerProcess(data, args);
        expect((await contentsOf(own.port)).map(withoutEncoding)).toEqual(changed);
      });

      test("with little memory, so that most of it becomes cold", async () => {
        redis = await startRedisServer(WITH_AOF, data);
        await send(redis.port, largeValues(3000));
        await rewrite(redis.port);
        await send(redis.port, sampleRequests());
        await expectSameHere(["--maxmemory", "4mb"]);
      });
    });

    describe("is refused", () => {
      async function expectRefusal(reason: RegExp, args: readonly string[] = []): Promise<void> {
        const manifest = join(data, "appendonlydir", MANIFEST);
        const isTierNeeded = existsSync(manifest) && readFileSync(manifest, "latin1").includes("cold-tier");
        // A tier that no manifest names is scratch, emptied at each start.
        const before = [...filesOf(data)].filter(([path]) => isTierNeeded || !path.includes("cold-tier"));
        expect(before.length).toBeGreaterThan(0);
        const { status, output, errors } = await runServerProgram(
          ["--port", String(await freePort()), "--bind", "127.0.0.1", "--dir", data, ...args],
          folder,
        );
        expect(output + errors).toMatch(reason);
        expect(status).toBe(1);
        const after = filesOf(data);
        for (const [path, bytes] of before) expect(after.get(path), path).toBe(bytes);
      }

      test("by tsredis, a log with a payload that cannot be restored", async () => {
        redis = await startRedisServer(WITH_AOF, data);
        await send(redis.port, [["SET", "a", "b"]]);
        await redis.stop();
        redis = undefined;
        appendFileSync(aofFile("incr"), encodeRequest(["RESTORE", "module key", 0, MODULE_DUMP]));
        await expectRefusal(/module key/);
      });

      test("by tsredis, a log with a command that does not exist", async () => {
        redis = await startRedisServer(WITH_AOF, data);
        await send(redis.port, [["SET", "a", "b"]]);
        await redis.stop();
        redis = undefined;
        appendFileSync(aofFile("incr"), encodeRequest(["JSON.SET", "key", "$", "1"]));
        await expectRefusal(/JSON\.SET/);
      });

      test("by nobody, a log with a command that fails; but it is said", async () => {
        redis = await startRedisServer(WITH_AOF, data);
        await send(redis.port, [["SET", "a", "b"]]);
        await redis.stop();
        redis = undefined;
        appendFileSync(aofFile("incr"), encodeRequest(["RPUSH", "a", "element"]));
        own = await startServerProcess(data);
        expect(own.output).toMatch(/1 commands of the append only file failed.*WRONGTYPE/);
        expect(await contentsOf(own.port)).toHaveLength(1);
      });

      test("by Redis and by tsredis without a cold tier, a directory with cold data", async () => {
        const args = ["--maxmemory", "2mb"];
        own = await startServerProcess(data, args);
        await send(own.port, largeValues(2000));
        await rewrite(own.port);
        const expected = await contentsOf(own.port);
        expect(await own.stop()).toBe(0);
        own = undefined;
        await expect(startRedisServer(WITH_AOF, data)).rejects.toThrow("Unknown AOF file type");
        await expectRefusal(/cold tier/, ["--cold-tier", "no"]);
        own = await startServerProcess(data, args);
        expect(await contentsOf(own.port)).toEqual(expected);
      });

      test("by tsredis, a directory copied without its cold tier", async () => {
        own = await startServerProcess(data, ["--maxmemory", "2mb"]);
        await send(own.port, largeValues(2000));
        await rewrite(own.port);
        expect(await own.stop()).toBe(0);
        own = undefined;
        const copy = join(folder, "copy");
        cpSync(join(data, "appendonlydir"), join(copy, "appendonlydir"), { recursive: true });
        data = copy;
        await expectRefusal(/cold tier is missing/);
      });
    });
  },
);

/** More than a memory of a few megabytes holds. */
function largeValues(count: number): Argument[][] {
  return Array.from({ length: count }, (_, i) => ["SET", `k${i}`, `${i} `.repeat(800)]);
}

function withoutEncoding(line: string): string {
  return line.replace(/\$\d\r\n(int|embstr|raw)\r\n/, "");
}

/** The encodings of strings that occur. */
function encodingsOf(lines: readonly string[]): Set<string> {
  return new Set(lines.flatMap((line) => /\$\d\r\n(int|embstr|raw)\r\n/.exec(line)?.[1] ?? []));
}
