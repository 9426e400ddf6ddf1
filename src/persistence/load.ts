/**
 * Loads data files into an empty keyspace: RDB files by making their entries, append-only files by giving their
 * commands to an executor. Which files, and what to do about a bad end, is decided by recovery.ts.
 */
import type { FileHandle, Files } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdKeysPart } from "../keyspace/cold-keys.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../types/registry.ts";
import { encodingOf, fillValue, STRING } from "../types/string/string-value.ts";
import { type AofOutcome, AofReader, detectFormat } from "./aof/reader.ts";
import type { CheckpointMetadata } from "./checkpoint.ts";
import { AUX_TIER, AUX_USED_MEMORY, RDB_HEADER_BYTES } from "./rdb/format.ts";
import { type RdbEntry, RdbError, RdbReader } from "./rdb/reader.ts";

/** Executes the commands of an append-only file. */
export interface Executor {
  /** Takes the reader's present command. Throws LoadError if there is no such command. */
  add(reader: AofReader): void;
  /** Whether enough was added that `drain` should be awaited. */
  readonly isFull: boolean;
  /** Resolves when all that was added has been executed. */
  drain(): Promise<void>;
  /** A new file begins: database 0 is selected. */
  beginFile(): void;
}

/** Is told how far loading has come. */
export interface LoadObserver {
  /** Memory that the data took where the file was written. */
  usedMemory(bytes: number): void;
  /** The file is loaded up to there, with so many keys or commands of it. What it returns is awaited. */
  reached(offset: number, keys: number): Promise<void> | undefined;
  /** All of a file is loaded. */
  fileEnded(bytes: number): void;
}

/** Data that cannot be loaded. `message` says which, why, and what to do. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

export interface RdbLoadOptions {
  /** Where the RDB begins. */
  readonly start?: number;
  /** The file is the base of a manifest that names a cold tier. */
  readonly withTier?: boolean;
  /** Leave out keys past their expiry: right for a snapshot, wrong for the base of a log that goes on. */
  readonly skipExpired?: boolean;
  readonly verifyChecksum?: boolean;
  /** Is told what the file holds and the server does not keep: data of modules beside keys. */
  readonly onSkipped?: (text: string) => void;
  /** Told what was loaded, and how many keys were left out because they had expired. */
  readonly onLoaded?: (keys: number, expired: number) => void;
  /** The entry of a key, wherever it is; by default those in memory are all. */
  readonly findIn?: (database: Database, key: Buffer) => number;
  /** What to do with a key that is there already: throw LoadError (default), or take the file's. */
  readonly onDuplicate?: "refuse" | "replace";
  /** Waits until memory is within its budget again. */
  readonly makeRoom: () => Promise<void>;
  readonly observer?: LoadObserver | undefined;
}

export interface RdbLoadResult {
  readonly keys: number;
  readonly endOffset: number;
}

/** Loads all entries of an RDB file. Throws RdbError, StorageError or LoadError. */
export async function loadRdb(
  file: FileHandle,
  keyspace: Keyspace,
  options: RdbLoadOptions,
): Promise<RdbLoadResult> {
  const reader = await RdbReader.open(file, {
    start: options.start ?? 0,
    privateOpcodes: options.withTier ?? false,
    verifyChecksum: options.verifyChecksum ?? true,
    loadableTypes: LOADABLE_RDB_TYPES,
  });
  let keys = 0;
  let expired = 0;
  let endOffset = 0;
  for (let batch = await reader.readBatch(); batch.length > 0; batch = await reader.readBatch()) {
    for (const record of batch) {
      endOffset = record.endOffset;
      if (record.kind === "tombstone") {
        databaseOf(keyspace, record.db).restoreTombstone(record.key);
      } else if (record.kind === "function") {
        const error = keyspace.functions.load(record.code);
        if (error !== undefined) throw new LoadError(`A library of functions cannot be loaded: ${error}`);
      } else if (record.kind === "cold-keys") {
        loadColdKeys(databaseOf(keyspace, record.db), record);
      } else if (record.kind === "aux") {
        if (record.key.toString() === AUX_USED_MEMORY) options.observer?.usedMemory(Number(record.value));
      } else if (record.kind === "module-aux") {
        options.onSkipped?.(`Data of the module type ${record.module} is not kept: there are no modules`);
      } else if (record.kind === "entry") {
        const isExpired = record.expireMs !== undefined && record.expireMs <= keyspace.nowMs;
        if (isExpired && options.skipExpired) {
          expired++;
          continue;
        }
        makePlace(keyspace, record, options);
        loadEntry(keyspace, record);
        keys++;
      }
    }
    await options.makeRoom();
    await options.observer?.reached(endOffset, keys);
  }
  options.onLoaded?.(keys, expired);
  return { keys, endOffset };
}

