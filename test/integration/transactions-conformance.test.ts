/**
 * Transactions on the real Redis and on tsredis: the same random commands, one after the other, must be answered alike.
 * Above all: which commands make a transaction fail because of a watched key.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { parseCommands } from "../support/comparison.ts";
import { encodeRequest, exchange, RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { KEYS, nextCommand, nextStep } from "./transaction-traffic.ts";

const CLIENTS = 3;
const STEPS = Number(process.env["TRANSACTION_STEPS"] ?? 2500);
const SHOWN_STEPS = 20;
/** Its reply tells idle times. */
const ABOUT_TIME = /^XPENDING$/;
/** Its reply names the server. */
const ABOUT_SERVER = /^HELLO$/;

const MODES: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["in memory", []],
  ["on disk", ["--cold-tier-spill-all", "yes"]],
];

/** A client of each server: what both answer must be the same. */
class Both {
  private readonly clients: readonly RawClient[];

  private constructor(clients: readonly RawClient[]) {
    this.clients = clients;
  }

  static async connect(...servers: { readonly port: number }[]): Promise<Both> {
    return new Both(await Promise.all(servers.map(({ port }) => RawClient.connect(port))));
  }

  /** Sends a pipeline. Resolves to the replies; rejects where they differ. */
  async run(...requests: (readonly string[])[]): Promise<string[]> {
    const [expected, actual] = await Promise.all(this.clients.map((client) => client.runAll(requests)));
    for (const [i, request] of requests.entries()) {
      const isOwn = ABOUT_TIME.test(request[0]) || ABOUT_SERVER.test(request[0]);
      if (isOwn || expected[i].equals(actual[i])) continue;
      throw new Error(`${request.join(" ")}\nRedis:   ${String(expected[i])}\ntsredis: ${String(actual[i])}`);
    }
    return actual.map(String);
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}

describe.skipIf(!hasRedisServer)("transactions as the real Redis's", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess;
  let clients: Both[] = [];
  const seed = usualSeed();
  let history: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-transactions-"));
    redis = await startRedisServer([], folder);
  });

  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  beforeEach(() => {
    history = [];
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    await own.kill();
  });

  async function start(args: readonly string[], count: number): Promise<void> {
    own = await startServerProcess(mkdtempSync(join(folder, "data-")), ["--save", "", ...args]);
    clients = await Promise.all(Array.from({ length: count }, () => Both.connect(redis, own)));
    await clients[0].run(["FLUSHALL"]);
  }

  /** Has a failure tell what led to it. */
  async function recorded(body: () => Promise<void>): Promise<void> {
    try {
      await body();
    } catch (error) {
      const steps = history.slice(-SHOWN_STEPS).join("\n");
      throw new Error(`seed ${seed}, step ${history.length}:\n${steps}\n${String(error)}\n${own.output}`, {
        cause: error,
      });
    }
  }

  test.each(MODES)("random steps of several clients, %s", async (_, args) => {
    await start(args, CLIENTS);
    const random = new SeededRandom(seed);
    let executed = 0;
    await recorded(async () => {
      await clients[0].run(["HELLO", "3"]);
      for (let step = 0; step < STEPS; step++) {
        const i = random.below(CLIENTS);
        const request = nextStep(random);
        history.push(`${i}: ${request.join(" ")}`);
        const [reply] = await clients[i].run(request);
        if (request[0] === "EXEC" && /^\*[1-9]/.test(reply)) executed++;
      }
    });
    expect(executed).toBeGreaterThan(STEPS / 100);
  });

  test.each(MODES)("which keys a command changes, as WATCH sees it, %s", async (_, args) => {
    await start(args, KEYS.length + 1);
    const [client, ...watchers] = clients;
    const random = new SeededRandom(seed);
    let failed = 0;
    await recorded(async () => {
      await Promise.all(watchers.map((watcher, i) => watcher.run(["WATCH", KEYS[i]])));
      for (let step = 0; step < STEPS / 3; step++) {
        const request = nextCommand(random);
        history.push(request.join(" "));
        // Sometimes within a transaction of its own.
        if (random.below(4) > 0) await client.run(request);
        else await client.run(["MULTI"], request, ["EXEC"], ["DISCARD"]);
        const outcomes = await Promise.all(
          watchers.map((watcher, i) => watcher.run(["MULTI"], ["EXEC"], ["WATCH", KEYS[i]])),
        );
        history.push(outcomes.map(([, exec]) => (exec === "*0\r\n" ? "same" : "changed")).join(" "));
        failed += outcomes.filter(([, exec]) => exec !== "*0\r\n").length;
      }
    });
    expect(failed).toBeGreaterThan(STEPS / 40);
  });

  test.each(["OFF", "SKIP", "ON"])("CLIENT REPLY %s within a transaction", async (mode) => {
    await start([], 1);
    const requests = [
      "SET a 1",
      "MULTI",
      "GET a",
      `CLIENT REPLY ${mode}`,
      "SET a 2",
      "EXEC",
      "PING",
      "GET a",
    ];
    const bytes = Buffer.concat(requests.map((request) => encodeRequest(request.split(" "))));
    const [expected, actual] = await Promise.all([redis, own].map(({ port }) => exchange(port, bytes)));
    expect(actual.toString()).toBe(expected.toString());
  });

  test("what goes to the append-only file", async () => {
    const logging = await startRedisServer(["--appendonly", "yes", "--appenddirname", "logged"], folder);
    const data = mkdtempSync(join(folder, "data-"));
    own = await startServerProcess(data, ["--save", ""]);
    clients = [await Both.connect(logging, own)];
    const [client] = clients;
    for (const step of LOGGED) {
      const requests = step.split("|").map((request) => request.split(" "));
      await client.run(["MULTI"], ...requests, ["EXEC"]);
    }
    await logging.stop();
    await own.stop();
    const [expected, actual] = [join(folder, "logged"), join(data, "appendonlydir")].map(logOf);
    expect(actual).toEqual(expected);
  });
});

/** Transactions, each a line. */
const LOGGED = `PING
GET nothing|EXISTS nothing
SET a 1
SET a 2|SET b 3
DEL nothing|SET a 4
SELECT 1|SET a 5
SET b 6|SELECT 0|SET c 7|SELECT 1|GET a
SELECT 0|GET a
DEL a|LPUSH a 1 2|BLPOP a 0|BLPOP a 0|BLPOP a 0|LMPOP 2 a b LEFT
SADD s 1|SADD s 1|SPOP s|SPOP s|INCR a|EXPIRE a 1000|GETEX a PERSIST
SET stale v PX 1|INCR a
XGROUP CREATE x g $ MKSTREAM|XADD x 1-1 f v|XREADGROUP GROUP g c STREAMS x >
PFADD h a b|PFCOUNT h|PFCOUNT h
FLUSHALL|SET a b
SWAPDB 0 1|SET a c|MOVE a 2
INCR a|LPUSH a 1|SET a 1 XX`.split("\n");

/** The commands in the incr files of an append-only directory, but for annotations, moments and what expired: when that
 * is noticed depends on the time that all took. */
function logOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".incr.aof"));
  const bytes = Buffer.concat(names.sort().map((name) => readFileSync(join(folder, name))));
  const text = bytes.toString("latin1").replace(/^#[^\n]*\n/gm, "");
  return parseCommands(Buffer.from(text, "latin1"))
    .map((args) => args.join(" ").replaceAll(/ \d{13}\b/g, " time"))
    .filter((command) => command !== "DEL stale");
}
