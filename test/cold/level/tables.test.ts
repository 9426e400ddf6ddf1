/**
 * Verifying LevelDB's table files without LevelDB. Method: a table that the library wrote; wherever it is damaged, this
 * is found, and told for what it is.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { realFiles } from "../../../src/base/real-files.ts";
import { type TableDamage, TableFile } from "../../../src/cold/level/table-file.ts";
import { refuseDamagedTables, type Thoroughness, verifyTables } from "../../../src/cold/level/tables.ts";
import { openLevelStore } from "../../../src/cold/level-store.ts";
import { memoryFile } from "../../persistence/memory-file.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const KEYS = 1000;
const LARGE_KEY = 500;
const LARGE_BYTES = 600_000;
const PAGE_BYTES = 4096;
const FOOTER_BYTES = 48;
const MAGIC_BYTES = 8;
/** In front of the filter there are data blocks, of records of 200 bytes; behind it is little. */
const ENDS_BYTES = 4000;

const root = temporaryFolder();
const original = join(root, "original");
let name: string;
let table: Buffer;
let made = 0;

function keyAt(i: number): Buffer {
  return Buffer.from(`key${String(i).padStart(5, "0")}`);
}

beforeAll(async () => {
  mkdirSync(original);
  const store = await openLevelStore()(original);
  const random = new SeededRandom(1);
  const sizeOf = (i: number): number => (i === LARGE_KEY ? LARGE_BYTES : 200);
  await store.batch(
    Array.from({ length: KEYS }, (_, i) => ({ key: keyAt(i), value: random.bytes(sizeOf(i)) })),
    true,
  );
  await store.flush();
  await store.close();
  const names = readdirSync(original).filter((each) => each.endsWith(".ldb"));
  expect(names).toHaveLength(1);
  [name] = names;
  table = readFileSync(join(original, name));
});
afterAll(() => removeFolder(root));

async function damagesOf(bytes: Buffer): Promise<TableDamage[]> {
  const damages: TableDamage[] = [];
  for await (const { damage } of (await TableFile.open(memoryFile(bytes))).verify())
    if (damage !== undefined) damages.push(damage);
  return damages;
}

function flipped(at: number): Buffer {
  const bytes = Buffer.from(table);
  bytes[at] ^= 16;
  return bytes;
}

/** A copy of the store with another table. */
function storeWith(bytes: Buffer): string {
  const folder = join(root, String(++made));
  mkdirSync(folder);
  for (const each of readdirSync(original)) copyFileSync(join(original, each), join(folder, each));
  writeFileSync(join(folder, name), bytes);
  return folder;
}

async function verified(
  folder: string,
  thoroughness: Thoroughness,
): Promise<{ bytes: number; damages: string[] }> {
  let sum = 0;
  const damages: string[] = [];
  for await (const { bytes, damage, file } of verifyTables(realFiles, folder, thoroughness)) {
    sum += bytes;
    if (damage !== undefined) damages.push(`${file} ${damage.what}`);
  }
  return { bytes: sum, damages };
}

test("a whole table is found whole, and all of its data is read, with pauses in large blocks", async () => {
  expect(await damagesOf(table)).toEqual([]);
  const steps: number[] = [];
  let pauses = 0;
  const pause = async (): Promise<void> => {
    pauses++;
  };
  for await (const { bytes } of (await TableFile.open(memoryFile(table))).verify(pause)) steps.push(bytes);
  expect(pauses).toBe(Math.floor(LARGE_BYTES / (256 * 1024)));
  expect(steps.length).toBeGreaterThan(2);
  const read = steps.reduce((sum, bytes) => sum + bytes, 0);
  expect(read).toBeLessThan(table.length);
  expect(read).toBeGreaterThan(table.length - ENDS_BYTES * 4);
});

test("a flipped bit is found in the block in which it is, whatever that is", async () => {
  const seen = new Set<string>();
  const footer = table.length - FOOTER_BYTES;
  for (let at = 0; at < footer; at += at > footer - 4 * ENDS_BYTES ? 31 : 1977) {
    const damages = await damagesOf(flipped(at));
    expect(damages, String(at)).toHaveLength(1);
    const [{ length, offset, what }] = damages;
    expect(at).toBeGreaterThanOrEqual(offset);
    // Behind a block stand its type and checksum.
    expect(at).toBeLessThan(offset + length + 5);
    seen.add(what);
  }
  expect([...seen].sort()).toEqual(["data", "filter", "index", "metaindex"]);
});

