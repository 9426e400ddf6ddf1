/**
 * The smallest ordered store: a map in memory, for tests that are about what is in the store, not about how
 * it fails.
 */
import type {
  KeyValueStore,
  StoreChange,
  StoreCursor,
  StoreEntry,
  StoreRange,
  StoreSnapshot,
} from "../../src/cold/key-value-store.ts";

export type MemoryImage = Map<string, [key: Buffer, value: Buffer]>;

export class MemoryStore implements KeyValueStore {
  readonly memtableBytes = 0;
  /** Present contents, by key as latin1. */
  image: MemoryImage;
  /** Called with each batch before it is applied. */
  onBatch: (changes: readonly StoreChange[]) => void = () => {};
  /** Keys whose reading fails like LevelDB's when a block is damaged. */
  readonly unreadable: Map<string, Error>;
  levelZeroFiles = 0;
  flushes = 0;

  /** Snapshots that were not closed yet. */
  openSnapshots = 0;

  constructor(image: MemoryImage = new Map(), unreadable = new Map<string, Error>()) {
    this.image = new Map(image);
    this.unreadable = unreadable;
  }

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return keys.map((key) => this.getSync(key));
  }

  getSync(key: Buffer): Buffer | undefined {
    const name = key.toString("latin1");
    const failure = this.unreadable.get(name);
    if (failure !== undefined) throw failure;
    const value = this.image.get(name)?.[1];
    return value === undefined ? undefined : Buffer.from(value);
  }

  async batch(changes: readonly StoreChange[], _sync: boolean): Promise<void> {
    this.onBatch(changes);
    for (const { key, value } of changes) {
      const name = key.toString("latin1");
      if (value === undefined) this.image.delete(name);
      else this.image.set(name, [Buffer.from(key), Buffer.from(value)]);
    }
  }

  cursor(range: StoreRange): StoreCursor {
    return this.#cursor(range, ([key, value]): StoreEntry => [Buffer.from(key), Buffer.from(value)]);
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return this.#cursor(range, ([key]) => Buffer.from(key));
  }

  snapshot(): StoreSnapshot {
    const copy = new MemoryStore(this.image, this.unreadable);
    this.openSnapshots += 1;
    return {
      getMany: (keys) => copy.getMany(keys),
      cursor: (range) => copy.cursor(range),
      keyCursor: (range) => copy.keyCursor(range),
      close: async () => {
        this.openSnapshots -= 1;
      },
    };
  }

  #cursor<Found>(range: StoreRange, copyOf: (entry: StoreEntry) => Found): StoreCursor<Found> {
    const entries = [...this.image.values()].filter(
      ([key]) => Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0,
    );
    entries.sort(([a], [b]) => Buffer.compare(a, b));
    if (range.reverse === true) entries.reverse();
    return {
      next: async (limit) => entries.splice(0, limit).map(copyOf),
      close: async () => {},
    };
  }

  async flush(): Promise<void> {
    this.flushes += 1;
  }

  property(name: string): string {
    return name === "leveldb.num-files-at-level0" ? String(this.levelZeroFiles) : "";
  }

  async close(): Promise<void> {}
}
