/**
 * Reads an RDB file into records, in constant memory (one chunk, or the largest value). A pure library: it yields
 * what the file holds and throws RdbError, with offset, where the file cannot be read; it never logs, loads or
 * repairs. Layout: format.ts.
 *
 * Strings come decoded (`value`). Of the other types the caller names those it can load (`loadableTypes`); their
 * entries carry the value's bytes as they are (`payload`, what DUMP would carry), for the type to decode.
 * Any other type ends reading with an error that names key and type, or is passed over (`otherTypes: "skip"`).
 *
 * Invariant: records before an error are complete; the checksum, if there is one, is verified before the "end"
 * record, so a caller that must not act on damaged data waits for that.
 */
import type { ReadableFile } from "../../base/files.ts";
import { FileWindow } from "../file-window.ts";
import { type EntryPlace, EntryScan } from "./entry-scan.ts";
import {
  OPCODE_AUX,
  OPCODE_COLD_KEYS,
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_EXPIRE_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RECORD_BELOW,
  OPCODE_RESIZE_DB,
  OPCODE_SELECT_DB,
  OPCODE_SLOT_INFO,
  OPCODE_TOMBSTONE,
  RDB_HEADER_BYTES,
  RDB_MAGIC,
  RDB_VERSION_MAX,
  RDB_VERSION_WITH_CHECKSUM,
  SHARED_TYPE_MAX,
  TYPE_MODULE_2,
  TYPE_STRING,
  typeName,
  VALKEY_MAGIC,
  VALKEY_VERSION_MIN,
} from "./format.ts";
import { RdbSource } from "./source.ts";
import { readModuleName, skipModuleValues, skipValue } from "./value-skipper.ts";

export { RdbError } from "./source.ts";

/** A key with its value. Buffers may be views on what was read: copy what is kept. */
export interface RdbEntry {
  readonly kind: "entry";
  /** Offset in the file after the entry. */
  readonly endOffset: number;
  readonly db: number;
  readonly key: Buffer;
  /** The value's type number in the file. */
  readonly type: number;
  /** A string's value. */
  readonly value: Buffer | undefined;
  /** The value's bytes as in the file, if its type is one of `loadableTypes`. */
  readonly payload: Buffer | undefined;
  /** Unix time in milliseconds. */
  readonly expireMs: number | undefined;
  /** Seconds since the last access when the file was written. */
  readonly idleSeconds: number | undefined;
  /** LFU counter, 0..255. */
  readonly frequency: number | undefined;
  /** The cold tier holds a record of the key. */
  readonly hasRecordBelow: boolean;
}

export type RdbRecord =
  | RdbEntry
  | { readonly kind: "header"; readonly endOffset: number; readonly version: number }
  | { readonly kind: "aux"; readonly endOffset: number; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: "select"; readonly endOffset: number; readonly db: number }
  | { readonly kind: "resize"; readonly endOffset: number; readonly keys: number; readonly expires: number }
  | { readonly kind: "function"; readonly endOffset: number; readonly code: Buffer }
  | { readonly kind: "module-aux"; readonly endOffset: number; readonly module: string }
  | { readonly kind: "tombstone"; readonly endOffset: number; readonly db: number; readonly key: Buffer }
  | {
      readonly kind: "cold-keys";
      readonly endOffset: number;
      readonly db: number;
      /** As in keyspace/cold-keys.ts. */
      readonly differences: Buffer;
      readonly left: number;
    }
  | {
      readonly kind: "end";
      /** Where the RDB ends; commands may follow in an AOF with preamble. */
      readonly endOffset: number;
      /** "disabled": the file says so. "absent": older than version 5. "unchecked": the caller did not want it. */
      readonly checksum: "ok" | "disabled" | "absent" | "unchecked";
    };

/** A place in a file between two items. */
export interface RdbPlace {
  readonly offset: number;
  readonly version: number;
  /** Which database the next entry belongs to. */
  readonly db: number;
  /** Of all that the reader has read before; undefined if it keeps none. */
  readonly checksum: Uint8Array | undefined;
}

