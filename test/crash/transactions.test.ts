/**
 * Goal: after kill -9 under load each transaction took place as a whole or not at all, and none that was acknowledged
 * is lost.
 * Method: the built server on the real disk; clients whose transactions count up several counters and set values that
 * name the count, in pipelines, most of the data on disk, rewrites of the log at random moments. After each kill the
 * counters of a client must be equal, and the values must say the same.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SeededRandom, systemRandom } from "../../src/base/random.ts";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

const KILLS = 3;
const CLIENTS = 4;
/** Each in a database of its own. */
const COUNTERS = 3;
const VALUE_BYTES = 3000;
const SLOTS = 60;
const MAX_PIPELINE = 6;
/** Three times so many are more than memory holds. */
const MIN_TRANSACTIONS = 100;
const MAX_TRANSACTIONS = 800;
const EXECUTED = /^\*\d+\r\n/;

class Worker {
  acknowledged = 0;
  private sent = 0;
  private readonly id: number;
  private readonly random: SeededRandom;

  constructor(id: number, seed: number) {
    this.id = id;
    this.random = new SeededRandom(seed, id);
  }

  /** Sends transactions until the server is gone. */
  async load(port: number, onTransactions: (count: number) => void): Promise<void> {
    const client = await RawClient.connect(port).catch(() => undefined);
    try {
      while (client !== undefined) {
        const count = 1 + this.random.below(MAX_PIPELINE);
        const first = this.sent + 1;
        this.sent += count;
        const transactions = Array.from({ length: count }, (_, i) => this.transaction(first + i));
        const replies = await client.runAll(transactions.flat());
        const texts = replies.map((reply) => reply.toString("latin1"));
        expect(texts.filter((text) => text.startsWith("-"))).toEqual([]);
        for (const text of texts.filter((_, i) => (i + 1) % transactions[0].length === 0)) {
          expect(text).toMatch(EXECUTED);
        }
        this.acknowledged = this.sent;
        onTransactions(count);
      }
    } catch (error) {
      if (!/closed the connection|ECONNRESET|EPIPE|ECONNREFUSED/.test(String(error))) throw error;
    } finally {
      client?.close();
    }
  }

  async check(client: RawClient): Promise<void> {
    const counts: number[] = [];
    for (let database = 0; database < COUNTERS; database++) {
      await client.run("SELECT", database);
      counts.push(Number(/\r\n(\d+)/.exec(await client.text("GET", `counter ${this.id}`))?.[1] ?? 0));
    }
    expect(new Set(counts).size, `counters ${counts.join(" ")}`).toBe(1);
    const [count] = counts;
    expect(count).toBeGreaterThanOrEqual(this.acknowledged);
    expect(count).toBeLessThanOrEqual(this.sent);
    await client.run("SELECT", 0);
    for (let i = Math.max(1, count - SLOTS + 1); i <= count; i++) {
      expect(await client.text("GETRANGE", this.slot(i), "0", "9")).toBe(`$10\r\n${nameOf(i)}\r\n`);
    }
    this.acknowledged = count;
    this.sent = count;
  }

  private transaction(count: number): string[][] {
    const requests = [["MULTI"], ["SET", this.slot(count), nameOf(count).padEnd(VALUE_BYTES, "-")]];
    for (let database = COUNTERS - 1; database >= 0; database--) {
      requests.push(["SELECT", String(database)], ["INCR", `counter ${this.id}`]);
    }
    return [...requests, ["GET", this.slot(count + 1)], ["EXEC"]];
  }

  private slot(count: number): string {
    return `slot ${this.id} ${count % SLOTS}`;
  }
}

function nameOf(count: number): string {
  return String(count).padStart(10, "0");
}

let folder: string | undefined;
let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.kill();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

test.each([["always"], ["everysec"]])("transactions are whole after kill -9, with %s", async (policy) => {
  const seed = systemRandom.next();
  const random = new SeededRandom(seed);
  const workers = Array.from({ length: CLIENTS }, (_, id) => new Worker(id, seed));
  folder = await mkdtemp(join(tmpdir(), "tsredis-kill-"));
  const args = ["--save", "", "--appendfsync", policy, "--maxmemory", "800kb"];
  let records = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    server = await startServerProcess(folder, args);
    const client = await RawClient.connect(server.port);
    for (const worker of workers) await worker.check(client);
    records += Number(/tier_records:(\d+)/.exec(await client.text("INFO"))![1]);
    if (kill < KILLS) {
      let left = MIN_TRANSACTIONS + random.below(MAX_TRANSACTIONS);
      const rewriteAt = random.below(left);
      let killed: Promise<void> | undefined;
      const onTransactions = (count: number): void => {
        if (left > rewriteAt && left - count <= rewriteAt)
          void client.run("BGREWRITEAOF").catch(() => undefined);
        left -= count;
        if (left <= 0) killed ??= server!.kill();
      };
      await Promise.all(workers.map((worker) => worker.load(server!.port, onTransactions)));
      await killed;
      expect(killed, `seed ${seed}: ${server.output}`).toBeDefined();
    }
    client.close();
  }
  expect(records, `seed ${seed}`).toBeGreaterThan(0);
  process.stderr.write(
    `${policy}: ${workers.reduce((sum, each) => sum + each.acknowledged, 0)} transactions\n`,
  );
});
