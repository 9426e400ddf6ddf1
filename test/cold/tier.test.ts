/**
 * The cold tier's promises one by one, on a store in memory whose contents the tests can see and spoil.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { StorageError } from "../../src/base/storage-error.ts";
import { expiryStart, HASH_SPACE, hashRange, recordKey, undoFrom } from "../../src/cold/keys.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { MemoryStore } from "./memory-store.ts";
import { keysIn, put, recordOf, refTo, remove, SEED, sweepAll, texts } from "./tier-fixture.ts";

const EXPIRY_RANGE = { from: expiryStart(0), to: Buffer.from("y") };

let store: MemoryStore;
let tier: ColdTier;
let space: number;

beforeEach(async () => {
  store = new MemoryStore();
  tier = await ColdTier.create(store, { seed: SEED });
  space = tier.allocateNamespace();
});

/** Makes the store refuse the next batch, with or without having applied it. */
function refuseNextBatch(isApplied: boolean): void {
  const { image } = store;
  store.onBatch = (changes) => {
    store.onBatch = () => {};
    const copy = new MemoryStore(image);
    if (isApplied) void copy.batch(changes, true);
    store.image = copy.image;
    throw new StorageError("no-space", "the disk is full");
  };
}

function spoil(name: string): void {
  const [, value] = store.image.get(recordKey(refTo(space, name)).toString("latin1"))!;
  value[value.length - 6] ^= 1;
}

async function checkpoint(): Promise<ReturnType<ColdTier["cut"]>> {
  const cut = tier.cut();
  await tier.barrier();
  await tier.release(cut.generation);
  return cut;
}

describe("reading", () => {
  test("finds short and long keys, and nothing where there is nothing", async () => {
    const long = "l".repeat(5000);
    await tier.write([put(space, "a", "1"), put(space, long, "2"), put(space, "empty", "")]);
    expect(await texts(tier, space, ["a", "b", long, `${long}x`, "empty"])).toEqual([
      "1",
      undefined,
      "2",
      undefined,
      "",
    ]);
    expect(tier.fetchSync(refTo(space, long))).toEqual(recordOf("2"));
    const [found] = await tier.scan(space, 0, HASH_SPACE).next(10);
    expect(found).not.toBeInstanceOf(StorageError);
    expect(await texts(tier, space + 1, ["a"])).toEqual([undefined]);
  });

  test("a damaged record fails alone, and can be overwritten and deleted", async () => {
    await tier.write([put(space, "a", "1"), put(space, "b", "2"), put(space, "c", "3")]);
    spoil("a");
    spoil("b");
    expect(await texts(tier, space, ["a", "b", "c"])).toEqual(["damaged", "damaged", "3"]);
    expect(() => tier.fetchSync(refTo(space, "a"))).toThrow(/key "a" in namespace \d+ is damaged/);
    const scanned = await tier.scan(space, 0, HASH_SPACE).next(10);
    expect(scanned.filter((each) => each instanceof StorageError).length).toBe(2);
    await tier.write([put(space, "a", "new", true), remove(space, "b")]);
    expect(await texts(tier, space, ["a", "b", "c"])).toEqual(["new", undefined, "3"]);
    expect(tier.recordCount(space)).toBe(2);
    expect(tier.statistics().recordsDamaged).toBe(5);
  });

  test("a block that the store cannot read fails only the keys in it", async () => {
    await tier.write([put(space, "a", "1"), put(space, "b", "2")]);
    const damage = new StorageError("corrupt", "block checksum mismatch");
    store.unreadable.set(recordKey(refTo(space, "a")).toString("latin1"), damage);
    expect(await texts(tier, space, ["a", "b"])).toEqual(["damaged", "2"]);
    await tier.write([put(space, "a", "new", true), put(space, "b", "3", true)]);
    store.unreadable.clear();
    expect(await texts(tier, space, ["a", "b"])).toEqual(["new", "3"]);
  });

  test("a store that fails otherwise fails the whole request", async () => {
    await tier.write([put(space, "a", "1")]);
    store.unreadable.set(
      recordKey(refTo(space, "a")).toString("latin1"),
      new StorageError("io", "no such disk"),
    );
    await expect(texts(tier, space, ["a", "b"])).rejects.toThrow("no such disk");
  });

  test("keysFrom gives the next keys in hash order, from the beginning again at the end, each once", async () => {
    const from = async (hash: number, count: number) =>
      (await tier.keysFrom(space, hash, 0, count)).map(String).sort();
    expect(await from(7, 3)).toEqual([]);
    const names = ["a", "b", "l".repeat(2000)].sort((a, b) => refTo(space, a).hash - refTo(space, b).hash);
    await tier.write(names.map((name) => put(space, name, name)));
    const hashes = names.map((name) => refTo(space, name).hash);
    expect(await from(hashes[1], 1)).toEqual([names[1]]);
    expect(await from(hashes[1] + 1, 1)).toEqual([names[2]]);
    expect(await from(hashes[2] + 1, 1)).toEqual([names[0]]);
    expect(await from(hashes[2], 2)).toEqual([names[0], names[2]].sort());
    expect(await from(hashes[1], 15)).toEqual([...names].sort());
  });

  test("a scan sees the state of the moment at which it was begun", async () => {
    await tier.write([put(space, "a", "1"), put(space, "b", "2")]);
    const cursor = tier.scan(space, 0, HASH_SPACE, { withPayloads: true });
    await tier.write([remove(space, "a"), put(space, "b", "changed", true), put(space, "c", "3")]);
    const found = (await cursor.next(10)).map((record) => {
      if (record instanceof StorageError) throw record;
      return `${record.key.toString()}=${record.payload?.toString()}`;
    });
    await cursor.close();
    expect(found.sort()).toEqual(["a=1", "b=2"]);
  });
});

