/**
 * The key-value store on LevelDB (classic-level). Owns the database handle, the order of writes, and what LevelDB
 * leaves to its user:
 *
 * - Writes are applied in the order of the calls: LevelDB is called from a pool of threads, in any order.
 * - After a failed append to its log, LevelDB goes on as if the record were there. Records written later, synced ones
 *   too, then stand where the log's reader does not look for them, and are dropped without a word when the store is
 *   next opened (tried: a full disk, room again, and sixty synced batches gone). And an error while it writes a table
 *   makes it refuse all writes until it is opened again.
 *   So after a write that failed for want of space nothing is written before there is room again and the store has
 *   been reopened, which turns all logs into synced tables. Reads go on until then; they wait while it is reopened.
 * - After any other failed write the store stays read-only until someone opens it anew. A failed sync may have cost
 *   the log pages that were acknowledged before, while memory still has them.
 * - `compactRange` reports no error. `flush` looks for it: see there.
 * - Where CURRENT is missing, opening begins an empty store, and removes the tables and logs that there are. So it is
 *   refused then.
 *
 * A batch that failed may nevertheless have been written: it may show after the store was reopened, or after a crash.
 */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { StorageError } from "../base/storage-error.ts";
import type {
  KeyValueStore,
  OpenStore,
  StoreChange,
  StoreCursor,
  StoreRange,
  StoreSnapshot,
} from "./key-value-store.ts";
import { toStorageError } from "./level-errors.ts";

export interface LevelStoreOptions {
  /** Uncompressed blocks kept in memory. Values in use live in the hot tier, so this need only hold the blocks that
   * neighbouring cold reads share. */
  readonly cacheSizeBytes: number;
  /** Size of a memtable, of which two may be in memory. Larger ones make fewer and larger tables, and a longer flush
   * at a checkpoint and a longer recovery. */
  readonly writeBufferSizeBytes: number;
  /** Size of a table file. LevelDB's 2 MiB would make 50,000 files of 100 GB; much larger ones make each compaction,
   * and the room it needs, larger. */
  readonly maxFileSizeBytes: number;
  /** Size of a block, the unit of reading. A cold read wants one record, so a larger block costs reading and gains
   * only index memory. */
  readonly blockSizeBytes: number;
  /** Table files held open, each with its index and bloom filter (10 bits a key) in memory outside the cache. */
  readonly maxOpenFiles: number;
  /** Snappy for blocks. Off unless told: cold records carry LZ4 already where it helps, and to try again costs
   * processor time for each block written and gains nothing. */
  readonly compression: boolean;
}

export const levelStoreDefaults: LevelStoreOptions = {
  cacheSizeBytes: 32 << 20,
  writeBufferSizeBytes: 4 << 20,
  maxFileSizeBytes: 8 << 20,
  blockSizeBytes: 4 << 10,
  maxOpenFiles: 1000,
  compression: false,
};

/** Memory budget from which on table files have their full size. */
const LARGE_BUDGET_BYTES = 1 << 30;

/**
 * Options for a server whose data may use `budgetBytes` of memory (0: no limit). LevelDB maps its table files into
 * memory, at least 64 of them, so their size decides how much of the process's resident memory is mapped files:
 * with a small budget they are small too. So are memtables, as each becomes one table of level 0.
 */
export function levelStoreOptionsFor(
  budgetBytes: number,
  cacheSizeBytes: number,
): Partial<LevelStoreOptions> {
  if (budgetBytes === 0 || budgetBytes >= LARGE_BUDGET_BYTES) return { cacheSizeBytes };
  return { cacheSizeBytes, maxFileSizeBytes: 1 << 20, maxOpenFiles: 74, writeBufferSizeBytes: 2 << 20 };
}

