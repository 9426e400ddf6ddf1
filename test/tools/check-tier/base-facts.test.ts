/** What a base file says of the tier: the hashes of all records, wherever in the file they stand, and which of them lie
 * under keys in memory. */
import { expect, test } from "vitest";
import type { Files } from "../../../src/base/files.ts";
import { ColdKeys } from "../../../src/keyspace/cold-keys.ts";
import { KeyHash } from "../../../src/memory/key-hash.ts";
import { Slabs } from "../../../src/memory/slabs.ts";
import { RdbWriter } from "../../../src/persistence/rdb/writer.ts";
import { BaseFacts } from "../../../tools/check-tier/base-facts.ts";
import { memoryFile } from "../../persistence/memory-file.ts";

const SEED = Buffer.alloc(16, 3);
const HASHES = Array.from({ length: 3000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0).sort(
  (a, b) => a - b,
);

const SHADOWS = ["in memory", "deleted"].map(
  (name) => new KeyHash(SEED).of(Buffer.from(name), 0, name.length) >>> 0,
);

/** A base in which commands have written entries before and between the parts of the cold keys of two databases. */
async function base(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const rdb = new RdbWriter(async (chunk) => void chunks.push(Buffer.from(chunk)), { compress: false });
  rdb.appendHeader();
  for (const db of [0, 7]) {
    const coldKeys = new ColdKeys(new Slabs());
    for (const hash of HASHES) coldKeys.add(hash);
    if (db === 7) for (const hash of SHADOWS) coldKeys.add(hash);
    for (const { differences, left } of coldKeys.parts(512)) {
      const key = Buffer.from(`captured ${db} ${left}`);
      rdb.selectDb(3);
      rdb.appendString(key, 0, key.length, key, 0, key.length);
      rdb.selectDb(db);
      rdb.appendColdKeys(left, differences);
    }
  }
  const shadow = Buffer.from("in memory");
  rdb.appendRecordBelow();
  rdb.appendString(shadow, 0, shadow.length, shadow, 0, shadow.length);
  rdb.appendTombstone(Buffer.from("deleted"));
  rdb.appendEnd();
  await rdb.drain();
  return Buffer.concat(chunks);
}

test("records are found behind entries that were captured while the file was written", async () => {
  const bytes = await base();
  const files = { open: async () => memoryFile(bytes) } as unknown as Files;
  const namespaces = [10, 11, 12, 13, 14, 15, 16, 17];
  const tier = { generation: 1, batch: 1, undo: 0, identity: "", nextNamespace: 18 };
  const counts: [number, number][] = [
    [10, HASHES.length],
    [17, HASHES.length + 2],
  ];
  const facts = await BaseFacts.read(files, "base", { namespaces, tier: { ...tier, counts } }, SEED);
  for (const [db, shadowed] of [
    [0, []],
    [7, SHADOWS],
  ] as const) {
    expect(facts.isListed(db)).toBe(true);
    const found = [];
    for await (const each of facts.expected(db)) found.push(each);
    const wanted = [
      ...HASHES.map((each) => ({ hash: each, cold: 1, shadowed: 0 })),
      ...shadowed.map((each) => ({ hash: each, cold: 0, shadowed: 1 })),
    ];
    expect(found).toEqual(wanted.sort((a, b) => a.hash - b.hash));
  }
  expect(facts.isListed(3)).toBe(true);
  const inMemory = await facts.shadowedAmong(new Set(["7 in memory", "7 deleted", "7 nowhere"]));
  expect([...inMemory].sort()).toEqual(["7 deleted", "7 in memory"]);
});
