/**
 * Verifies the records of one database, as of the checkpoint, against themselves (checksum, value, key, hash, expiry
 * index) and against what the base file lists. What cannot be proved is taken out, into quarantine.
 */
import { createHash } from "node:crypto";
import { StorageError } from "../../src/base/storage-error.ts";
import { EMPTY_VALUE } from "../../src/cold/batch-log.ts";
import type { KeyValueStore, StoreEntry } from "../../src/cold/key-value-store.ts";
import {
  expiryKey,
  HASH_SPACE,
  hashOf,
  hashRange,
  inlineKeyOf,
  isDigestKey,
  isRecordKey,
} from "../../src/cold/keys.ts";
import { keyOf, type RecordHeader, readHeader, readPayload } from "../../src/cold/record.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { newScratchMemory } from "../../src/persistence/rdb/value-check.ts";
import { decodeString } from "../../src/types/rdb-encoding.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../../src/types/registry.ts";
import { STRING } from "../../src/types/string/string-value.ts";
import { type BaseFacts, type ExpectedRecords, nameOf } from "./base-facts.ts";
import type { Findings, ProblemKind } from "./findings.ts";
import { BatchWriter, BeyondRepair } from "./history.ts";
import type { QuarantineSink } from "./quarantine-sink.ts";
import type { TierStatistics } from "./statistics.ts";

const RECORDS_AT_ONCE = 256;

/** A record and what is wrong with it; `kind` undefined: nothing. */
interface Examined {
  readonly recordKey: Buffer;
  readonly value: Buffer;
  readonly key: Buffer | undefined;
  readonly header: RecordHeader | undefined;
  readonly kind?: ProblemKind;
  readonly reason?: string;
}

/** Hashes of records that are not there any more, and how many of them were of cold keys. */
export interface Losses {
  readonly cold: Map<number, number>;
  /** Hashes of keys in memory of which a record is missing. */
  readonly shadowed: Set<number>;
}

export interface RecordCheckParts {
  readonly store: KeyValueStore;
  readonly seed: Buffer;
  readonly facts: BaseFacts;
  readonly findings: Findings;
  readonly quarantine: QuarantineSink;
  readonly statistics: TierStatistics;
  readonly onProgress: (records: number) => void;
}

export class RecordCheck {
  readonly #parts: RecordCheckParts;
  readonly #db: number;
  readonly #namespace: number;
  readonly #hash: KeyHash;
  readonly #memory = newScratchMemory();
  readonly #writer: BatchWriter;
  /** Records that are right. */
  kept = 0;
  readonly losses: Losses = { cold: new Map(), shadowed: new Set() };

  constructor(parts: RecordCheckParts, db: number) {
    this.#parts = parts;
    this.#db = db;
    this.#namespace = parts.facts.metadata.namespaces[db];
    this.#hash = new KeyHash(parts.seed);
    this.#writer = new BatchWriter(parts.store);
  }

