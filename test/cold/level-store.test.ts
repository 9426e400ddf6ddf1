/** LevelDB behind `KeyValueStore`: the shared suite, and what only real files and full disks can show. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { openLevelStore } from "../../src/cold/level-store.ts";
import { canMountDisk, mountDisk, unmountDisk } from "../support/small-disk.ts";
import { entriesOf, storeSuite } from "./store-suite.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsredis-store-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

storeSuite("LevelStore", async () => ({
  open: openLevelStore({ writeBufferSizeBytes: 64 << 10 }),
  folder: join(folder, "store"),
  cleanUp: async () => undefined,
}));

const key = (index: number): Buffer => Buffer.from(`key ${String(index).padStart(8, "0")}`);

describe("opening", () => {
  it("makes the folder and its parents", async () => {
    const store = await openLevelStore()(join(folder, "a", "b"));
    await store.close();
    expect(await readdir(join(folder, "a", "b"))).toContain("CURRENT");
  });

  it("refuses a path that cannot be a folder", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(openLevelStore()(join(folder, "file"))).rejects.toMatchObject({
      name: "StorageError",
      code: "io",
    });
  });

  it("reports a store with a missing table as corrupt", async () => {
    const store = await openLevelStore()(folder);
    await store.batch([{ key: key(1), value: key(1) }], true);
    await store.flush();
    await store.close();
    const tables = (await readdir(folder)).filter((name) => name.endsWith(".ldb"));
    expect(tables).toHaveLength(1);
    await rm(join(folder, tables[0]));
    await expect(openLevelStore()(folder)).rejects.toMatchObject({ name: "StorageError", code: "corrupt" });
  });

  it("refuses a store without CURRENT, whether it has tables or only a log, and leaves all files there", async () => {
    const store = await openLevelStore()(folder);
    await store.batch([{ key: key(1), value: key(1) }], true);
    const path = join(folder, "CURRENT");
    for (const hasTables of [false, true]) {
      if (hasTables) await store.flush();
      else await store.batch([{ key: key(2), value: key(2) }], true);
      const copy = join(folder, hasTables ? "tables" : "log");
      await mkdir(copy);
      const names = (await readdir(folder)).filter((name) => /^\d+\.|^MANIFEST/.test(name));
      expect(names.some((name) => name.endsWith(".ldb"))).toBe(hasTables);
      for (const name of names) await writeFile(join(copy, name), await readFile(join(folder, name)));
      await expect(openLevelStore()(copy)).rejects.toMatchObject({
        code: "corrupt",
        message: expect.stringContaining("CURRENT is missing"),
      });
      expect(await readdir(copy)).toEqual(names);
      await writeFile(join(copy, "CURRENT"), await readFile(path));
      const again = await openLevelStore()(copy);
      expect(again.getSync(key(1))).toEqual(key(1));
      await again.close();
    }
    await store.close();
  });
});

describe("large values", () => {
  const MB = 1 << 20;

  it("may be given up as soon as the store has a copy, and come back as they were", async () => {
    const store = await openLevelStore()(folder);
    const values = [MB - 1, MB, 3 * MB].map((length, index) => Buffer.alloc(length, index + 1));
    const changes = values.map((value, index) => {
      const given = Buffer.from(value);
      return { key: key(index), value: given, onCopied: () => void given.fill(0) };
    });
    await store.batch([...changes, { key: key(9), value: undefined }], true);
    expect(changes[2].value.equals(Buffer.alloc(3 * MB))).toBe(true);
    const found = await store.getMany([0, 1, 2, 9].map(key));
    expect(found.map((value, index) => value?.equals(values[index]))).toEqual([true, true, true, undefined]);
    expect(store.getSync(key(2))!.equals(values[2])).toBe(true);
    await store.close();
  });

  it("do not stay in memory, though nothing else is written", async () => {
    const store = await openLevelStore({ writeBufferSizeBytes: 1 * MB })(folder);
    const memory = () => Number(store.property("leveldb.approximate-memory-usage"));
    await store.batch([{ key: key(1), value: Buffer.alloc(24 * MB, "v") }], true);
    await expect.poll(memory, { timeout: 60_000 }).toBeLessThan(4 * MB);
    expect((await store.getMany([key(1)]))[0]!.equals(Buffer.alloc(24 * MB, "v"))).toBe(true);
    await store.close();
  });
});

describe("reading", () => {
  it("reports a damaged table as corrupt", async () => {
    let store = await openLevelStore()(folder);
    await store.batch(
      Array.from({ length: 1000 }, (_, index) => ({ key: key(index), value: Buffer.alloc(100, index) })),
      true,
    );
    await store.flush();
    await store.close();
    const table = (await readdir(folder)).find((name) => name.endsWith(".ldb"));
    if (table === undefined) throw new Error("no table was written");
    const content = await readFile(join(folder, table));
    // More than the first block, so that its structure makes no sense any more; LevelDB does not check its checksum.
    content.fill(0xff, 0, 5000);
    await writeFile(join(folder, table), content);
    store = await openLevelStore()(folder);
    await expect(store.getMany([key(0)])).rejects.toMatchObject({ name: "StorageError", code: "corrupt" });
    expect(() => store.getSync(key(0))).toThrow(
      expect.objectContaining({ name: "StorageError", code: "corrupt" }),
    );
    await store.close();
  });
});

describe("flush", () => {
  it("moves everything into a table, so that the logs are not needed", async () => {
    let store = await openLevelStore()(folder);
    await store.batch(
      Array.from({ length: 500 }, (_, index) => ({ key: key(index), value: Buffer.alloc(50, index) })),
      false,
    );
    await store.flush();
    await store.close();
    for (const name of await readdir(folder)) if (name.endsWith(".log")) await rm(join(folder, name));
    store = await openLevelStore()(folder);
    expect(await entriesOf(store, undefined, 100)).toHaveLength(500);
    await store.close();
  });

  it("leaves no table behind when there was nothing new", async () => {
    const store = await openLevelStore()(folder);
    await store.batch([{ key: key(1), value: key(1) }], true);
    await store.flush();
    const tables = (await readdir(folder)).filter((name) => name.endsWith(".ldb")).length;
    for (let round = 0; round < 20; round++) await store.flush();
    const after = (await readdir(folder)).filter((name) => name.endsWith(".ldb")).length;
    await store.close();
    expect(after - tables).toBeLessThan(5);
  });
});

describe.skipIf(!canMountDisk)("on a full disk (needs the right to mount)", () => {
  const filler = (): string => join(folder, "disk", "filler");
  let store: KeyValueStore;
  let acknowledged: number[];

  beforeEach(async () => {
    await mkdir(join(folder, "disk"));
    mountDisk(join(folder, "disk"), 8);
    acknowledged = [];
  });

  afterEach(async () => {
    await store.close().finally(() => unmountDisk(join(folder, "disk")));
  });

  async function open(writeBufferSizeBytes: number): Promise<void> {
    store = await openLevelStore({ writeBufferSizeBytes })(join(folder, "disk", "store"));
  }

  async function write(index: number, sync: boolean): Promise<void> {
    await store.batch([{ key: key(index), value: Buffer.alloc(3000, index) }], sync);
    acknowledged.push(index);
  }

  /** Writes until the disk is full; returns how often. */
  async function fill(): Promise<number> {
    for (let index = 0; ; index++) {
      try {
        await write(index, false);
      } catch (error) {
        expect(error).toMatchObject({ name: "StorageError", code: "no-space" });
        return index;
      }
    }
  }

  function missing(): number[] {
    return acknowledged.filter(
      (index) => store.getSync(key(index))?.equals(Buffer.alloc(3000, index)) !== true,
    );
  }

  // The log meets the end of the disk in the first case, a table in the background in the others.
  it.each([
    { writeBufferSizeBytes: 1_500_000, fillerBytes: 7_200_000 },
    { writeBufferSizeBytes: 400_000, fillerBytes: 6_000_000 },
    { writeBufferSizeBytes: 1_000_000, fillerBytes: 6_700_000 },
  ])("refuses writes, keeps reading, goes on when there is room, and loses nothing: %o", async (sizes) => {
    await open(sizes.writeBufferSizeBytes);
    await writeFile(filler(), Buffer.alloc(sizes.fillerBytes));
    let next = await fill();
    for (let round = 0; round < 3; round++) {
      await expect(write(next, true)).rejects.toMatchObject({ code: "no-space" });
      await expect(store.flush()).rejects.toMatchObject({ code: "no-space" });
    }
    expect(missing()).toEqual([]);
    expect((await store.getMany(acknowledged.map(key))).every((value) => value?.length === 3000)).toBe(true);
    await rm(filler());
    for (let round = 0; round < 60; round++) await write(++next, true);
    await store.flush();
    for (let round = 0; round < 60; round++) await write(++next, true);
    await store.close();
    await open(sizes.writeBufferSizeBytes);
    expect(missing()).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(200);
  });

  it("keeps synced batches that follow a failed one in the same log", async () => {
    await open(1_500_000);
    await writeFile(filler(), Buffer.alloc(7_200_000));
    let next = await fill();
    await expect(write(next, true)).rejects.toMatchObject({ code: "no-space" });
    await rm(filler());
    for (let round = 0; round < 60; round++) await write(++next, true);
    await store.close();
    await open(1_500_000);
    expect(missing()).toEqual([]);
  });

  it("reads nothing wrong when it has to reopen and CURRENT has gone, and removes nothing", async () => {
    await open(400_000);
    await writeFile(filler(), Buffer.alloc(6_000_000));
    const next = await fill();
    await rm(filler());
    const current = join(folder, "disk", "store", "CURRENT");
    const bytes = await readFile(current);
    await rm(current);
    await expect(write(next, true)).rejects.toMatchObject({ code: "corrupt" });
    await expect(store.getMany([key(0)])).rejects.toMatchObject({ name: "StorageError", code: "io" });
    await writeFile(current, bytes);
    await write(next, true);
    expect(missing()).toEqual([]);
  });

  it("does not report a flush that failed as done", async () => {
    await open(4_000_000);
    await writeFile(filler(), Buffer.alloc(5_000_000));
    // The log of 2 MB fits; the table of the same size does not.
    for (let index = 0; index < 600; index++) await write(index, false);
    await expect(store.flush()).rejects.toMatchObject({ name: "StorageError", code: "no-space" });
    expect(missing()).toEqual([]);
  });

  it("ends cursors and snapshots when it has to reopen, with an error and not with an early end", async () => {
    await open(400_000);
    await writeFile(filler(), Buffer.alloc(6_000_000));
    const next = await fill();
    const cursor = store.cursor({ from: key(0), to: key(99_999_999) });
    const snapshot = store.snapshot();
    expect(await cursor.next(1)).toHaveLength(1);
    await rm(filler());
    await write(next, false);
    await expect(cursor.next(1)).rejects.toMatchObject({ name: "StorageError", code: "io" });
    await expect(snapshot.getMany([key(0)])).rejects.toMatchObject({ name: "StorageError", code: "io" });
    await cursor.close();
    await snapshot.close();
  });
});
