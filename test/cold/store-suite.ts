/**
 * What every `KeyValueStore` must do, LevelDB and the simulated one: the same calls, the same results. What
 * survives a power cut is not here.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type {
  KeyValueStore,
  OpenStore,
  StoreChange,
  StoreCursor,
  StoreRange,
  StoreReads,
} from "../../src/cold/key-value-store.ts";

export interface StoreUnderTest {
  readonly open: OpenStore;
  readonly folder: string;
  cleanUp(): Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const put = (key: string, value: string): StoreChange => ({ key: bytes(key), value: bytes(value) });
const del = (key: string): StoreChange => ({ key: bytes(key), value: undefined });
const ALL: StoreRange = { from: Buffer.alloc(0), to: Buffer.from([0xff]) };

const asText = ([key, value]: [Buffer, Buffer]): string =>
  `${key.toString("latin1")}=${value.toString("latin1")}`;

/** All that a cursor finds, fetched `limit` at a time. */
async function allOf<Found>(cursor: StoreCursor<Found>, limit: number): Promise<Found[]> {
  const result: Found[] = [];
  for (let part = await cursor.next(limit); part.length > 0; part = await cursor.next(limit)) {
    expect(part.length).toBeLessThanOrEqual(limit);
    result.push(...part);
  }
  await cursor.close();
  return result;
}

/** All entries of a range, as text, fetched `limit` at a time. A cursor over keys must find the same. */
export async function entriesOf(store: StoreReads, range: StoreRange = ALL, limit = 7): Promise<string[]> {
  const entries = await allOf(store.cursor(range), limit);
  const keys = await allOf(store.keyCursor(range), limit);
  expect([...entries.flat(), ...keys].every((part) => Buffer.isBuffer(part))).toBe(true);
  expect(keys).toEqual(entries.map(([key]) => key));
  return entries.map(asText);
}

