/**
 * node-redis in both versions of the protocol: its cache at the client, subscriptions, transactions, scripts and
 * functions.
 */
import { createClient, defineScript } from "redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeOnServers } from "./targets.ts";

const scripts = {
  addTo: defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
    parseCommand(parser, key: string, by: number) {
      parser.pushKey(key);
      parser.push(String(by));
    },
    transformReply: undefined as unknown as () => number,
  }),
};

const LIBRARY = `#!lua name=counters
redis.register_function('count_up', function(keys, args)
  return redis.call('HINCRBY', keys[1], args[1], 1)
end)
redis.register_function{function_name='count_of', flags={'no-writes'}, callback=function(keys, args)
  return redis.call('HGET', keys[1], args[1])
end}`;

function newClient(port: number, resp: 2 | 3) {
  return createClient({ RESP: resp, scripts, socket: { host: "127.0.0.1", port } });
}

describeOnServers("node-redis", (port) => {
  const opened: { destroy(): void }[] = [];

  afterEach(() => {
    for (const client of opened.splice(0)) client.destroy();
  });

  describe.each([2, 3] as const)("RESP%i", (resp) => {
    let client: ReturnType<typeof newClient>;

    beforeEach(async () => {
      client = newClient(port(), resp);
      opened.push(client);
      await client.connect();
      await client.flushAll();
    });

    test("values of all kinds", async () => {
      await client.set("k", "v", { expiration: { type: "EX", value: 100 } });
      await client.hSet("h", { a: "1", b: "2" });
      await client.zAdd("z", [
        { value: "x", score: 1.5 },
        { value: "y", score: Number.POSITIVE_INFINITY },
      ]);
      expect(await client.get("k")).toBe("v");
      expect({ ...(await client.hGetAll("h")) }).toEqual({ a: "1", b: "2" });
      expect(await client.zRangeWithScores("z", 0, -1)).toEqual([
        { value: "x", score: 1.5 },
        { value: "y", score: Number.POSITIVE_INFINITY },
      ]);
      expect(await client.zScore("z", "none")).toBeNull();
      expect(await client.geoAdd("g", { longitude: 13.4, latitude: 52.5, member: "Berlin" })).toBe(1);
      expect(await client.xAdd("s", "1-1", { f: "v" })).toBe("1-1");
      await expect(client.lPush("k", "x")).rejects.toThrow(/WRONGTYPE/);
    });

    test("transactions", async () => {
      expect(await client.multi().set("a", "1").incr("a").hGetAll("none").exec()).toMatchObject([
        "OK",
        2,
        {},
      ]);
      const other = newClient(port(), resp);
      opened.push(other);
      await other.connect();
      await client.watch("a");
      await other.set("a", "x");
      await expect(client.multi().set("a", "y").exec()).rejects.toThrow(/watched keys/);
    });

    test("scripts and functions", async () => {
      expect(await client.addTo("n", 5)).toBe(5);
      await client.scriptFlush();
      expect(await client.addTo("n", 2)).toBe(7);
      await client.functionFlush();
      expect(await client.functionLoad(LIBRARY)).toBe("counters");
      expect(await client.fCall("count_up", { keys: ["c"], arguments: ["f"] })).toBe(1);
      expect(await client.fCallRo("count_of", { keys: ["c"], arguments: ["f"] })).toBe("1");
      expect(await client.functionList()).toMatchObject([{ library_name: "counters", engine: "LUA" }]);
    });

    test("subscriptions", async () => {
      const subscriber = client.duplicate();
      opened.push(subscriber);
      await subscriber.connect();
      const got: string[] = [];
      await subscriber.subscribe("news", (message) => got.push(message));
      await subscriber.pSubscribe("n*", (message, channel) => got.push(`${channel} ${message}`));
      await subscriber.sSubscribe("shard", (message) => got.push(message));
      expect(await client.publish("news", "1")).toBe(2);
      expect(await client.sPublish("shard", "2")).toBe(1);
      await expect.poll(() => got).toEqual(["1", "news 1", "2"]);
      await subscriber.unsubscribe();
      await subscriber.pUnsubscribe();
      await subscriber.sUnsubscribe();
      // In RESP2 the client gives the bytes.
      expect(String(await subscriber.ping())).toBe("PONG");
    });
  });

  test("a cache at the client is told of changes, whoever makes them", async () => {
    const cached = createClient({
      RESP: 3,
      socket: { host: "127.0.0.1", port: port() },
      clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: "LRU" },
    });
    const other = newClient(port(), 2);
    opened.push(cached, other);
    await Promise.all([cached.connect(), other.connect()]);
    const stats = () => cached.clientSideCache!.stats();
    await other.mSet({ k: "1", other: "x" });
    await other.hSet("h", "f", "1");
    expect([await cached.get("k"), await cached.get("k"), await cached.get("k")]).toEqual(["1", "1", "1"]);
    expect([await cached.hGet("h", "f"), await cached.hGet("h", "f")]).toEqual(["1", "1"]);
    expect(stats()).toMatchObject({ hitCount: 3, missCount: 2 });
    await other.set("k", "2");
    await other.hSet("h", "f", "2");
    await expect.poll(() => cached.get("k")).toBe("2");
    await expect.poll(() => cached.hGet("h", "f")).toBe("2");
    await other.set("other", "y");
    const { missCount } = stats();
    expect(await cached.get("k")).toBe("2");
    expect(stats().missCount).toBe(missCount);
    await other.flushAll();
    await expect.poll(() => cached.get("k")).toBeNull();
  });
});