function databaseOf(keyspace: Keyspace, db: number) {
  const database = keyspace.databases[db];
  if (database === undefined) {
    throw new LoadError(
      `The file holds keys of database ${db}, but the server is configured for ${keyspace.databases.length} databases`,
    );
  }
  return database;
}

function loadColdKeys({ coldKeys }: Database, part: ColdKeysPart & { readonly endOffset: number }): void {
  try {
    coldKeys.restore(part);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RdbError("corrupt", error.message, { offset: part.endOffset, activity: "read-len" });
  }
}

/** Sees to it that the database has no such key, which is then the one that was looked for last. */
function makePlace(keyspace: Keyspace, { db, key }: RdbEntry, { findIn, onDuplicate }: RdbLoadOptions): void {
  const database = databaseOf(keyspace, db);
  const address = findIn === undefined ? database.find(key, 0, key.length) : findIn(database, key);
  if (address === 0 || (findIn !== undefined && database.isTombstone(address))) return;
  if (onDuplicate !== "replace") {
    throw new LoadError(`The key '${key.toString("latin1")}' stands twice in the file`);
  }
  database.delete(address);
}

function loadEntry(keyspace: Keyspace, record: RdbEntry): void {
  const database = databaseOf(keyspace, record.db);
  const { entries, accessClock, memory } = keyspace;
  const { key } = record;
  // Its hash is that of the key that `makePlace` has just looked for.
  let address: number;
  const expireMs = record.expireMs ?? 0;
  if (record.value !== undefined) {
    const { value } = record;
    address = database.add(STRING, key, 0, key.length, value.length, expireMs);
    fillValue(entries, address, value, 0, value.length);
    entries.setEncoding(address, encodingOf(value, 0, value.length));
  } else {
    const dataType = dataTypeOfRdb(record.type);
    const value = dataType.unpack(memory, record.type, record.payload!);
    address = database.add(dataType.type, key, 0, key.length, value.length, expireMs);
    value.fill(memory, address);
    database.setEncoding(address, value.encoding);
  }
  if (record.hasRecordBelow) database.markRecord(address);
  if (accessClock.lfu && record.frequency !== undefined) {
    entries.setAccess(address, accessClock.withFrequency(record.frequency));
  } else if (!accessClock.lfu && record.idleSeconds !== undefined) {
    entries.setAccess(address, accessClock.withIdle(record.idleSeconds));
  }
}

/** The checkpoint that a base file belongs to. Throws LoadError if it does not say. */
export async function readCheckpointMetadata(files: Files, path: string): Promise<CheckpointMetadata> {
  const file = await files.open(path, "read");
  try {
    const reader = await RdbReader.open(file, { privateOpcodes: true, verifyChecksum: false });
    for await (const record of reader) {
      if (record.kind === "aux" && record.key.toString() === AUX_TIER)
        return parseMetadata(record.value.toString());
      if (record.kind === "entry" || record.kind === "tombstone" || record.kind === "end") break;
    }
  } finally {
    await file.close();
  }
  throw new LoadError(`${path} does not say which state of the cold tier it belongs to`);
}

function parseMetadata(text: string): CheckpointMetadata {
  try {
    const metadata = JSON.parse(text) as CheckpointMetadata;
    if (Array.isArray(metadata.namespaces) && metadata.namespaces.every((each) => Number.isInteger(each))) {
      return metadata;
    }
  } catch {
    // Said below.
  }
  throw new LoadError("The base file's description of the cold tier is damaged");
}

/** Loads a file of the append-only directory: commands, or an RDB which commands may follow. */
export async function loadAofFile(
  file: FileHandle,
  name: string,
  keyspace: Keyspace,
  executor: Executor,
  options: RdbLoadOptions & { readonly end?: number },
): Promise<AofOutcome | undefined> {
  const head = Buffer.alloc(RDB_HEADER_BYTES);
  const count = await file.read(head, 0);
  let start = 0;
  if (detectFormat(head.subarray(0, count)) === "rdb") {
    start = (await loadRdb(file, keyspace, options)).endOffset;
    if (start === (await file.size())) return undefined;
  }
  executor.beginFile();
  const reader = await AofReader.open(file, {
    start,
    name,
    ...(options.end === undefined ? {} : { end: options.end }),
  });
  let commands = 0;
  do {
    while (reader.next()) {
      executor.add(reader);
      commands++;
      if (!executor.isFull) continue;
      await executor.drain();
      await options.observer?.reached(reader.endOffset, commands);
    }
  } while (await reader.advance());
  await executor.drain();
  if (reader.outcome === undefined) throw new StorageError("io", `${name} was not read to its end`);
  return reader.outcome;
}
