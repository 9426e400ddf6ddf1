/**
 * Files go from the real Redis to tsredis and back, and DEBUG DIGEST, which is made of all keys with all their values,
 * stays the same: dump.rdb, a set with an RDB base, and one with commands only. So it does over DEBUG RELOAD.
 */
import { cpSync, readdirSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, runRedisTool, startRedisServer } from "../support/redis-server.ts";
import { sampleRequests } from "./contents.ts";
import { rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();
const DEBUG = ["--enable-debug-command", "yes"];
const NO_AOF = ["--appendonly", "no", ...DEBUG];
const WITH_AOF = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", ...DEBUG];
const NONE = "+0000000000000000000000000000000000000000\r\n";

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let redis: RedisServer | undefined;
  let theirs: RawClient;

  afterEach(async () => {
    theirs.close();
    await redis?.stop();
    redis = undefined;
  });

  async function startRedis(args: readonly string[], folder = fixture.data): Promise<RawClient> {
    redis = await startRedisServer([...args], folder);
    theirs = await RawClient.connect(redis.port);
    return theirs;
  }

  async function endRedis(): Promise<void> {
    theirs.close();
    await redis!.stop();
    redis = undefined;
  }

  async function send(client: RawClient, requests: readonly (readonly Argument[])[]): Promise<void> {
    const replies = await client.runAll(requests);
    expect(replies.map((reply) => reply.toString("latin1")).filter((reply) => reply[0] === "-")).toEqual([]);
  }

  async function digestOf(client: RawClient): Promise<string> {
    const digest = await client.text("DEBUG", "DIGEST");
    expect(digest).not.toBe(NONE);
    return digest;
  }

  test("DEBUG RELOAD keeps it, here and there", async () => {
    const ours = await fixture.start(...NO_AOF);
    await startRedis(NO_AOF, fixture.folder);
    for (const client of [ours, theirs]) {
      await send(client, sampleRequests());
      const digest = await digestOf(client);
      expect(await client.text("DEBUG", "RELOAD")).toBe("+OK\r\n");
      expect(await digestOf(client)).toBe(digest);
    }
  });

  test("dump.rdb, there and back", async () => {
    await startRedis(NO_AOF);
    await send(theirs, sampleRequests());
    await send(theirs, [["SAVE"]]);
    const digest = await digestOf(theirs);
    await endRedis();
    const ours = await fixture.start(...NO_AOF);
    expect(await digestOf(ours)).toBe(digest);
    rmSync(join(fixture.data, "dump.rdb"));
    await send(ours, [["SAVE"]]);
    await fixture.server.kill();
    expect(runRedisTool("redis-check-rdb", [join(fixture.data, "dump.rdb")]).output).toContain(
      "RDB looks OK!",
    );
    await startRedis(NO_AOF);
    expect(await digestOf(theirs)).toBe(digest);
  });

  test.each([
    ["an RDB base", "yes"],
    ["a base of commands", "no"],
  ])("an append-only set with %s, there and back", async (_form, preamble) => {
    await startRedis([...WITH_AOF, "--aof-use-rdb-preamble", preamble]);
    await send(theirs, sampleRequests());
    await rewriteLog(theirs);
    await send(theirs, [["SET", "behind the base", "x"]]);
    const digest = await digestOf(theirs);
    await endRedis();
    let ours = await fixture.start(...WITH_AOF, "--aof-use-rdb-preamble", preamble);
    expect(await digestOf(ours)).toBe(digest);
    expect(await ours.text("DEBUG", "LOADAOF")).toBe("+OK\r\n");
    expect(await digestOf(ours)).toBe(digest);
    await rewriteLog(ours);
    await send(ours, [["APPEND", "behind the base", "y"]]);
    const changed = await digestOf(ours);
    const names = readdirSync(join(fixture.data, "appendonlydir"));
    expect(names.filter((name) => name.includes(".base.")).map(extname)).toEqual([
      preamble === "yes" ? ".rdb" : ".aof",
    ]);
    await fixture.server.stop();
    const manifest = join(fixture.data, "appendonlydir", "appendonly.aof.manifest");
    expect(runRedisTool("redis-check-aof", [manifest]).output).toContain(
      "All AOF files and manifest are valid",
    );
    const copy = join(fixture.folder, "copy");
    cpSync(fixture.data, copy, { recursive: true });
    await startRedis(WITH_AOF, copy);
    expect(await digestOf(theirs)).toBe(changed);
    ours = await fixture.start(...WITH_AOF);
    expect(await digestOf(ours)).toBe(changed);
  });
});
