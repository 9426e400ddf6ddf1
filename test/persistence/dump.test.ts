/** The snapshot that SAVE writes: every key with its value, compressed if `rdbcompression` says so; or none. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { realFiles } from "../../src/base/real-files.ts";
import { ColdTier } from "../../src/cold/tier.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { setString } from "../../src/keyspace/strings.ts";
import { Dump } from "../../src/persistence/dump.ts";
import { InlineVerifier } from "../../src/persistence/dump-verifier.ts";
import { RdbReader } from "../../src/persistence/rdb/reader.ts";
import { encodingOf } from "../../src/types/string/string-value.ts";
import { MemoryStore } from "../cold/memory-store.ts";
import { put, SEED } from "../cold/tier-fixture.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const VALUES = ["", "12", "short", "compressible ".repeat(1000)].map((text) => Buffer.from(text));

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => removeFolder(folder));

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function dumpOf(
  keyspace: Keyspace,
  { rdbcompression = true, tier }: { readonly rdbcompression?: boolean; readonly tier?: ColdTier },
): Dump {
  const { clock } = keyspace;
  return new Dump({
    files: realFiles,
    folder,
    name: "dump.rdb",
    clock,
    keyspace,
    tier,
    spiller: undefined,
    verifier: new InlineVerifier(realFiles, clock, nextTurn),
    isMidway: () => false,
    nextTurn,
    sleep: nextTurn,
    options: {
      rdbcompression,
      rdbchecksum: true,
      incrementalFsync: true,
      maxBytesPerSecond: () => 0,
      isBackground: false,
      withAccess: false,
      keyDelay: () => 0,
    },
  });
}

test.each([true, false])("with rdbcompression: %s", async (rdbcompression) => {
  const keyspace = new Keyspace({
    databases: 2,
    clock: new ManualClock(1_700_000_000_000),
    random: new SeededRandom(1),
    hashSeed: Buffer.from("0123456789abcdef"),
  });
  const [, database] = keyspace.databases;
  for (const [i, value] of VALUES.entries()) {
    const key = Buffer.from(String(i));
    database.find(key, 0, key.length);
    const encoding = encodingOf(value, 0, value.length);
    setString(keyspace, database, 0, key, 0, key.length, value, 0, value.length, encoding, 0);
  }
  await dumpOf(keyspace, { rdbcompression }).run(() => {});
  const path = join(folder, "dump.rdb");
  expect(statSync(path).size < 1000).toBe(rdbcompression);
  const file = await realFiles.open(path, "read");
  const found = new Map<string, string>();
  for await (const record of await RdbReader.open(file)) {
    if (record.kind === "entry") found.set(record.key.toString(), record.value!.toString());
  }
  await file.close();
  expect(found).toEqual(new Map(VALUES.map((value, i) => [String(i), value.toString()])));
});

test("with a damaged value on disk there is no dump", async () => {
  const store = new MemoryStore();
  const tier = await ColdTier.create(store, { seed: SEED });
  const keyspace = new Keyspace({
    databases: 1,
    clock: new ManualClock(1_700_000_000_000),
    random: new SeededRandom(1),
    hashSeed: SEED,
  });
  keyspace.attachTier(tier, [tier.allocateNamespace()]);
  const [{ namespace }] = keyspace.databases;
  await tier.write(["a", "b", "c"].map((name) => put(namespace, name, `\u0005value`)));
  const path = join(folder, "dump.rdb");
  await dumpOf(keyspace, { tier }).run(() => {});
  const before = readFileSync(path);
  for (const [name, [key, value]] of store.image) {
    if (!inlineKey(key, "b")) continue;
    const damaged = Buffer.from(value);
    damaged[damaged.length - 6] ^= 1;
    store.image.set(name, [key, damaged]);
  }
  await expect(dumpOf(keyspace, { tier }).run(() => {})).rejects.toThrow('the cold record of key "b"');
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(folder)).toEqual(["dump.rdb"]);
  expect(store.openSnapshots).toBe(0);
});

test("one that is given up while a read is under way waits for it, be it that it fails", async () => {
  const store = new MemoryStore();
  const tier = await ColdTier.create(store, { seed: SEED });
  const keyspace = new Keyspace({
    databases: 1,
    clock: new ManualClock(1_700_000_000_000),
    random: new SeededRandom(1),
    hashSeed: SEED,
  });
  keyspace.attachTier(tier, [tier.allocateNamespace()]);
  await tier.write([put(keyspace.databases[0].namespace, "a", "\u0005value")]);
  const dump = dumpOf(keyspace, { tier });
  const snapshot = store.snapshot.bind(store);
  let hasFailed = false;
  store.snapshot = () => ({
    ...snapshot(),
    cursor: () => ({
      next: async () => {
        dump.abort();
        await nextTurn();
        hasFailed = true;
        throw new Error("reading failed");
      },
      close: async () => {},
    }),
  });
  await expect(dump.run(() => {})).rejects.toThrow("reading failed");
  expect([hasFailed, store.openSnapshots]).toEqual([true, 0]);
});

/** Whether this is the key under which the store has a record of that name. */
function inlineKey(key: Buffer, name: string): boolean {
  return key[0] === 0x64 && key.subarray(10).toString() === name;
}
