/**
 * Recovery: what it brings back, that it can be interrupted anywhere, and what it refuses, with the reason.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { StorageError } from "../../src/base/storage-error.ts";
import {
  CHECKPOINT_KEY,
  HASH_SPACE,
  hashRange,
  markerKey,
  recordKey,
  SEED_KEY,
  STAMP_KEY,
  undoFrom,
  undoKey,
} from "../../src/cold/keys.ts";
import { ROLLBACK_BATCH_CHANGES } from "../../src/cold/limits.ts";
import { checkpointChange, readSeed, type TierCheckpoint } from "../../src/cold/stamp.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { SimulatedStoreDisk } from "../support/simulated-store.ts";
import { type MemoryImage, MemoryStore } from "./memory-store.ts";
import { keysIn, put, recordOf, refTo, remove, SEED, texts } from "./tier-fixture.ts";

const OTHER_SEED = Buffer.from("fedcba9876543210");

let store: MemoryStore;
let tier: ColdTier;
let space: number;
let named: TierCheckpoint;

beforeEach(async () => {
  store = new MemoryStore();
  tier = await ColdTier.create(store, { seed: SEED });
  space = tier.allocateNamespace();
  await tier.write([put(space, "a", "1"), put(space, "b", "2", false, 70)]);
  named = await checkpoint(tier);
});

async function checkpoint(of: ColdTier): Promise<TierCheckpoint> {
  const cut = of.cut();
  await of.barrier();
  await of.release(cut.generation);
  return cut;
}

/** Changes after the checkpoint: several batches with undo blocks. */
async function change(): Promise<void> {
  await tier.write([put(space, "a", "changed", true), put(space, "c", "new")]);
  await tier.write([remove(space, "b"), put(space, "a", "again", true)]);
  await tier.write([put(space, "b", "back", false), remove(space, "c")]);
}

async function recovered(of = named): Promise<(string | undefined)[]> {
  tier = await ColdTier.recover(store, of, { seed: OTHER_SEED });
  return texts(tier, space, ["a", "b", "c"]);
}

function forget(key: Buffer): void {
  expect(store.image.delete(key.toString("latin1"))).toBe(true);
}

function flip(key: Buffer): void {
  store.image.get(key.toString("latin1"))![1][3] ^= 1;
}

/** A copy that shares no values: `flip` changes them in place. */
function copyOf(image: MemoryImage): MemoryImage {
  return new Map([...image].map(([name, [key, value]]) => [name, [key, Buffer.from(value)]]));
}

/** Recovery refuses, says why, and leaves everything as it was. */
async function refuses(reason: RegExp, of = named): Promise<void> {
  const before = JSON.stringify([...store.image.keys()]);
  const failure: unknown = await ColdTier.recover(store, of, { seed: SEED }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StorageError);
  expect((failure as StorageError).code).toBe("corrupt");
  expect((failure as StorageError).message).toMatch(reason);
  expect(JSON.stringify([...store.image.keys()])).toBe(before);
}

describe("recovery brings back", () => {
  test("the state of the cut, its counts, its seed and its generation, again and again", async () => {
    for (let round = 0; round < 3; round += 1) {
      await change();
      expect(await recovered()).toEqual(["1", "2", undefined]);
      expect(tier.recordCount(space)).toBe(2);
      expect(tier.generation).toBe(named.generation);
      expect(tier.hashSeed).toEqual(SEED);
      expect((await tier.expired(100, 10)).map(({ key }) => key.toString())).toEqual(["b"]);
      expect(await keysIn(store, undoFrom(0))).toEqual([]);
    }
  });

  test("the named cut across later cuts whose base file was never finished", async () => {
    await change();
    tier.cut();
    await tier.barrier();
    await tier.write([put(space, "a", "later", true), put(space, "d", "later")]);
    tier.cut();
    await tier.write([put(space, "a", "latest", true), remove(space, "b")]);
    expect(await recovered()).toEqual(["1", "2", undefined]);
    expect(tier.recordCount(space)).toBe(2);
  });

  test("a later cut, although what leads back to an earlier one is still there", async () => {
    await change();
    const second = tier.cut();
    await tier.barrier();
    await tier.write([put(space, "a", "later", true)]);
    expect(await recovered(second)).toEqual(["again", "back", undefined]);
    await refuses(/gave up|given up/, named);
  });

  test("dropped namespaces that the checkpoint names, and no younger ones", async () => {
    const young = tier.allocateNamespace();
    await tier.write([put(young, "x", "young")]);
    tier.dropNamespace(space);
    await tier.sweep(100);
    expect(await recovered()).toEqual(["1", "2", undefined]);
    expect(tier.recordCount(young)).toBe(0);
    const next = tier.allocateNamespace();
    expect(next).toBeGreaterThan(young);
    for (let more = true; more; ) more = await tier.sweep(10);
    expect(await keysIn(store, hashRange(young, 0, HASH_SPACE))).toEqual([]);
  });

  test("a damaged record as the damaged record it was", async () => {
    flip(recordKey(refTo(space, "a")));
    await tier.write([put(space, "a", "new", true)]);
    expect(await recovered()).toEqual(["damaged", "2", undefined]);
  });

  test("a damaged seed as well, which the checkpoint has a copy of, unless that is another's", async () => {
    await change();
    flip(SEED_KEY);
    await refuses(/hash seed is damaged/, { ...named, seed: OTHER_SEED.toString("hex") });
    expect(await recovered()).toEqual(["1", "2", undefined]);
    expect(tier.hashSeed).toEqual(SEED);
    expect(readSeed(store)).toEqual({ seed: SEED, isIntact: true });
  });

  test("nothing without a checkpoint: a new tier with a new seed", async () => {
    await change();
    tier = await ColdTier.recover(store, undefined, { seed: OTHER_SEED });
    expect(tier.hashSeed).toEqual(OTHER_SEED);
    expect(tier.generation).toBe(0);
    expect(await keysIn(store)).toHaveLength(3);
  });
});