test("a flipped bit is found in the footer, but for its padding, which means nothing", async () => {
  const footer = table.length - FOOTER_BYTES;
  let handleBytes = 0;
  for (let numbers = 0; numbers < 4; handleBytes++) if (table[footer + handleBytes] < 128) numbers++;
  for (let at = footer; at < table.length; at++) {
    const isPadding = at >= footer + handleBytes && at < table.length - MAGIC_BYTES;
    expect((await damagesOf(flipped(at))).length, String(at)).toBe(isPadding ? 0 : 1);
  }
});

test("a page of zeros is found wherever it is, and which keys were in it", async () => {
  for (let at = 0; at < table.length; at += PAGE_BYTES) {
    const bytes = Buffer.from(table);
    bytes.fill(0, at, Math.min(at + PAGE_BYTES, bytes.length));
    expect((await damagesOf(bytes)).length, String(at)).toBeGreaterThan(0);
  }
  const [large] = await damagesOf(flipped(LARGE_BYTES));
  expect(Buffer.compare(large.after!, keyAt(LARGE_KEY))).toBeLessThan(0);
  expect(Buffer.compare(large.upTo!, keyAt(LARGE_KEY))).toBeGreaterThanOrEqual(0);
  expect(large.length).toBeGreaterThanOrEqual(LARGE_BYTES);
});

test("a cut is found, however much is left", async () => {
  for (let length = 0; length < table.length; length += 1 + (length >> 3))
    expect(await damagesOf(table.subarray(0, length)), String(length)).toHaveLength(1);
  expect(await damagesOf(table.subarray(0, table.length - 1))).toHaveLength(1);
});

test("without index or footer the blocks are found by their checksums, up to the first that is damaged", async () => {
  const keysIn = async (bytes: Buffer): Promise<{ keys: string[]; damage: TableDamage }> => {
    const damaged = await TableFile.open(memoryFile(bytes));
    await damaged.findBlocks();
    const keys: string[] = [];
    // A flush leaves the deletion of a last key.
    for await (const { key, value } of damaged.entries(() => expect.unreachable()))
      if (value !== undefined) keys.push(key.toString());
    return { keys, damage: damaged.damage! };
  };
  const all = Array.from({ length: KEYS }, (_, i) => keyAt(i).toString());
  const footer = table.length - FOOTER_BYTES;
  for (const bytes of [flipped(table.length - 1), flipped(footer - 10), table.subarray(0, -1)]) {
    const { damage, keys } = await keysIn(bytes);
    expect(keys).toEqual(all);
    expect(damage).toMatchObject({ holdsKeys: false });
  }
  let least = 0;
  for (let length = 0; length < table.length - ENDS_BYTES * 4; length += 1 + (length >> 2)) {
    const { damage, keys } = await keysIn(table.subarray(0, length));
    expect(keys).toEqual(all.slice(0, keys.length));
    expect(keys.length).toBeGreaterThanOrEqual(least);
    expect([damage.holdsKeys, damage.after?.toString()]).toEqual([true, keys.at(-1)]);
    least = keys.length;
  }
  expect(least).toBeGreaterThan(LARGE_KEY);
});

test("the ends of a table are index, filter and footer; its data is verified only with all", async () => {
  const [data, footer] = [storeWith(flipped(1000)), storeWith(flipped(table.length - 1))];
  expect(await verified(data, "ends")).toEqual({ bytes: 0, damages: [] });
  await refuseDamagedTables(realFiles, data, "ends");
  expect((await verified(data, "all")).damages).toEqual([`${name} data`]);
  await expect(refuseDamagedTables(realFiles, data, "all")).rejects.toMatchObject({
    name: "StorageError",
    code: "corrupt",
    message: expect.stringMatching(/^\d+\.ldb is damaged at offset 0: its data block of \d+ bytes$/),
  });
  expect((await verified(footer, "ends")).damages).toEqual([`${name} footer`]);
  const found = new Set<string>();
  for (let at = table.length - ENDS_BYTES; at < table.length - FOOTER_BYTES; at += 29)
    for (const each of (await verified(storeWith(flipped(at)), "ends")).damages) found.add(each);
  expect([...found].sort()).toEqual(["filter", "index", "metaindex"].map((what) => `${name} ${what}`));
});