describe("writing", () => {
  test.each([true, false])(
    "a failed write (applied: %s) changes nothing and can be repeated",
    async (applied) => {
      await tier.write([put(space, "a", "old", false, 50), put(space, "gone", "x")]);
      await checkpoint();
      const changes = [put(space, "a", "new", true, 60), put(space, "b", "new"), remove(space, "gone")];
      refuseNextBatch(applied);
      await expect(tier.write(changes)).rejects.toThrow("the disk is full");
      expect(await texts(tier, space, ["a", "b", "gone"])).toEqual(["old", undefined, "x"]);
      expect(tier.fetchSync(refTo(space, "b"))).toBeUndefined();
      const scanned = await tier.scan(space, 0, HASH_SPACE).next(1);
      expect(scanned.length).toBeGreaterThan(0);
      expect((await tier.expired(55, 10)).map(({ key }) => key.toString())).toEqual(["a"]);
      expect(tier.recordCount(space)).toBe(2);
      const flushes = store.flushes;
      await tier.write(changes);
      expect(store.flushes).toBe(flushes + 1);
      expect(await texts(tier, space, ["a", "b", "gone"])).toEqual(["new", "new", undefined]);
      expect(tier.recordCount(space)).toBe(2);
      expect(tier.statistics()).toMatchObject({ batchFailures: 1, recordsMissing: 0, undoBlocks: 1 });
      expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(1);
    },
  );

  test("what a failed write left behind is taken back before the next cut counts", async () => {
    await tier.write([put(space, "a", "old")]);
    refuseNextBatch(true);
    await expect(tier.write([put(space, "a", "new", true), put(space, "b", "new")])).rejects.toThrow();
    const cut = tier.cut();
    await tier.barrier();
    tier = await ColdTier.recover(store, cut, { seed: SEED });
    expect(await texts(tier, space, ["a", "b"])).toEqual(["old", undefined]);
  });

  test("one write at a time, and no cut during one", async () => {
    const writing = tier.write([put(space, "a", "1")]);
    await expect(tier.write([put(space, "b", "1")])).rejects.toThrow(/under way/);
    expect(() => tier.cut()).toThrow(/under way/);
    await writing;
    expect(tier.cut().counts).toEqual([[space, 1]]);
  });

  test("a new record costs no read, and its undo entry shares a block with others", async () => {
    await checkpoint();
    store.getMany = () => Promise.reject(new Error("read"));
    await tier.write(Array.from({ length: 500 }, (_, index) => put(space, `key:${index}`, "v")));
    expect(tier.statistics().undoBlocks).toBe(1);
    await expect(tier.write([put(space, "key:1", "w", true)])).rejects.toThrow("read");
  });

  test("a namespace younger than the last cut needs no undo", async () => {
    await checkpoint();
    const young = tier.allocateNamespace();
    await tier.write([put(young, "a", "1")]);
    expect(tier.statistics().undoBlocks).toBe(0);
    expect(await keysIn(store, undoFrom(0))).toEqual([]);
  });

  test("changes in a namespace dropped meanwhile are left out", async () => {
    tier.dropNamespace(space);
    await tier.write([put(space, "a", "1")]);
    expect(await keysIn(store, hashRange(space, 0, HASH_SPACE))).toEqual([]);
    expect(tier.recordCount(space)).toBe(0);
  });

  test("a record that was said to be there and is not is counted as missing", async () => {
    await tier.write([put(space, "a", "1"), put(space, "b", "1")]);
    store.image.delete(recordKey(refTo(space, "a")).toString("latin1"));
    await tier.write([remove(space, "a")]);
    expect(tier.recordCount(space)).toBe(1);
    expect(tier.statistics().recordsMissing).toBe(1);
  });
});

