/**
 * The built server against the real Redis 7.0 over sockets: the same random pipelines, cut into packets at random,
 * must get the same replies byte for byte, and leave the same data, also after a restart and a kill. With everything in
 * memory, with most of it on disk, and with every write forced to disk. The seed is printed with a failure;
 * CONFORMANCE_SEED repeats one, CONFORMANCE_ROUNDS asks for more.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { Pair } from "./pair.ts";
import { infoOf } from "./server-fixture.ts";
import { Traffic } from "./traffic.ts";

const BATCHES = 12;
const COMMANDS_PER_BATCH = 150;
const CLIENTS = 4;
const LIVES = 3;
const FIRST_SEED = Number(process.env["CONFORMANCE_SEED"] ?? usualSeed());
const ROUNDS = Number(process.env["CONFORMANCE_ROUNDS"] ?? 1);

/** What the traffic changes with CONFIG SET, as it was. */
const DEFAULTS = ["CONFIG", "SET", "maxmemory-samples", "5", "hash-max-listpack-entries", "512"];

interface Mode {
  readonly name: string;
  readonly args: readonly string[];
  readonly keys: number;
  readonly valueBytes: number;
  /** Most of the data must lie on disk. */
  readonly isCold: boolean;
}

const MODES: readonly Mode[] = [
  { name: "with everything in memory", args: [], keys: 300, valueBytes: 300, isCold: false },
  {
    name: "with most keys on disk",
    args: ["--maxmemory", "4mb"],
    keys: 3000,
    valueBytes: 6000,
    isCold: true,
  },
  {
    name: "with appendfsync always",
    args: ["--appendfsync", "always", "--maxmemory", "4mb"],
    keys: 1500,
    valueBytes: 4000,
    isCold: false,
  },
];