  async run(): Promise<void> {
    const { facts, findings } = this.#parts;
    const isListed = facts.isListed(this.#db);
    const expected = facts.expected(this.#db);
    let next = isListed ? await take(expected) : undefined;
    let seen = 0;
    for await (const group of this.#groups()) {
      seen += group.records.length;
      while (next !== undefined && next.hash < group.hash) {
        this.#missing(next, next.cold + next.shadowed);
        next = await take(expected);
      }
      const known = next?.hash === group.hash ? next : { hash: group.hash, cold: 0, shadowed: 0 };
      await this.#judge(group.records, isListed ? known : undefined);
      if (next?.hash === group.hash) next = await take(expected);
    }
    for (; next !== undefined; next = await take(expected)) this.#missing(next, next.cold + next.shadowed);
    await this.#writer.finish();
    const count = facts.countOf(this.#db);
    if (!isListed && seen !== count) {
      const reason = `database ${this.#db} should have ${count} records, and has ${seen}`;
      // Which of them had been deleted cannot be told.
      if (seen > count) throw new BeyondRepair(`${reason}; the base file does not list them`);
      findings.add({ kind: "count", db: this.#db, reason, losesKey: true, keysLost: count - seen });
    }
  }

  /** The records of one hash at a time, ascending. */
  async *#groups(): AsyncGenerator<{ hash: number; records: Examined[] }, void, undefined> {
    const { onProgress, store } = this.#parts;
    const cursor = store.cursor(hashRange(this.#namespace, 0, HASH_SPACE));
    let hash = -1;
    let records: Examined[] = [];
    try {
      for (;;) {
        const entries = await cursor.next(RECORDS_AT_ONCE);
        if (entries.length === 0) break;
        const examined = entries.map((entry) => this.#examine(entry));
        await this.#checkIndex(examined);
        for (const each of examined) {
          const own = hashOf(each.recordKey);
          if (own !== hash && records.length > 0) {
            yield { hash, records };
            records = [];
          }
          hash = own;
          records.push(each);
        }
        onProgress(entries.length);
      }
      if (records.length > 0) yield { hash, records };
    } finally {
      await cursor.close();
    }
  }

  #examine([recordKey, value]: StoreEntry): Examined {
    if (!isRecordKey(recordKey))
      return {
        recordKey,
        value,
        key: undefined,
        header: undefined,
        kind: "damaged",
        reason: "its name makes no sense",
      };
    const inline = isDigestKey(recordKey) ? undefined : inlineKeyOf(recordKey);
    const key = inline !== undefined && this.#isPlaced(recordKey, inline) ? inline : undefined;
    let header: RecordHeader;
    try {
      header = readHeader(recordKey, value);
      const full = keyOf(recordKey, header);
      if (!this.#isPlaced(recordKey, full)) {
        const reason = "it lies under the hash of another key";
        return { recordKey, value, key: full, header, kind: "misplaced", reason };
      }
      this.#decode(recordKey, value, header);
      const { generation } = this.#parts.facts.metadata.tier;
      if (header.generation >= generation) {
        const reason = "it was written after the checkpoint, and what leads back from it is lost";
        return { recordKey, value, key: full, header, kind: "newer", reason };
      }
      return { recordKey, value, key: full, header };
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== "corrupt") throw error;
      return { recordKey, value, key, header: undefined, kind: "damaged", reason: error.message };
    }
  }

  #isPlaced(recordKey: Buffer, key: Buffer): boolean {
    if (this.#hash.of(key, 0, key.length) >>> 0 !== hashOf(recordKey)) return false;
    if (!isDigestKey(recordKey)) return true;
    return createHash("sha256").update(key).digest().equals(inlineKeyOf(recordKey));
  }

  /** Takes the value out of its encoding, as a read would. Throws StorageError "corrupt". */
  #decode(recordKey: Buffer, value: Buffer, header: RecordHeader): void {
    const payload = readPayload(recordKey, value, header);
    const { type } = header;
    if (type === STRING) {
      const bytes = { buffer: payload, next: 0, end: payload.length };
      if (decodeString(bytes) === undefined || bytes.next !== bytes.end)
        throw new StorageError("corrupt", "its value is cut off");
    } else if (!LOADABLE_RDB_TYPES.has(type)) {
      throw new StorageError("corrupt", `there is no type ${type}`);
    } else {
      dataTypeOfRdb(type).unpack(this.#memory, type, payload);
    }
  }

  /** Each record with an expiry must be found by it. */
  async #checkIndex(examined: readonly Examined[]): Promise<void> {
    const { findings, store } = this.#parts;
    const timed = examined.filter(({ header, kind }) => kind === undefined && header!.expireMs !== 0);
    if (timed.length === 0) return;
    const names = timed.map(({ header, recordKey }) => expiryKey(header!.expireMs, recordKey));
    const found = await store.getMany(names);
    for (const [i, { key }] of timed.entries()) {
      if (found[i] !== undefined) continue;
      findings.add({
        kind: "index",
        db: this.#db,
        key: Buffer.from(key!),
        reason: "its expiry is not in the index",
      });
      await this.#writer.add({ key: names[i], value: EMPTY_VALUE });
    }
  }

  /** What becomes of all records of one hash, of which `known` says how many there should be. */
  async #judge(records: Examined[], known: ExpectedRecords | undefined): Promise<void> {
    const good = records.filter(({ kind }) => kind === undefined);
    const bad = records.filter(({ kind }) => kind !== undefined);
    if (known === undefined) {
      for (const each of bad) await this.#takeOut(each, true);
      for (const each of good) this.#keep(each);
      return;
    }
    const { cold, hash, shadowed } = known;
    if (good.length > cold + shadowed) {
      for (const each of good) {
        const reason = "the checkpoint does not know it: it was deleted before";
        await this.#takeOut({ ...each, kind: "unknown", reason }, false);
      }
      for (const each of bad) await this.#takeOut(each, false);
      this.#count(known, cold, shadowed > 0);
      return;
    }
    for (const each of good) this.#keep(each);
    const gone = cold + shadowed - good.length;
    const goneCold = await this.#goneCold(good, known);
    let toTell = goneCold;
    for (const each of bad) await this.#takeOut(each, toTell-- > 0);
    this.#count({ hash }, goneCold, gone > goneCold);
    const untold = gone - bad.length;
    if (untold > 0) this.#tellMissing(hash, untold, Math.max(0, goneCold - bad.length));
  }

  /** How many cold keys of this hash have lost their record. */
  async #goneCold(good: readonly Examined[], { cold, shadowed }: ExpectedRecords): Promise<number> {
    if (cold === 0) return 0;
    if (shadowed === 0) return cold - good.length;
    // Two keys with one hash, one of them in memory: the names tell.
    const names = new Set(good.map(({ key }) => nameOf(this.#db, key!)));
    const inMemory = await this.#parts.facts.shadowedAmong(names);
    return cold - (good.length - inMemory.size);
  }

  #keep({ header, value }: Examined): void {
    this.kept++;
    this.#parts.statistics.add(this.#db, header!, value.length);
  }

  #missing(known: ExpectedRecords, count: number): void {
    this.#count(known, known.cold, known.shadowed > 0);
    this.#tellMissing(known.hash, count, known.cold);
  }

  #tellMissing(hash: number, count: number, cold: number): void {
    for (let i = 0; i < count; i++) {
      const losesKey = i < cold;
      const reason = losesKey
        ? "its record is missing"
        : "its record is missing, which does no harm: the key lies in memory, or is deleted";
      const name = this.#nameOf(hash);
      this.#parts.findings.add({ kind: "missing", db: this.#db, reason, losesKey, ...name });
    }
  }

  /** What a missing record is called, if something was found that has its hash. */
  #nameOf(hash: number): { readonly key: Buffer } | { readonly hash: number } {
    const key = this.#parts.findings.nameOf(this.#db, hash);
    const isRight = key !== undefined && this.#hash.of(key, 0, key.length) >>> 0 === hash;
    return isRight ? { key } : { hash };
  }

  #count({ hash }: Pick<ExpectedRecords, "hash">, cold: number, hasShadowed: boolean): void {
    if (cold > 0) this.losses.cold.set(hash, cold);
    if (hasShadowed) this.losses.shadowed.add(hash);
  }

  async #takeOut(
    { header, kind, key, reason, recordKey, value }: Examined,
    losesKey: boolean,
  ): Promise<void> {
    const { findings, quarantine } = this.#parts;
    const db = this.#db;
    const name = key === undefined ? { hash: hashOf(recordKey) } : { key: Buffer.from(key) };
    findings.add({ kind: kind!, db, reason: reason!, losesKey, ...name });
    const known = key === undefined ? {} : { key };
    const namespace = this.#namespace;
    await quarantine.add({ what: "cold record", reason: reason!, db, namespace, recordKey, value, ...known });
    await this.#writer.add({ key: recordKey, value: undefined });
    if (header !== undefined && header.expireMs !== 0)
      await this.#writer.add({ key: expiryKey(header.expireMs, recordKey), value: undefined });
  }
}

async function take(expected: AsyncGenerator<ExpectedRecords>): Promise<ExpectedRecords | undefined> {
  const next = await expected.next();
  return next.done === true ? undefined : next.value;
}