test("of several tables a part is verified, the next part, and round again", async () => {
  const folder = join(root, String(++made));
  const store = await openLevelStore()(folder);
  for (let part = 0; part < 3; part++) {
    const keys = Array.from({ length: 50 }, (_, i) => keyAt(part + 3 * i));
    await store.batch(
      keys.map((key) => ({ key, value: Buffer.alloc(100 * (part + 1), part) })),
      true,
    );
    await store.flush();
  }
  await store.close();
  const tables = readdirSync(folder).filter((each) => each.endsWith(".ldb"));
  expect(tables).toHaveLength(3);
  const damaged = join(folder, tables[1]);
  const bytes = readFileSync(damaged);
  bytes[100] ^= 16;
  writeFileSync(damaged, bytes);
  const sizes = tables.map((each) => statSync(join(folder, each)).size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const found = async (fromBytes: number, bytes: number) =>
    (await verified(folder, { fromBytes, bytes })).damages.length;
  expect(await Promise.all([0, sizes[0], sizes[0] + sizes[1]].map((from) => found(from, 1)))).toEqual([
    0, 1, 0,
  ]);
  expect(await found(7, 1)).toBe(1);
  expect(await found(4 * total + sizes[0], 1)).toBe(1);
  expect(await found(total - 1, sizes[0])).toBe(0);
  expect(await found(total - 1, sizes[0] + 1)).toBe(1);
});

test("tables that are being written, were replaced or have gone, are nobody's business", async () => {
  const folder = storeWith(table);
  writeFileSync(join(folder, "999999.ldb"), "half a table");
  expect((await verified(folder, "all")).damages).toEqual([]);
  rmSync(join(folder, name));
  expect(await verified(folder, "all")).toEqual({ bytes: 0, damages: [] });
  const gone = { ...realFiles, readdir: async () => readdirSync(original) };
  await refuseDamagedTables(gone, folder, "all");
});

test("a MANIFEST that was cut short is found before LevelDB removes the tables that it does not name", async () => {
  const folder = join(root, String(++made));
  mkdirSync(folder);
  const store = await openLevelStore()(folder);
  for (let i = 0; i < 3; i++) {
    await store.batch([{ key: keyAt(i), value: Buffer.from("value") }], true);
    await store.flush();
  }
  await store.close();
  const files = readdirSync(folder);
  const tables = files.filter((each) => each.endsWith(".ldb"));
  expect(tables.length).toBeGreaterThan(1);
  const manifest = join(folder, files.find((each) => each.startsWith("MANIFEST-"))!);
  const bytes = readFileSync(manifest);
  const refusal = (): Promise<string> =>
    refuseDamagedTables(realFiles, folder, "ends").then(
      () => "none",
      (error: Error) => error.message,
    );
  const seen = new Set<string>();
  for (let length = 1; length <= bytes.length; length++) {
    writeFileSync(manifest, bytes.subarray(0, length));
    seen.add((await refusal()).replace(/\d{6}/g, "N"));
  }
  expect([...seen]).toEqual([
    "none",
    "MANIFEST-N is older than other files: N.log, which it names, is missing, and there are newer tables",
  ]);
  expect(await refusal()).toBe("none");
  rmSync(join(folder, readdirSync(folder).find((each) => each.endsWith(".log"))!));
  expect(await refusal()).toMatch(/^the log \d{6}\.log, which MANIFEST-\d{6} names, is missing$/);
});

test("where the MANIFEST cannot be read, it is left to LevelDB to say so", async () => {
  const folder = storeWith(flipped(1000));
  writeFileSync(join(folder, "CURRENT"), "nonsense");
  expect(await verified(folder, "all")).toEqual({ bytes: 0, damages: [] });
  await expect(openLevelStore()(folder)).rejects.toMatchObject({ name: "StorageError" });
});
