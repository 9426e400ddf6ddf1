/**
 * Goal: a server that is killed with SIGKILL under load has lost nothing that it acknowledged, and repeats nothing.
 * Method: the built server on the real disk, several connections that increment counters of every type (a number, a
 * field, a score, the length of a list or stream) and write numbered values,
 * single and pipelined, more data than --maxmemory allows in memory, rewrites of the append-only file at random
 * moments. It is killed at a random moment, started again, and looked at; then the load goes on. The system lives on,
 * so written bytes stay, and "everysec" must keep its word like "always".
 * KILLS asks for another number of kills per policy.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { SeededRandom, systemRandom } from "../../src/base/random.ts";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

const KILLS = Number(process.env["KILLS"] ?? 6);
const CLIENTS = 6;
const COUNTERS = 40;
const SLOTS = 300;
const VALUE_BYTES = 1500;
const MAX_PIPELINE = 20;
/** Requests after the start before the kill. */
const MIN_REQUESTS = 50;
const MAX_REQUESTS = 6000;

/** What a client knows of a counter or a slot. */
interface Known {
  /** The highest value that was acknowledged. */
  acknowledged: number;
  /** The highest value that was sent. */
  sent: number;
}

/** A way to count: the n-th write makes n of what was n - 1, and cannot be repeated unnoticed. */
interface CounterKind {
  write(key: string, value: number): string[];
  /** The reply to that write. */
  reply(value: number): string;
  /** Asks for the value; the reply is a bulk string or an integer. */
  read(key: string): string[];
}

const COUNTER_KINDS: readonly CounterKind[] = [
  { write: (key) => ["INCR", key], reply: integer, read: (key) => ["GET", key] },
  { write: (key) => ["HINCRBY", key, "field", "1"], reply: integer, read: (key) => ["HGET", key, "field"] },
  { write: (key) => ["ZINCRBY", key, "1", "member"], reply: bulk, read: (key) => ["ZSCORE", key, "member"] },
  {
    write: (key, value) => ["RPUSH", key, `${value} ${"element".repeat(value % 20)}`],
    reply: integer,
    read: (key) => ["LLEN", key],
  },
  {
    write: (key, value) => ["XADD", key, `${value}-1`, "number", String(value)],
    reply: (value) => bulk(`${value}-1`),
    read: (key) => ["XLEN", key],
  },
];

function integer(value: number): string {
  return `:${value}\r\n`;
}

function bulk(value: number | string): string {
  return `$${String(value).length}\r\n${value}\r\n`;
}

/** A client with keys of its own, so that it knows what each must hold. */
class Worker {
  readonly counters: Known[] = Array.from({ length: COUNTERS }, () => ({ acknowledged: 0, sent: 0 }));
  readonly slots: Known[] = Array.from({ length: SLOTS }, () => ({ acknowledged: 0, sent: 0 }));
  private readonly id: number;
  private readonly random: SeededRandom;

  constructor(id: number, seed: number) {
    this.id = id;
    this.random = new SeededRandom(seed, id);
  }

  /** Sends pipelines until the server is gone; `onRequests` hears of each. */
  async load(port: number, onRequests: (count: number) => void): Promise<void> {
    const client = await RawClient.connect(port).catch(() => undefined);
    if (client === undefined) return;
    try {
      for (;;) {
        const count = this.random.below(2) === 0 ? 1 : 1 + this.random.below(MAX_PIPELINE);
        await this.pipeline(client, count);
        onRequests(count);
      }
    } catch (error) {
      // The server was killed; any other error is one of the test.
      const isGone = /closed the connection|ECONNRESET|EPIPE|ECONNREFUSED/.test(String(error));
      if (!isGone) throw error;
    } finally {
      client.close();
    }
  }

  /** Compares all that this client wrote with what the server has. */
  async check(client: RawClient): Promise<void> {
    const counters = await client.runAll(this.counters.map((_, i) => kindOf(i).read(this.counterKey(i))));
    for (const [i, known] of this.counters.entries()) {
      verify(this.counterKey(i), known, numberOf(counters[i]));
    }
    const slots = await client.runAll(this.slots.map((_, i) => ["GET", this.slotKey(i)]));
    for (const [i, known] of this.slots.entries()) {
      const value = textOf(slots[i]);
      const sequence = value === undefined ? 0 : Number(value.split(":")[0]);
      verify(this.slotKey(i), known, sequence);
      if (value !== undefined) expect(value, this.slotKey(i)).toBe(valueOf(this.slotKey(i), sequence));
    }
  }

  private async pipeline(client: RawClient, count: number): Promise<void> {
    const requests: string[][] = [];
    const touched: { known: Known; value: number; reply: string }[] = [];
    for (let i = 0; i < count; i++) {
      const isCounter = this.random.below(3) > 0;
      const index = this.random.below(isCounter ? COUNTERS : SLOTS);
      const known = isCounter ? this.counters[index] : this.slots[index];
      const value = ++known.sent;
      const key = isCounter ? this.counterKey(index) : this.slotKey(index);
      requests.push(isCounter ? kindOf(index).write(key, value) : ["SET", key, valueOf(key, value)]);
      touched.push({ known, value, reply: isCounter ? kindOf(index).reply(value) : "+OK\r\n" });
    }
    const replies = await client.runAll(requests);
    for (const [i, { known, value, reply }] of touched.entries()) {
      expect(replies[i].toString("latin1"), requests[i][1]).toBe(reply);
      known.acknowledged = value;
    }
  }

