/**
 * A small ordered store in memory for the tier's tests, with power cuts and refused batches. Batches are atomic and, as
 * the tier always syncs, durable once they resolve; the one under way at a power cut may or may not have arrived.
 */
import type { Random } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type { KeyValueStore, StoreChange, StoreCursor, StoreRange } from "../../src/cold/key-value-store.ts";

type Entry = [key: Buffer, value: Buffer];

export class StandInDisk {
  readonly #random: Random;
  #image = new Map<string, Entry>();
  #callsLeft = Number.POSITIVE_INFINITY;
  #refusal: "before" | "after" | undefined;
  /** Values of data records that a cursor or read would return damaged come from here in tests of damage. */
  isDead = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The machine dies in the midst of the call of this number, counted from now. */
  dieAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  /** The next batch rejects, either without effect or although it was applied. */
  refuseBatch(when: "before" | "after"): void {
    this.#refusal = when;
  }

  /** Power is back: opens the store as it is on the disk. */
  open(): KeyValueStore {
    this.isDead = false;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    this.#refusal = undefined;
    return new StandInStore(this);
  }

  /** Everything as it is now, to be brought back with `restore`. */
  copy(): Map<string, Entry> {
    return new Map(this.#image);
  }

  restore(image: Map<string, Entry>): void {
    this.#image = new Map(image);
  }

  get size(): number {
    return this.#image.size;
  }

  read(key: Buffer): Buffer | undefined {
    const value = this.#image.get(key.toString("latin1"))?.[1];
    return value === undefined ? undefined : Buffer.from(value);
  }

  range(range: StoreRange): Entry[] {
    const entries = [...this.#image.values()].filter(
      ([key]) => Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0,
    );
    entries.sort(([a], [b]) => Buffer.compare(a, b));
    if (range.reverse === true) entries.reverse();
    return entries.map(([key, value]) => [Buffer.from(key), Buffer.from(value)]);
  }

  /** Counts a call; takes a few turns, so that callers overlap. Throws once the machine is dead. */
  async call(effect: () => void = () => {}): Promise<void> {
    for (let turns = this.#random.below(4); turns > 0; turns -= 1) await Promise.resolve();
    if (this.isDead) throw new StorageError("closed", "the machine is off");
    this.#callsLeft -= 1;
    if (this.#callsLeft >= 0) {
      effect();
      return;
    }
    this.isDead = true;
    if (this.#random.below(2) === 0) effect();
    throw new StorageError("io", "the power failed");
  }

  async batch(changes: readonly StoreChange[]): Promise<void> {
    const copies = changes.map(({ key, value }) => ({
      key: Buffer.from(key),
      value: value === undefined ? undefined : Buffer.from(value),
    }));
    await this.call(() => {
      const refusal = this.#refusal;
      this.#refusal = undefined;
      if (refusal !== "before") this.#apply(copies);
      if (refusal !== undefined) throw new StorageError("no-space", "the disk is full");
    });
  }

  #apply(changes: readonly StoreChange[]): void {
    for (const { key, value } of changes) {
      const name = key.toString("latin1");
      if (value === undefined) this.#image.delete(name);
      else this.#image.set(name, [key, value]);
    }
  }
}

class StandInStore implements KeyValueStore {
  readonly #disk: StandInDisk;

  constructor(disk: StandInDisk) {
    this.#disk = disk;
  }

  async getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    await this.#disk.call();
    return keys.map((key) => this.#disk.read(key));
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#disk.read(key);
  }

  batch(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    if (!sync) throw new Error("the tier must sync every batch");
    return this.#disk.batch(changes);
  }

  cursor(range: StoreRange): StoreCursor {
    const entries = this.#disk.range(range);
    return {
      next: async (limit) => {
        await this.#disk.call();
        return entries.splice(0, limit);
      },
      close: async () => {},
    };
  }

  flush(): Promise<void> {
    return this.#disk.call();
  }

  property(): string {
    return "";
  }

  async close(): Promise<void> {}
}