/** Keys that begin like this are the store's own; callers' keys must be below. */
const RESERVED_PREFIX: Buffer = Buffer.alloc(16, 0xff);
/** Never has a value: deleting it is a write that changes nothing. */
const BARRIER_KEY = RESERVED_PREFIX;
/** Above all keys there can be, the barrier included, so that compacting this range flushes and moves nothing. */
const ABOVE_ALL_FROM: Buffer = Buffer.alloc(17, 0xff);
const ABOVE_ALL_TO: Buffer = Buffer.alloc(18, 0xff);

/** Bytes of entries a cursor fetches at once, at most. Larger pieces make no walk faster, and fragment memory: one
 * thread allocates them and another frees them. */
const CURSOR_FETCH_BYTES = 32 << 10;

/** Entries a cursor fetches at once, at most. The library keeps what it fetched last until the collector finds the
 * cursor, and may thus keep hundreds of them: walks that fetched 500 keys at once took 15 MB more. */
const CURSOR_FETCH_ENTRIES = 128;

/** Batches with such a value are written in another way: see `writeLarge`. */
const LARGE_VALUE_BYTES = 1 << 20;

/** Written and removed to learn whether there is room; left behind only if the process dies in between. */
const ROOM_PROBE_FILE = "room.probe";

/** Tables, by either of their endings, and logs. */
const DATA_FILE = /^\d+\.(ldb|sst|log)$/;

type Snapshot = ReturnType<ClassicLevel["snapshot"]>;

interface LevelIterator<Entry> {
  nextv(limit: number): Promise<Entry[]>;
}

/** Opens stores with these options; what is not given is as in `levelStoreDefaults`. Opening throws StorageError
 * "locked" when another process, or this one, has the folder open, and "corrupt" where CURRENT is missing. */
export function openLevelStore(options: Partial<LevelStoreOptions> = {}): OpenStore {
  const all = { ...levelStoreDefaults, ...options };
  return async (folder) => {
    // Before there is a database: it opens by itself.
    await refuseWithoutCurrent(folder);
    const database = new ClassicLevel<Buffer, Buffer>(folder, {
      keyEncoding: "buffer",
      valueEncoding: "buffer",
      cacheSize: all.cacheSizeBytes,
      writeBufferSize: all.writeBufferSizeBytes,
      maxFileSize: all.maxFileSizeBytes,
      blockSize: all.blockSizeBytes,
      maxOpenFiles: all.maxOpenFiles,
      compression: all.compression,
    });
    try {
      await database.open();
      await rm(join(folder, ROOM_PROBE_FILE), { force: true });
    } catch (error) {
      throw toStorageError(error, `opening the store in ${folder}`);
    }
    return new LevelStore(database, all.writeBufferSizeBytes);
  };
}

