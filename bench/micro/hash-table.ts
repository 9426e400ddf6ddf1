/**
 * The hash table with a million entries: filling it, and finding what is there and what is not, in an order
 * that has nothing to do with where the entries lie.
 */
import { SeededRandom } from "../../src/base/random.ts";
import { HashTable } from "../../src/memory/hash-table.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { Slabs } from "../../src/memory/slabs.ts";
import { consume, type MicroTask } from "./task.ts";

const ENTRIES = 1_000_000;
const LOOKUPS = 10_000;
const KEY_BYTES = 16;
/** An address that is none of an object: the table does not look at what lies there. */
const FIRST_ADDRESS = 1;

/** The tasks; making them fills a table. */
export function hashTableTasks(): readonly MicroTask[] {
  const random = new SeededRandom(1);
  const hashes = Int32Array.from({ length: ENTRIES }, () => random.next());
  const filled = fill(hashes);
  const known = new Set(hashes);
  const absent = new Int32Array(ENTRIES);
  for (let i = 0; i < ENTRIES; ) {
    const hash = random.next() | 0;
    if (!known.has(hash)) absent[i++] = hash;
  }
  return [
    {
      name: "hash table: insert, 0 to 1M entries",
      operations: ENTRIES,
      run() {
        const begun = performance.now();
        const { table } = fill(hashes);
        const durationMs = performance.now() - begun;
        consume(table.size);
        return durationMs;
      },
    },
    lookup("hash table: hit, 1M entries", filled.table, hashes),
    lookup("hash table: miss, 1M entries", filled.table, absent),
    keyHash(),
  ];
}

function fill(hashes: Int32Array): { readonly table: HashTable } {
  const table = new HashTable(new Slabs());
  for (let i = 0; i < hashes.length; i++) table.insert(hashes[i], FIRST_ADDRESS + i);
  return { table };
}

function lookup(name: string, table: HashTable, hashes: Int32Array): MicroTask {
  let from = 0;
  return {
    name,
    operations: LOOKUPS,
    run() {
      let sum = 0;
      for (let i = from; i < from + LOOKUPS; i++) sum = (sum + table.seek(hashes[i])) | 0;
      from = (from + LOOKUPS) % ENTRIES;
      consume(sum);
      return undefined;
    },
  };
}

function keyHash(): MicroTask {
  const hash = new KeyHash(Buffer.from("seed-of-16-bytes"));
  const keys = Buffer.from(
    Array.from({ length: LOOKUPS }, (_, i) => `key:${String(i).padStart(12, "0")}`).join(""),
  );
  return {
    name: "hash of a key of 16 B",
    operations: LOOKUPS,
    run() {
      let sum = 0;
      for (let at = 0; at < keys.length; at += KEY_BYTES) sum ^= hash.of(keys, at, KEY_BYTES);
      consume(sum);
      return undefined;
    },
  };
}
