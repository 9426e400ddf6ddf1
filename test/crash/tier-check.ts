/**
 * Whether the cold tier is what the server believes: its counters are the numbers of its records, and an entry is
 * marked as lying over a record exactly if there is one.
 */
import { StorageError } from "../../src/base/storage-error.ts";
import type { ColdTier } from "../../src/cold/tier.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { RECORD } from "../../src/memory/entries.ts";
import type { Server } from "../../src/server/server.ts";

const HASH_SPACE = 0x1_0000_0000;
const AT_ONCE = 1000;

/** Holds the spiller while it looks, so that no batch is under way. */
export async function checkTier(server: Server, onFault: (text: string) => void): Promise<void> {
  const { tier, spiller } = server;
  if (tier === undefined || spiller === undefined) throw new Error("the server has no cold tier");
  // A rewrite holds the spiller too, and lets it go on.
  await spiller.hold();
  try {
    for (const database of server.keyspace.databases) {
      const keys = await recordKeys(tier, database.namespace);
      const count = tier.recordCount(database.namespace);
      if (keys.size !== count) onFault(`db${database.index}: ${keys.size} records, counted ${count}`);
      checkEntries(server, database, keys, onFault);
    }
  } finally {
    spiller.resume();
  }
}

function checkEntries(
  server: Server,
  database: Database,
  records: ReadonlySet<string>,
  onFault: (text: string) => void,
): void {
  const { entries } = server.keyspace;
  const addresses: number[] = [];
  database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
  let shadowed = 0;
  for (const address of addresses) {
    const key = entries.key(address).toString("latin1");
    const isMarked = (entries.head(address) & RECORD) !== 0;
    if (isMarked) shadowed++;
    if (isMarked !== records.has(key)) onFault(`db${database.index} ${key.slice(0, 20)}: marked ${isMarked}`);
  }
  if (shadowed !== database.shadowed)
    onFault(`db${database.index}: ${shadowed} shadowed, counted ${database.shadowed}`);
}

async function recordKeys(tier: ColdTier, namespace: number): Promise<Set<string>> {
  const cursor = tier.scan(namespace, 0, HASH_SPACE);
  const keys = new Set<string>();
  try {
    for (;;) {
      const records = await cursor.next(AT_ONCE);
      if (records.length === 0) return keys;
      for (const record of records) {
        if (record instanceof StorageError) throw record;
        keys.add(record.key.toString("latin1"));
      }
    }
  } finally {
    await cursor.close();
  }
}
