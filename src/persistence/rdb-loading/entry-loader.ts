/**
 * Puts the entries of an RDB file into a keyspace: those that lie in the reader's window sixteen at a time, without a
 * record for each.
 */
import { withView } from "../../base/byte-copy.ts";
import type { Database } from "../../keyspace/database.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { StoredValue } from "../../types/data-type.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import { encodingOf, fillValue, STRING } from "../../types/string/string-value.ts";
import { LoadError } from "../load-error.ts";
import { EntryPlace } from "../rdb/entry-scan.ts";
import { TYPE_STRING } from "../rdb/format.ts";
import type { RdbEntry, RdbReader, RdbReaderOptions } from "../rdb/reader.ts";

/** How a file is read whose entries are loaded, or passed over: one record at a time, which leaves no garbage. */
export const LOADING = {
  loadableTypes: LOADABLE_RDB_TYPES,
  batchRecords: 1,
  reusesChunks: true,
} as const satisfies RdbReaderOptions;

/** Entries looked for at a time, as many as HashTable.seekAll takes. */
const GROUP_ENTRIES = 16;
/** Groups loaded before it is looked whether there is memory: some tenths of a millisecond. */
const GROUPS_AT_ONCE = 32;

/** Entries of a file hardly take less. */
const ENTRY_USUAL_BYTES = 16;

/** What a file announces of entries to come is only believed as far as there is room for it, in so many bytes of it. */
export function mostEntries(bytes: number): number {
  return bytes / ENTRY_USUAL_BYTES;
}

export interface EntryOptions {
  /** Leave out keys past their expiry: right for a snapshot, wrong for the base of a log that goes on. */
  readonly skipExpired?: boolean;
  /** The entry of a key, wherever it is; by default those in memory are all. */
  readonly findIn?: (database: Database, key: Buffer) => number;
  /** What to do with a key, or a library of functions, that is there already: throw LoadError (default), or take the
   * file's. */
  readonly onDuplicate?: "refuse" | "replace";
}

export class EntryLoader {
  /** Loaded, and left out because they had expired. */
  keys = 0;
  expired = 0;
  private readonly keyspace: Keyspace;
  private readonly options: EntryOptions;
  /** Entries that are loaded together, the hashes of their keys, and what was found under these. */
  private readonly places = Array.from({ length: GROUP_ENTRIES }, () => new EntryPlace());
  private readonly hashes = new Int32Array(GROUP_ENTRIES);
  private readonly addresses = new Int32Array(GROUP_ENTRIES);
  private readonly keyHash: KeyHash;

  constructor(keyspace: Keyspace, options: EntryOptions) {
    this.keyspace = keyspace;
    this.keyHash = keyspace.keyHash;
    this.options = options;
  }

  /** Loads entries, none that begins at `limit` or after. False if the reader has to make records of what comes
   * next. */
  loadSome(reader: RdbReader, limit: number): boolean {
    const { places } = this;
    let found = reader.scanEntries(places, limit);
    const isSome = found > 0;
    for (let groups = 1; found > 0; groups++) {
      this.loadGroup(found);
      found = groups < GROUPS_AT_ONCE ? reader.scanEntries(places, limit) : 0;
    }
    return isSome;
  }

  /** Loads an entry that the reader has made a record of. */
  loadEntry({ db, type, key, expireMs, ...record }: RdbEntry): void {
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

/** Throws LoadError if the server has no such database. */
export function databaseOf(keyspace: Keyspace, db: number) {
  const database = keyspace.databases[db];
  if (database === undefined) {
    throw new LoadError(
      `The file holds keys of database ${db}, but the server is configured for ${keyspace.databases.length} databases`,
    );
  }
  return database;
}

/** Sees to it that the database has no such key, which is then the one that was looked for last. */
function makePlace(database: Database, place: EntryPlace, { findIn, onDuplicate }: EntryOptions): void {
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