  private counterKey(index: number): string {
    return `counter:${this.id}:${index}`;
  }

  private slotKey(index: number): string {
    return `slot:${this.id}:${index}`;
  }
}

function kindOf(index: number): CounterKind {
  return COUNTER_KINDS[index % COUNTER_KINDS.length];
}

/** The number in a reply; 0 if there is none. */
function numberOf(reply: Buffer): number {
  const text = reply.toString("latin1");
  return Number(text.startsWith(":") ? text.slice(1) : (textOf(reply) ?? "0"));
}

/** Everything acknowledged, nothing more than was sent; from there the client goes on. */
function verify(key: string, known: Known, found: number): void {
  expect(found, `${key}, acknowledged`).toBeGreaterThanOrEqual(known.acknowledged);
  expect(found, `${key}, sent`).toBeLessThanOrEqual(known.sent);
  known.acknowledged = found;
  known.sent = found;
}

/** A value that tells which write it is from, and is too varied to be compressed away. */
function valueOf(key: string, sequence: number): string {
  const filler = new SeededRandom(sequence, key.length).bytes(VALUE_BYTES / 2).toString("hex");
  return `${sequence}:${key}:${filler.slice(0, VALUE_BYTES - ((sequence * 37) % VALUE_BYTES))}`;
}

/** The text of a bulk reply. */
function textOf(reply: Buffer): string | undefined {
  const text = reply.toString("latin1");
  return text === "$-1\r\n" ? undefined : text.slice(text.indexOf("\r\n") + 2, -2);
}

/** Lets the workers write, orders rewrites now and then, and kills the server. Resolves when all is quiet. */
async function loadAndKill(
  server: ServerProcess,
  workers: readonly Worker[],
  random: SeededRandom,
): Promise<void> {
  let requestsLeft = MIN_REQUESTS + random.below(MAX_REQUESTS);
  let rewriteAt = random.below(2) === 0 ? requestsLeft - random.below(1500) : Number.NEGATIVE_INFINITY;
  const control = await RawClient.connect(server.port);
  let rewriting: Promise<unknown> = Promise.resolve();
  let killed: Promise<void> | undefined;
  const onRequests = (count: number): void => {
    requestsLeft -= count;
    if (requestsLeft <= rewriteAt && killed === undefined) {
      rewriteAt = Number.NEGATIVE_INFINITY;
      rewriting = control.run("BGREWRITEAOF").catch(() => undefined);
    }
    if (requestsLeft <= 0) killed ??= server.kill();
  };
  await Promise.all(workers.map((worker) => worker.load(server.port, onRequests)));
  if (killed === undefined) throw new Error(`the server ended by itself:\n${server.output}`);
  await Promise.all([killed, rewriting]);
  control.close();
}

let folder: string | undefined;
let server: ServerProcess | undefined;

afterEach(async () => {
  await server?.kill();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  server = undefined;
  folder = undefined;
});

describe.each(["always", "everysec"])("a server with appendfsync %s, killed under load", (policy) => {
  it("loses nothing acknowledged and repeats nothing", { timeout: 60_000 + KILLS * 20_000 }, async () => {
    const seed = Number(process.env["KILL_SEED"] ?? systemRandom.next());
    const random = new SeededRandom(seed);
    const workers = Array.from({ length: CLIENTS }, (_, id) => new Worker(id, seed));
    folder = await mkdtemp(join(tmpdir(), "tsredis-kill-"));
    const args = ["--appendonly", "yes", "--appendfsync", policy, "--maxmemory", "1100kb"];
    args.push("--auto-aof-rewrite-min-size", "3mb");
    let coldRecords = 0;
    let total = 0;
    for (let kill = 0; kill <= KILLS; kill++) {
      server = await startServerProcess(folder, args);
      const client = await RawClient.connect(server.port);
      for (const worker of workers) await worker.check(client);
      const keys = workers.flatMap(({ counters, slots }) => [...counters, ...slots]);
      const written = keys.filter(({ acknowledged }) => acknowledged > 0).length;
      expect(await client.text("DBSIZE"), `seed ${seed}`).toBe(`:${written}\r\n`);
      coldRecords += Number(/tier_records:(\d+)/.exec(await client.text("INFO"))![1]);
      client.close();
      if (kill < KILLS) await loadAndKill(server, workers, random);
      total = keys.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    }
    process.stderr.write(`${policy}: ${KILLS} kills, ${total} writes found again, seed ${seed}\n`);
    // A test without cold data has tested half.
    expect(coldRecords).toBeGreaterThan(0);
    expect(await server!.stop()).toBe(0);
  });
});
