/**
 * The open half of the simulated store: what a process that has it open sees and does. See simulated-store.ts.
 */
import type { Random } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type {
  KeyValueStore,
  StoreChange,
  StoreCursor,
  StoreEntry,
  StoreRange,
  StoreSnapshot,
} from "../../src/cold/key-value-store.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import {
  applyTo,
  keyBytes,
  keyText,
  type LoggedBatch,
  loggedBatch,
  type StoredFolder,
  StoreLog,
} from "./simulated-tables.ts";

export interface SimulatedStoreParts {
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly stored: StoredFolder;
  readonly memtableBytes: number;
}

/** Contents by the text of the key. */
type View = ReadonlyMap<string, Buffer>;

function storageError(code: string, attempt: string): StorageError {
  const isSpace = code === "ENOSPC" || code === "EDQUOT";
  return new StorageError(isSpace ? "no-space" : "io", `${attempt} failed: ${code} (simulated)`);
}

export class SimulatedStore implements KeyValueStore {
  readonly memtableBytes = 0;
  readonly #parts: SimulatedStoreParts;
  readonly #life: number;
  /** Tables and memtables as one: what reads see. */
  readonly #view: Map<string, Buffer>;
  #lastWrite: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Set<Promise<unknown>>();
  #failure: StorageError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: SimulatedStoreParts) {
    this.#parts = parts;
    this.#life = parts.process.life;
    this.#view = new Map(parts.stored.tables);
  }

  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#getMany(this.#view, keys);
  }

  getSync(key: Buffer): Buffer | undefined {
    this.#mustBeOpen();
    return this.#parts.process.callSync(this.#life, "getSync", "", {
      perform: () => valueIn(this.#view, key),
      fail: (code) => storageError(code, "reading"),
    });
  }

  async batch(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    this.#mustBeOpen();
    await this.#inOrder(() =>
      this.#parts.process.call<void>(this.#life, "batch", "", {
        perform: () => {
          this.#mustBeWritable();
          this.#write(loggedBatch(changes), sync);
        },
        interrupt: () => {
          // It may have reached the log, whole, or not; durable it is only by chance.
          if (this.#failure === undefined && this.#parts.random.below(2) === 0)
            this.#write(loggedBatch(changes), false);
        },
        fail: (code) => this.#fail(code, loggedBatch(changes)),
      }),
    );
  }

  cursor(range: StoreRange): StoreCursor {
    return this.#cursor(this.#view, range, entryOf);
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return this.#cursor(this.#view, range, keyBytes);
  }

  snapshot(): StoreSnapshot {
    this.#mustBeOpen();
    const view = new Map(this.#view);
    let isClosed = false;
    const use = (): View => {
      if (isClosed) throw new StorageError("closed", "the snapshot is closed");
      return view;
    };
    return {
      getMany: async (keys) => this.#getMany(use(), keys),
      cursor: (range) => this.#cursor(use(), range, entryOf),
      keyCursor: (range) => this.#cursor(use(), range, keyBytes),
      close: async () => {
        isClosed = true;
      },
    };
  }

  async #getMany(view: View, keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    this.#mustBeOpen();
    return this.#track(
      this.#parts.process.call(this.#life, "getMany", "", {
        perform: () => keys.map((key) => valueIn(view, key)),
        fail: (code) => storageError(code, "reading"),
      }),
    );
  }

  #cursor<Found>(
    view: View,
    range: StoreRange,
    find: (name: string, value: Buffer) => Found,
  ): StoreCursor<Found> {
    this.#mustBeOpen();
    const from = keyText(range.from);
    const to = keyText(range.to);
    const entries = [...view].filter(([key]) => key >= from && key < to);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    if (range.reverse === true) entries.reverse();
    let position = 0;
    let isClosed = false;
    return {
      next: async (limit) => {
        this.#mustBeOpen();
        if (isClosed) throw new StorageError("closed", "the cursor is closed");
        const { process, random } = this.#parts;
        return this.#track(
          process.call(this.#life, "next", "", {
            perform: () => {
              // LevelDB bounds what it fetches by bytes, too: fewer than asked for is not the end.
              const count = 1 + random.below(limit);
              const start = position;
              position += count;
              return entries.slice(start, position).map(([key, value]) => find(key, value));
            },
            fail: (code) => storageError(code, "reading"),
          }),
        );
      },
      close: async () => {
        isClosed = true;
      },
    };
  }

  async flush(): Promise<void> {
    this.#mustBeOpen();
    await this.#inOrder(() =>
      this.#parts.process.call<void>(this.#life, "flush", "", {
        perform: () => {
          this.#mustBeWritable();
          this.#settleDoubt();
          this.#parts.stored.flushAll();
        },
        interrupt: () => {
          if (this.#failure === undefined && this.#parts.random.below(2) === 0)
            this.#parts.stored.flushOldest();
        },
        fail: (code) => this.#fail(code, undefined),
      }),
    );
  }

  property(name: string): string {
    if (this.#closing !== undefined) return "";
    switch (name) {
      case "leveldb.num-files-at-level0":
        return "0";
      case "leveldb.stats":
        return `${this.#view.size} keys in a simulated store`;
      default:
        return "";
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#lastWrite;
    await Promise.allSettled(this.#underWay);
    await this.#parts.process.call<void>(this.#life, "close", "", {
      perform: () => {
        this.#parts.stored.openedBy = undefined;
      },
      fail: (code) => storageError(code, "closing"),
    });
  }

  #write(batch: LoggedBatch, sync: boolean): void {
    const { stored, random, memtableBytes } = this.#parts;
    this.#settleDoubt();
    if (stored.logs.length > 1 && random.below(4) === 0) stored.flushOldest();
    if (stored.log.sizeBytes > memtableBytes) {
      if (stored.logs.length > 1) stored.flushOldest();
      stored.logs.push(new StoreLog());
    }
    if (batch.changes.length > 0) stored.log.batches.push(batch);
    applyTo(this.#view, batch);
    if (sync) stored.log.synced = stored.log.batches.length;
  }

  /** The first write after a failed one: level-store.ts opens LevelDB anew, which makes everything durable. What the
   * failed batch left in the log may then be seen. */
  #settleDoubt(): void {
    const { stored } = this.#parts;
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    if (stored.doubtful !== undefined) applyTo(this.#view, stored.doubtful);
    stored.recover();
  }

  #fail(code: string, batch: LoggedBatch | undefined): Error {
    const { stored, random } = this.#parts;
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = storageError(code, "writing");
    if (batch !== undefined && random.below(2) === 0) stored.doubtful = batch;
    return this.#failure;
  }

  #mustBeWritable(): void {
    if (this.#failure !== undefined && this.#failure.code !== "no-space") throw this.#failure;
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new StorageError("closed", "the store is closed");
  }

  #inOrder(write: () => Promise<void>): Promise<void> {
    const result = this.#lastWrite.then(write);
    this.#lastWrite = result.catch(() => undefined);
    return result;
  }

  #track<T>(call: Promise<T>): Promise<T> {
    this.#underWay.add(call);
    const done = (): void => {
      this.#underWay.delete(call);
    };
    call.then(done, done);
    return call;
  }
}

/** A copy, as from LevelDB: who changes it changes nothing here. */
function valueIn(view: View, key: Buffer): Buffer | undefined {
  const value = view.get(keyText(key));
  return value === undefined ? undefined : Buffer.from(value);
}

function entryOf(name: string, value: Buffer): StoreEntry {
  return [keyBytes(name), Buffer.from(value)];
}
