/**
 * Scripts on the real Redis and on tsredis: what they answer, what they change, and what goes to the append-only file.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { parseCommands } from "../support/comparison.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { FUNCTION_REQUESTS, nextCommands, nextScript, SCRIPTS } from "./script-traffic.ts";

const ROUNDS = Number(process.env["SCRIPT_ROUNDS"] ?? 600);
/** Scripts of which this server gives more than Redis 7.0. */
const OWN = /^return os\.time$/;

const MODES: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["in memory", []],
  ["on disk", ["--cold-tier-spill-all", "yes"]],
];

/** Runs a request on both; undefined if the replies are the same. */
async function difference(
  clients: readonly RawClient[],
  request: readonly string[],
  label: string,
): Promise<string | undefined> {
  const [expected, actual] = await Promise.all(clients.map((client) => client.run(...request)));
  if (actual.equals(expected)) return undefined;
  // Scripts hold bytes.
  const [left, right] = [expected, actual].map((reply) => reply.toString("latin1"));
  return `${label}: ${request.join(" | ")}\nRedis:   ${left}\ntsredis: ${right}`;
}

describe.skipIf(!hasRedisServer)("scripts as the real Redis's", () => {
  let folder: string;
  const seed = usualSeed();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-scripts-"));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs `body` with a client of each, and gives the logs of both. */
  async function compare(
    args: readonly string[],
    body: (clients: readonly RawClient[]) => Promise<void>,
  ): Promise<readonly (readonly string[])[]> {
    const logged = mkdtempSync(join(folder, "redis-"));
    const data = mkdtempSync(join(folder, "data-"));
    let redis: RedisServer | undefined;
    let own: ServerProcess | undefined;
    const clients: RawClient[] = [];
    try {
      redis = await startRedisServer(["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"], logged);
      own = await startServerProcess(data, ["--save", "", "--auto-aof-rewrite-percentage", "0", ...args]);
      for (const { port } of [redis, own]) clients.push(await RawClient.connect(port));
      await body(clients);
    } finally {
      for (const client of clients) client.close();
      await redis?.stop();
      await own?.stop();
    }
    return [logged, data].map((each) => logOf(join(each, "appendonlydir")));
  }

  test.each([2, 3] as const)("each peculiarity, in RESP%i", async (resp) => {
    const differences: (string | undefined)[] = [];
    const [expected, actual] = await compare([], async (clients) => {
      for (const client of clients) await client.run("HELLO", String(resp));
      for (const script of SCRIPTS) {
        if (OWN.test(script)) continue;
        for (const name of ["EVAL", "EVAL_RO"])
          differences.push(await difference(clients, [name, script, "1", "key", "argument"], name));
      }
    });
    expect(differences.filter((each) => each !== undefined)).toEqual([]);
    expect(actual).toEqual(expected);
  });

  test.each([2, 3] as const)("functions, in RESP%i", async (resp) => {
    const differences: (string | undefined)[] = [];
    const [expected, actual] = await compare([], async (clients) => {
      for (const client of clients) await client.run("HELLO", String(resp));
      for (const request of FUNCTION_REQUESTS) differences.push(await difference(clients, request, ""));
    });
    expect(differences.filter((each) => each !== undefined)).toEqual([]);
    expect(actual).toEqual(expected);
  });

  test.each([2, 3] as const)("random values, in RESP%i", async (resp) => {
    const random = new SeededRandom(seed);
    await compare([], async (clients) => {
      for (const client of clients) await client.run("HELLO", String(resp));
      for (let i = 0; i < ROUNDS; i++) {
        const found = await difference(
          clients,
          ["EVAL", nextScript(random), "0"],
          `seed ${seed}, script ${i}`,
        );
        expect(found).toBeUndefined();
      }
    });
  });

  test.each(MODES)("random commands, and what they propagate, %s", async (_, args) => {
    const random = new SeededRandom(seed);
    const [expected, actual] = await compare(args, async (clients) => {
      for (let i = 0; i < ROUNDS; i++) {
        const found = await difference(clients, nextCommands(random), `seed ${seed}, script ${i}`);
        expect(found).toBeUndefined();
      }
    });
    expect(actual.length).toBeGreaterThan(ROUNDS);
    expect(actual).toEqual(expected);
  });
});

/** The commands in the incr files of an append-only directory, but for annotations and moments. */
function logOf(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".incr.aof"));
  const bytes = Buffer.concat(names.sort().map((name) => readFileSync(join(folder, name))));
  const text = bytes.toString("latin1").replace(/^#[^\n]*\n/gm, "");
  return parseCommands(Buffer.from(text, "latin1")).map((args) =>
    args
      .map((arg) => arg.toString("latin1"))
      .join(" ")
      .replaceAll(/ \d{13}\b/g, " time"),
  );
}
