/**
 * The smallest ordered store: a map in memory, for tests that are about what is in the store, not about how
 * it fails.
 */
import type { KeyValueStore, StoreChange, StoreCursor, StoreRange } from "../../src/cold/key-value-store.ts";

export type MemoryImage = Map<string, [key: Buffer, value: Buffer]>;

export class MemoryStore implements KeyValueStore {
  /** Present contents, by key as latin1. */
  image: MemoryImage;
  /** Called with each batch before it is applied. */
  onBatch: (changes: readonly StoreChange[]) => void = () => {};
  /** Keys whose reading fails like LevelDB's when a block is damaged. */
  readonly unreadable = new Map<string, Error>();
  levelZeroFiles = 0;
  flushes = 0;

  constructor(image: MemoryImage = new Map()) {
    this.image = new Map(image);
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
    const entries = [...this.image.values()].filter(
      ([key]) => Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0,
    );
    entries.sort(([a], [b]) => Buffer.compare(a, b));
    if (range.reverse === true) entries.reverse();
    return {
      next: async (limit) =>
        entries
          .splice(0, limit)
          .map(([key, value]): [Buffer, Buffer] => [Buffer.from(key), Buffer.from(value)]),
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
