/**
 * Reads the store as it is without a batch whose outcome is in doubt (batch-log.ts): callers were told that
 * it failed, so nobody may see it, although it may have been applied. Costs one comparison when nothing is in
 * doubt.
 */
import type {
  KeyValueStore,
  StoreChange,
  StoreCursor,
  StoreEntry,
  StoreRange,
  StoreReads,
  StoreSnapshot,
} from "./key-value-store.ts";

/** The reading half of a store. */
export interface StoreReader extends StoreReads, Pick<KeyValueStore, "getSync" | "snapshot"> {}

/** What was under each key of the batch before it. */
type Former = ReadonlyMap<string, StoreChange>;

export class SettledView implements StoreReader {
  readonly #store: KeyValueStore;
  #former: Former | undefined;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** Hides a batch; `inverse` is what would take it back. */
  hide(inverse: readonly StoreChange[]): void {
    this.#former = new Map(inverse.map((change) => [change.key.toString("latin1"), change]));
  }

  /** Shows the store as it is again. */
  showAll(): void {
    this.#former = undefined;
  }

  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#now.getMany(keys);
  }

  getSync(key: Buffer): Buffer | undefined {
    const change = this.#former?.get(key.toString("latin1"));
    return change === undefined ? this.#store.getSync(key) : copyOf(change.value);
  }

  cursor(range: StoreRange): StoreCursor {
    return this.#now.cursor(range);
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return this.#now.keyCursor(range);
  }

  snapshot(): StoreSnapshot {
    const snapshot = this.#store.snapshot();
    if (this.#former === undefined) return snapshot;
    const settled = new SettledReads(snapshot, this.#former);
    return {
      getMany: (keys) => settled.getMany(keys),
      cursor: (range) => settled.cursor(range),
      keyCursor: (range) => settled.keyCursor(range),
      close: () => snapshot.close(),
    };
  }

  get #now(): StoreReads {
    return this.#former === undefined ? this.#store : new SettledReads(this.#store, this.#former);
  }
}

/** Reads with a hidden batch replaced by what was there before. */
class SettledReads implements StoreReads {
  readonly #reads: StoreReads;
  readonly #former: Former;

  constructor(reads: StoreReads, former: Former) {
    this.#reads = reads;
    this.#former = former;
  }

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const values = await this.#reads.getMany(keys);
    return keys.map((key, index) => {
      const change = this.#former.get(key.toString("latin1"));
      return change === undefined ? values[index] : copyOf(change.value);
    });
  }

  cursor(range: StoreRange): StoreCursor {
    return new MergedCursor(this.#reads.cursor(range), this.#former, range, ENTRIES);
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return new MergedCursor(this.#reads.keyCursor(range), this.#former, range, KEYS);
  }
}

/** Readers own what they get, and what was there before may yet be put back. */
function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}

/** What a cursor finds: how to get its key, and how to make it. */
interface Kind<Found> {
  keyOf(found: Found): Buffer;
  make(key: Buffer, value: Buffer): Found;
}

const ENTRIES: Kind<StoreEntry> = { keyOf: ([key]) => key, make: (key, value) => [key, value] };
const KEYS: Kind<Buffer> = { keyOf: (key) => key, make: (key) => key };

/** A cursor's entries with those of a hidden batch replaced by what was there before. */
class MergedCursor<Found> implements StoreCursor<Found> {
  readonly #cursor: StoreCursor<Found>;
  readonly #kind: Kind<Found>;
  readonly #direction: number;
  /** Former entries still to come, in the cursor's order. */
  readonly #former: StoreChange[];

  constructor(cursor: StoreCursor<Found>, former: Former, range: StoreRange, kind: Kind<Found>) {
    this.#cursor = cursor;
    this.#kind = kind;
    this.#direction = range.reverse === true ? -1 : 1;
    this.#former = [...former.values()]
      .filter(({ key }) => Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0)
      .sort((a, b) => this.#compare(a.key, b.key));
  }

  /** May give more than `limit` by as many entries as the hidden batch changed. */
  async next(limit: number): Promise<Found[]> {
    for (;;) {
      const entries = await this.#cursor.next(limit);
      const merged: Found[] = [];
      for (const entry of entries) {
        const key = this.#kind.keyOf(entry);
        this.#takeBefore(key, merged);
        const former = this.#former[0];
        if (former?.key.equals(key)) this.#take(merged);
        else merged.push(entry);
      }
      if (entries.length === 0) this.#takeBefore(undefined, merged);
      if (merged.length > 0 || entries.length === 0) return merged;
    }
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }

  /** Moves former entries before `key` (all of them without one) to `merged`. */
  #takeBefore(key: Buffer | undefined, merged: Found[]): void {
    while (this.#former.length > 0) {
      if (key !== undefined && this.#compare(this.#former[0].key, key) >= 0) return;
      this.#take(merged);
    }
  }

  /** Moves the next former entry to `merged`, if there was one under its key. */
  #take(merged: Found[]): void {
    const former = this.#former.shift();
    if (former?.value !== undefined) merged.push(this.#kind.make(former.key, former.value));
  }

  #compare(a: Buffer, b: Buffer): number {
    return this.#direction * Buffer.compare(a, b);
  }
}