export interface RdbReaderOptions {
  /** Offset at which the RDB begins. Default 0. */
  readonly start?: number;
  /** What is at `start` is no header, but an item of a file of this version, in this database. */
  readonly resume?: Pick<RdbPlace, "version" | "db">;
  /** Whether tsredis's own opcodes are allowed: only in a base file whose manifest names a cold tier. Default no. */
  readonly privateOpcodes?: boolean;
  /** Types (other than string) whose payload the caller wants. Default none. */
  readonly loadableTypes?: ReadonlySet<number>;
  /** What to do with an entry of a type that is neither string nor loadable. Default "refuse". */
  readonly otherTypes?: "refuse" | "skip";
  /** Entries are only passed over, to see where they begin; with `otherTypes` "skip". Default no. */
  readonly withoutParts?: boolean;
  /** Default yes; no is for `rdbchecksum no`. */
  readonly verifyChecksum?: boolean;
  readonly chunkBytes?: number;
  /** Leaves no garbage. Only a record returned last is valid then: for `batchRecords` 1. Default no. */
  readonly reusesChunks?: boolean;
  /** Records are read ahead up to this number. Default BATCH_RECORDS. */
  readonly batchRecords?: number;
}

/** Records are read ahead up to this number, so that not each one costs a promise; or until their values have so many
 * bytes. */
const BATCH_RECORDS = 256;
const BATCH_BYTES = 1 << 20;

export class RdbReader {
  readonly #source: RdbSource;
  readonly #options: RdbReaderOptions;
  readonly #scan: EntryScan;
  #version = 0;
  #db = 0;
  #isEnded = false;
  #expireMs: number | undefined;
  #idleSeconds: number | undefined;
  #frequency: number | undefined;
  #hasRecordBelow = false;
  /** What ended reading early, to be thrown once the records before it were returned. */
  #failure: unknown;

  private constructor(source: RdbSource, options: RdbReaderOptions) {
    this.#source = source;
    this.#options = options;
    const { loadableTypes = new Set(), privateOpcodes = false, withoutParts = false } = options;
    this.#scan = new EntryScan(source, loadableTypes, privateOpcodes, withoutParts);
    this.#version = options.resume?.version ?? 0;
    this.#db = options.resume?.db ?? 0;
  }

  static async open(file: ReadableFile, options: RdbReaderOptions = {}): Promise<RdbReader> {
    const window = new FileWindow(file, options.start ?? 0, await file.size(), options);
    return new RdbReader(new RdbSource(window, options.verifyChecksum ?? true), options);
  }

  /** Offset of what is read next. */
  get position(): number {
    return this.#source.position;
  }

  /** To be asked between two items. */
  get place(): RdbPlace {
    const source = this.#source;
    return {
      offset: source.position,
      version: this.#version,
      db: this.#db,
      checksum: source.checksum(),
    };
  }

  /** Goes on at a later place, at which another reader has come that began where this one is now. */
  goOnAt({ offset, db, checksum }: RdbPlace): void {
    this.#source.moveTo(offset, checksum);
    this.#db = db;
  }

