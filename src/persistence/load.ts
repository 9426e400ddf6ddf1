/**
 * Loads data files into an empty keyspace: RDB files by making their entries, append-only files by giving their
 * commands to an executor. Which files, and what to do about a bad end, is decided by recovery.ts.
 */
import { withView } from "../base/byte-copy.ts";
import type { FileHandle, Files } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdKeysPart } from "../keyspace/cold-keys.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { KeyHash } from "../memory/key-hash.ts";
import { StoredValue } from "../types/data-type.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../types/registry.ts";
import { encodingOf, fillValue, STRING } from "../types/string/string-value.ts";
import { formatOfFile } from "./aof/format.ts";
import { type AofOutcome, AofReader } from "./aof/reader.ts";
import type { AofVerifierOptions, ExtentSource } from "./aof/verifier.ts";
import type { CheckpointMetadata } from "./checkpoint.ts";
import { EntryPlace } from "./rdb/entry-scan.ts";
import { AUX_TIER, AUX_USED_MEMORY, RDB_HEADER_BYTES, TYPE_STRING } from "./rdb/format.ts";
import { type RdbEntry, RdbError, RdbReader, type RdbRecord } from "./rdb/reader.ts";

/** Entries looked for at a time, as many as HashTable.seekAll takes. */
const GROUP_ENTRIES = 16;
/** Entries of a file hardly take less. */
const ENTRY_USUAL_BYTES = 16;
/** Groups loaded before it is looked whether there is memory: some tenths of a millisecond. */
const GROUPS_AT_ONCE = 32;
/** Below, a thread that verifies would take longer to begin than it saves. */
const LARGE_FILE_BYTES = 8 * 1024 * 1024;

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
  /** What to do with a key, or a library of functions, that is there already: throw LoadError (default), or take the
   * file's. */
  readonly onDuplicate?: "refuse" | "replace";
  /** For so many keys the table may be made in advance. Default: for none. */
  readonly reservedKeys?: number;
  /** Waits until memory is within its budget again. */
  readonly makeRoom: () => Promise<void>;
  readonly observer?: LoadObserver | undefined;
}

export interface RdbLoadResult {
  readonly keys: number;
  readonly endOffset: number;
}

/** Loads all entries of an RDB file. Throws RdbError, StorageError or LoadError. */
export function loadRdb(
  file: FileHandle,
  keyspace: Keyspace,
  options: RdbLoadOptions,
): Promise<RdbLoadResult> {
  return new RdbLoad(keyspace, options).run(file);
}

/** One RDB file on its way into a keyspace. */
class RdbLoad {
  private keys = 0;
  private expired = 0;
  private selected = 0;
  private fileBytes = 0;
  private readonly keyspace: Keyspace;
  private readonly options: RdbLoadOptions;
  /** Entries that are loaded together, the hashes of their keys, and what was found under these. */
  private readonly places = Array.from({ length: GROUP_ENTRIES }, () => new EntryPlace());
  private readonly hashes = new Int32Array(GROUP_ENTRIES);
  private readonly addresses = new Int32Array(GROUP_ENTRIES);
  private readonly keyHash: KeyHash;

  constructor(keyspace: Keyspace, options: RdbLoadOptions) {
    this.keyspace = keyspace;
    this.keyHash = keyspace.keyHash;
    this.options = options;
  }

  async run(file: FileHandle): Promise<RdbLoadResult> {
    const { options } = this;
    this.fileBytes = await file.size();
    const reader = await RdbReader.open(file, {
      start: options.start ?? 0,
      privateOpcodes: options.withTier ?? false,
      verifyChecksum: options.verifyChecksum ?? true,
      loadableTypes: LOADABLE_RDB_TYPES,
      batchRecords: 1,
      reusesChunks: true,
    });
    for (;;) {
      if (!this.loadSome(reader)) {
        const [record] = await reader.readBatch();
        if (record === undefined) break;
        this.loadRecord(record);
      }
      await options.makeRoom();
      await options.observer?.reached(reader.position - (options.start ?? 0), this.keys);
    }
    options.onLoaded?.(this.keys, this.expired);
    return { keys: this.keys, endOffset: reader.position };
  }

