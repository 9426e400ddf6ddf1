/**
 * ioredis as applications use it: pipelines, transactions, scripts as commands, subscriptions, streams with groups,
 * scans, and going on after the connection was lost.
 */
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeOnServers } from "./targets.ts";

interface WithScripts extends Redis {
  takeToken(key: string, limit: number): Promise<number>;
}

const TAKE_TOKEN = `
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end
redis.call('HSET', KEYS[1] .. ':log', used, ARGV[1])
if used > tonumber(ARGV[1]) then return -1 end
return used`;

describeOnServers("ioredis", (port) => {
  let redis: Redis;
  const others: Redis[] = [];

  beforeEach(async () => {
    redis = new Redis(port(), "127.0.0.1");
    await redis.flushall();
  });

  afterEach(() => {
    for (const client of [redis, ...others.splice(0)]) client.disconnect();
  });

  function another(): Redis {
    const client = redis.duplicate();
    others.push(client);
    return client;
  }

  test("pipelines answer in order, errors in their places", async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 500; i++) pipeline.set(`k${i}`, `v${i}`).get(`k${i}`);
    pipeline.lpush("k0", "x").mget("k1", "none");
    const replies = (await pipeline.exec())!;
    expect(replies).toHaveLength(1002);
    expect(replies[999]).toEqual([null, "v499"]);
    expect(replies[1000][0]?.message).toMatch(/^WRONGTYPE/);
    expect(replies[1001]).toEqual([null, ["v1", null]]);
  });

  test("commands of one turn become pipelines by themselves", async () => {
    const automatic = new Redis(port(), "127.0.0.1", { enableAutoPipelining: true });
    others.push(automatic);
    await Promise.all(Array.from({ length: 200 }, (_, i) => automatic.hset("h", `f${i}`, i)));
    const values = await Promise.all(Array.from({ length: 200 }, (_, i) => automatic.hget("h", `f${i}`)));
    expect(values).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
  });

  test("transactions, and what a watched key does to them", async () => {
    expect(await redis.multi().set("a", "1").incr("a").get("a").exec()).toEqual([
      [null, "OK"],
      [null, 2],
      [null, "2"],
    ]);
    await redis.watch("a");
    await another().set("a", "other");
    expect(await redis.multi().set("a", "mine").exec()).toBeNull();
    expect(await redis.get("a")).toBe("other");
    await expect(redis.multi().call("NOTHING").exec()).rejects.toThrow(/EXECABORT/);
  });

  test("scripts as commands: EVALSHA, and EVAL where the server does not know the script", async () => {
    redis.defineCommand("takeToken", { numberOfKeys: 1, lua: TAKE_TOKEN });
    const limited = redis as WithScripts;
    const taken: number[] = [];
    for (let i = 0; i < 4; i++) taken.push(await limited.takeToken("limit", 3));
    expect(taken).toEqual([1, 2, 3, -1]);
    await redis.script("FLUSH");
    expect(await limited.takeToken("limit", 9)).toBe(5);
    expect(await redis.hlen("limit:log")).toBe(5);
    expect(await redis.pttl("limit")).toBeGreaterThan(0);
  });

  test("subscriptions to channels and patterns", async () => {
    const subscriber = another();
    const got: string[] = [];
    subscriber.on("message", (channel, message) => got.push(`${channel} ${message}`));
    subscriber.on("pmessage", (pattern, channel, message) => got.push(`${pattern} ${channel} ${message}`));
    expect(await subscriber.subscribe("news", "other")).toBe(2);
    expect(await subscriber.psubscribe("n*")).toBe(3);
    expect(await redis.publish("news", "1")).toBe(2);
    expect(await redis.publish("nothing", "2")).toBe(1);
    expect(await redis.pubsub("NUMSUB", "news", "x")).toEqual(["news", 1, "x", 0]);
    await expect.poll(() => got).toHaveLength(3);
    expect(got).toEqual(["news 1", "n* news 1", "n* nothing 2"]);
    await subscriber.unsubscribe("news", "other");
    await subscriber.punsubscribe("n*");
    expect(await subscriber.ping()).toBe("PONG");
    expect(await redis.publish("news", "3")).toBe(0);
  });

  test("streams: a group of readers, one of which dies", async () => {
    await redis.xgroup("CREATE", "stream", "group", "$", "MKSTREAM");
    const reader = another();
    const waiting = reader.xreadgroup(
      "GROUP",
      "group",
      "a",
      "COUNT",
      10,
      "BLOCK",
      0,
      "STREAMS",
      "stream",
      ">",
    );
    await expect.poll(() => redis.client("LIST")).toMatch(/cmd=xreadgroup/);
    const ids = [await redis.xadd("stream", "*", "n", "0")];
    expect(await waiting).toEqual([["stream", [[ids[0], ["n", "0"]]]]]);
    for (let i = 1; i < 5; i++) ids.push(await redis.xadd("stream", "*", "n", String(i)));
    await reader.xreadgroup("GROUP", "group", "a", "COUNT", 2, "STREAMS", "stream", ">");
    expect(await redis.xack("stream", "group", ids[0]!)).toBe(1);
    expect(await redis.xpending("stream", "group")).toEqual([2, ids[1], ids[2], [["a", "2"]]]);
    const claimed = await redis.xautoclaim("stream", "group", "b", 0, "0", "COUNT", 10);
    expect(claimed).toEqual([
      "0-0",
      [
        [ids[1], ["n", "1"]],
        [ids[2], ["n", "2"]],
      ],
      [],
    ]);
    expect(await redis.xlen("stream")).toBe(5);
  });

  test("scans walk over all keys", async () => {
    const names = Array.from({ length: 700 }, (_, i) => `item:${i}`);
    await redis.mset(...names.flatMap((name) => [name, name]));
    await redis.set("other", "x");
    const found = new Set<string>();
    for await (const keys of redis.scanStream({ match: "item:*", count: 50 })) {
      for (const key of keys as string[]) found.add(key);
    }
    expect([...found].sort()).toEqual([...names].sort());
  });

  test("a lost connection: waiting requests are sent again, subscriptions are renewed", async () => {
    const client = new Redis(port(), "127.0.0.1", { retryStrategy: () => 10 });
    const subscriber = new Redis(port(), "127.0.0.1", { retryStrategy: () => 10 });
    others.push(client, subscriber);
    const got: string[] = [];
    subscriber.on("message", (_channel, message) => got.push(message));
    await subscriber.subscribe("channel");
    const ids = [
      await client.client("ID"),
      /id=(\d+) .*sub=1 /.exec((await redis.client("LIST")) as string)![1],
    ];
    const popped = client.blpop("queue", 0);
    await expect.poll(() => redis.client("LIST")).toMatch(/cmd=blpop/);
    for (const id of ids) expect(await redis.client("KILL", "ID", id)).toBe(1);
    await expect.poll(() => redis.client("LIST")).toMatch(/cmd=blpop/);
    await expect.poll(() => redis.pubsub("NUMSUB", "channel")).toEqual(["channel", 1]);
    await redis.rpush("queue", "x");
    await redis.publish("channel", "after");
    expect(await popped).toEqual(["queue", "x"]);
    await expect.poll(() => got).toEqual(["after"]);
  });
});
