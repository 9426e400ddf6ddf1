/**
 * What bounds the memory of clients: `maxmemory-clients` closes the largest, `client-query-buffer-limit` one that sends
 * too much, `timeout` one that says nothing.
 */
import { describe, expect, test } from "vitest";
import { StreamClient } from "../support/stream-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
const MEGABYTE = 1024 * 1024;

async function connect(name: string): Promise<StreamClient> {
  const client = await StreamClient.connect(fixture.server.port);
  await client.exchange(["CLIENT", "SETNAME", name]);
  return client;
}

/** Queues a command of that size. */
async function queue(client: StreamClient, megabytes: number): Promise<void> {
  client.send(["MULTI"], ["SET", "k", Buffer.alloc(megabytes * MEGABYTE)]);
  await client.readTo("+OK\r\n+QUEUED\r\n");
}

describe("maxmemory-clients", () => {
  const namesOf = (list: string) => [...list.matchAll(/ name=(\S+)/g)].map((match) => match[1]).sort();

  test("closes those that take most, the largest first, as few as need be", async () => {
    const admin = await fixture.start("--maxmemory-clients", "8mb");
    const clients = new Map<string, StreamClient>();
    for (const [name, megabytes] of [
      ["a1", 1],
      ["b3", 3],
      ["c1", 1],
    ] as const) {
      const client = await connect(name);
      clients.set(name, client);
      await queue(client, megabytes);
    }
    expect(namesOf(await admin.text("CLIENT", "LIST"))).toEqual(["a1", "b3", "c1"]);
    const last = await connect("d4");
    last.send(["MULTI"], ["SET", "k", Buffer.alloc(4 * MEGABYTE)]);
    await last.untilClosed();
    expect(namesOf(await admin.text("CLIENT", "LIST"))).toEqual(["a1", "b3", "c1"]);
    expect(await infoOf(admin, "evicted_clients")).toBe("1");
    await admin.run("CONFIG", "SET", "maxmemory-clients", String(3 * MEGABYTE));
    await clients.get("b3")!.untilClosed();
    await expect.poll(async () => namesOf(await admin.text("CLIENT", "LIST")), POLL).toEqual(["a1", "c1"]);
    expect(await clients.get("a1")!.exchange(["DISCARD"])).toBe("+OK\r\n");
    for (const client of clients.values()) client.close();
  });

  test("spares those that ask for it; a share of maxmemory", async () => {
    const admin = await fixture.start("--maxmemory", "100mb");
    const spared = await connect("spared");
    await spared.exchange(["CLIENT", "NO-EVICT", "ON"]);
    await queue(spared, 3);
    const other = await connect("other");
    await queue(other, 1);
    await admin.run("CLIENT", "NO-EVICT", "ON");
    await admin.run("CONFIG", "SET", "maxmemory-clients", "2%");
    expect(await admin.text("CONFIG", "GET", "maxmemory-clients")).toContain("\r\n2%\r\n");
    await other.untilClosed();
    expect(await spared.exchange(["DISCARD"])).toBe("+OK\r\n");
    spared.close();
  });

  test("leaves room to set another limit, however small it is", async () => {
    const admin = await fixture.start("--maxmemory-clients", "1");
    expect(await admin.text("PING")).toBe("+PONG\r\n");
    expect(await admin.text("CONFIG", "GET", "maxmemory-clients")).toContain("\r\n1\r\n");
    const large = await connect("large");
    large.send(["ECHO", Buffer.alloc(MEGABYTE)]);
    await large.untilClosed();
    expect(await admin.text("CONFIG", "SET", "maxmemory-clients", "0")).toBe("+OK\r\n");
  });

  test("counts replies that nobody takes, and who is subscribed to much", async () => {
    const admin = await fixture.start();
    await admin.run("CLIENT", "NO-EVICT", "ON");
    await admin.run("SET", "large", Buffer.alloc(MEGABYTE));
    const idle = await connect("idle");
    const subscriber = await connect("subscriber");
    subscriber.send(["SUBSCRIBE", ...Array.from({ length: 5000 }, (_, i) => `channel ${i}`)]);
    await subscriber.readTo("channel 4999\r\n:5000\r\n");
    await admin.run("CONFIG", "SET", "maxmemory-clients", "500kb");
    await subscriber.untilClosed();
    await admin.run("CONFIG", "SET", "maxmemory-clients", "30mb");
    const deaf = await connect("deaf");
    deaf.pause();
    deaf.send(...Array.from({ length: 60 }, () => ["GET", "large"]));
    await expect.poll(() => infoOf(admin, "evicted_clients"), POLL).toBe("2");
    expect(await idle.exchange(["PING"])).toBe("+PONG\r\n");
    for (const client of [deaf, idle]) client.close();
  });

  test("counts what others cause as soon as it is not taken", async () => {
    const admin = await fixture.start("--enable-debug-command", "yes", "--maxmemory-clients", "20mb");
    await admin.run("CLIENT", "NO-EVICT", "ON");
    const deaf = await connect("deaf");
    deaf.send(["SUBSCRIBE", "channel"]);
    await deaf.readTo(":1\r\n");
    deaf.pause();
    await admin.run("DEBUG", "PAUSE-CRON", "1");
    const publish = () => admin.text("PUBLISH", "channel", Buffer.alloc(MEGABYTE));
    for (let i = 0; i < 60 && (await publish()) === ":1\r\n"; i++);
    expect(await publish()).toBe(":0\r\n");
    expect(await infoOf(admin, "evicted_clients")).toBe("1");
    deaf.close();
  });
});

test("client-query-buffer-limit closes who sends more than that without an end", async () => {
  await fixture.start("--client-query-buffer-limit", "1mb");
  const client = await connect("sender");
  client.sendBytes(Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${10 * MEGABYTE}\r\n`));
  for (let i = 0; i < 9; i++) client.sendBytes(Buffer.alloc(MEGABYTE));
  await client.untilClosed();
  await expect.poll(() => fixture.server.output, POLL).toContain("reached max query buffer length");
});

test("timeout closes idle clients, but none that waits for a key or a message", async () => {
  const admin = await fixture.start();
  const [idle, waiting, subscribed] = await Promise.all(["idle", "waiting", "subscribed"].map(connect));
  waiting.send(["BLPOP", "queue", "0"]);
  subscribed.send(["SUBSCRIBE", "channel"]);
  await subscribed.readTo(":1\r\n");
  await admin.run("CONFIG", "SET", "timeout", "1");
  await idle.untilClosed();
  const active = await fixture.connect();
  await active.run("CONFIG", "SET", "timeout", "0");
  await active.run("RPUSH", "queue", "x");
  expect(await waiting.readTo("$1\r\nx\r\n")).toBe("*2\r\n$5\r\nqueue\r\n");
  expect(await active.text("PUBLISH", "channel", "x")).toBe(":1\r\n");
  for (const client of [waiting, subscribed]) client.close();
});
