/** Scrubbing of cold records: each is verified, parts go on where the last ended, and only true damage is told. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { recordKey } from "../../src/cold/keys.ts";
import { openLevelStore } from "../../src/cold/level-store.ts";
import { ColdTier, type DamagedRecord } from "../../src/cold/tier.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const RECORDS = 500;
const pause = async (): Promise<void> => undefined;
let folder: string;
let store: KeyValueStore;
let tier: ColdTier;
let namespace: number;

function refOf(i: number) {
  return { namespace, hash: Math.imul(i, 0x9e3779b1) >>> 0, key: Buffer.from(`key:${i}`) };
}

beforeEach(async () => {
  folder = temporaryFolder();
  store = await openLevelStore()(folder);
  tier = await ColdTier.create(store, { seed: Buffer.alloc(16, 7), compression: false });
  namespace = tier.allocateNamespace();
  const random = new SeededRandom(3);
  const sizeOf = (i: number): number => (i === 77 ? 1 << 20 : 200);
  await tier.write(
    Array.from({ length: RECORDS }, (_, i) => ({
      ...refOf(i),
      hasRecord: false,
      value: { type: 0, lru: 0, expireMs: 0, payload: random.bytes(sizeOf(i)) },
    })),
  );
});
afterEach(async () => {
  await tier.close();
  removeFolder(folder);
});

async function scrubAll(
  limitBytes: number,
): Promise<{ records: number; parts: number; damaged: DamagedRecord[] }> {
  let next: Buffer | undefined;
  let records = 0;
  let parts = 0;
  const damaged: DamagedRecord[] = [];
  do {
    const part = await tier.scrub(namespace, next, limitBytes, pause);
    records += part.records;
    damaged.push(...part.damaged);
    next = part.next;
    parts++;
  } while (next !== undefined);
  return { records, parts, damaged };
}

async function damage(i: number, at: number): Promise<void> {
  const key = recordKey(refOf(i));
  const [value] = await store.getMany([key]);
  value![at] ^= 4;
  await store.batch([{ key, value }], true);
}

test("sees each record once, in parts of about the size that is asked for", async () => {
  const all = await scrubAll(10_000);
  expect(all).toMatchObject({ records: RECORDS, damaged: [] });
  expect(all.parts).toBeGreaterThan(5);
  expect(await scrubAll(Number.MAX_SAFE_INTEGER)).toMatchObject({ records: RECORDS, parts: 1 });
});

test("tells damaged records, small and large, with their keys and bytes", async () => {
  await damage(5, 30);
  await damage(77, 700_000);
  const { damaged, records } = await scrubAll(10_000);
  expect(records).toBe(RECORDS);
  expect(damaged.map(({ key }) => key!.toString()).sort()).toEqual(["key:5", "key:77"]);
  const small = damaged.find(({ key }) => key!.toString() === "key:5")!;
  expect(small.reason).toMatch(/key:5.*checksum/);
  expect((await store.getMany([small.recordKey]))[0]).toEqual(small.value);
});

test("what was replaced before it is read again is no damage", async () => {
  await damage(5, 30);
  const key = recordKey(refOf(5));
  const { value } = (await scrubAll(10_000)).damaged[0];
  value![30] ^= 4;
  const original = store.getMany.bind(store);
  // The second look finds the record whole.
  store.getMany = async (keys) => (keys.some((each) => each.equals(key)) ? [value] : original(keys));
  expect((await scrubAll(10_000)).damaged).toEqual([]);
});

test("an empty namespace has no parts but one", async () => {
  namespace = tier.allocateNamespace();
  expect(await scrubAll(100)).toEqual({ records: 0, parts: 1, damaged: [] });
});
