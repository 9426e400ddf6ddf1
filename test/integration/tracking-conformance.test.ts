/**
 * Client-side caching on the real Redis and on tsredis: the same requests of several clients, and every byte that each
 * of them gets must be the same, in the same order.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { POLL } from "./server-fixture.ts";
import { nextTrackingStep, RECEIVER } from "./tracking-traffic.ts";

const STEPS = Number(process.env["TRACKING_STEPS"] ?? 1500);
const CLIENTS = 3;
const SHOWN_STEPS = 25;

/** With values on disk, a pipeline is not executed in one turn: then changes are broadcast in other portions. */
const MODES: readonly (readonly [name: string, broadcasts: boolean, args: readonly string[]])[] = [
  ["in memory", true, []],
  ["on disk", false, ["--cold-tier-spill-all", "yes"]],
];

/** The same clients of one server; the last is the one that messages are redirected to, and says nothing else. */
class Crowd {
  readonly clients: readonly StreamClient[];
  private readonly receiverId: string;

  private constructor(clients: readonly StreamClient[], receiverId: string) {
    this.clients = clients;
    this.receiverId = receiverId;
  }

  static async connect(port: number): Promise<Crowd> {
    const clients: StreamClient[] = [];
    for (let i = 0; i <= CLIENTS; i++) clients.push(await StreamClient.connect(port));
    const receiver = clients[CLIENTS];
    const reply = await receiver.exchange(["CLIENT", "ID"]);
    await receiver.exchange(["HELLO", "3"]);
    await clients[0].exchange(["FLUSHALL"], ["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
    return new Crowd(clients, reply.trim().slice(1));
  }

  /** One client sends something: what all of them get. */
  async step(client: number, requests: readonly (readonly string[])[]): Promise<string[]> {
    const named = requests.map((request) => request.map((arg) => (arg === RECEIVER ? this.receiverId : arg)));
    const received = await this.clients[client].exchange(...named);
    const later: string[] = [];
    for (const each of this.clients) later.push(await each.exchange());
    return [received, ...later].map((text) => this.withoutIds(text));
  }

  close(): void {
    for (const client of this.clients) client.close();
  }

  /** Ids and versions are each server's own. */
  private withoutIds(text: string): string {
    return text
      .replaceAll(`redirect\r\n:${this.receiverId}\r\n`, "redirect")
      .replaceAll(/\$2\r\nid\r\n:\d+/g, "id")
      .replaceAll(/\$7\r\nversion\r\n\$\d+\r\n[^\r]+/g, "version");
  }
}

describe.skipIf(!hasRedisServer)("client-side caching as the real Redis's", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess | undefined;
  let crowds: Crowd[] = [];

  beforeAll(async () => {
    folder = temporaryFolder();
    redis = await startRedisServer(["--enable-debug-command", "yes"], folder);
  });

  afterEach(async () => {
    for (const crowd of crowds) crowd.close();
    crowds = [];
    await own?.kill();
  });

  afterAll(async () => {
    await redis.stop();
    removeFolder(folder);
  });

  async function start(args: readonly string[]): Promise<void> {
    const data = mkdtempSync(join(folder, "data-"));
    own = await startServerProcess(data, ["--appendonly", "no", "--enable-debug-command", "yes", ...args]);
    crowds = await Promise.all([redis, own].map(({ port }) => Crowd.connect(port)));
  }

  async function step(client: number, ...requests: (readonly string[])[]): Promise<string[]> {
    const [expected, actual] = await Promise.all(crowds.map((crowd) => crowd.step(client, requests)));
    expect(actual, JSON.stringify(requests)).toEqual(expected);
    return actual;
  }

  test.each(MODES)("random traffic, %s", async (_name, broadcasts, args) => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    await start(args);
    for (let i = 0; i < CLIENTS; i++) await step(i, ["HELLO", "3"]);
    const steps: string[] = [];
    for (let i = 0; i < STEPS; i++) {
      const client = random.below(CLIENTS);
      const requests = nextTrackingStep(random, broadcasts);
      steps.push(`${client}: ${requests.map((request) => request.join(" ")).join(" | ")}`);
      const [expected, actual] = await Promise.all(crowds.map((crowd) => crowd.step(client, requests)));
      expect(actual, `seed ${seed}\n${steps.slice(-SHOWN_STEPS).join("\n")}`).toEqual(expected);
    }
  });

  test("which options exclude each other", async () => {
    await start([]);
    const tracking = (...options: string[]) => step(0, ["CLIENT", "TRACKING", ...options]);
    await tracking("MAYBE");
    await tracking("MAYBE", "NOTHING");
    await tracking("ON", "REDIRECT");
    await tracking("ON", "REDIRECT", "x");
    await tracking("ON", "REDIRECT", "12345678");
    await tracking("ON", "REDIRECT", RECEIVER, "REDIRECT", RECEIVER);
    await tracking("ON", "PREFIX", "a");
    await tracking("ON", "BCAST", "OPTIN");
    await tracking("ON", "OPTIN", "OPTOUT");
    await step(0, ["CLIENT", "CACHING", "YES"]);
    await tracking("on", "optin");
    await step(0, ["CLIENT", "CACHING", "NO"], ["CLIENT", "CACHING", "MAYBE"], ["CLIENT", "CACHING", "yes"]);
    await step(0, ["CLIENT", "TRACKINGINFO"], ["CLIENT", "TRACKINGINFO"]);
    await tracking("ON", "OPTOUT");
    await tracking("ON", "BCAST");
    await tracking("OFF", "BCAST", "OPTIN");
    await tracking("ON", "BCAST", "PREFIX", "foo", "PREFIX", "fo\0o");
    await tracking("ON", "BCAST", "PREFIX", "foobar", "PREFIX", "foo");
    await tracking("ON", "BCAST", "PREFIX", "foo", "PREFIX", "bar", "NOLOOP");
    await tracking("ON", "BCAST", "PREFIX", "x", "PREFIX", "fo");
    await tracking("ON", "BCAST", "PREFIX", "barb");
    await step(0, ["CLIENT", "TRACKINGINFO"], ["CLIENT", "GETREDIR"], ["RESET"], ["CLIENT", "GETREDIR"]);
    await step(0, ["CLIENT", "TRACKING"], ["CLIENT", "CACHING"], ["CLIENT", "GETREDIR", "x"]);
  });

  /** Does the same with both servers; what comes of it must be the same. */
  async function compare(
    body: (clients: readonly StreamClient[], port: number) => Promise<string[]>,
  ): Promise<void> {
    await start([]);
    const ports = [redis.port, own!.port];
    const [expected, actual] = await Promise.all(crowds.map(({ clients }, i) => body(clients, ports[i])));
    expect(actual).toEqual(expected);
  }

  const listOf = (client: StreamClient, id: string) => client.exchange(["CLIENT", "LIST", "ID", id]);

  test("messages that are redirected to a subscribed client of RESP2, until it is gone", async () => {
    await compare(async ([tracker, writer], port) => {
      const receiver = await StreamClient.connect(port);
      const id = (await receiver.exchange(["CLIENT", "ID"])).trim().slice(1);
      const got = [await tracker.exchange(["CLIENT", "TRACKING", "ON", "REDIRECT", id], ["MGET", "k", "l"])];
      // Not subscribed yet: the message is lost.
      await writer.exchange(["SET", "k", "1"]);
      receiver.send(["SUBSCRIBE", "any"]);
      got.push(await receiver.readTo("any\r\n:1\r\n"));
      await writer.exchange(["SET", "l", "1"], ["FLUSHALL"]);
      receiver.send(["PING", "end"]);
      got.push(await receiver.readTo("end\r\n"));
      await tracker.exchange(["HELLO", "3"], ["GET", "k"]);
      receiver.close();
      await expect.poll(() => listOf(writer, id), POLL).not.toContain(`id=${id}`);
      await writer.exchange(["SET", "k", "2"]);
      const broken = await tracker.exchange(["CLIENT", "TRACKINGINFO"]);
      got.push(broken.replaceAll(`:${id}\r\n`, ":id\r\n"));
      got.push((await writer.exchange(["CLIENT", "LIST"])).match(/flags=\w*R\w* /)![0]);
      return got;
    });
  });

  test("a client that waited gets its reply first", async () => {
    await compare(async ([waiter, writer]) => {
      const tracking = ["CLIENT", "TRACKING", "ON"];
      await writer.exchange(["RPUSH", "to", "a"]);
      const id = await waiter.exchange(
        ["HELLO", "3"],
        tracking,
        ["LRANGE", "to", "0", "-1"],
        ["CLIENT", "ID"],
      );
      waiter.send(["BLMOVE", "from", "to", "LEFT", "LEFT", "0"]);
      await expect.poll(() => listOf(writer, /:(\d+)\r\n$/.exec(id)![1]), POLL).toMatch(/flags=\w*b/);
      await writer.exchange(["RPUSH", "from", "x"]);
      return [await waiter.exchange()];
    });
  });

  test("too many tracked keys: for some, clients are told to forget them", async () => {
    await compare(async ([tracker, writer]) => {
      await tracker.exchange(["HELLO", "3"], ["CLIENT", "TRACKING", "ON"]);
      await tracker.exchange(["MGET", ...Array.from({ length: 250 }, (_, i) => `k${i}`)]);
      await writer.exchange(["CONFIG", "SET", "tracking-table-max-keys", "10"]);
      let told = "";
      await expect
        .poll(async () => (told += await tracker.exchange()).split("invalidate").length, POLL)
        .toBe(241);
      await writer.exchange(["CONFIG", "SET", "tracking-table-max-keys", "0"]);
      const facts = await writer.exchange(["INFO", "everything"]);
      return facts.match(/tracking_\w+:\d+/g)!;
    });
  });

  test("an evicted key is told of before the reply that could not find it", async () => {
    await start(["--cold-tier", "no"]);
    for (const { clients } of crowds) {
      const [tracker] = clients;
      const used = /used_memory:(\d+)/.exec(await tracker.exchange(["INFO", "memory"]))![1];
      await tracker.exchange(["HELLO", "3"], ["CLIENT", "TRACKING", "ON"]);
      await tracker.exchange(["CONFIG", "SET", "maxmemory", String(Number(used) + 200_000)]);
      await tracker.exchange(["CONFIG", "SET", "maxmemory-policy", "volatile-random"]);
      await tracker.exchange(["SETEX", "k", "1000", "v"], ["GET", "k"]);
      const written = await tracker.exchange(["SETBIT", "large", "8000000", "0"]);
      const missed = await tracker.exchange(["EXISTS", "k"], ["CONFIG", "SET", "maxmemory", "0"]);
      expect(written + missed).toBe(":0\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n:0\r\n+OK\r\n");
    }
  });

  test("changes of cold keys are told to those in broadcast mode", async () => {
    await start(["--cold-tier-spill-all", "yes"]);
    const [tracker, writer] = crowds[1].clients;
    await writer.exchange(["MSET", "a1", "v", "a2", "v", "b", "v"]);
    await expect.poll(() => writer.exchange(["INFO", "tier"]), POLL).toContain("cold_keys:3\r\n");
    await tracker.exchange(["HELLO", "3"], ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a"]);
    // That values are fetched, and leave memory again, is no change.
    await writer.exchange(["MGET", "a1", "a2", "b"]);
    await expect.poll(() => writer.exchange(["INFO", "tier"]), POLL).toContain("cold_keys:3\r\n");
    expect(await tracker.exchange()).toBe("");
    await writer.exchange(["DEL", "a1", "b"], ["EXPIRE", "a2", "-1"]);
    const told = [...(await tracker.exchange()).matchAll(/\r\n(a\d)\r\n/g)].map((match) => match[1]);
    expect(told.sort()).toEqual(["a1", "a2"]);
  });
});
