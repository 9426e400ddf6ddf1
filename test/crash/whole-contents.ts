/**
 * All that a server in this process holds at one instant, both tiers, as lines that can be compared: read without a
 * turn of the event loop, so it can be asked at the very cut of a snapshot.
 */
import { ManualClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { warmRecord } from "../../src/keyspace/cold-records.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { RdbReader } from "../../src/persistence/rdb/reader.ts";
import type { Server } from "../../src/server/server.ts";
import { encodeString, STRING_OVERHEAD_BYTES } from "../../src/types/rdb-encoding.ts";
import { dataTypeOf, LOADABLE_RDB_TYPES } from "../../src/types/registry.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";
import { memoryFile } from "../persistence/memory-file.ts";

/** Where cold values are unpacked. */
const scratch = new Keyspace({
  databases: 1,
  clock: new ManualClock(0),
  random: new SeededRandom(1),
  hashSeed: Buffer.alloc(16),
});

export interface HeldKey {
  /** Database, key, type and value. */
  readonly line: string;
  /** 0 for a key that does not expire. */
  readonly expireMs: number;
}

/** Every key that has one of these names, in order. Keys past their expiry that are still there come too. */
export function contentsOf(server: Server, names: readonly Buffer[]): HeldKey[] {
  const found: HeldKey[] = [];
  for (const database of server.keyspace.databases) {
    for (const name of names) {
      const held = heldKey(server, database, name);
      if (held !== undefined) found.push(held);
    }
  }
  return found;
}

/** Those that have not expired, as text. */
export function linesAt(keys: readonly HeldKey[], nowMs: number): string {
  return keys
    .filter(({ expireMs }) => expireMs === 0 || expireMs > nowMs)
    .map(({ line, expireMs }) => `${line} ${expireMs}`)
    .join("\n");
}

/** What a dump holds, in the order of `contentsOf`. */
export async function contentsOfDump(dump: Buffer, names: readonly Buffer[]): Promise<HeldKey[]> {
  const file = memoryFile(dump);
  const reader = await RdbReader.open(file, { loadableTypes: LOADABLE_RDB_TYPES });
  const found: (HeldKey & { readonly place: number })[] = [];
  for await (const record of reader) {
    if (record.kind !== "entry") continue;
    const [database] = scratch.databases;
    const key = Buffer.from(record.key);
    const packed = {
      type: record.type,
      lru: 0,
      expireMs: 0,
      payload: record.payload ?? stringOf(record.value!),
    };
    const address = warmRecord(scratch, database, 0, key, packed);
    const line = describe(scratch, { index: record.db }, key, address);
    scratch.flush(0, false);
    const place = record.db * names.length + names.findIndex((name) => name.equals(key));
    found.push({ line, expireMs: record.expireMs ?? 0, place });
  }
  return found.sort((a, b) => a.place - b.place);
}

function stringOf(text: Buffer): Buffer {
  const packed = Buffer.alloc(text.length + STRING_OVERHEAD_BYTES);
  return packed.subarray(0, encodeString(packed, 0, text, 0, text.length, false));
}

function heldKey({ keyspace, tier }: Server, database: Database, name: Buffer): HeldKey | undefined {
  const { entries } = keyspace;
  const address = database.find(name, 0, name.length);
  if (address !== 0) {
    if (database.isTombstone(address)) return undefined;
    return { line: describe(keyspace, database, name, address), expireMs: entries.expireMs(address) };
  }
  const hash = database.hash >>> 0;
  const record = tier?.fetchSync({ namespace: database.namespace, hash, key: name });
  if (record === undefined) return undefined;
  const warmed = warmRecord(scratch, scratch.databases[0], hash, name, record);
  const line = describe(scratch, database, name, warmed);
  scratch.flush(0, false);
  return { line, expireMs: record.expireMs };
}

function describe(
  keyspace: Keyspace,
  { index }: { readonly index: number },
  name: Buffer,
  address: number,
): string {
  const dataType = dataTypeOf(keyspace.entries.type(address));
  const digest = new ValueDigest();
  dataType.digest(keyspace.memory, address, digest);
  return `${index} ${name.toString("latin1", 0, 20)} ${dataType.name} ${digest.bytes.toString("hex")}`;
}