  /** False if the reader has to make records of what comes next. */
  private loadSome(reader: RdbReader): boolean {
    const { places } = this;
    let found = reader.scanEntries(places);
    const isSome = found > 0;
    for (let groups = 1; found > 0; groups++) {
      this.loadGroup(found);
      found = groups < GROUPS_AT_ONCE ? reader.scanEntries(places) : 0;
    }
    return isSome;
  }

  private loadGroup(count: number): void {
    const { hashes, keyHash, places } = this;
    this.prefetch(count);
    try {
      for (let i = 0; i < count; i++) {
        const { key, keyLength, keyStart } = places[i];
        keyHash.remember(key, keyStart, keyLength, hashes[i]);
        this.load(places[i]);
      }
    } finally {
      keyHash.forget();
    }
  }

  /** Hashes the keys, and has the processor read all of their slots at a time instead of waiting for each. */
  private prefetch(count: number): void {
    const { hashes, keyHash, places } = this;
    for (let i = 0; i < count; i++) {
      const { key, keyLength, keyStart } = places[i];
      hashes[i] = keyHash.of(key, keyStart, keyLength);
    }
    databaseOf(this.keyspace, places[0].db).table.seekAll(hashes, count, this.addresses);
  }

  private loadRecord(record: RdbRecord): void {
    const { keyspace, options } = this;
    if (record.kind === "tombstone") {
      databaseOf(keyspace, record.db).restoreTombstone(record.key);
    } else if (record.kind === "function") {
      const error = keyspace.functions.load(record.code, options.onDuplicate === "replace");
      if (error !== undefined) throw new LoadError(`A library of functions cannot be loaded: ${error}`);
    } else if (record.kind === "cold-keys") {
      loadColdKeys(databaseOf(keyspace, record.db), record);
    } else if (record.kind === "aux") {
      if (record.key.toString() === AUX_USED_MEMORY) options.observer?.usedMemory(Number(record.value));
    } else if (record.kind === "select") {
      this.selected = record.db;
    } else if (record.kind === "resize") {
      // What the file announces is only believed as far as there is room for it, in the file and in memory.
      const most = Math.min(this.fileBytes / ENTRY_USUAL_BYTES, options.reservedKeys ?? 0);
      keyspace.databases[this.selected]?.reserve(Math.min(record.keys, most), Math.min(record.expires, most));
    } else if (record.kind === "module-aux") {
      options.onSkipped?.(`Data of the module type ${record.module} is not kept: there are no modules`);
    } else if (record.kind === "entry") {
      this.loadEntry(record);
    }
  }

  private loadEntry({ db, type, key, expireMs, ...record }: RdbEntry): void {
    const [place] = this.places;
    if (expireMs !== undefined && expireMs <= 0 && this.isLeftOut(expireMs)) return;
    const value = record.value ?? record.payload!;
    Object.assign(place, { db, type, key, keyStart: 0, keyLength: key.length });
    Object.assign(place, { value, valueStart: 0, valueLength: value.length, expireMs: expireMs ?? 0 });
    place.idleSeconds = record.idleSeconds ?? -1;
    place.frequency = record.frequency ?? -1;
    place.hasRecordBelow = record.hasRecordBelow;
    this.load(place);
  }

  /** Whether a key is not to be loaded, since it has expired. */
  private isLeftOut(expireMs: number): boolean {
    if (this.options.skipExpired !== true || expireMs > this.keyspace.nowMs) return false;
    this.expired++;
    return true;
  }

  private load(place: EntryPlace): void {
    const { keyspace, options } = this;
    const { expireMs } = place;
    if (expireMs !== 0 && this.isLeftOut(expireMs)) return;
    const database = databaseOf(keyspace, place.db);
    makePlace(database, place, options);
    const address =
      place.type === TYPE_STRING ? addString(keyspace, database, place) : addValue(keyspace, database, place);
    const { entries, accessClock } = keyspace;
    if (place.hasRecordBelow) database.markRecord(address);
    if (accessClock.lfu) {
      if (place.frequency >= 0) entries.setAccess(address, accessClock.withFrequency(place.frequency));
    } else if (place.idleSeconds >= 0) {
      entries.setAccess(address, accessClock.withIdle(place.idleSeconds));
    }
    this.keys++;
  }
}