class LevelStore implements KeyValueStore {
  readonly #database: ClassicLevel<Buffer, Buffer>;
  readonly #writeBufferSize: number;
  /** The last write asked for; the next begins when it has ended, well or not. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** The write that failed last, while it may still have left something behind. */
  #failure: StorageError | undefined;
  /** While the database is being reopened. */
  #reopening: Promise<void> | undefined;
  /** Settles when no flush is under way. */
  #flushes: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(database: ClassicLevel<Buffer, Buffer>, writeBufferSize: number) {
    this.#database = database;
    this.#writeBufferSize = writeBufferSize;
  }

  /** One is filled while the one before it is written. */
  get memtableBytes(): number {
    return 2 * this.#writeBufferSize;
  }

  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#getMany(keys, undefined);
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#reading(() => this.#database.getSync(key));
  }

  /** `changes`, and the bytes in them, must stay as they are until the batch is written, or `onCopied` is called. */
  async batch(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    this.#mustBeOpen();
    const bytes = changes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    await this.#inOrder(() => this.#write(changes, sync));
    if (bytes > this.memtableBytes) this.#leaveMemtable();
  }

  cursor(range: StoreRange): StoreCursor {
    return this.#cursor(range, undefined);
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return this.#keyCursor(range, undefined);
  }

  /** While the store is being reopened there is none: cursors of before are cut off then, too. */
  snapshot(): StoreSnapshot {
    const snapshot = this.#reading(() => this.#database.snapshot());
    return {
      getMany: (keys) => this.#getMany(keys, snapshot),
      cursor: (range) => this.#cursor(range, snapshot),
      keyCursor: (range) => this.#keyCursor(range, snapshot),
      close: () => snapshot.close(),
    };
  }

  /**
   * LevelDB's compaction of an empty range first ends the present log and writes its memtable to a synced table. It
   * says nothing if that fails, so both ways to fail are closed: if no new log could be made, the log before was
   * synced just now; and if the table could not be written, LevelDB refuses the write that follows.
   */
  async flush(): Promise<void> {
    this.#mustBeOpen();
    const flushed = this.#flush();
    this.#flushes = Promise.allSettled([this.#flushes, flushed]);
    await flushed;
  }

  property(name: string): string {
    return this.#database.status === "open" ? this.#database.getProperty(name) : "";
  }

  /** Waits for everything asked for; cursors end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#flushes;
    await this.#lastWrite;
    try {
      await this.#database.close();
    } catch (error) {
      throw toStorageError(error, "closing the store");
    }
  }

  async #flush(): Promise<void> {
    await this.#inOrder(() => this.#write([], true));
    try {
      await this.#database.compactRange(ABOVE_ALL_FROM, ABOVE_ALL_TO);
    } catch (error) {
      throw this.#readError(error);
    }
    await this.#writeBarrier();
  }

  async #getMany(keys: readonly Buffer[], snapshot: Snapshot | undefined): Promise<(Buffer | undefined)[]> {
    this.#mustBeOpen();
    if (this.#reopening !== undefined) await this.#reopening.catch(() => undefined);
    try {
      // The library's type asks for a mutable array, which it does not change.
      const mutable = keys as Buffer[];
      if (snapshot === undefined) return await this.#database.getMany(mutable);
      return await this.#database.getMany<Buffer, Buffer>(mutable, { snapshot });
    } catch (error) {
      throw this.#readError(error);
    }
  }

  #cursor(range: StoreRange, snapshot: Snapshot | undefined): StoreCursor {
    const iterator = this.#reading(() =>
      this.#database.iterator<Buffer, Buffer>(iteratorOptions(range, snapshot)),
    );
    return { next: (limit) => this.#nextOf(iterator, limit), close: () => iterator.close() };
  }

  #keyCursor(range: StoreRange, snapshot: Snapshot | undefined): StoreCursor<Buffer> {
    const iterator = this.#reading(() =>
      this.#database.iterator<Buffer, string>({
        ...iteratorOptions(range, snapshot),
        values: false,
        // The library makes an empty value for each key: as text it takes no memory, unlike an empty Buffer.
        valueEncoding: "utf8",
      }),
    );
    return {
      next: async (limit) => (await this.#nextOf(iterator, limit)).map(keyOf),
      close: () => iterator.close(),
    };
  }

  async #nextOf<Entry>(iterator: LevelIterator<Entry>, limit: number): Promise<Entry[]> {
    try {
      return await iterator.nextv(Math.min(limit, CURSOR_FETCH_ENTRIES));
    } catch (error) {
      throw this.#readError(error);
    }
  }

  /** Begins to read; throws StorageError. */
  #reading<Result>(begin: () => Result): Result {
    this.#mustBeOpen();
    try {
      return begin();
    } catch (error) {
      throw this.#readError(error);
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new StorageError("closed", "the store is closed");
  }

  #inOrder(write: () => Promise<void>): Promise<void> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  async #write(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    if (this.#failure !== undefined) await this.#recover(this.#failure);
    if (changes.length === 0 && !sync) return;
    const isLarge = changes.some(({ value }) => value !== undefined && value.length >= LARGE_VALUE_BYTES);
    try {
      await (isLarge ? this.#writeLarge(changes, sync) : this.#writeChained(changes, sync));
    } catch (error) {
      const failure = toStorageError(error, "writing to the store");
      if (failure instanceof StorageError) this.#failure = failure;
      throw failure;
    }
  }

  /** A quarter of the time for many small changes. */
  async #writeChained(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    const batch = this.#database.batch();
    try {
      for (const { key, value } of changes) {
        if (value === undefined) batch.del(key);
        else batch.put(key, value);
      }
      // An empty batch would not reach the log, and so would sync nothing.
      if (changes.length === 0) batch.del(BARRIER_KEY);
      await batch.write({ sync });
    } catch (error) {
      await batch.close();
      throw error;
    }
  }

  /** The library copies all values at once, and frees its copies as soon as they are written: those of the other way
   * stay until the collector finds the batch, which looks small to it. */
  async #writeLarge(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    const operations = changes.map(({ key, value }) =>
      value === undefined ? { type: "del" as const, key } : { type: "put" as const, key, value },
    );
    // While it is not open the library would wait, and copy later.
    const isOpen = this.#database.status === "open";
    const written = this.#database.batch(operations, { sync });
    if (isOpen) for (const { onCopied } of changes) onCopied?.();
    await written;
  }

  /** A write that changes nothing, and before which LevelDB does what it does before any. */
  #writeBarrier(): Promise<void> {
    return this.#inOrder(() => this.#write([{ key: BARRIER_KEY, value: undefined }], false));
  }

  /** Has LevelDB begin another memtable if the present one is full, and write that as a table: it would do so with the
   * next batch, and until then keep all of a large one in memory. */
  #leaveMemtable(): void {
    // If it fails, the next write tells.
    this.#writeBarrier().catch(() => undefined);
  }

  /** Makes the store fit for writing after `failure`, or throws why it is not. */
  async #recover(failure: StorageError): Promise<void> {
    if (failure.code !== "no-space") {
      throw new StorageError(
        failure.code,
        `the store is read-only since a write failed: ${failure.message}`,
        {
          cause: failure,
        },
      );
    }
    // Opening on a full disk fails, and then there would be no reads either. When an attempt did fail, reads have
    // ended already, and another attempt is all that can help.
    if (this.#database.status === "open") await this.#mustHaveRoom();
    this.#reopening = this.#reopen();
    try {
      await this.#reopening;
      this.#failure = undefined;
    } finally {
      this.#reopening = undefined;
    }
  }

  async #mustHaveRoom(): Promise<void> {
    const probe = join(this.#database.location, ROOM_PROBE_FILE);
    // Opening writes the memtables as tables, two at most, and some small files.
    const room = 2 * this.#writeBufferSize + (1 << 20);
    try {
      await writeFile(probe, Buffer.alloc(room));
    } catch (error) {
      throw toStorageError(error, "making room for writes");
    } finally {
      await rm(probe, { force: true });
    }
  }

  async #reopen(): Promise<void> {
    try {
      await this.#database.close();
      await refuseWithoutCurrent(this.#database.location);
      await this.#database.open();
    } catch (error) {
      throw toStorageError(error, "reopening the store after a failed write");
    }
  }

  #readError(error: unknown): Error {
    const known = toStorageError(error, "reading from the store");
    if (!(known instanceof StorageError) || known.code !== "closed" || this.#closing !== undefined)
      return known;
    // Not closed by its owner: it is being reopened, or was, under a cursor, or that failed.
    return new StorageError("io", "reading was cut off by the recovery of the store from a failed write", {
      cause: error,
    });
  }
}

async function refuseWithoutCurrent(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes("CURRENT") || !names.some((name) => DATA_FILE.test(name))) return;
  throw new StorageError("corrupt", `${join(folder, "CURRENT")} is missing, though there are tables or logs`);
}

function iteratorOptions(range: StoreRange, snapshot: Snapshot | undefined) {
  return {
    gte: range.from,
    lt: range.to,
    reverse: range.reverse ?? false,
    snapshot,
    highWaterMarkBytes: CURSOR_FETCH_BYTES,
    // A walk over everything must not push out what point reads use.
    fillCache: false,
  };
}

function keyOf(entry: readonly [key: Buffer, value: unknown]): Buffer {
  return entry[0];
}
