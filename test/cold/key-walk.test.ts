/**
 * Walks over keys alone: that they are exact without reading values, and read no more of them than they must.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { StorageError } from "../../src/base/storage-error.ts";
import { expiryKey, HASH_SPACE, recordKey } from "../../src/cold/keys.ts";
import { DUE_ENTRIES_MINIMUM } from "../../src/cold/limits.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { MemoryStore } from "./memory-store.ts";
import { put, refTo, remove, SEED, walkedKeys, walkOf } from "./tier-fixture.ts";

const LONG = "l".repeat(3000);
/** More keys than entries of the expiry index may be looked at for fewer. */
const MANY = 3 * DUE_ENTRIES_MINIMUM;

/** Notes what is read from snapshots. */
class WatchedStore extends MemoryStore {
  readonly reads: string[] = [];
  /** What reading keys waits for. */
  gate: Promise<void> = Promise.resolve();

  override snapshot(): ReturnType<MemoryStore["snapshot"]> {
    const snapshot = super.snapshot();
    return {
      ...snapshot,
      getMany: (keys) => {
        this.reads.push(`${keys.length} values`);
        return snapshot.getMany(keys);
      },
      cursor: (range) => {
        this.reads.push("entries");
        return snapshot.cursor(range);
      },
      keyCursor: (range) => {
        this.reads.push(range.from[0] === "x".charCodeAt(0) ? "index" : "keys");
        const cursor = snapshot.keyCursor(range);
        return { ...cursor, next: (limit) => this.gate.then(() => cursor.next(limit)) };
      },
    };
  }

  /** What was read since the last call. */
  taken(): string[] {
    return this.reads.splice(0);
  }
}

let store: WatchedStore;
let tier: ColdTier;
let space: number;

beforeEach(async () => {
  store = new WatchedStore();
  tier = await ColdTier.create(store, { seed: SEED });
  space = tier.allocateNamespace();
});

/** The keys of a whole walk, sorted. */
async function keysAt(nowMs: number): Promise<string[]> {
  return (await walkedKeys(walkOf(tier, space, nowMs))).sort();
}

