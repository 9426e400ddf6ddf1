/**
 * CLIENT PAUSE on the real Redis and on tsredis: who has to wait, and what stands still meanwhile.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { POLL } from "./server-fixture.ts";

const READING_SCRIPT = "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])";
const LIBRARY =
  "#!lua name=l\nredis.register_function{function_name='reads', flags={'no-writes'}, callback=function() return 1 end}\n" +
  "redis.register_function('writes', function() return 2 end)";

describe.skipIf(!hasRedisServer)("CLIENT PAUSE as the real Redis's", () => {
  const folders: string[] = [];
  let servers: ServerProcess[] = [];
  const opened: StreamClient[] = [];

  beforeAll(async () => {
    for (let i = 0; i < 2; i++) folders.push(temporaryFolder());
    servers = [await startRedisServer([], folders[0]), await startServerProcess(folders[1], [])];
  });

  afterEach(() => {
    for (const client of opened.splice(0)) client.close();
  });

  afterAll(async () => {
    for (const server of servers) await server.kill();
    for (const folder of folders) removeFolder(folder);
  });

  async function connect(port: number): Promise<StreamClient> {
    const client = await StreamClient.connect(port);
    opened.push(client);
    return client;
  }

  /** Does the same with both servers; what comes of it must be the same. */
  async function compare(body: (admin: StreamClient, port: number) => Promise<unknown>): Promise<void> {
    const results: unknown[] = [];
    for (const { port } of servers) {
      const admin = await connect(port);
      await admin.exchange(["CLIENT", "UNPAUSE"], ["FLUSHALL"], ["FUNCTION", "FLUSH"]);
      results.push(await body(admin, port));
      await admin.exchange(["CLIENT", "UNPAUSE"]);
    }
    expect(results[1]).toEqual(results[0]);
  }

  const blocked = async (admin: StreamClient) =>
    Number(/blocked_clients:(\d+)/.exec(await admin.exchange(["INFO", "clients"]))![1]);

  const WAITING: readonly (readonly string[])[] = [
    ["SET", "k", "1"],
    ["PUBLISH", "channel", "x"],
    ["PFCOUNT", "hll"],
    ["EVAL", "return 1", "0"],
    ["EVAL", "#!lua\nreturn 1", "0"],
    ["EVALSHA", "0".repeat(40), "0"],
    ["FCALL", "writes", "0"],
    ["FLUSHALL"],
    ["BLPOP", "list", "0.1"],
  ];
  const ANSWERED: readonly (readonly string[])[] = [
    ["GET", "k"],
    ["SET", "k"],
    ["PING"],
    ["EVAL", READING_SCRIPT, "1", "k"],
    ["EVAL_RO", "return 1", "0"],
    ["FCALL", "reads", "0"],
    ["SUBSCRIBE", "channel"],
    ["CONFIG", "SET", "maxmemory", "0"],
  ];

  test.each(WAITING)("a pause of writes holds back %s %s", async (...request) => {
    await compare(async (admin, port) => {
      const client = await connect(port);
      await admin.exchange(["FUNCTION", "LOAD", LIBRARY], ["PFADD", "hll", "a"]);
      await admin.exchange(["CLIENT", "PAUSE", "100000", "WRITE"]);
      client.send(request);
      await expect.poll(() => blocked(admin), POLL).toBe(1);
      const flags = (await admin.exchange(["CLIENT", "LIST"])).match(/flags=b/g);
      await admin.exchange(["CLIENT", "UNPAUSE"]);
      return [flags, await client.exchange(), await blocked(admin)];
    });
  });

  test.each(ANSWERED)("a pause of writes lets pass %s %s", async (...request) => {
    await compare(async (admin, port) => {
      const client = await connect(port);
      await admin.exchange(["FUNCTION", "LOAD", LIBRARY], ["SET", "k", "v"]);
      await admin.exchange(["CLIENT", "PAUSE", "100000", "WRITE"]);
      client.send(request, ["PING", "end"]);
      return await client.readTo("end\r\n");
    });
  });

  test("transactions that write wait, with all that comes behind them, others do not", async () => {
    await compare(async (admin, port) => {
      const [writer, reader] = [await connect(port), await connect(port)];
      writer.send(["MULTI"], ["SET", "k", "1"]);
      const queued = await writer.readTo("QUEUED\r\n");
      await admin.exchange(["CLIENT", "PAUSE", "100000", "WRITE"]);
      writer.send(["EXEC"], ["GET", "k"]);
      await expect.poll(() => blocked(admin), POLL).toBe(1);
      reader.send(["MULTI"], ["EVAL", READING_SCRIPT, "1", "k"], ["GET", "k"], ["EXEC"]);
      const read = await reader.exchange();
      await admin.exchange(["CLIENT", "UNPAUSE"]);
      return [queued, read, await writer.exchange()];
    });
  });

  test("a pause of all holds back everything, until its time is over", async () => {
    await compare(async (admin, port) => {
      const client = await connect(port);
      await admin.exchange(["SET", "k", "v"]);
      // The pause begins with its own reply: what follows it waits.
      const paused = await admin.exchange(["CLIENT", "PAUSE", "300"], ["GET", "k"]);
      return [paused, await client.exchange(["GET", "k"], ["SET", "k", "w"])];
    });
  });

  test("the data stands still: keys are gone, and yet not expired; nobody is served", async () => {
    await compare(async (admin, port) => {
      const [waiting, other] = [await connect(port), await connect(port)];
      waiting.send(["BLPOP", "list", "0"]);
      await expect.poll(() => blocked(admin), POLL).toBe(1);
      await admin.exchange(
        ["CONFIG", "RESETSTAT"],
        ["MULTI"],
        ["SET", "stale", "v", "PX", "1"],
        ["RPUSH", "list", "x"],
        ["CLIENT", "PAUSE", "100000", "WRITE"],
        ["EXEC"],
      );
      await expect.poll(() => other.exchange(["GET", "stale"]), POLL).toBe("$-1\r\n");
      const expired = (await admin.exchange(["INFO", "stats"])).match(/expired_keys:\d+/)![0];
      const size = await admin.exchange(["DBSIZE"]);
      await admin.exchange(["CLIENT", "UNPAUSE"]);
      const served = await waiting.exchange();
      await expect.poll(() => other.exchange(["GET", "stale"], ["DBSIZE"]), POLL).toBe("$-1\r\n:0\r\n");
      return [expired, size, served];
    });
  });

  test("a second pause lengthens the first, and can only be stricter", async () => {
    await compare(async (admin, port) => {
      const client = await connect(port);
      await admin.exchange(["CLIENT", "PAUSE", "100000", "WRITE"], ["CLIENT", "PAUSE", "1", "WRITE"]);
      client.send(["SET", "k", "1"]);
      await expect.poll(() => blocked(admin), POLL).toBe(1);
      const id = /id=(\d+)[^\n]*flags=b/.exec(await admin.exchange(["CLIENT", "LIST"]))![1];
      expect(await admin.exchange(["CLIENT", "KILL", "ID", id])).toBe(":1\r\n");
      await expect.poll(() => blocked(admin), POLL).toBe(0);
      return await admin.exchange(["EXISTS", "k"]);
    });
  });
});
