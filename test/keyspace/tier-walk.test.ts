/**
 * SCAN, KEYS and RANDOMKEY over keys in memory and on disk, against a plain model, while keys are written, deleted,
 * spilled, warmed, and reach their expiry: on the simulated store, whose batches take their time and may fail.
 */
import { describe, expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { warmRecord } from "../../src/keyspace/cold-records.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Spiller } from "../../src/keyspace/spiller.ts";
import { type KeyFilter, TierWalk, type WalkResult } from "../../src/keyspace/tier-walk.ts";
import { Warmer } from "../../src/keyspace/warmer.ts";
import { newKeyHarness } from "../commands/keys/harness.ts";
import type { CommandHarness } from "../support/command-harness.ts";
import { usualSeed } from "../support/seed.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";

const START_MS = 1_700_000_000_000;
const RUNS = 30;
const STEPS = 60;
/** Longer than the spiller waits after a batch that failed. */
const RETRY_MS = 1000;

/** Names of all forms: in the tier a long key lies in the value, in memory a longer one outside the entry. */
const NAMES: readonly string[] = Array.from({ length: 80 }, (_, i) => {
  if (i % 8 === 1) return `long:${i}`.padEnd(1001 + i, "-");
  if (i % 16 === 2) return `huge:${i}`.padEnd(2000, "-");
  return i === 0 ? "" : `key:${i}`;
});

class World {
  readonly random: SeededRandom;
  readonly disk: SimulatedStoreDisk;
  readonly harness: CommandHarness;
  readonly tier: ColdTier;
  readonly walk: TierWalk;
  /** Expiry of each key, Infinity for none. Keys stay in here when they expire. */
  readonly model = new Map<string, number>();
  spilledBatches = 0;
  failedBatches = 0;
  private readonly spiller: Spiller;
  private readonly budget = {
    chargedBytes: 0,
    exemptBytes: 0,
    limitBytes: 0,
    spillFromBytes: 0,
    spillToBytes: 0,
    exempt: () => {},
  };

  private constructor(random: SeededRandom, disk: SimulatedStoreDisk, tier: ColdTier) {
    this.random = random;
    this.disk = disk;
    this.tier = tier;
    this.harness = newKeyHarness({ startMs: START_MS, databases: 2 });
    const { keyspace } = this.harness;
    keyspace.attachTier(tier, [tier.allocateNamespace(), tier.allocateNamespace()]);
    this.walk = new TierWalk(keyspace, tier);
    Object.assign(this.harness.server, { walk: this.walk });
    this.spiller = new Spiller({
      keyspace,
      tier,
      warmer: new Warmer(keyspace, tier),
      log: silentLog,
      budget: this.budget,
      samplesPerVictim: () => 1 + random.below(6),
      logBytes: () => 0,
      onBatch: () => {
        if (this.spiller.failure === "") this.spilledBatches++;
        else this.failedBatches++;
      },
    });
  }

  static async create(seed: number): Promise<World> {
    const random = new SeededRandom(seed);
    const disk = new SimulatedStoreDisk({ seed });
    // The hash seed of the harness.
    const tier = await ColdTier.create(await disk.open("tier"), { seed: Buffer.from("0123456789abcdef") });
    return new World(random, disk, tier);
  }

  get nowMs(): number {
    return this.harness.clock.nowMs;
  }

  /** Keys that are there now. */
  live(): string[] {
    return [...this.model].filter(([, expireMs]) => expireMs > this.nowMs).map(([name]) => name);
  }

  /** Ends the batch that is being written, if any. */
  async settle(): Promise<void> {
    await this.spiller.hold();
    this.spiller.resume();
  }

  /** Begins to move entries to the tier, as many as go into a batch; the batch may fail. */
  spill(): void {
    if (this.random.below(8) === 0 && !this.spiller.writing) this.disk.failNext("batch", "ENOSPC");
    if (this.spiller.failure !== "") this.harness.clock.advance(RETRY_MS);
    this.harness.keyspace.refreshClock();
    this.budget.chargedBytes = 1 + this.random.below(2000);
    this.spiller.run(true);
    this.budget.chargedBytes = 0;
  }

  /** One thing that may happen beside a walk. */
  act(): void {
    const dice = this.random.below(10);
    const name = NAMES[this.random.below(NAMES.length)];
    if (dice < 3) this.set(name);
    else if (dice === 3) this.delete(name);
    else if (dice === 4) this.warm(name);
    else if (dice === 5) this.advance(this.random.below(40));
    else if (dice === 6) this.persist(name);
    else this.spill();
  }

  set(name: string, expiresInMs = this.random.below(2) === 0 ? 0 : 1 + this.random.below(300)): void {
    this.warm(name);
    const expiry = expiresInMs === 0 ? [] : ["PX", expiresInMs];
    this.harness.run("SET", name, "v".repeat(this.random.below(50)), ...expiry);
    this.model.set(name, expiresInMs === 0 ? Number.POSITIVE_INFINITY : this.nowMs + expiresInMs);
  }

  delete(name: string): void {
    this.warm(name);
    this.harness.run("DEL", name);
    this.model.delete(name);
  }

  private persist(name: string): void {
    this.warm(name);
    this.harness.run("PERSIST", name);
    if ((this.model.get(name) ?? 0) > this.nowMs) this.model.set(name, Number.POSITIVE_INFINITY);
  }

  advance(ms: number): void {
    this.harness.clock.advance(ms);
    this.harness.keyspace.refreshClock();
  }

  /** Brings a cold key into memory, as the server does before each command that names it. */
  warm(name: string): void {
    const database = this.database;
    const key = Buffer.from(name);
    if (database.find(key, 0, key.length) !== 0) return;
    const hash = database.hash;
    const record = this.tier.fetchSync({ namespace: database.namespace, hash: hash >>> 0, key });
    if (record !== undefined) warmRecord(this.harness.keyspace, database, hash, key, record);
  }

  get database(): Database {
    return this.harness.keyspace.databases[0];
  }

  async all(filter: KeyFilter = {}): Promise<string[]> {
    return namesIn(await this.walk.all(0, filter)).sort();
  }
}

function namesIn({ keys }: WalkResult): string[] {
  const names: string[] = [];
  keys.forEach((source, start, length) => names.push(source.toString("latin1", start, start + length)));
  expect(names).toHaveLength(keys.count);
  return names;
}

/** Runs `check` in worlds of several seeds, in each after some time of many writes. */
async function inWorlds(check: (world: World) => Promise<void>): Promise<void> {
  const first = usualSeed();
  let spilled = 0;
  let failed = 0;
  let cold = 0;
  for (let seed = first; seed < first + RUNS; seed++) {
    const world = await World.create(seed);
    try {
      for (let step = 0; step < STEPS; step++) {
        for (let actions = world.random.below(6); actions > 0; actions--) world.act();
        if (world.random.below(2) === 0) await world.settle();
        await check(world);
        cold += world.database.coldSize;
      }
      await world.settle();
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
    await world.tier.close();
    spilled += world.spilledBatches;
    failed += world.failedBatches;
  }
  // Otherwise nothing of all this was tested.
  expect(spilled).toBeGreaterThan(5 * RUNS);
  expect(failed).toBeGreaterThan(RUNS / 4);
  expect(cold).toBeGreaterThan(10 * RUNS * STEPS);
}

describe("over both tiers, whatever goes on meanwhile", () => {
  test("KEYS gives the live keys of the moment at which it was asked", async () => {
    await inWorlds(async (world) => {
      const expected = world.live().sort();
      const asked = [
        world.all(),
        world.all({ typeName: "string" }),
        world.all({ typeName: "list" }),
        world.all({ pattern: Buffer.from("key:*[13579]") }),
      ];
      for (let actions = world.random.below(10); actions > 0; actions--) world.act();
      const [all, strings, lists, odd] = await Promise.all(asked);
      expect(all).toEqual(expected);
      expect(strings).toEqual(expected);
      expect(lists).toEqual([]);
      expect(odd).toEqual(expected.filter((name) => /^key:.*[13579]$/.test(name)));
    });
  });

  test("SCAN gives each key that is there all along, once, and none that never is", async () => {
    await inWorlds(async (world) => {
      const always = new Set(world.live());
      const sometimes = new Set(always);
      const found: string[] = [];
      const count = 1 + world.random.below(30);
      const filter = world.random.below(3) === 0 ? { typeName: "string" } : {};
      for (let cursor = 0; ; ) {
        const step = world.walk.scan(0, cursor, count, filter);
        for (let actions = world.random.below(3); actions > 0; actions--) {
          world.act();
          const live = new Set(world.live());
          for (const name of live) sometimes.add(name);
          for (const name of always) if (!live.has(name)) always.delete(name);
        }
        const result = await step;
        found.push(...namesIn(result));
        cursor = result.cursor;
        if (cursor === 0) break;
      }
      expect(new Set(found).size).toBe(found.length);
      for (const name of always) expect(found).toContain(name);
      for (const name of found) expect(sometimes).toContain(name);
    });
  });

  test("RANDOMKEY gives a live key", async () => {
    await inWorlds(async (world) => {
      await world.settle();
      const live = new Set(world.live());
      const found = (await world.walk.random(0))?.toString("latin1");
      if (found !== undefined) expect(live).toContain(found);
      // With a few dead keys among them it may give up.
      else expect(live.size).toBeLessThan(NAMES.length / 4);
    });
  });
});

test.each(["hot", "cold"])("RANDOMKEY draws each of a few %s keys about as often", async (where) => {
  for (let seed = usualSeed(), last = seed + 10; seed < last; seed++) {
    const world = await World.create(seed);
    const names = NAMES.slice(3, 6);
    for (const name of names) world.set(name, 0);
    while (where === "cold" && world.database.coldSize < names.length) {
      world.spill();
      await world.settle();
    }
    const drawn = new Map(names.map((name) => [name, 0]));
    for (let i = 0; i < 300; i++) {
      const name = (await world.walk.random(0))!.toString("latin1");
      drawn.set(name, drawn.get(name)! + 1);
    }
    for (const times of drawn.values()) expect(times).toBeGreaterThan(50);
    await world.tier.close();
  }
});

test("a walk over cold keys, deleted and overwritten ones among them, ends in the reply", async () => {
  const world = await World.create(1);
  const { harness } = world;
  for (const name of NAMES) world.set(name, name.startsWith("long") ? 100 : 0);
  while (world.database.coldSize < NAMES.length) {
    world.spill();
    await world.settle();
  }
  const asked = harness.runAsync("SCAN", "0", "COUNT", "1000", "MATCH", "key:[3-5]");
  world.delete("key:3");
  world.set("key:4", 0);
  expect(
    String(await asked)
      .split("\r\n")
      .filter((line) => line.startsWith("key:"))
      .sort(),
  ).toEqual(["key:3", "key:4", "key:5"]);
  world.advance(100);
  const keys = String(await harness.runAsync("KEYS", "*"));
  expect(keys.startsWith(`*${NAMES.filter((name) => !name.startsWith("long")).length - 1}\r\n`)).toBe(true);
  expect(keys).not.toContain("long");
  await world.settle();
});
