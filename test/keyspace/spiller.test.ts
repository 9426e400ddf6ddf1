/**
 * Memory that is to be kept within a limit: what leaves it, in which order, and when it is free.
 */
import { expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { hashCommands } from "../../src/commands/hashes/index.ts";
import { keyCommands } from "../../src/commands/keys/index.ts";
import { stringCommands } from "../../src/commands/strings/index.ts";
import { warmRecord } from "../../src/keyspace/cold-records.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Spiller } from "../../src/keyspace/spiller.ts";
import { type Waiter, Warmer } from "../../src/keyspace/warmer.ts";
import { CommandHarness } from "../support/command-harness.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";

const KEYS = 1000;
const VALUE = "v".repeat(1000);
const LIMIT_BYTES = 256 * 1024;

/** A keyspace with a cold tier and a spiller that runs when it is told to. */
class Scene {
  readonly harness = new CommandHarness({
    commands: [...stringCommands, ...keyCommands, ...hashCommands],
    databases: 1,
  });
  readonly tier: ColdTier;
  readonly warmer: Warmer;
  readonly spiller: Spiller;

  /** @param logBytes what memory holds for the append-only file */
  static async create(limitBytes: number, logBytes: () => number = () => 0): Promise<Scene> {
    const disk = new SimulatedStoreDisk({ seed: 1 });
    // The hash seed of the harness.
    return new Scene(
      await ColdTier.create(await disk.open("tier"), { seed: Buffer.from("0123456789abcdef") }),
      limitBytes,
      logBytes,
    );
  }

  private constructor(tier: ColdTier, limitBytes: number, logBytes: () => number) {
    this.tier = tier;
    // Values leave when this spiller says so.
    this.harness.staysInMemoryBecause = "when values leave memory is what this is about";
    const { keyspace } = this.harness;
    keyspace.attachTier(tier, [tier.allocateNamespace()]);
    const { entries } = keyspace;
    const budget = {
      get chargedBytes() {
        return entries.allocatedBytes;
      },
      exemptBytes: 0,
      limitBytes,
      spillFromBytes: limitBytes * 0.9,
      spillToBytes: limitBytes * 0.8,
      exempt: () => {},
    };
    this.warmer = new Warmer(keyspace, tier);
    const options = {
      keyspace,
      tier,
      warmer: this.warmer,
      log: silentLog,
      budget,
      samplesPerVictim: () => 5,
      logBytes,
    };
    this.spiller = new Spiller({ ...options, onBatch: () => {} });
  }

  get database(): Database {
    return this.harness.keyspace.databases[0];
  }

  get usedBytes(): number {
    return this.harness.keyspace.entries.allocatedBytes;
  }

  /** Resolves when no batch is being written. */
  async settle(): Promise<void> {
    await this.spiller.hold();
    this.spiller.resume();
  }

  isHot(key: string): boolean {
    return this.database.find(Buffer.from(key), 0, key.length) !== 0;
  }

  /** Reads a cold key into memory. */
  warm(name: string): void {
    if (this.isHot(name)) return;
    const { database, harness, tier } = this;
    const key = Buffer.from(name);
    const { hash } = database;
    const record = tier.fetchSync({ namespace: database.namespace, hash: hash >>> 0, key })!;
    warmRecord(harness.keyspace, database, hash, key, record);
  }
}

test("while a batch is being written, unchanged values leave memory once it is over its limit", async () => {
  const scene = await Scene.create(LIMIT_BYTES);
  const { database, harness, spiller } = scene;
  for (let i = 0; i < KEYS; i++) {
    harness.run("SET", `key:${i}`, VALUE);
    spiller.run();
    await scene.settle();
  }
  expect(database.coldSize).toBeGreaterThan(KEYS - LIMIT_BYTES / VALUE.length);

  let written = 0;
  for (; !spiller.writing; written++) {
    harness.run("SET", `new:${written}`, VALUE);
    spiller.run();
  }
  const before = spiller.droppedEntries;
  for (let i = 0; i < KEYS; i++) {
    scene.warm(`key:${i}`);
    spiller.run();
    expect(scene.usedBytes).toBeLessThan(LIMIT_BYTES * 1.2);
  }
  expect(spiller.writing).toBe(true);
  expect(spiller.droppedEntries - before).toBeGreaterThan(KEYS / 2);
  await scene.settle();
  expect(database.size).toBe(KEYS + written);
  await scene.tier.close();
});

const MB = 1024 * 1024;
/** A hash of about half a megabyte whose values lie in blocks of their own. */
const FIELDS = 500;

function largeHash(key: string): string[] {
  return ["HSET", key, ...Array.from({ length: FIELDS }, (_, i) => [`field:${i}`, VALUE]).flat()];
}

test("a large collection that leaves memory is freed at once, and no other goes in its place", async () => {
  const scene = await Scene.create(4 * MB);
  const { harness, spiller } = scene;
  const names = Array.from({ length: 20 }, (_, i) => `hash:${i}`);
  for (const name of names) {
    harness.run(...largeHash(name));
    spiller.run();
    await scene.settle();
  }
  // They are unchanged from now on: they leave without a write.
  await spiller.demote(names.map((name) => ({ database: scene.database, key: Buffer.from(name) })));
  for (const name of names) {
    scene.warm(name);
    spiller.run();
    expect(scene.usedBytes).toBeLessThan(4 * MB);
  }
  expect(harness.keyspace.isFreeing).toBe(false);
  expect(scene.usedBytes).toBeGreaterThan(2.5 * MB);
  await scene.tier.close();
});

test("what is deleted is freed before values leave memory for its sake", async () => {
  const scene = await Scene.create(4 * MB);
  const { harness, spiller } = scene;
  for (let i = 0; i < 4; i++) harness.run(...largeHash(`hash:${i}`));
  for (let i = 0; i < 50; i++) {
    harness.run("DEL", "replaced");
    harness.run(...largeHash("replaced"));
    spiller.run();
    expect(scene.usedBytes).toBeLessThan(4 * MB);
  }
  await scene.settle();
  expect(spiller.spilledEntries + spiller.droppedEntries).toBe(0);
  await scene.tier.close();
});

test("a value that took long to come counts as used when it came", async () => {
  const scene = await Scene.create(MB);
  const { database, harness, spiller, warmer } = scene;
  const { clock, keyspace } = harness;
  const key = Buffer.from("key");
  harness.run("SET", "key", VALUE);
  await spiller.demote([{ database, key }]);
  expect(scene.isHot("key")).toBe(false);
  const used = new Promise<number>((resolve) => {
    const goOn = () => {
      database.touch(database.find(key, 0, key.length));
      resolve(keyspace.entries.access(database.find(key, 0, key.length)));
    };
    const waiter: Waiter = { fetches: new Set(), pendingFetches: 0, goOn };
    warmer.want(database, key, 0, key.length, waiter);
  });
  warmer.issue();
  clock.advance(5000);
  const access = await used;
  keyspace.refreshClock();
  expect(keyspace.accessClock.idleSeconds(access)).toBe(0);
  await scene.tier.close();
});

test("a huge string waits for an append-only file that holds as much, and others do not", async () => {
  let logBytes = LIMIT_BYTES;
  const scene = await Scene.create(LIMIT_BYTES, () => logBytes);
  const { database, harness, spiller } = scene;
  harness.run("SET", "huge", "h".repeat(LIMIT_BYTES));
  spiller.run();
  expect([spiller.writing, spiller.stuck]).toEqual([false, false]);
  harness.run("SET", "small", "s".repeat(LIMIT_BYTES / 8));
  for (let i = 0; i < 20 && !spiller.writing; i++) spiller.run();
  await scene.settle();
  expect([database.coldSize, spiller.stuck]).toEqual([1, false]);
  logBytes = 0;
  spiller.run();
  await spiller.hold();
  expect([database.coldSize, spiller.stuck]).toEqual([2, false]);
  await scene.tier.close();
});