describe.skipIf(!hasRedisServer)(
  "over sockets as the real Redis (skipped where redis-server is missing)",
  () => {
    let folder: string;
    let redis: RedisServer;
    let own: ServerProcess;
    let seed: number;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "tsredis-conformance-"));
    });

    beforeEach(() => {
      seed = FIRST_SEED;
    });

    afterAll(() => {
      rmSync(folder, { recursive: true });
    });

    async function withServer(
      mode: Mode,
      body: (start: () => Promise<void>) => Promise<void>,
    ): Promise<void> {
      const data = mkdtempSync(join(folder, "data-"));
      const start = async () => {
        own = await startServerProcess(data, ["--save", "", ...mode.args]);
      };
      redis = await startRedisServer([], folder);
      await start();
      try {
        await body(start);
      } finally {
        await redis.stop();
        await own.kill();
        rmSync(data, { recursive: true });
      }
    }

    async function fillBoth(
      pair: Pair,
      requests: readonly (readonly Argument[])[],
      random: SeededRandom,
      label: string,
    ): Promise<void> {
      for (let i = 0; i < requests.length; i += 100) {
        await pair.compare(requests.slice(i, i + 100), random, `${label}, filling from ${i}`);
      }
    }

    async function coldKeys(): Promise<number> {
      const client = await RawClient.connect(own.port);
      const count = Number(await infoOf(client, "cold_keys"));
      client.close();
      return count;
    }

    describe.each(MODES.map((mode) => [mode.name, mode] as const))("%s", (_, mode) => {
      test("one client sends everything, between restarts and kills", async () => {
        for (let round = 0; round < ROUNDS; round++, seed++) {
          const random = new SeededRandom(seed);
          const options = { keys: mode.keys, valueBytes: mode.valueBytes, prefix: "", everything: true };
          const traffic = new Traffic(random, options);
          await withServer(mode, async (start) => {
            for (let life = 0; life < LIVES; life++) {
              const label = `seed ${seed}, life ${life}`;
              const pair = await Pair.connect(redis.port, own.port, life === 0);
              // A restart forgets what CONFIG SET changed.
              await pair.compare([DEFAULTS], random, label);
              await fillBoth(pair, traffic.fill(), random, label);
              if (mode.isCold) expect(await coldKeys(), label).toBeGreaterThan(mode.keys / 2);
              const checks = await Pair.connect(redis.port, own.port, life === 0);
              for (let batch = 0; batch < BATCHES; batch++) {
                const requests = Array.from({ length: COMMANDS_PER_BATCH }, () => traffic.next());
                await pair.compare(requests, random, `${label}, batch ${batch}`);
                if (batch % 4 === 0) await checks.compareKeys(random, `${label}, after batch ${batch}`);
                if (batch === 5) await checks.own.run("BGREWRITEAOF");
              }
              expect(await checks.compareContents(random, label)).toBeGreaterThan(0);
              pair.close();
              checks.close();
              if (life % 2 === 0) expect(await own.stop()).toBe(0);
              else await own.kill();
              await start();
              const after = await Pair.connect(redis.port, own.port, false);
              await after.compareContents(random, `${label}, after the restart`);
              after.close();
            }
          });
        }
      });

      test("several clients at a time", async () => {
        const random = new SeededRandom(seed);
        await withServer(mode, async (start) => {
          const clients = Array.from({ length: CLIENTS }, async (_, i) => {
            const ownRandom = new SeededRandom(seed + 1000 + i);
            const traffic = new Traffic(ownRandom, {
              keys: Math.floor(mode.keys / CLIENTS),
              valueBytes: mode.valueBytes,
              prefix: `client ${i}:`,
              everything: false,
            });
            const pair = await Pair.connect(redis.port, own.port);
            await fillBoth(pair, traffic.fill(), ownRandom, `seed ${seed}, client ${i}`);
            return { pair, traffic, ownRandom };
          });
          const filled = await Promise.all(clients);
          // Asked before the traffic, which deletes keys and brings others back into memory.
          if (mode.isCold) expect(await coldKeys()).toBeGreaterThan(mode.keys / 2);
          const streams = filled.map(async ({ pair, traffic, ownRandom }, i) => {
            for (let batch = 0; batch < BATCHES; batch++) {
              const requests = Array.from({ length: COMMANDS_PER_BATCH }, () => traffic.next());
              await pair.compare(requests, ownRandom, `seed ${seed}, client ${i}, batch ${batch}`);
            }
            pair.close();
          });
          await Promise.all(streams);
          const label = `seed ${seed}, several clients`;
          const before = await Pair.connect(redis.port, own.port);
          await before.compareContents(random, label);
          before.close();
          await own.kill();
          await start();
          const after = await Pair.connect(redis.port, own.port, false);
          await after.compareContents(random, `${label}, after the kill`);
          after.close();
        });
      });

      test("keys that expire while nobody looks at them", async () => {
        const random = new SeededRandom(seed);
        const traffic = new Traffic(random, {
          keys: mode.keys,
          valueBytes: mode.valueBytes,
          prefix: "",
          everything: true,
        });
        await withServer(mode, async (start) => {
          const pair = await Pair.connect(redis.port, own.port);
          const at = Date.now() + 1500;
          const requests = traffic
            .fill()
            .map((request, i) => (i % 3 === 0 ? [...request, "PXAT", at + (i % 500)] : request));
          await fillBoth(pair, requests, random, `seed ${seed}`);
          // A third of them are found by the servers themselves, without a question about them.
          const left = mode.keys - Math.ceil(mode.keys / 3);
          for (const client of [pair.redis, pair.own]) {
            await expect
              .poll(() => client.text("DBSIZE"), { timeout: 60_000, interval: 50 })
              .toBe(`:${left}\r\n`);
          }
          await pair.compareContents(random, `seed ${seed}, after the expiry`);
          pair.close();
          await own.kill();
          await start();
          const after = await Pair.connect(redis.port, own.port, false);
          await after.compareContents(random, `seed ${seed}, after the kill`);
          after.close();
        });
      });
    });
  },
);