test("after a barrier nothing depends on LevelDB's logs", async () => {
  const disk = new SimulatedStoreDisk({ seed: 1 });
  tier = await ColdTier.create(await disk.open("tier"), { seed: SEED });
  space = tier.allocateNamespace();
  await tier.write([put(space, "a", "1")]);
  tier.cut();
  expect(disk.loggedBatches("tier").length).toBeGreaterThan(0);
  await tier.barrier();
  expect(disk.loggedBatches("tier")).toEqual([]);
});

describe("recovery interrupted", () => {
  test("at every batch of a long rollback goes on where it was", { timeout: 60_000 }, async () => {
    const count = ROLLBACK_BATCH_CHANGES * 4;
    const names = Array.from({ length: count }, (_, index) => `key:${index}`);
    await tier.write(names.map((name) => put(space, name, "before")));
    const cut = await checkpoint(tier);
    for (let at = 0; at < count; at += 2000) {
      const part = names.slice(at, at + 2000);
      await tier.write(
        part.map((name, index) => (index % 3 === 0 ? remove(space, name) : put(space, name, "x", true))),
      );
    }
    let interruptions = 0;
    for (;;) {
      let batches = 0;
      store.onBatch = () => {
        if (batches === 1) throw new StorageError("io", "the power failed");
        batches += 1;
      };
      try {
        tier = await ColdTier.recover(store, cut, { seed: SEED });
        break;
      } catch (error) {
        expect((error as StorageError).code).toBe("io");
        interruptions += 1;
      }
    }
    store.onBatch = () => {};
    expect(interruptions).toBeGreaterThan(2);
    const found = await tier.fetch(names.map((name) => refTo(space, name)));
    const expected = recordOf("before").payload;
    expect(
      found.every((record) => !(record instanceof StorageError) && record?.payload.equals(expected)),
    ).toBe(true);
    expect(tier.recordCount(space)).toBe(count + 2);
  });

  test("a half-wiped tier is never taken for a whole one", async () => {
    await change();
    let batches = 0;
    store.onBatch = () => {
      if (batches === 1) throw new StorageError("io", "the power failed");
      batches += 1;
    };
    await expect(ColdTier.recover(store, undefined, { seed: SEED })).rejects.toThrow("the power failed");
    store.onBatch = () => {};
    await refuses(/there is none \(or its stamp is lost\)/);
  });
});

