/** What keys are written to: an RDB of version 10, or the commands that make them. Large values go in parts. */
import { ByteArena } from "../../src/base/byte-arena.ts";
import { REDIS_VERSION } from "../../src/base/compatibility.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type { ScannedRecord } from "../../src/cold/tier.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import type { Server } from "../../src/server/server.ts";
import { finishSteps } from "../../src/types/packed-parts.ts";
import { decodeString, RDB_VERSION_WRITTEN } from "../../src/types/rdb-encoding.ts";
import { dataTypeOf, dataTypeOfRdb } from "../../src/types/registry.ts";
import { isRooted } from "../../src/types/rooted.ts";
import { STRING } from "../../src/types/string/string-value.ts";
import type { ByteWriter } from "../shared/file-writer.ts";
import { KeyWriter } from "../shared/key-writer.ts";
import { ValueHolder } from "../shared/value-holder.ts";
import type { KeyTarget } from "./contents.ts";

/** Of Redis 7.4, for hashes with fields that expire. */
const VERSION_WITH_TIMES = 12;
const DRAIN_BYTES = 256 * 1024;

/** Takes the contents of a server, after `begin` and up to `end`. */
export interface ExportTarget extends KeyTarget {
  begin(): Promise<void>;
  end(): Promise<void>;
}

/** A complete RDB. */
export class RdbTarget implements ExportTarget {
  readonly #server: Server;
  readonly #rdb: RdbWriter;
  readonly #arena = new ByteArena();

  constructor(server: Server, writer: ByteWriter) {
    this.#server = server;
    this.#rdb = new RdbWriter((chunk) => writer.write(chunk));
  }

  async begin(): Promise<void> {
    const { clock, keyspace } = this.#server;
    const hasTimes = keyspace.databases.some(({ timedHashes }) => timedHashes.size > 0);
    this.#rdb.appendHeader(hasTimes ? VERSION_WITH_TIMES : RDB_VERSION_WRITTEN);
    this.#rdb.appendAux("redis-ver", REDIS_VERSION);
    this.#rdb.appendAux("redis-bits", "64");
    this.#rdb.appendAux("ctime", String(Math.floor(clock.nowMs / 1000)));
    this.#rdb.appendAux("aof-base", "0");
    for (const source of keyspace.functions.sources()) this.#rdb.appendFunction(source);
    await this.#drain();
  }

  async entry(database: Database, address: number, expireMs: number): Promise<void> {
    const { entries, memory } = this.#server.keyspace;
    const rdb = this.#rdb;
    this.#attributes(database, expireMs);
    const key = entries.keyBuffer(address);
    const keyStart = entries.keyStart(address);
    const keyLength = entries.keyLength(address);
    const dataType = dataTypeOf(entries.type(address));
    if (dataType.type === STRING) {
      const value = entries.valueBuffer(address);
      const start = entries.valueStart(address);
      rdb.appendString(key, keyStart, keyLength, value, start, entries.valueLength(address));
    } else {
      const type = dataType.rdbTypeOf(memory, address);
      rdb.appendEntryHead(type, key, keyStart, keyLength);
      const isLarge = isRooted(entries.head(address));
      const parts = isLarge ? dataType.packInParts?.(memory, address, rdb) : undefined;
      if (parts === undefined) {
        this.#arena.reset();
        rdb.appendBytes(dataType.pack(memory, address, this.#arena, true));
      } else {
        while (parts.next().done !== true) await this.#drain();
      }
    }
    await this.#drain();
  }

  async record(database: Database, record: ScannedRecord): Promise<void> {
    const rdb = this.#rdb;
    this.#attributes(database, record.expireMs);
    const text = dataTypeOfRdb(record.type).type === STRING ? textOf(record) : undefined;
    if (text === undefined) rdb.appendPayload(record.type, record.key, 0, record.key.length, record.payload!);
    else rdb.appendString(record.key, 0, record.key.length, text, 0, text.length);
    await this.#drain();
  }

  async end(): Promise<void> {
    this.#rdb.appendEnd();
    await this.#rdb.drain();
  }

  #attributes(database: Database, expireMs: number): void {
    this.#rdb.selectDb(database.index);
    if (expireMs !== 0) this.#rdb.appendExpire(expireMs);
  }

  async #drain(): Promise<void> {
    if (this.#rdb.pendingBytes >= DRAIN_BYTES) await this.#rdb.drain();
  }
}

/** Commands. */
export class AofTarget implements ExportTarget {
  readonly #server: Server;
  readonly #commands: KeyWriter;
  readonly #holder = new ValueHolder();

  constructor(server: Server, writer: ByteWriter) {
    this.#server = server;
    this.#commands = new KeyWriter(writer);
  }

  async begin(): Promise<void> {
    for (const source of this.#server.keyspace.functions.sources()) await this.#commands.function(source);
  }

  async entry(database: Database, address: number, expireMs: number): Promise<void> {
    const { entries, memory } = this.#server.keyspace;
    const key = Buffer.from(entries.key(address));
    await this.#commands.key(
      database.index,
      key,
      (sink) => finishSteps(dataTypeOf(entries.type(address)).rewrite(memory, address, key, sink)),
      expireMs === 0 ? undefined : expireMs,
    );
  }

  async record(database: Database, record: ScannedRecord): Promise<void> {
    const { expireMs, key, payload, type } = record;
    await this.#commands.key(
      database.index,
      key,
      (sink) => {
        if (dataTypeOfRdb(type).type === STRING) sink("SET", key, textOf(record));
        else this.#holder.rewrite({ key, type, payload }, sink);
      },
      expireMs === 0 ? undefined : expireMs,
    );
  }

  end(): Promise<void> {
    return this.#commands.end();
  }
}

function textOf({ payload }: ScannedRecord): Buffer {
  const text = decodeString({ buffer: payload!, next: 0, end: payload!.length });
  if (text === undefined) throw new StorageError("corrupt", "a cold record's value is cut off");
  return text;
}