/** The first live key at or after a hash, if one is found. */
async function keyFrom(hash: number, nowMs: number): Promise<Buffer | undefined> {
  return (await tier.keysFrom(space, hash, nowMs, 1)).at(0);
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index}`);
}

/** Spoils a record's checksum. */
function spoil(name: string): void {
  const [, value] = store.image.get(recordKey(refTo(space, name)).toString("latin1"))!;
  value[value.length - 1] ^= 1;
}

test("it finds the keys of its interval of its namespace, in the order of their hashes", async () => {
  const other = tier.allocateNamespace();
  await tier.write([...names(40).map((name) => put(space, name, "v")), put(other, "other", "v")]);
  const byHash = names(40).sort((a, b) => refTo(space, a).hash - refTo(space, b).hash);
  expect(await walkedKeys(walkOf(tier, space))).toEqual(byHash);
  const [from, to] = [byHash[10], byHash[30]].map((name) => refTo(space, name).hash);
  const part = tier.keys({ namespace: space, fromHash: from, toHash: to, nowMs: 0 });
  expect(await walkedKeys(part, 7)).toEqual(byHash.slice(10, 30));
  expect(await walkedKeys(walkOf(tier, other))).toEqual(["other"]);
  expect(await walkedKeys(walkOf(tier, other + 1))).toEqual([]);
  expect(store.openSnapshots).toBe(0);
});

test("it reads no values but those of long keys", async () => {
  await tier.write(names(20).map((name) => put(space, name, "v", false, 1000)));
  expect(await keysAt(999)).toHaveLength(20);
  // The first walk has looked when the first key will expire.
  expect(store.taken()).toEqual(["index", "index", "keys"]);
  expect(await keysAt(999)).toHaveLength(20);
  expect(store.taken()).toEqual(["keys"]);
  await tier.write([put(space, LONG, "v"), put(space, "", "v")]);
  expect(await keysAt(999)).toEqual(["", ...names(20), LONG].sort());
  expect(store.taken()).toEqual(["keys", "1 values"]);
});

describe("keys past their expiry", () => {
  test("are left out, long ones too, from the very millisecond on", async () => {
    await tier.write([
      put(space, "a", "v", false, 30),
      put(space, "b", "v", false, 20),
      put(space, "c", "v"),
      put(space, LONG, "v", false, 25),
    ]);
    expect(await keysAt(19)).toEqual(["a", "b", "c", LONG]);
    expect(await keysAt(20)).toEqual(["a", "c", LONG]);
    expect(await keysAt(29)).toEqual(["a", "c"]);
    expect(await keysAt(30)).toEqual(["c"]);
    // And earlier, for a clock may be set back.
    expect(await keysAt(24)).toEqual(["a", "c", LONG]);
    expect(store.taken()).not.toContain("entries");
  });

  test("are known by their values where the index tells of too many", async () => {
    await tier.write(names(MANY).map((name, index) => put(space, name, "v", false, 1 + index)));
    await tier.write([put(space, LONG, "v", false, 10), put(space, "stays", "v")]);
    const live = names(MANY).slice(DUE_ENTRIES_MINIMUM + 1);
    expect(await keysAt(DUE_ENTRIES_MINIMUM + 1)).toEqual([...live, "stays"].sort());
    expect(store.taken()).not.toContain("entries");
    // To look at as many of them for a quarter of the keys would be no gain.
    const [fromHash, toHash] = [HASH_SPACE / 2, HASH_SPACE * 0.75];
    const expected = [...live, "stays"].filter((name) => {
      const { hash } = refTo(space, name);
      return hash >= fromHash && hash < toHash;
    });
    const walk = tier.keys({ namespace: space, fromHash, toHash, nowMs: DUE_ENTRIES_MINIMUM + 1 });
    expect((await walkedKeys(walk)).sort()).toEqual(expected.sort());
    expect(store.taken()).toEqual(["index", "entries"]);
    expect(expected.length).toBeGreaterThan(0);
  });

  test("are found when their expiry was written after the index was looked at", async () => {
    await tier.write([put(space, "a", "v", false, 1000), put(space, "b", "v")]);
    expect(await keysAt(500)).toEqual(["a", "b"]);
    await tier.write([put(space, "b", "v", true, 400), put(space, "c", "v", false, 450)]);
    expect(await keysAt(500)).toEqual(["a"]);
  });

  test("are found when their expiry was written while the index was looked at", async () => {
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = walkOf(tier, space, 50);
    await tier.write([put(space, "a", "v", false, 100), put(space, "b", "v")]);
    const late = walkOf(tier, space, 150);
    open();
    expect(await Promise.all([walkedKeys(early), walkedKeys(late)])).toEqual([[], ["b"]]);
    expect(await keysAt(99)).toEqual(["a", "b"]);
    expect(await keysAt(100)).toEqual(["b"]);
  });

  test("are not those of which only a stale index entry says so", async () => {
    await tier.write([put(space, "later", "v", false, 900), put(space, "never", "v"), put(space, LONG, "v")]);
    for (const name of ["later", "never", LONG, "gone"]) {
      const entry = expiryKey(50, recordKey(refTo(space, name)));
      store.image.set(entry.toString("latin1"), [entry, Buffer.alloc(0)]);
    }
    expect(await keysAt(100)).toEqual([LONG, "later", "never"].sort());
    expect(store.taken()).toEqual(["index", "4 values", "keys", "1 values"]);
  });
});

describe("the walk is of one moment", () => {
  test("whatever is written afterwards", async () => {
    await tier.write([
      put(space, "a", "v"),
      put(space, "b", "v", false, 50),
      put(space, "c", "v", false, 500),
      put(space, LONG, "v"),
    ]);
    const walk = walkOf(tier, space, 100);
    await tier.write([
      remove(space, "a"),
      put(space, "b", "v", true),
      put(space, "c", "v", true, 60),
      remove(space, LONG),
      put(space, "d", "v"),
    ]);
    expect((await walkedKeys(walk)).sort()).toEqual(["a", "c", LONG]);
    expect(await keysAt(100)).toEqual(["b", "d"]);
  });

  test.each([true, false])("and shows nothing of a write that failed (applied: %s)", async (isApplied) => {
    await tier.write([
      put(space, "a", "v"),
      put(space, "b", "v", false, 50),
      put(space, "c", "v", false, 70),
      put(space, LONG, "v"),
    ]);
    const { image } = store;
    let during: Promise<string[]> | undefined;
    store.onBatch = (changes) => {
      store.onBatch = () => {};
      const copy = new MemoryStore(image);
      if (isApplied) void copy.batch(changes, true);
      store.image = copy.image;
      // It finds the expiry that is about to come back gone, and must not remember that.
      during = walkedKeys(walkOf(tier, space, 0));
      throw new StorageError("no-space", "the disk is full");
    };
    const changes = [
      remove(space, "a"),
      put(space, "b", "v", true),
      put(space, "c", "v", true, 90),
      remove(space, LONG),
      put(space, `${LONG}new`, "v"),
    ];
    await expect(tier.write(changes)).rejects.toThrow("the disk is full");
    await during;
    expect(await keysAt(45)).toEqual(["a", "b", "c", LONG]);
    expect(await keysAt(60)).toEqual(["a", "c", LONG]);
    expect(String(await keyFrom(refTo(space, LONG).hash, 0))).toBe(LONG);
    // The next write takes it back.
    await tier.write([put(space, "d", "v")]);
    expect(await keysAt(60)).toEqual(["a", "c", "d", LONG]);
  });
});

describe("damage", () => {
  test("of a value goes unnoticed, but where it holds the key", async () => {
    await tier.write([put(space, "a", "v"), put(space, "b", "v", false, 50), put(space, LONG, "v")]);
    for (const name of ["a", "b"]) spoil(name);
    expect(await keysAt(60)).toEqual(["a", "b", LONG]);
    spoil(LONG);
    await expect(keysAt(60)).rejects.toThrow(/a long key with SHA-256 \w+ in namespace \d+ is damaged/);
    expect(store.openSnapshots).toBe(0);
  });

  test("does not keep a random key from being found", async () => {
    await tier.write([put(space, LONG, "v"), put(space, "a", "v")]);
    spoil(LONG);
    for (const name of [LONG, "a"]) expect(String(await keyFrom(refTo(space, name).hash, 0))).toBe("a");
    await tier.write([remove(space, "a")]);
    await expect(keyFrom(0, 0)).rejects.toThrow(/is damaged/);
    expect(store.openSnapshots).toBe(0);
  });

  test("of a block of the store fails the walk only if a long key's record lies in it", async () => {
    await tier.write([put(space, "a", "v", false, 50), put(space, LONG, "v"), put(space, `${LONG}2`, "v")]);
    const damage = new StorageError("corrupt", "block checksum mismatch");
    store.unreadable.set(recordKey(refTo(space, "a")).toString("latin1"), damage);
    expect(await keysAt(60)).toEqual(["a", LONG, `${LONG}2`]);
    store.unreadable.set(recordKey(refTo(space, LONG)).toString("latin1"), damage);
    await expect(keysAt(60)).rejects.toThrow("block checksum mismatch");
  });

  test("of another kind fails the walk", async () => {
    await tier.write([put(space, "a", "v", false, 50)]);
    const failure = new StorageError("io", "no such disk");
    store.unreadable.set(recordKey(refTo(space, "a")).toString("latin1"), failure);
    await expect(keysAt(60)).rejects.toThrow("no such disk");
    await expect(keyFrom(0, 60)).rejects.toThrow("no such disk");
  });
});

test("a random key is not past its expiry, though its neighbours may be", async () => {
  await tier.write(names(5).map((name) => put(space, name, "v", false, 10)));
  await tier.write([put(space, "live", "v"), put(space, LONG, "v", false, 10)]);
  for (const name of [...names(5), "live", LONG])
    expect(String(await keyFrom(refTo(space, name).hash, 10))).toBe("live");
  await tier.write(names(100).map((name) => put(space, `x${name}`, "v", false, 10)));
  const found = new Set<string>();
  for (const name of names(100)) found.add(String(await keyFrom(refTo(space, `x${name}`).hash, 10)));
  // It looks at a few only, and then says that it knows of none.
  expect([...found].sort()).toEqual(["live", "undefined"]);
  expect(store.openSnapshots).toBe(0);
});