describe("recovery refuses", () => {
  test("a tier that is not there", async () => {
    store = new MemoryStore();
    await refuses(/needs a cold tier, and there is none/);
  });

  test("a tier that belongs to another directory", async () => {
    const other = new MemoryStore();
    const foreign = await ColdTier.create(other, { seed: OTHER_SEED });
    foreign.allocateNamespace();
    await refuses(/belongs to another data directory/, await checkpoint(foreign));
  });

  test("a tier older than the base file", async () => {
    const copy = new MemoryStore(store.image);
    await change();
    const later = await checkpoint(tier);
    store = copy;
    await refuses(/older than the base file: it ends in generation 1 .* generation 2/, later);
    expect(await recovered()).toEqual(["1", "2", undefined]);
  });

  test("a base file older than the tier", async () => {
    await change();
    await checkpoint(tier);
    await refuses(/base file is older than the cold tier: it needs generation 1/);
  });

  test("a cut that is not the one that was released", async () => {
    await refuses(/is not the one the base file describes/, { ...named, batch: named.batch - 1 });
  });

  test("a hole in the batch markers, wherever it is", async () => {
    await change();
    const image = store.image;
    for (const batch of [named.batch + 1, named.batch + 2, named.batch + 3, named.batch + 5]) {
      store = new MemoryStore(image);
      if (batch <= named.batch + 3) forget(markerKey(batch));
      else await store.batch([{ key: markerKey(batch + 5), value: Buffer.alloc(0) }], true);
      await refuses(/batch \d+ of \d+ is missing or out of order/);
    }
  });

  test("a tier from whose log LevelDB dropped a batch, unless it was the last one", async () => {
    for (let dropped = 0, logged = 1; dropped < logged; dropped += 1) {
      const disk = new SimulatedStoreDisk({ seed: dropped, memtableBytes: 200 });
      tier = await ColdTier.create(await disk.open("tier"), { seed: SEED });
      space = tier.allocateNamespace();
      await tier.write([put(space, "a", "1"), put(space, "b", "2", false, 70)]);
      const cut = await checkpoint(tier);
      await change();
      disk.kill();
      const batches = disk.loggedBatches("tier");
      logged = batches.length;
      disk.dropBatch("tier", batches[dropped]);
      disk.restart();
      const recovery = ColdTier.recover(await disk.open("tier"), cut, { seed: SEED });
      if (dropped < logged - 1) {
        await expect(recovery).rejects.toThrow(/batch \d+ of \d+ is missing/);
      } else {
        expect(await texts(await recovery, space, ["a", "b", "c"])).toEqual(["1", "2", undefined]);
      }
      expect(logged).toBeGreaterThan(1);
    }
  });

  test("a missing or damaged undo block", async () => {
    await change();
    const image = store.image;
    const count = (await keysIn(store, undoFrom(0))).length;
    expect(count).toBeGreaterThan(1);
    for (let sequence = named.undo; sequence < named.undo + count; sequence += 1) {
      store = new MemoryStore(image);
      forget(undoKey(sequence));
      await refuses(new RegExp(`undo block ${sequence} is missing`));
      store = new MemoryStore(copyOf(image));
      flip(undoKey(sequence));
      await refuses(new RegExp(`undo block ${sequence} of the cold tier is damaged`));
    }
  });

  test("damaged or lost meta records", async () => {
    const { seed: _, ...withoutCopy } = named;
    for (const [key, lost] of [
      [STAMP_KEY, /stamp is lost/],
      [CHECKPOINT_KEY, /no checkpoint record/],
      [SEED_KEY, /lost its hash seed/],
    ] as const) {
      const image = copyOf(store.image);
      flip(key);
      await refuses(/its checksum does not match/, withoutCopy);
      forget(key);
      await refuses(lost);
      store = new MemoryStore(image);
    }
    const newer = checkpointChange(named);
    newer.value![0] = 9;
    await store.batch([{ key: STAMP_KEY, value: newer.value }], true);
    await refuses(/format version 9/);
  });

  test("counts that the records contradict", async () => {
    await refuses(/has 0 cold records; the tier has some/, { ...named, counts: [[space, 0]] });
    tier.allocateNamespace();
    const second = await checkpoint(tier);
    await refuses(/has 5 cold records; the tier has none/, {
      ...second,
      counts: [
        [space, 2],
        [space + 1, 5],
      ],
    });
  });

  test("a checkpoint that cannot be one", async () => {
    await refuses(/makes no sense/, { ...named, batch: -1 });
    await refuses(/makes no sense/, { ...named, generation: Number.NaN });
    await refuses(/makes no sense/, { ...named, nextNamespace: 2 ** 33 });
    await refuses(/record count of namespace 7 makes no sense/, { ...named, counts: [[7, 1]] });
    await refuses(/makes no sense/, {
      ...named,
      counts: [
        [space, 1],
        [space, 1],
      ],
    });
  });

  test("to make a tier where there is one", async () => {
    await expect(ColdTier.create(store, { seed: SEED })).rejects.toThrow(/there is a cold tier already/);
    await expect(ColdTier.create(new MemoryStore(), { seed: Buffer.alloc(3) })).rejects.toThrow(RangeError);
  });
});
