/**
 * Writes an RDB file of any version from entries that are packed already, from front to back. (The server's own writer
 * writes one version only; layout: src/persistence/rdb/format.ts.)
 */
import { Crc64 } from "../../src/base/crc64.ts";
import {
  OPCODE_AUX,
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_SELECT_DB,
  RDB_MAGIC,
  RDB_VERSION_WITH_CHECKSUM,
} from "../../src/persistence/rdb/format.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../../src/types/rdb-encoding.ts";
import type { FileWriter } from "./file-writer.ts";

const LENGTH_MAX_BYTES = 9;
/** Versions that brought these items. */
const AUX_VERSION = 7;
const ACCESS_VERSION = 9;
const FUNCTION_VERSION = 10;

/** What goes with a key. */
export interface EntryAttributes {
  readonly db: number;
  readonly key: Buffer;
  readonly expireMs: number | undefined;
  readonly idleSeconds: number | undefined;
  readonly frequency: number | undefined;
}

export class RdbOutput {
  readonly version: number;
  readonly #writer: FileWriter;
  readonly #checksum = new Crc64();
  #db = -1;

  constructor(writer: FileWriter, version: number) {
    this.#writer = writer;
    this.version = version;
  }

  async begin(): Promise<void> {
    await this.#put(Buffer.from(RDB_MAGIC + String(this.version).padStart(4, "0")));
  }

  async aux(name: Buffer, value: Buffer): Promise<void> {
    if (this.version < AUX_VERSION) return;
    await this.#put(Buffer.of(OPCODE_AUX));
    await this.#string(name);
    await this.#string(value);
  }

  /** False if this version has no functions. */
  async function(code: Buffer): Promise<boolean> {
    if (this.version < FUNCTION_VERSION) return false;
    await this.#put(Buffer.of(OPCODE_FUNCTION2));
    await this.#string(code);
    return true;
  }

  async string(entry: EntryAttributes, value: Buffer): Promise<void> {
    await this.#attributes(entry, 0);
    await this.#string(value);
  }

  async packed(entry: EntryAttributes, type: number, payload: Buffer): Promise<void> {
    await this.#attributes(entry, type);
    await this.#put(payload);
  }

  async end(): Promise<void> {
    await this.#put(Buffer.of(OPCODE_END));
    if (this.version >= RDB_VERSION_WITH_CHECKSUM) await this.#writer.write(this.#checksum.digest());
  }

  async #attributes(entry: EntryAttributes, type: number): Promise<void> {
    const { db, key, expireMs, idleSeconds, frequency } = entry;
    if (db !== this.#db) {
      await this.#put(Buffer.of(OPCODE_SELECT_DB));
      await this.#length(db);
      this.#db = db;
    }
    if (expireMs !== undefined) {
      const bytes = Buffer.alloc(9);
      bytes[0] = OPCODE_EXPIRE_MS;
      bytes.writeBigInt64LE(BigInt(expireMs), 1);
      await this.#put(bytes);
    }
    if (frequency !== undefined && this.version >= ACCESS_VERSION)
      await this.#put(Buffer.of(OPCODE_FREQUENCY, frequency));
    if (idleSeconds !== undefined && this.version >= ACCESS_VERSION) {
      await this.#put(Buffer.of(OPCODE_IDLE));
      await this.#length(idleSeconds);
    }
    await this.#put(Buffer.of(type));
    await this.#string(key);
  }

  async #length(length: number): Promise<void> {
    const bytes = Buffer.alloc(LENGTH_MAX_BYTES);
    await this.#put(bytes.subarray(0, encodeLength(bytes, 0, length)));
  }

  async #string(text: Buffer): Promise<void> {
    const bytes = Buffer.allocUnsafe(text.length + STRING_OVERHEAD_BYTES);
    await this.#put(bytes.subarray(0, encodeString(bytes, 0, text, 0, text.length, true)));
  }

  async #put(bytes: Buffer): Promise<void> {
    this.#checksum.update(bytes);
    await this.#writer.write(bytes);
  }
}
