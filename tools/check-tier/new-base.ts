/**
 * A base file that says what the repaired tier holds: the old one with the counts and hashes of the records that are
 * left, and without the marks of those that are gone. Entries are copied as they are.
 */
import type { Files } from "../../src/base/files.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { HASH_SPACE, hashOf, hashRange, recordKey } from "../../src/cold/keys.ts";
import { ColdKeys } from "../../src/keyspace/cold-keys.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { Slabs } from "../../src/memory/slabs.ts";
import type { CheckpointMetadata } from "../../src/persistence/checkpoint.ts";
import { AUX_TIER } from "../../src/persistence/rdb/format.ts";
import { type RdbEntry, RdbReader } from "../../src/persistence/rdb/reader.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { LOADABLE_RDB_TYPES } from "../../src/types/registry.ts";
import { FileWriter } from "../shared/file-writer.ts";
import type { BaseFacts } from "./base-facts.ts";
import type { Losses } from "./records.ts";

const COLD_KEYS_PART_BYTES = 16 * 1024;
const DRAIN_BYTES = 256 * 1024;
const RECORDS_AT_ONCE = 256;

export interface NewBaseParts {
  readonly files: Files;
  readonly oldPath: string;
  readonly newPath: string;
  readonly facts: BaseFacts;
  readonly store: KeyValueStore;
  readonly seed: Buffer;
  /** Records that each database has now, and what it has lost. */
  readonly kept: ReadonlyMap<number, number>;
  readonly losses: ReadonlyMap<number, Losses>;
}

/** What the new base says of the tier. */
export function newMetadata({
  facts,
  kept,
  seed,
}: Pick<NewBaseParts, "facts" | "kept" | "seed">): CheckpointMetadata {
  const { namespaces, tier } = facts.metadata;
  const counts = tier.counts.map(([namespace, count]): [number, number] => {
    const db = namespaces.indexOf(namespace);
    return [namespace, db === -1 ? count : (kept.get(db) ?? 0)];
  });
  return { namespaces, tier: { ...tier, seed: seed.toString("hex"), counts } };
}

/** Writes it, durably. */
export async function writeNewBase(parts: NewBaseParts): Promise<void> {
  const metadata = newMetadata(parts);
  const hasRecords = metadata.tier.counts.some(([, count]) => count > 0);
  const file = await parts.files.open(parts.oldPath, "read");
  const writer = await FileWriter.create(parts.files, parts.newPath);
  const rdb = new RdbWriter((chunk) => writer.write(chunk), { compress: false });
  try {
    const reader = await RdbReader.open(file, { privateOpcodes: true, loadableTypes: LOADABLE_RDB_TYPES });
    const copy = new BaseCopy(parts, rdb, hasRecords);
    for await (const record of reader) {
      switch (record.kind) {
        case "header":
          rdb.appendHeader(record.version);
          break;
        case "aux":
          if (record.key.toString() === AUX_TIER) rdb.appendAux(AUX_TIER, JSON.stringify(metadata));
          else rdb.appendAux(record.key.toString(), record.value.toString());
          break;
        case "function":
          rdb.appendFunction(record.code);
          break;
        case "tombstone":
          await copy.begin();
          await copy.tombstone(record.db, record.key);
          break;
        case "entry":
          await copy.begin();
          await copy.entry(record);
          break;
        case "cold-keys":
        case "end":
        case "module-aux":
        case "resize":
        case "select":
          // Written anew, as the entries ask for it.
          break;
      }
      if (rdb.pendingBytes >= DRAIN_BYTES) await rdb.drain();
    }
    await copy.begin();
    rdb.appendEnd();
    await rdb.drain();
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  } finally {
    await file.close();
  }
}

class BaseCopy {
  readonly #parts: NewBaseParts;
  readonly #rdb: RdbWriter;
  readonly #hash: KeyHash;
  readonly #hasRecords: boolean;
  #hasBegun = false;

  constructor(parts: NewBaseParts, rdb: RdbWriter, hasRecords: boolean) {
    this.#parts = parts;
    this.#rdb = rdb;
    this.#hash = new KeyHash(parts.seed);
    this.#hasRecords = hasRecords;
  }

  /** Before the first entry: the hashes of all records. */
  async begin(): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (!this.#hasRecords) return;
    const { facts, kept } = this.#parts;
    for (const [db, namespace] of facts.metadata.namespaces.entries()) {
      if (!facts.isListed(db) || (kept.get(db) ?? 0) === 0) continue;
      const coldKeys = await this.#recordsOf(namespace);
      this.#rdb.selectDb(db);
      for (const { differences, left } of coldKeys.parts(COLD_KEYS_PART_BYTES)) {
        this.#rdb.appendColdKeys(left, differences);
        if (this.#rdb.pendingBytes >= DRAIN_BYTES) await this.#rdb.drain();
      }
    }
  }

  async #recordsOf(namespace: number): Promise<ColdKeys> {
    const coldKeys = new ColdKeys(new Slabs());
    const cursor = this.#parts.store.cursor(hashRange(namespace, 0, HASH_SPACE));
    try {
      for (;;) {
        const records = await cursor.next(RECORDS_AT_ONCE);
        if (records.length === 0) return coldKeys;
        for (const [name] of records) coldKeys.add(hashOf(name));
      }
    } finally {
      await cursor.close();
    }
  }

  async tombstone(db: number, key: Buffer): Promise<void> {
    if (!(await this.#hasRecord(db, key))) return;
    this.#rdb.selectDb(db);
    this.#rdb.appendTombstone(key);
  }

  async entry(entry: RdbEntry): Promise<void> {
    const { db, expireMs, frequency, hasRecordBelow, idleSeconds, key, payload, type, value } = entry;
    const rdb = this.#rdb;
    const isBelow = hasRecordBelow && (await this.#hasRecord(db, key));
    rdb.selectDb(db);
    if (expireMs !== undefined) rdb.appendExpire(expireMs);
    if (idleSeconds !== undefined) rdb.appendIdle(idleSeconds);
    if (frequency !== undefined) rdb.appendFrequency(frequency);
    if (isBelow) rdb.appendRecordBelow();
    if (value !== undefined) rdb.appendString(key, 0, key.length, value, 0, value.length);
    else rdb.appendPayload(type, key, 0, key.length, payload!);
  }

  /** Whether the key of an entry still has its record. */
  async #hasRecord(db: number, key: Buffer): Promise<boolean> {
    const hash = this.#hash.of(key, 0, key.length) >>> 0;
    if (this.#parts.losses.get(db)?.shadowed.has(hash) !== true) return this.#hasRecords;
    const namespace = this.#parts.facts.metadata.namespaces[db];
    const [found] = await this.#parts.store.getMany([recordKey({ namespace, hash, key })]);
    return found !== undefined;
  }
}
