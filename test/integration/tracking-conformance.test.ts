/**
 * Client-side caching on the real Redis and on tsredis: the same requests of several clients, and every byte that each
 * of them gets must be the same, in the same order.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { StreamClient } from "../support/stream-client.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
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
  private readonly clients: readonly StreamClient[];
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
    const data = temporaryFolder();
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
});
