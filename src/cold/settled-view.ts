/**
 * Reads the store as it is without a batch whose outcome is in doubt (batch-log.ts): callers were told that
 * it failed, so nobody may see it, although it may have been applied. Costs one comparison when nothing is in
 * doubt.
 */
import type { KeyValueStore, StoreChange, StoreCursor, StoreRange } from "./key-value-store.ts";

/** The reading half of a store. */
export type StoreReader = Pick<KeyValueStore, "getMany" | "getSync" | "cursor">;

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

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    const former = this.#former;
    const values = await this.#store.getMany(keys);
    if (former === undefined) return values;
    return keys.map((key, index) => {
      const change = former.get(key.toString("latin1"));
      return change === undefined ? values[index] : change.value;
    });
  }

  getSync(key: Buffer): Buffer | undefined {
    const change = this.#former?.get(key.toString("latin1"));
    return change === undefined ? this.#store.getSync(key) : change.value;
  }

  cursor(range: StoreRange): StoreCursor {
    const cursor = this.#store.cursor(range);
    return this.#former === undefined ? cursor : new MergedCursor(cursor, this.#former, range);
  }
}

/** A cursor's entries with those of a hidden batch replaced by what was there before. */
class MergedCursor implements StoreCursor {
  readonly #cursor: StoreCursor;
  readonly #direction: number;
  /** Former entries still to come, in the cursor's order. */
  readonly #former: StoreChange[];

  constructor(cursor: StoreCursor, former: Former, range: StoreRange) {
    this.#cursor = cursor;
    this.#direction = range.reverse === true ? -1 : 1;
    this.#former = [...former.values()]
      .filter(({ key }) => Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0)
      .sort((a, b) => this.#compare(a.key, b.key));
  }

  /** May give more than `limit` by as many entries as the hidden batch changed. */
  async next(limit: number): Promise<[key: Buffer, value: Buffer][]> {
    for (;;) {
      const entries = await this.#cursor.next(limit);
      const merged: [Buffer, Buffer][] = [];
      for (const entry of entries) {
        this.#takeBefore(entry[0], merged);
        const former = this.#former[0];
        if (former === undefined || !former.key.equals(entry[0])) merged.push(entry);
        else if (former.value !== undefined) merged.push([former.key, former.value]);
        if (former?.key.equals(entry[0])) this.#former.shift();
      }
      if (entries.length === 0) this.#takeBefore(undefined, merged);
      if (merged.length > 0 || entries.length === 0) return merged;
    }
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }

  /** Moves former entries before `key` (all of them without one) to `merged`. */
  #takeBefore(key: Buffer | undefined, merged: [Buffer, Buffer][]): void {
    while (this.#former.length > 0) {
      const former = this.#former[0];
      if (key !== undefined && this.#compare(former.key, key) >= 0) return;
      this.#former.shift();
      if (former.value !== undefined) merged.push([former.key, former.value]);
    }
  }

  #compare(a: Buffer, b: Buffer): number {
    return this.#direction * Buffer.compare(a, b);
  }
}
