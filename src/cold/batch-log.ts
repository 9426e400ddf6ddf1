/**
 * Writes the tier's batches, one at a time, each numbered, marked and synced. Owns the tier's point in its
 * history.
 *
 * Why every batch is synced: LevelDB keeps one log for each memtable, and after a crash each may have lost
 * its own unsynced end. A synced batch makes everything before it in its log durable, and every earlier log
 * was ended by one; so what survives a crash is always a prefix of the batches. Markers prove it: LevelDB
 * skips damaged log records without a word, and a hole in the markers is how that shows.
 *
 * A failed batch may have been written or not. It is taken back before anything else is written: the log that
 * may hold half of it is retired by a flush, and then its inverse is written, which is harmless if nothing is
 * to be undone. Until then `view` hides it from readers.
 */
import type { KeyValueStore, StoreChange } from "./key-value-store.ts";
import { markerKey } from "./keys.ts";
import { SettledView } from "./settled-view.ts";
import { stampChange, type TierPoint } from "./stamp.ts";

export class BatchLog {
  /** For those who run within `exclusive`, where nothing is in doubt. */
  readonly store: KeyValueStore;
  /** For everybody else. */
  readonly view: SettledView;
  #point: TierPoint;
  #tail: Promise<unknown> = Promise.resolve();
  /** What undoes the batch that failed last; undefined when none is in doubt. */
  #inverse: readonly StoreChange[] | undefined;
  batchesWritten = 0;
  bytesWritten = 0;
  failures = 0;

  constructor(store: KeyValueStore, point: TierPoint) {
    this.store = store;
    this.view = new SettledView(store);
    this.#point = point;
  }

  /** The state after the last batch that was written. */
  get point(): TierPoint {
    return this.#point;
  }

  /** Begins the next generation; batches from now on belong to it. */
  cut(): TierPoint {
    this.#point = { ...this.#point, generation: this.#point.generation + 1 };
    return this.#point;
  }

  /**
   * Runs `task` alone, after all tasks asked for before, on a store in which no batch is in doubt. Throws
   * StorageError if the store still refuses to have the last failed batch taken back.
   */
  exclusive<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(async () => {
      await this.#settle();
      return task();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when no task is under way. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  async #settle(): Promise<void> {
    if (this.#inverse === undefined) return;
    await this.store.flush();
    const marker = { key: markerKey(this.#point.batch + 1), value: undefined };
    await this.store.batch([...this.#inverse, marker, stampChange(this.#point)], true);
    this.#inverse = undefined;
    this.view.showAll();
  }

  /**
   * Writes one batch; only within `exclusive`. Adds marker and stamp to `changes`. `inverse` undoes them:
   * idempotent, so that it may be applied to either outcome; leave it out for changes that may as well stay.
   * Throws StorageError; the point stays as it was.
   */
  async commit(
    changes: StoreChange[],
    next: { generation?: number; undo?: number } = {},
    inverse: () => readonly StoreChange[] = () => [],
  ): Promise<void> {
    const batch = this.#point.batch + 1;
    const generation = next.generation ?? this.#point.generation;
    const undo = next.undo ?? this.#point.undo;
    changes.push({ key: markerKey(batch), value: EMPTY_VALUE }, stampChange({ generation, batch, undo }));
    const bytes = sizeOf(changes);
    try {
      await this.store.batch(changes, true);
    } catch (error) {
      this.failures += 1;
      this.#inverse = inverse();
      this.view.hide(this.#inverse);
      throw error;
    }
    // A cut may have come in between, when this batch changes no records: the cut's generation stays.
    this.#point = { generation: next.generation ?? this.#point.generation, batch, undo };
    this.batchesWritten += 1;
    this.bytesWritten += bytes;
  }
}

export const EMPTY_VALUE: Buffer = Buffer.alloc(0);

function sizeOf(changes: readonly StoreChange[]): number {
  let size = 0;
  for (const change of changes) size += change.key.length + (change.value?.length ?? 0);
  return size;
}
