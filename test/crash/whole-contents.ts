/**
 * All that a server in this process holds at one instant, both tiers, as lines that can be compared: read without a
 * turn of the event loop, so it can be asked at the very cut of a snapshot.
 */
import { ManualClock } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { warmRecord } from "../../src/keyspace/cold-records.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { loadRdb } from "../../src/persistence/rdb-loading/rdb-load.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import { HASH } from "../../src/types/hash/hash-encoding.ts";
import { readHash } from "../../src/types/hash/hash-reader.ts";
import { dataTypeOf } from "../../src/types/registry.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";
import { memoryFile } from "../persistence/memory-file.ts";
import { configOf, FOLDER, SimulatedWorld } from "./simulated-world.ts";

/** Where cold values are unpacked. */
const scratch = new Keyspace({
  databases: 1,
  clock: new ManualClock(0),
  random: new SeededRandom(1),
  hashSeed: Buffer.alloc(16),
});

/** A server, as far as it holds data. */
export type Tiers = Pick<Server, "keyspace" | "tier">;

/** More than any of these tests has. */
const MOST_DATABASES = 4;

export interface HeldKey {
  /** Database, key, type and value. */
  readonly line: string;
  /** 0 for a key that does not expire. */
  readonly expireMs: number;
}

/** Every key that has one of these names, in order. Keys past their expiry that are still there come too.
 * `isHotOnly`: those that are in memory. */
export function contentsOf(server: Tiers, names: readonly Buffer[], isHotOnly = false): HeldKey[] {
  const found: HeldKey[] = [];
  for (const database of server.keyspace.databases) {
    for (const name of names) {
      const held = heldKey(server, database, name, isHotOnly);
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

/** Throws if what was saved is not what there was. */
export function expectSame(saved: readonly HeldKey[], held: readonly HeldKey[]): void {
  const [is, was] = [saved, held].map((keys) => linesAt(keys, 0));
  if (is !== was) throw new Error(`saved:\n${is}\n-- but at the cut there was\n${was}`);
}

/** What a dump or a base file holds, in the order of `contentsOf`. Throws if a key is there twice. */
export async function contentsOfDump(dump: Buffer, names: readonly Buffer[]): Promise<HeldKey[]> {
  const keyspace = new Keyspace({
    databases: MOST_DATABASES,
    clock: new ManualClock(0),
    random: new SeededRandom(1),
    hashSeed: Buffer.alloc(16),
  });
  keyspace.expiring = false;
  await loadRdb(memoryFile(dump), keyspace, { withTier: true, makeRoom: async () => {} });
  return contentsOf({ keyspace, tier: undefined }, names);
}

/** The same of a base that consists of commands: as a server loads it for which no time has passed. */
export async function contentsOfCommands(base: Buffer, names: readonly Buffer[]): Promise<HeldKey[]> {
  const world = new SimulatedWorld(1, new SeededRandom(1), new ManualClock(1));
  const folder = `${FOLDER}/appendonlydir`;
  for (const path of [FOLDER, folder]) await world.disk.mkdir(path);
  world.disk.place(`${folder}/base`, base);
  world.disk.place(`${folder}/appendonly.aof.manifest`, Buffer.from("file base seq 1 type b\n"));
  const config = configOf({ databases: String(MOST_DATABASES), "cold-tier": "no" });
  const server = await startServer(world.ofProcess(), config);
  const found = contentsOf(server, names);
  world.kill();
  return found;
}

function heldKey(
  { keyspace, tier }: Tiers,
  database: Database,
  name: Buffer,
  isHotOnly: boolean,
): HeldKey | undefined {
  const { entries } = keyspace;
  const address = database.find(name, 0, name.length);
  if (address !== 0) {
    if (database.isTombstone(address)) return undefined;
    return { line: describe(keyspace, database, name, address), expireMs: entries.expireMs(address) };
  }
  if (isHotOnly) return undefined;
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
  if (dataType.type === HASH) mixTimes(keyspace, address, digest);
  return `${index} ${name.toString("latin1", 0, 20)} ${dataType.name} ${digest.bytes.toString("hex")}`;
}

/** Of times, the digest says no more than whether there are any. */
function mixTimes({ memory }: Keyspace, address: number, digest: ValueDigest): void {
  const fields = readHash(memory, address);
  const { field } = fields;
  fields.begin();
  while (fields.next()) {
    const each = new ValueDigest();
    each.mix(field.buffer.subarray(field.start, field.start + field.length));
    each.mix(Buffer.from(String(fields.time)));
    digest.xorDigest(each);
  }
}
