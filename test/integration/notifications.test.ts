/**
 * Keyspace notifications of what Redis 7.0 does not have, and of what happens without a command: keys that expire on
 * disk, fields of hashes, eviction; and what is no event.
 */
import { expect, test } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const server = useServer();

/** A subscriber to all events of all keys. */
async function subscribe(): Promise<RawClient> {
  const subscriber = await server.connect();
  await subscriber.run("PSUBSCRIBE", "__keyspace@*");
  return subscriber;
}

/** What has come, as `<key> <event>`. */
async function eventsOf(subscriber: RawClient): Promise<string[]> {
  return (await subscriber.collect()).map((frame) => {
    const lines = frame.toString("latin1").split("\r\n");
    return `${lines[6].replace(/^__keyspace@\d+__:/, "")} ${lines[8]}`;
  });
}

function start(...args: string[]): Promise<RawClient> {
  return server.start(
    "--notify-keyspace-events",
    "KAnm",
    "--save",
    "",
    "--enable-debug-command",
    "yes",
    ...args,
  );
}

test("a key that expires on disk tells so, spilling and warming do not", async () => {
  const client = await start("--cold-tier-spill-all", "yes");
  const subscriber = await subscribe();
  await client.runAll([
    ["SET", "staying", "1"],
    ["SET", "going", "1"],
    ["DEL", "none"],
  ]);
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("2");
  await client.run("GET", "staying");
  expect(await eventsOf(subscriber)).toEqual(["staying new", "staying set", "going new", "going set"]);
  // Its time may be over before it has gone to disk: nobody looks for that yet.
  await client.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
  await client.run("PEXPIRE", "going", "1");
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("2");
  await client.run("DEBUG", "SET-ACTIVE-EXPIRE", "1");
  await expect.poll(() => infoOf(client, "expired_keys"), POLL).toBe("1");
  expect(await eventsOf(subscriber)).toEqual(["going expire", "going expired"]);
});

test("cold keys that commands change tell of it as others do", async () => {
  const client = await start("--cold-tier-spill-all", "yes");
  await client.runAll(["a", "b", "c"].map((key) => ["RPUSH", key, "1"]));
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("3");
  const subscriber = await subscribe();
  await client.runAll([
    ["RENAME", "a", "d"],
    ["DEL", "b"],
    ["LPOP", "c"],
    ["GET", "none"],
  ]);
  expect(await eventsOf(subscriber)).toEqual([
    "d new",
    "a rename_from",
    "d rename_to",
    "b del",
    "c lpop",
    "c del",
    "none keymiss",
  ]);
});

test("fields of hashes that get, lose and reach their time", async () => {
  const client = await start();
  await client.runAll([
    ["DEBUG", "SET-ACTIVE-EXPIRE", "0"],
    ["HSET", "h", "a", "1", "b", "2", "c", "3"],
  ]);
  const subscriber = await subscribe();
  await client.runAll([
    ["HEXPIRE", "h", "100", "FIELDS", "2", "a", "none"],
    ["HEXPIRE", "h", "100", "NX", "FIELDS", "1", "a"],
    ["HPERSIST", "h", "FIELDS", "1", "a"],
    ["HPERSIST", "h", "FIELDS", "1", "a"],
    ["HPEXPIRE", "h", "0", "FIELDS", "1", "a"],
    ["HPEXPIRE", "h", "1", "FIELDS", "1", "b"],
  ]);
  await expect.poll(() => client.text("HGET", "h", "b"), POLL).toBe("$-1\r\n");
  await client.run("HPEXPIRE", "h", "1", "FIELDS", "1", "c");
  await client.run("DEBUG", "SET-ACTIVE-EXPIRE", "1");
  await expect.poll(() => client.text("EXISTS", "h"), POLL).toBe(":0\r\n");
  const events = (await eventsOf(subscriber)).filter((event) => event !== "h keymiss");
  expect(events).toEqual([
    "h hexpire",
    "h hpersist",
    "h hdel",
    "h hexpire",
    "h hexpired",
    "h hexpire",
    "h hexpired",
    "h del",
  ]);
});

test("keys that are evicted", async () => {
  const client = await start("--cold-tier", "no", "--maxmemory-policy", "allkeys-random");
  const subscriber = await subscribe();
  await client.run("SET", "key", "x".repeat(1000));
  await client.run("CONFIG", "SET", "maxmemory", "1");
  await expect.poll(() => infoOf(client, "evicted_keys"), POLL).toBe("1");
  expect(await eventsOf(subscriber)).toEqual(["key new", "key set", "key evicted"]);
});

test("loading the same data again is no event", async () => {
  const client = await start();
  await client.runAll([
    ["SET", "a", "1"],
    ["RPUSH", "b", "1"],
    ["HSET", "c", "f", "v"],
  ]);
  const subscriber = await subscribe();
  expect(await client.text("DEBUG", "RELOAD")).toBe("+OK\r\n");
  expect(await eventsOf(subscriber)).toEqual([]);
});

test("a subscriber that reads nothing is closed as soon as its hard limit is reached", async () => {
  const client = await start("--client-output-buffer-limit", "pubsub 300000 0 0");
  const slow = await server.connect();
  await slow.run("SUBSCRIBE", "channel");
  slow.pause();
  const message = "x".repeat(10_000);
  await expect
    .poll(async () => client.text("PUBLISH", "channel", message), { ...POLL, interval: 0 })
    .toBe(":0\r\n");
  expect(await client.text("PUBSUB", "CHANNELS")).toBe("*0\r\n");
  expect(await infoOf(client, "pubsub_channels")).toBe("0");
});

test("messages that tell of writes wait for the disk with appendfsync always, in their order", async () => {
  const client = await start("--appendfsync", "always", "--notify-keyspace-events", "K$");
  const subscriber = await subscribe();
  await subscriber.run("SUBSCRIBE", "channel");
  const requests = Array.from({ length: 200 }, (_, i) => [
    ["SET", "key", String(i)],
    ["PUBLISH", "channel", String(i)],
  ]).flat();
  await client.runAll(requests);
  const frames = (await subscriber.collect()).map((frame) => frame.toString("latin1"));
  const expected = Array.from({ length: 200 }, (_, i) => [
    expect.stringContaining("\r\nset\r\n"),
    expect.stringContaining(`\r\n${i}\r\n`),
  ]).flat();
  expect(frames).toEqual(expected);
});