  /** All records, one by one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RdbRecord, void, undefined> {
    for (let batch = await this.readBatch(); batch.length > 0; batch = await this.readBatch()) yield* batch;
  }

  /**
   * Says where the next entries are, without a record for each, as long as they are of the usual kinds and in memory;
   * as many as there are `places`, none that begins at `limit` or after. Returns how many: 0 means that `readBatch` has
   * to read what comes next.
   */
  scanEntries(places: readonly EntryPlace[], limit = Number.POSITIVE_INFINITY): number {
    if (this.#version === 0 || this.#isEnded || this.#failure !== undefined) return 0;
    let found = 0;
    const source = this.#source;
    while (found < places.length && source.position < limit && this.#scan.next(places[found])) {
      places[found].db = this.#db;
      found++;
    }
    return found;
  }

  /** The next records; none after the "end" record. An error comes after the records before it were returned. */
  async readBatch(): Promise<RdbRecord[]> {
    const batch: RdbRecord[] = [];
    if (this.#failure !== undefined) throw this.#failure;
    const { batchRecords = BATCH_RECORDS } = this.#options;
    let bytes = 0;
    try {
      while (!this.#isEnded && batch.length < batchRecords && bytes < BATCH_BYTES) {
        const record = await this.#readItem();
        if (record === undefined) continue;
        batch.push(record);
        if (record.kind === "entry") bytes += (record.value ?? record.payload)?.length ?? 0;
      }
    } catch (error) {
      this.#failure = error;
      if (batch.length === 0) throw error;
    }
    return batch;
  }

  /** One item of the file; undefined for an attribute of the entry that follows. */
  async #readItem(): Promise<RdbRecord | undefined> {
    const source = this.#source;
    if (this.#version === 0) return this.#readHeader();
    source.activity = "read-type";
    const { window } = source;
    const opcode = window.next < window.end ? window.buffer[window.next++] : await source.byte();
    if (opcode === TYPE_STRING) return this.#readEntry(opcode);
    switch (opcode) {
      case OPCODE_EXPIRE_MS:
        source.activity = "read-expire";
        this.#expireMs = Number((await source.bytes(8)).readBigInt64LE());
        return undefined;
      case OPCODE_EXPIRE_SECONDS:
        source.activity = "read-expire";
        this.#expireMs = (await source.bytes(4)).readInt32LE() * 1000;
        return undefined;
      case OPCODE_FREQUENCY:
        this.#frequency = await source.byte();
        return undefined;
      case OPCODE_IDLE:
        this.#idleSeconds = await source.length();
        return undefined;
      case OPCODE_SELECT_DB:
        source.activity = "read-len";
        this.#db = await source.length();
        return { kind: "select", db: this.#db, endOffset: source.position };
      case OPCODE_RESIZE_DB: {
        source.activity = "read-len";
        const keys = await source.length();
        const expires = await source.length();
        return { kind: "resize", keys, expires, endOffset: source.position };
      }
      case OPCODE_AUX: {
        source.activity = "read-aux";
        const key = source.kept(await source.string());
        const value = await source.string();
        return { kind: "aux", key, value, endOffset: source.position };
      }
      case OPCODE_END:
        return this.#readEnd();
      default:
        return this.#readRareItem(opcode);
    }
  }

  async #readRareItem(opcode: number): Promise<RdbRecord | undefined> {
    const source = this.#source;
    const hasPrivate = this.#options.privateOpcodes === true;
    switch (opcode) {
      case OPCODE_FUNCTION2: {
        source.activity = "read-functions";
        const code = await source.string();
        return { kind: "function", code, endOffset: source.position };
      }
      case OPCODE_FUNCTION:
        source.activity = "read-functions";
        throw source.fail("unsupported", "Functions in the format of a Redis 7.0 pre-release");
      case OPCODE_MODULE_AUX:
        return this.#readModuleAux();
      case OPCODE_SLOT_INFO:
        if (this.#isValkey) throw source.fail("unsupported", `Valkey's item ${opcode} cannot be read`);
        source.activity = "read-len";
        for (let i = 0; i < 3; i++) await source.length();
        return undefined;
      case OPCODE_RECORD_BELOW:
        if (!hasPrivate) break;
        this.#hasRecordBelow = true;
        return undefined;
      case OPCODE_TOMBSTONE: {
        if (!hasPrivate) break;
        source.activity = "read-key";
        const key = await source.string();
        this.#clearAttributes();
        return { kind: "tombstone", db: this.#db, key, endOffset: source.position };
      }
      case OPCODE_COLD_KEYS: {
        if (!hasPrivate) break;
        source.activity = "read-len";
        const left = await source.length();
        const differences = await source.string();
        return { kind: "cold-keys", db: this.#db, left, differences, endOffset: source.position };
      }
      default:
        if (typeName(opcode) !== undefined) return this.#readEntry(opcode);
        break;
    }
    throw source.fail("corrupt", `Invalid object type: ${opcode}`);
  }

  async #readHeader(): Promise<RdbRecord> {
    const source = this.#source;
    const header = (await source.bytes(RDB_HEADER_BYTES)).toString("latin1");
    if (header.startsWith(VALKEY_MAGIC)) return this.#readValkeyHeader(header.slice(VALKEY_MAGIC.length));
    if (!header.startsWith(RDB_MAGIC)) {
      throw source.fail("corrupt", "Wrong signature trying to load DB from file");
    }
    const digits = header.slice(RDB_MAGIC.length);
    const number = Number.parseInt(digits, 10) || 0;
    const version = /^[0-9]{4}$/.test(digits) ? number : 0;
    if (version < 1 || version > RDB_VERSION_MAX) {
      const shown = version === number ? number : digits;
      throw source.fail("unsupported", `Can't handle RDB format version ${shown}`);
    }
    this.#version = version;
    return { kind: "header", version, endOffset: source.position };
  }

  #readValkeyHeader(digits: string): RdbRecord {
    const version = /^[0-9]{3}$/.test(digits) ? Number(digits) : 0;
    if (version < VALKEY_VERSION_MIN) {
      throw this.#source.fail(
        "unsupported",
        `Can't handle RDB format version ${version || digits} of Valkey`,
      );
    }
    this.#version = version;
    return { kind: "header", version, endOffset: this.#source.position };
  }

  /** Whether the file is Valkey's, which uses some numbers for other things than Redis. */
  get #isValkey(): boolean {
    return this.#version >= VALKEY_VERSION_MIN;
  }

  async #readEntry(type: number): Promise<RdbEntry> {
    const source = this.#source;
    source.type = type;
    source.activity = "read-key";
    const key = source.kept(source.tryString() ?? (await source.string()));
    source.key = key;
    source.activity = "read-object-value";
    let value: Buffer | undefined;
    let payload: Buffer | undefined;
    if (this.#options.withoutParts === true && type === TYPE_STRING) await source.skipString();
    else if (type === TYPE_STRING) value = source.tryString() ?? (await source.string());
    else payload = await this.#readOtherValue(type, key);
    source.key = undefined;
    source.type = undefined;
    const entry: RdbEntry = {
      kind: "entry",
      endOffset: source.position,
      db: this.#db,
      key,
      type,
      value,
      payload,
      expireMs: this.#expireMs,
      idleSeconds: this.#idleSeconds,
      frequency: this.#frequency,
      hasRecordBelow: this.#hasRecordBelow,
    };
    this.#clearAttributes();
    return entry;
  }

  async #readOtherValue(type: number, key: Buffer): Promise<Buffer | undefined> {
    const source = this.#source;
    if (this.#isValkey && type > SHARED_TYPE_MAX) {
      const shown = key.toString("latin1");
      throw source.fail(
        "unsupported",
        `Key '${shown}' holds a value of Valkey's type ${type}, which cannot be read`,
      );
    }
    if (this.#options.loadableTypes?.has(type) === true) {
      source.beginCapture();
      await skipValue(source, type);
      return source.endCapture();
    }
    if (this.#options.otherTypes !== "skip") {
      const of = type === TYPE_MODULE_2 ? ` of the module type ${await readModuleName(source)}` : "";
      throw source.fail(
        "unsupported",
        `Key '${key.toString("latin1")}' holds a ${typeName(type)} value${of}, which tsredis cannot load`,
      );
    }
    await skipValue(source, type);
    return undefined;
  }

  async #readModuleAux(): Promise<RdbRecord> {
    const source = this.#source;
    source.activity = "read-module-aux";
    const module = await readModuleName(source);
    if ((await source.length()) !== 2) throw source.fail("corrupt", "bad when_opcode");
    await source.length();
    await skipModuleValues(source, module);
    return { kind: "module-aux", module, endOffset: source.position };
  }

  async #readEnd(): Promise<RdbRecord> {
    const source = this.#source;
    let checksum: "ok" | "disabled" | "absent" | "unchecked" = "absent";
    if (this.#version >= RDB_VERSION_WITH_CHECKSUM) {
      source.activity = "check-sum";
      // From the middle of a file on it is not known.
      const expected = this.#options.resume === undefined ? source.checksum() : undefined;
      source.stopChecksum();
      const stored = await source.bytes(8);
      if (expected === undefined) checksum = "unchecked";
      else if (stored.every((byte) => byte === 0)) checksum = "disabled";
      else if (stored.equals(expected)) checksum = "ok";
      else throw source.fail("corrupt", "RDB CRC error");
    }
    this.#isEnded = true;
    return { kind: "end", checksum, endOffset: source.position };
  }

  #clearAttributes(): void {
    this.#expireMs = undefined;
    this.#idleSeconds = undefined;
    this.#frequency = undefined;
    this.#hasRecordBelow = false;
  }
}
