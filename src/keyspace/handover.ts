/**
 * Giving a whole keyspace to another thread: what was loaded aside is taken over without being copied. Its slabs and
 * huge values have numbers that nobody else has (memory/shared-number.ts), so all addresses in them stay as they are;
 * only the tables are merged.
 *
 * There must be no cold tier's records among what is given, and no snapshot under way where it goes.
 */
import { setImmediate } from "node:timers/promises";
import { HashTable, type HashTablePart, STOPPED } from "../memory/hash-table.ts";
import type { HugeValuesPart } from "../memory/huge-values.ts";
import type { SlabsPart } from "../memory/slabs.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const TABLES = ["table", "volatile", "timedHashes"] as const;
type DatabasePart = Readonly<Record<(typeof TABLES)[number], HashTablePart>>;

/** All that a keyspace holds. */
export interface KeyspacePart {
  readonly slabs: SlabsPart;
  readonly huge: HugeValuesPart;
  readonly databases: readonly DatabasePart[];
}

/** Segments of tables looked through before the event loop has its turn: some milliseconds. */
const SEGMENTS_AT_ONCE = 128;
const END = 0x1_0000_0000;

/** The keyspace must not be used any more. */
export function handOver({ databases, entries }: Keyspace): KeyspacePart {
  const parts = databases.map(({ coldKeys, table, volatile, timedHashes }) => {
    coldKeys.dispose();
    return {
      table: table.handOver(),
      volatile: volatile.handOver(),
      timedHashes: timedHashes.handOver(),
    };
  });
  return { slabs: entries.slabs.handOver(), huge: entries.huge.handOver(), databases: parts };
}

/** What is to be transferred, not copied, when the part goes to another thread. */
export function memoryOf({ slabs, huge }: KeyspacePart): ArrayBuffer[] {
  return [...slabs.memory, ...huge.memory];
}

/** Takes over all of another thread's keyspace, which has as many databases; or nothing, and then says so, if a key is
 * in both. The event loop has its turns meanwhile: nobody may change the data. */
export async function adopt(keyspace: Keyspace, part: KeyspacePart): Promise<boolean> {
  const { slabs, huge } = keyspace.entries;
  slabs.attach(part.slabs);
  huge.attach(part.huge);
  const tables = part.databases.map((each, i) => ({
    database: keyspace.databases[i],
    given: TABLES.map((name) => new HashTable(slabs, each[name])),
  }));
  for (const { database, given } of tables) {
    const [table] = given;
    if (await visit(table, (hash, address) => !isIn(keyspace, database, hash, address))) continue;
    slabs.detach(part.slabs);
    huge.detach(part.huge);
    return false;
  }
  slabs.adopt(part.slabs);
  huge.adopt(part.huge);
  for (const { database, given } of tables) {
    for (const [i, table] of given.entries()) {
      const own = database[TABLES[i]];
      await visit(table, (hash, address) => {
        own.insert(hash, address);
        return true;
      });
      table.dispose();
    }
  }
  return true;
}

/** Visits all entries of a table; false if `each` had enough. */
async function visit(table: HashTable, each: (hash: number, address: number) => boolean): Promise<boolean> {
  if (table.size === 0) return true;
  let segments = 0;
  for (let position = 0; position < END; ) {
    position = table.visitSegment(position, each);
    if (position === STOPPED) return false;
    if (++segments % SEGMENTS_AT_ONCE === 0) await setImmediate();
  }
  return true;
}

/** Whether a database has a key that an attached entry has, too. */
function isIn({ entries }: Keyspace, { table }: Database, hash: number, given: number): boolean {
  let address = table.seek(hash);
  while (address !== 0) {
    const isSame = entries.keyEquals(
      address,
      entries.keyBuffer(given),
      entries.keyStart(given),
      entries.keyLength(given),
    );
    if (isSame) return true;
    address = table.probeNext();
  }
  return false;
}
