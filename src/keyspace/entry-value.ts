/**
 * The value of an entry while a command works on it: its bytes, which a data type reads and changes in place, and its
 * encoding. `open` turns it to an entry; afterwards the entry may only be changed through it.
 */
import { readInt32 } from "../base/little-endian.ts";
import type { PackedBytes } from "../types/packed-bytes.ts";
import { ROOT_BYTES, ROOTED, setRoot } from "../types/rooted.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

export class EntryValue implements PackedBytes {
  /** The entry's address, which `resize` may change. */
  address = 0;
  buffer!: Buffer;
  start = 0;
  length = 0;
  private db!: Database;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  open(db: Database, address: number): this {
    const { entries } = this.keyspace;
    this.db = db;
    this.address = address;
    this.buffer = entries.valueBuffer(address);
    this.start = entries.valueStart(address);
    this.length = entries.valueLength(address);
    return this;
  }

  /** Must be called once before the value is changed: see Database.beforeWrite. */
  beforeWrite(): void {
    this.db.beforeWrite(this.address);
  }

  /** Keeps the bytes that both lengths have. `buffer` and `start` may be others afterwards. */
  resize(length: number): void {
    this.open(this.db, this.db.resizeValue(this.address, length));
  }

  get encoding(): number {
    return this.keyspace.entries.encoding(this.address);
  }

  set encoding(encoding: number) {
    this.db.setEncoding(this.address, encoding);
  }

  /** The root of a value that lies outside the entry (types/rooted.ts). */
  get root(): number {
    return readInt32(this.buffer, this.start);
  }

  /** Replaces the value by one that lies outside the entry. */
  becomeRooted(encoding: number, root: number): void {
    if ((encoding & ROOTED) === 0) throw new Error(`encoding ${encoding} has no root`);
    this.resize(ROOT_BYTES);
    this.encoding = encoding;
    setRoot(this.keyspace.entries, this.address, root);
  }

  /** Deletes the key, the value with it. */
  delete(): void {
    this.db.delete(this.address);
  }
}