/** The key is the one that was looked for last, as in `addValue`. */
function addString({ entries }: Keyspace, database: Database, place: EntryPlace): number {
  const { key, keyStart, keyLength, value, valueStart, valueLength, expireMs } = place;
  const address = database.add(STRING, key, keyStart, keyLength, valueLength, expireMs);
  fillValue(entries, address, value, valueStart, valueLength);
  entries.setEncoding(address, encodingOf(value, valueStart, valueLength));
  return address;
}

const packed = { buffer: Buffer.from([]) as Buffer, next: 0, end: 0 };
const stored = new StoredValue();

function addValue({ memory }: Keyspace, database: Database, place: EntryPlace): number {
  const { key, keyStart, keyLength, expireMs, type, valueStart } = place;
  const dataType = dataTypeOfRdb(type);
  packed.buffer = place.value;
  packed.next = valueStart;
  packed.end = valueStart + place.valueLength;
  if (dataType.findStored?.(memory, type, packed, stored) === true) {
    const { buffer, start, length, encoding } = stored;
    const address = database.add(dataType.type, key, keyStart, keyLength, length, expireMs);
    fillValue(memory.entries, address, buffer, start, length);
    memory.entries.setEncoding(address, encoding);
    return address;
  }
  const value = dataType.unpack(memory, type, withView(place.value.subarray(valueStart, packed.end)));
  const address = database.add(dataType.type, key, keyStart, keyLength, value.length, expireMs);
  value.fill(memory, address);
  database.setEncoding(address, value.encoding);
  return address;
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
function makePlace(database: Database, place: EntryPlace, { findIn, onDuplicate }: RdbLoadOptions): void {
  const { key, keyStart, keyLength } = place;
  if (findIn === undefined) {
    if (database.find(key, keyStart, keyLength) === 0) return;
  } else {
    const address = findIn(database, key.subarray(keyStart, keyStart + keyLength));
    if (address === 0 || database.isTombstone(address)) return;
  }
  if (onDuplicate !== "replace") {
    const name = key.toString("latin1", keyStart, keyStart + keyLength);
    throw new LoadError(`The key '${name}' stands twice in the file`);
  }
  database.delete(database.find(key, keyStart, keyLength));
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

export interface AofLoadOptions extends RdbLoadOptions {
  /** Bytes from here on are void. */
  readonly end?: number;
  /** Who verifies a large file beside the one that executes its commands; without, that does it itself. */
  readonly openVerifier?: ((task: AofVerifierOptions, file: FileHandle) => Promise<ExtentSource>) | undefined;
}

/** Loads a file of the append-only directory: commands, or an RDB which commands may follow. */
export async function loadAofFile(
  file: FileHandle,
  name: string,
  keyspace: Keyspace,
  executor: Executor,
  options: AofLoadOptions,
): Promise<AofOutcome | undefined> {
  const head = Buffer.alloc(RDB_HEADER_BYTES);
  const count = await file.read(head, 0);
  let start = 0;
  if (formatOfFile(name, head.subarray(0, count)) === "rdb") {
    start = (await loadRdb(file, keyspace, options)).endOffset;
    if (start === (await file.size())) return undefined;
  }
  executor.beginFile();
  const size = Math.min(await file.size(), options.end ?? Number.POSITIVE_INFINITY);
  const extent = { start, ...(options.end === undefined ? {} : { end: options.end }) };
  const isLarge = size - start >= LARGE_FILE_BYTES;
  const verifier = isLarge ? await options.openVerifier?.({ ...extent, name }, file) : undefined;
  const aside = verifier === undefined ? {} : { verifier };
  const reader = await AofReader.open(file, { ...extent, name, reusesChunks: true, ...aside });
  try {
    await execute(reader, executor, options.observer);
  } finally {
    await verifier?.close();
  }
  if (reader.outcome === undefined) throw new StorageError("io", `${name} was not read to its end`);
  return reader.outcome;
}

async function execute(
  reader: AofReader,
  executor: Executor,
  observer: LoadObserver | undefined,
): Promise<void> {
  let commands = 0;
  do {
    while (reader.next()) {
      executor.add(reader);
      commands++;
      if (!executor.isFull) continue;
      await executor.drain();
      await observer?.reached(reader.endOffset, commands);
    }
    await observer?.reached(reader.endOffset, commands);
  } while (await reader.advance());
  await executor.drain();
}
