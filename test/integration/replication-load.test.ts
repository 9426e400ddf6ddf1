/**
 * The real Redis as a replica under load: whatever is done to the master, with most of its keys on disk or none, both
 * have the same digest in the end.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { Argument } from "../support/command-harness.ts";
import { hasRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { sampleRequests } from "./contents.ts";
import { expectSame, useReplicas } from "./replica-fixture.ts";
import { infoOf, useServer } from "./server-fixture.ts";
import { Traffic } from "./traffic.ts";
import { nextCommand } from "./transaction-traffic.ts";

const fixture = useServer();
const replicas = useReplicas(fixture);
const DEBUG = ["--enable-debug-command", "yes", "--save", ""];
const BATCHES = 40;
const COMMANDS_PER_BATCH = 60;
const MODES = [
  { name: "with most keys on disk", args: ["--maxmemory", "4mb"], isCold: true },
  { name: "without an append-only file", args: ["--appendonly", "no", "--maxmemory", "4mb"], isCold: true },
  { name: "with appendfsync always", args: ["--appendfsync", "always"], isCold: false },
] as const;

describe.skipIf(!hasRedisServer)("a real Redis as replica (skipped where redis-server is missing)", () => {
  function step(random: SeededRandom, traffic: Traffic): Argument[][] {
    const command = random.below(3) === 0 ? traffic.next() : nextCommand(random);
    const other = nextCommand(random);
    if (/^(shutdown|client|debug|config|replicaof)$/i.test(String(command[0]))) return [];
    switch (random.below(12)) {
      case 0:
        return [["MULTI"], command, other, ["EXEC"]];
      case 1:
        return [["EVAL", "redis.pcall(unpack(ARGV)) return redis.call('incr', KEYS[1])", 1, "n", ...command]];
      case 2:
        return [["SET", `short ${random.below(50)}`, "x", "PX", 1 + random.below(20)]];
      default:
        return [command];
    }
  }

  test.each(MODES)("has the same after random load, $name", async ({ args, isCold }) => {
    const random = new SeededRandom(usualSeed());
    const traffic = new Traffic(random, { keys: 1500, valueBytes: 4000, prefix: "t", everything: false });
    const master = await fixture.start(...DEBUG, ...args);
    for (const request of [...traffic.fill(), ...sampleRequests()]) await master.run(...request);
    if (isCold) expect(Number(await infoOf(master, "cold_keys"))).toBeGreaterThan(100);
    const loading = async () => {
      const loader = await fixture.connect();
      for (let i = 0; i < BATCHES; i++) {
        const batch = Array.from({ length: COMMANDS_PER_BATCH }, () => step(random, traffic)).flat();
        await loader.runAll([...batch, ["DISCARD"]]);
      }
    };
    // The snapshot is made amid the load.
    const loaded = loading();
    const replica = await replicas.start();
    await loaded;
    await expectSame(master, replica);
    expect(await infoOf(master, "sync_full")).toBe("1");
    await loading();
    await expectSame(master, replica);
    expect(await master.text("DEBUG", "DIGEST")).not.toBe("+0000000000000000000000000000000000000000\r\n");
    expect(readdirSync(fixture.data).filter((name) => name.startsWith("temp-"))).toEqual([]);
  });
});
