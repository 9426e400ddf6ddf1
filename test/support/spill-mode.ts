/**
 * A mode of the whole test suite (TSREDIS_TEST_SPILL=yes, `npm run test:spill`): values leave memory after every
 * command, and come back when the next one needs them. Whatever passes without must pass with it. Servers do it with
 * a directive; where a test runs commands without a server, all values are packed, dropped and unpacked.
 */
import { newRecordArena, packEntry, warmRecord } from "../../src/keyspace/cold-records.ts";
import type { Database } from "../../src/keyspace/database.ts";
import type { Keyspace } from "../../src/keyspace/keyspace.ts";
import { DIRTY } from "../../src/memory/entries.ts";
import { HASH } from "../../src/types/hash/hash-encoding.ts";
import { dataTypeOf } from "../../src/types/registry.ts";
import { isRooted } from "../../src/types/rooted.ts";
import { SET } from "../../src/types/set/set-encoding.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";

/** Types whose large values are tables. */
const UNORDERED: readonly number[] = [SET, HASH];

export const SPILLS: boolean = process.env.TSREDIS_TEST_SPILL === "yes";

/** Arguments of a server in this mode. */
export const SPILL_ARGUMENTS: readonly string[] = SPILLS ? ["--cold-tier-spill-all", "yes"] : [];

/**
 * Sends all values that have changed since the last time through their packed form. Throws if one comes back with other
 * bytes. With `staysDirty` they count as changed afterwards, too.
 */
export function spillAll(keyspace: Keyspace, staysDirty = false): void {
  const { entries } = keyspace;
  for (const database of keyspace.databases) {
    const addresses: number[] = [];
    database.table.collect(0, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, addresses);
    for (const address of addresses) {
      if (database.isTombstone(address) || (entries.head(address) & DIRTY) === 0) continue;
      const warmed = spillEntry(keyspace, database, address);
      if (!staysDirty) entries.mark(warmed, 0, DIRTY);
    }
  }
}

/** Returns the new address. */
export function spillEntry(keyspace: Keyspace, database: Database, address: number): number {
  const { entries } = keyspace;
  const key = Buffer.from(entries.key(address));
  // The elements of a table have no order, and may come in another one.
  const isTable = isRooted(entries.head(address)) && UNORDERED.includes(entries.type(address));
  const before = isTable ? digestOf(keyspace, address) : undefined;
  const packed = packEntry(keyspace, address, newRecordArena());
  const record = { ...packed, payload: Buffer.from(packed.payload) };
  database.drop(address);
  const warmed = warmRecord(keyspace, database, keyspace.keyHash.of(key, 0, key.length), key, record);
  // There is no tier that holds it.
  database.unmarkRecord(warmed);
  entries.mark(warmed, DIRTY, 0);
  const again = packEntry(keyspace, warmed, newRecordArena());
  const isSame =
    before === undefined
      ? again.payload.equals(record.payload)
      : digestOf(keyspace, warmed).equals(before) && again.payload.length === record.payload.length;
  if (
    again.type !== record.type ||
    again.lru !== record.lru ||
    again.expireMs !== record.expireMs ||
    !isSame
  ) {
    throw new Error(`${key.toString("latin1")} came back from its packed form as something else`);
  }
  return warmed;
}

function digestOf({ entries, memory }: Keyspace, address: number): Buffer {
  const digest = new ValueDigest();
  dataTypeOf(entries.type(address)).digest(memory, address, digest);
  return digest.bytes;
}