describe("expiry", () => {
  test("keys are found in the order of their expiry, each once", async () => {
    await tier.write([
      put(space, "a", "1", false, 30),
      put(space, "b", "1", false, 10),
      put(space, "c", "1", false, 20),
      put(space, "d", "1"),
    ]);
    expect((await tier.expired(30, 10)).map(({ key }) => key.toString())).toEqual(["b", "c"]);
    expect(await tier.expired(30, 10)).toEqual([]);
    expect((await tier.expired(31, 10)).map(({ key }) => key.toString())).toEqual(["a"]);
  });

  test("an expiry written before the position reached is found", async () => {
    await tier.write([put(space, "a", "1", false, 30)]);
    expect((await tier.expired(100, 10)).length).toBe(1);
    await tier.write([put(space, "b", "1", false, 20)]);
    expect((await tier.expired(100, 10)).map(({ key }) => key.toString())).toContain("b");
  });

  test("a stale entry is deleted with a later write, unless it became true meanwhile", async () => {
    await tier.write([put(space, "a", "1", false, 30), put(space, "b", "1", false, 30)]);
    for (const name of ["a", "b"]) store.image.delete(recordKey(refTo(space, name)).toString("latin1"));
    expect(await tier.expired(100, 10)).toEqual([]);
    expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(2);
    await tier.write([put(space, "a", "again", false, 30)]);
    expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(1);
    expect((await tier.expired(100, 10)).map(({ key }) => key.toString())).toEqual(["a"]);
  });

  test("a stale entry outlives a failed write, and is deleted by the next", async () => {
    await tier.write([put(space, "a", "1", false, 30)]);
    store.image.delete(recordKey(refTo(space, "a")).toString("latin1"));
    expect(await tier.expired(100, 10)).toEqual([]);
    refuseNextBatch(false);
    await expect(tier.write([put(space, "b", "1")])).rejects.toThrow("the disk is full");
    expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(1);
    await tier.write([put(space, "b", "1")]);
    expect(await keysIn(store, EXPIRY_RANGE)).toEqual([]);
  });

  test("an entry that became true between being found stale and being deleted stays", async () => {
    await tier.write([put(space, "a", "1", false, 30)]);
    store.image.delete(recordKey(refTo(space, "a")).toString("latin1"));
    const getMany = store.getMany.bind(store);
    let answer: () => void = () => {};
    const looked = new Promise<void>((resolveLooked) => {
      store.getMany = async (keys) => {
        store.getMany = getMany;
        const values = await getMany(keys);
        resolveLooked();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return values;
      };
    });
    const looking = tier.expired(100, 10);
    await looked;
    await tier.write([put(space, "a", "again", false, 30)]);
    answer();
    expect(await looking).toEqual([]);
    await tier.write([put(space, "b", "1")]);
    expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(1);
    expect((await tier.expired(100, 10)).map(({ key }) => key.toString())).toEqual(["a"]);
  });

  test("changing or removing an expiry replaces its entry", async () => {
    await tier.write([put(space, "a", "1", false, 30), put(space, "b", "1", false, 30)]);
    await tier.write([put(space, "a", "1", true, 40), put(space, "b", "1", true)]);
    expect((await keysIn(store, EXPIRY_RANGE)).length).toBe(1);
    expect((await tier.expired(100, 10)).map(({ expireMs }) => expireMs)).toEqual([40]);
  });
});

describe("checkpoints and garbage", () => {
  test("a dropped namespace is deleted once a checkpoint that does not name it was released", async () => {
    await tier.write([put(space, "a", "1", false, 40)]);
    const first = await checkpoint();
    tier.dropNamespace(space);
    await sweepAll(tier);
    expect((await keysIn(store, hashRange(space, 0, HASH_SPACE))).length).toBe(1);
    const second = tier.cut();
    await tier.barrier();
    await sweepAll(tier);
    expect((await keysIn(store, hashRange(space, 0, HASH_SPACE))).length).toBe(1);
    expect([first.counts, second.counts]).toEqual([[[space, 1]], []]);
    await tier.release(second.generation);
    await sweepAll(tier);
    expect(await keysIn(store, hashRange(space, 0, HASH_SPACE))).toEqual([]);
    expect(await keysIn(store, EXPIRY_RANGE)).toEqual([]);
  });

  test("a namespace that no checkpoint names is deleted at once", async () => {
    await checkpoint();
    const young = tier.allocateNamespace();
    await tier.write(Array.from({ length: 25 }, (_, index) => put(young, `key:${index}`, "v")));
    tier.dropNamespace(young);
    await sweepAll(tier, 10);
    expect(await keysIn(store, hashRange(young, 0, HASH_SPACE))).toEqual([]);
  });

  test("releasing gives up undo blocks and markers, and earlier cuts", async () => {
    await tier.write([put(space, "a", "1")]);
    const first = await checkpoint();
    await tier.write([put(space, "a", "2", true)]);
    expect(tier.statistics().undoBlocks).toBe(1);
    const second = await checkpoint();
    await sweepAll(tier, 1);
    expect(await keysIn(store, undoFrom(0))).toEqual([]);
    await tier.release(second.generation);
    await expect(tier.release(first.generation)).rejects.toThrow(/was given up/);
    await expect(tier.release(99)).rejects.toThrow(/never cut/);
  });
});

test("only whoever asks for figures asks LevelDB for its own", async () => {
  let questions = 0;
  const property = store.property.bind(store);
  store.property = (name) => {
    questions += 1;
    return property(name);
  };
  for (let batch = 0; batch < 20; batch += 1) await tier.write([put(space, `key:${batch}`, "v")]);
  expect(questions).toBe(0);
  store.levelZeroFiles = 8;
  expect(tier.statistics().levelZeroFiles).toBe(8);
});
