/**
 * Memory while a batch is on its way to a disk that takes long: what reads bring from there does not pile up. And
 * while the append-only file is: what is as large as that waits.
 */
import { expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { warmRecord } from "../../src/keyspace/cold-records.ts";
import { Spiller } from "../../src/keyspace/spiller.ts";
import { Warmer } from "../../src/keyspace/warmer.ts";
import { newKeyHarness } from "../commands/keys/harness.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";

const KEYS = 1000;
const VALUE = "v".repeat(1000);
const LIMIT_BYTES = 256 * 1024;

/** A spiller on a simulated disk, a keyspace and what goes with it. */
async function newWorld(logBytes: () => number = () => 0) {
  const disk = new SimulatedStoreDisk({ seed: 1 });
  // The hash seed of the harness.
  const tier = await ColdTier.create(await disk.open("tier"), { seed: Buffer.from("0123456789abcdef") });
  const harness = newKeyHarness({ databases: 1 });
  const { keyspace } = harness;
  keyspace.attachTier(tier, [tier.allocateNamespace()]);
  const [database] = keyspace.databases;
  const { entries } = keyspace;
  const budget = {
    get chargedBytes() {
      return entries.allocatedBytes;
    },
    exemptBytes: 0,
    limitBytes: LIMIT_BYTES,
    spillFromBytes: LIMIT_BYTES * 0.9,
    spillToBytes: LIMIT_BYTES * 0.8,
    exempt: () => {},
  };
  const warmer = new Warmer(keyspace, tier);
  const options = { keyspace, tier, warmer, log: silentLog, budget, samplesPerVictim: () => 5 };
  const spiller = new Spiller({ ...options, logBytes, onBatch: () => {} });
  return { database, entries, harness, keyspace, spiller, tier };
}

test("while a batch is being written, unchanged values leave memory once it is over its limit", async () => {
  const { database, entries, harness, keyspace, spiller, tier } = await newWorld();
  const settle = async () => {
    await spiller.hold();
    spiller.resume();
  };
  for (let i = 0; i < KEYS; i++) {
    harness.run("SET", `key:${i}`, VALUE);
    spiller.run();
    await settle();
  }
  expect(database.coldSize).toBeGreaterThan(KEYS - LIMIT_BYTES / VALUE.length);

  let written = 0;
  for (; !spiller.writing; written++) {
    harness.run("SET", `new:${written}`, VALUE);
    spiller.run();
  }
  const before = spiller.droppedEntries;
  for (let i = 0; i < KEYS; i++) {
    const key = Buffer.from(`key:${i}`);
    if (database.find(key, 0, key.length) !== 0) continue;
    const { hash } = database;
    const record = tier.fetchSync({ namespace: database.namespace, hash: hash >>> 0, key })!;
    warmRecord(keyspace, database, hash, key, record);
    spiller.run();
    expect(entries.allocatedBytes).toBeLessThan(LIMIT_BYTES * 1.2);
  }
  expect(spiller.writing).toBe(true);
  expect(spiller.droppedEntries - before).toBeGreaterThan(KEYS / 2);
  await settle();
  expect(database.size).toBe(KEYS + written);
  await tier.close();
});

test("a huge string waits for an append-only file that holds as much, and others do not", async () => {
  let logBytes = LIMIT_BYTES;
  const { database, harness, spiller, tier } = await newWorld(() => logBytes);
  harness.run("SET", "huge", "h".repeat(LIMIT_BYTES));
  spiller.run();
  expect([spiller.writing, spiller.stuck]).toEqual([false, false]);
  harness.run("SET", "small", "s".repeat(LIMIT_BYTES / 8));
  for (let i = 0; i < 20 && !spiller.writing; i++) spiller.run();
  await spiller.hold();
  spiller.resume();
  expect([database.coldSize, spiller.stuck]).toEqual([1, false]);
  logBytes = 0;
  spiller.run();
  await spiller.hold();
  expect([database.coldSize, spiller.stuck]).toEqual([2, false]);
  await tier.close();
});