export function storeSuite(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as KeyValueStore`, () => {
    let subject: StoreUnderTest;
    let store: KeyValueStore;

    beforeEach(async () => {
      subject = await make();
      store = await subject.open(subject.folder);
    });

    afterEach(async () => {
      await store.close();
      await subject.cleanUp();
    });

    it("reads what a batch wrote, in the order asked for", async () => {
      await store.batch([put("b", "2"), put("a", "1"), put("empty", ""), put("gone", "x")], false);
      await store.batch([del("gone"), del("never there")], false);
      const keys = ["a", "gone", "b", "none", "a", "empty"].map(bytes);
      expect(await store.getMany(keys)).toEqual([
        bytes("1"),
        undefined,
        bytes("2"),
        undefined,
        bytes("1"),
        bytes(""),
      ]);
      expect(keys.map((key) => store.getSync(key)?.toString())).toEqual([
        "1",
        undefined,
        "2",
        undefined,
        "1",
        "",
      ]);
      expect(await store.getMany([])).toEqual([]);
      expect(Buffer.isBuffer(store.getSync(bytes("a")))).toBe(true);
      expect((await store.getMany([bytes("a")])).every((value) => Buffer.isBuffer(value))).toBe(true);
    });

    it("takes any bytes as key and value", async () => {
      const key = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      const value = new SeededRandom(1).bytes(200_000);
      await store.batch([{ key, value }], true);
      expect(store.getSync(key)?.equals(value)).toBe(true);
      expect((await store.getMany([key]))[0]?.equals(value)).toBe(true);
    });

    it("lets the last change of a key in a batch win", async () => {
      await store.batch(
        [put("a", "1"), put("a", "2"), del("b"), put("b", "3"), put("c", "4"), del("c")],
        false,
      );
      expect(await entriesOf(store)).toEqual(["a=2", "b=3"]);
    });

    it("applies batches in the order of the calls", async () => {
      for (let round = 0; round < 200; round++) {
        const writes = Array.from({ length: 6 }, (_, index) =>
          store.batch([put("last", `${round} ${index}`), put(`n${index}`, "x".repeat(1000))], false),
        );
        await Promise.all(writes);
        expect(store.getSync(bytes("last"))?.toString()).toBe(`${round} 5`);
      }
    });

    it("accepts batches without changes", async () => {
      await store.batch([], false);
      await store.batch([], true);
      expect(await entriesOf(store)).toEqual([]);
    });

    it("walks a range in byte order, both ways, ends first in and last out", async () => {
      const keys = ["a", "a\0", "b", "b\x7f", "b\x80", "b\xff", "c"];
      await store.batch(
        [...keys].reverse().map((key) => put(key, "")),
        false,
      );
      const found = (range: StoreRange) => entriesOf(store, range, 2);
      const expected = keys.map((key) => `${key}=`);
      expect(await found(ALL)).toEqual(expected);
      expect(await found({ ...ALL, reverse: true })).toEqual([...expected].reverse());
      expect(await found({ from: bytes("b"), to: bytes("c") })).toEqual(expected.slice(2, 6));
      expect(await found({ from: bytes("b"), to: bytes("c"), reverse: true })).toEqual(
        expected.slice(2, 6).reverse(),
      );
      expect(await found({ from: bytes("x"), to: bytes("z") })).toEqual([]);
      expect(await found({ from: bytes("b"), to: bytes("b") })).toEqual([]);
      expect(await found({ from: bytes("c"), to: bytes("a") })).toEqual([]);
    });

    it("shows a cursor the state of the moment it was made", async () => {
      await store.batch([put("a", "1"), put("b", "1"), put("c", "1")], false);
      const cursor = store.cursor(ALL);
      const writing = store.batch([put("a", "2"), del("b"), put("d", "2")], false);
      const first = await cursor.next(1);
      await writing;
      await store.flush();
      const rest = await cursor.next(10);
      expect([...first, ...rest].map(asText)).toEqual(["a=1", "b=1", "c=1"]);
      expect(await cursor.next(10)).toEqual([]);
      expect(await cursor.next(10)).toEqual([]);
      await cursor.close();
      expect(await entriesOf(store)).toEqual(["a=2", "c=1", "d=2"]);
    });

    it("shows a cursor over keys the state of the moment it was made", async () => {
      await store.batch([put("a", "1"), put("b", "1"), put("c", "1")], false);
      const cursor = store.keyCursor({ ...ALL, reverse: true });
      const writing = store.batch([del("b"), put("d", "2")], false);
      const first = await cursor.next(1);
      await writing;
      await store.flush();
      const rest = await allOf(cursor, 10);
      expect([...first, ...rest].map(String)).toEqual(["c", "b", "a"]);
      expect((await allOf(store.keyCursor(ALL), 10)).map(String)).toEqual(["a", "c", "d"]);
    });

    it("shows a snapshot one moment in all its reads, until it is closed", async () => {
      await store.batch([put("a", "1"), put("b", "1"), put("c", "1")], false);
      const snapshot = store.snapshot();
      const writing = store.batch([put("a", "2"), del("b"), put("d", "2")], true);
      const early = snapshot.cursor(ALL);
      expect((await early.next(1)).map(asText)).toEqual(["a=1"]);
      await writing;
      const before = ["a=1", "b=1", "c=1"];
      expect(await entriesOf(snapshot)).toEqual(before);
      await store.flush();
      expect(await entriesOf(snapshot, { ...ALL, reverse: true }, 2)).toEqual([...before].reverse());
      expect(await entriesOf(snapshot, { from: bytes("b"), to: bytes("c") })).toEqual(["b=1"]);
      const values = await snapshot.getMany(["d", "b", "a"].map(bytes));
      expect(values.map((value) => value?.toString())).toEqual([undefined, "1", "1"]);
      expect((await early.next(1)).map(asText)).toEqual(["b=1"]);
      expect(await entriesOf(store)).toEqual(["a=2", "c=1", "d=2"]);
      await early.close();
      await snapshot.close();
      await expect(snapshot.getMany([bytes("a")])).rejects.toMatchObject({ name: "StorageError" });
    });

    it("answers like a sorted map, through flushes and reopenings", async () => {
      const random = new SeededRandom(7);
      const model = new Map<string, string>();
      for (let step = 0; step < 300; step++) {
        const changes: StoreChange[] = [];
        for (let count = random.below(20); count >= 0; count--) {
          const key = `key ${random.below(200)}`;
          const value =
            random.below(3) === 0 ? undefined : random.bytes(random.below(100)).toString("latin1");
          if (value === undefined) model.delete(key);
          else model.set(key, value);
          changes.push(value === undefined ? del(key) : put(key, value));
        }
        await store.batch(changes, random.below(10) === 0);
        if (random.below(30) === 0) await store.flush();
        if (random.below(60) === 0) {
          await store.close();
          store = await subject.open(subject.folder);
        }
      }
      const expected = [...model.keys()].sort().map((key) => `${key}=${model.get(key)}`);
      expect(await entriesOf(store)).toEqual(expected);
      const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
      expect((await store.getMany(keys.map(bytes))).map((value) => value?.toString("latin1"))).toEqual(
        keys.map((key) => model.get(key)),
      );
    });

    it("knows figures by name, and says nothing for unknown names", () => {
      expect(store.property("leveldb.num-files-at-level0")).toMatch(/^\d+$/);
      expect(store.property("leveldb.stats").length).toBeGreaterThan(0);
      expect(store.property("no such thing")).toBe("");
    });

    it("waits for calls under way when it is closed, and refuses those after", async () => {
      await store.batch([put("a", "1")], false);
      const cursor = store.cursor(ALL);
      const snapshot = store.snapshot();
      const read = store.getMany([bytes("a")]);
      const write = store.batch([put("b", "2")], false);
      const flush = store.flush();
      const closed = store.close();
      await expect(store.getMany([bytes("a")])).rejects.toMatchObject({ code: "closed" });
      expect((await read)[0]?.toString()).toBe("1");
      await write;
      await flush;
      await closed;
      await store.close();
      await expect(store.batch([put("c", "3")], true)).rejects.toMatchObject({
        name: "StorageError",
        code: "closed",
      });
      await expect(store.flush()).rejects.toMatchObject({ code: "closed" });
      await expect(cursor.next(1)).rejects.toMatchObject({ code: "closed" });
      expect(() => store.getSync(bytes("a"))).toThrow(expect.objectContaining({ code: "closed" }));
      for (const begin of [() => store.cursor(ALL), () => store.keyCursor(ALL), () => store.snapshot()])
        expect(begin).toThrow(expect.objectContaining({ code: "closed" }));
      await expect(snapshot.getMany([bytes("a")])).rejects.toMatchObject({ code: "closed" });
      expect(store.property("leveldb.stats")).toBe("");
      await cursor.close();
      await snapshot.close();
      store = await subject.open(subject.folder);
      expect(await entriesOf(store)).toEqual(["a=1", "b=2"]);
    });

    it("is locked while it is open", async () => {
      await expect(subject.open(subject.folder)).rejects.toMatchObject({
        name: "StorageError",
        code: "locked",
      });
    });
  });
}
