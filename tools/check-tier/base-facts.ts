/**
 * What the base file knows of the cold tier as of the checkpoint: its generation, how many records each
 * namespace had, and the hashes of their keys: it lists those of all records, also such as lie under an entry or a
 * tombstone. Of the keys of these, hashes are kept here, four bytes each; the list, which may be much longer, is read
 * when it is needed, in its order.
 */
import type { FileHandle, Files } from "../../src/base/files.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import type { CheckpointMetadata } from "../../src/persistence/checkpoint.ts";
import { RdbReader } from "../../src/persistence/rdb/reader.ts";

/** How many records there should be with a hash. */
export interface ExpectedRecords {
  readonly hash: number;
  /** Of cold keys, whose value is nowhere else. */
  readonly cold: number;
  /** Of keys in memory: nothing is lost with them. */
  readonly shadowed: number;
}

export class BaseFacts {
  readonly metadata: CheckpointMetadata;
  readonly #files: Files;
  readonly #path: string;
  /** Hashes of keys in memory with a record, ascending; for each database. */
  readonly #shadowed = new Map<number, Uint32Array>();
  /** Databases whose records the file lists. */
  readonly #listed = new Set<number>();

  private constructor(files: Files, path: string, metadata: CheckpointMetadata) {
    this.#files = files;
    this.#path = path;
    this.metadata = metadata;
  }

  /** Reads the whole base file. Throws RdbError. */
  static async read(
    files: Files,
    path: string,
    metadata: CheckpointMetadata,
    seed: Buffer,
  ): Promise<BaseFacts> {
    const facts = new BaseFacts(files, path, metadata);
    const hash = new KeyHash(seed);
    const found = new Map<number, HashList>();
    await facts.#withReader(async (reader) => {
      for await (const record of reader) {
        if (record.kind === "cold-keys") facts.#listed.add(record.db);
        const isShadow = record.kind === "tombstone" || (record.kind === "entry" && record.hasRecordBelow);
        if (!isShadow) continue;
        let list = found.get(record.db);
        if (list === undefined) found.set(record.db, (list = new HashList()));
        list.add(hash.of(record.key, 0, record.key.length) >>> 0);
      }
    });
    for (const [db, list] of found) facts.#shadowed.set(db, list.sorted());
    return facts;
  }

  /** Records that the namespace of a database had. */
  countOf(db: number): number {
    const namespace = this.metadata.namespaces[db];
    return this.metadata.tier.counts.find(([each]) => each === namespace)?.[1] ?? 0;
  }

  /** Whether `expected` can tell all: the file lists the database's records, or all of them lie under entries. */
  isListed(db: number): boolean {
    const shadowed = this.#shadowed.get(db)?.length ?? 0;
    return this.#listed.has(db) || this.countOf(db) === shadowed;
  }

  /** The records that a database should have, by hash, ascending. */
  async *expected(db: number): AsyncGenerator<ExpectedRecords, void, undefined> {
    const shadowed = this.#shadowed.get(db) ?? new Uint32Array(0);
    let next = 0;
    let pending: { hash: number; records: number } | undefined;
    const close = function* (group: typeof pending): Generator<ExpectedRecords> {
      const upTo = group?.hash ?? Number.POSITIVE_INFINITY;
      while (next < shadowed.length && shadowed[next] < upTo) {
        const hash = shadowed[next];
        let count = 0;
        for (; shadowed[next] === hash; next++) count++;
        yield { hash, cold: 0, shadowed: count };
      }
      if (group === undefined) return;
      let count = 0;
      for (; shadowed[next] === group.hash; next++) count++;
      yield { hash: group.hash, cold: Math.max(0, group.records - count), shadowed: count };
    };
    for await (const hash of this.#listedHashes(db)) {
      if (pending?.hash === hash) pending.records++;
      else {
        if (pending !== undefined) yield* close(pending);
        pending = { hash, records: 1 };
      }
    }
    if (pending !== undefined) yield* close(pending);
    yield* close(undefined);
  }

  /** Those of `keys`, each with its database, that are in memory or deleted: nothing is lost with their records. */
  async shadowedAmong(keys: ReadonlySet<string>): Promise<Set<string>> {
    const found = new Set<string>();
    await this.#withReader(async (reader) => {
      for await (const record of reader) {
        if (record.kind !== "tombstone" && record.kind !== "entry") continue;
        const name = nameOf(record.db, record.key);
        if (keys.has(name)) found.add(name);
      }
    });
    return found;
  }

  async *#listedHashes(db: number): AsyncGenerator<number, void, undefined> {
    if (!this.#listed.has(db)) return;
    const file = await this.#files.open(this.#path, "read");
    try {
      let hash = 0;
      for await (const record of await openReader(file)) {
        // Entries may stand between the parts: those that commands changed while the file was written.
        if (record.kind !== "cold-keys" || record.db !== db) continue;
        let difference = 0;
        let factor = 1;
        for (const byte of record.differences) {
          difference += (byte & 127) * factor;
          factor *= 128;
          if (byte >= 128) continue;
          hash += difference;
          yield hash;
          difference = 0;
          factor = 1;
        }
        if (record.left === 0) return;
      }
    } finally {
      await file.close();
    }
  }

  async #withReader(use: (reader: RdbReader) => Promise<void>): Promise<void> {
    const file = await this.#files.open(this.#path, "read");
    try {
      await use(await openReader(file));
    } finally {
      await file.close();
    }
  }
}

/** A key and its database as one text. */
export function nameOf(db: number, key: Buffer): string {
  return `${db} ${key.toString("latin1")}`;
}

function openReader(file: FileHandle): Promise<RdbReader> {
  return RdbReader.open(file, { privateOpcodes: true, otherTypes: "skip" });
}

const FIRST_HASHES = 1024;

class HashList {
  #hashes = new Uint32Array(FIRST_HASHES);
  #count = 0;

  add(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Uint32Array(this.#count * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = hash;
  }

  sorted(): Uint32Array {
    return this.#hashes.slice(0, this.#count).sort();
  }
}
