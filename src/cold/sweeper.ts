/**
 * Deletes in small steps what no checkpoint needs any more: undo blocks and batch markers from before the
 * released one, and the records of dropped namespaces. Nothing here is needed for correctness: after a crash,
 * recovery finds the same garbage again.
 */
import type { BatchLog } from "./batch-log.ts";
import type { StoreChange } from "./key-value-store.ts";
import { expiryKey, HASH_SPACE, hashRange, markerKey, undoKey } from "./keys.ts";
import { SWEEP_READ_BYTES } from "./limits.ts";
import { takeAll } from "./read.ts";
import { readableHeader } from "./record.ts";

/** Numbers [from, to) of undo blocks or markers that may be deleted. */
interface Span {
  from: number;
  to: number;
}

interface DroppedRange {
  /** Where the next step continues: what lies before is deleted, and slow to walk over again. */
  from: Buffer;
  readonly to: Buffer;
}

export class Sweeper {
  readonly #log: BatchLog;
  readonly #undo: Span;
  readonly #markers: Span;
  #dropped: DroppedRange[] = [];

  /** Undo blocks from `undo` on and markers from `marker` on may exist. */
  constructor(log: BatchLog, undo: number, marker: number) {
    this.#log = log;
    this.#undo = { from: undo, to: undo };
    this.#markers = { from: marker, to: marker };
  }

  /** Undo blocks before `undo` and markers before `marker` are garbage. */
  addNumbersBefore(undo: number, marker: number): void {
    this.#undo.to = Math.max(this.#undo.to, undo);
    this.#markers.to = Math.max(this.#markers.to, marker);
  }

  addNamespace(namespace: number): void {
    this.#dropped.push(hashRange(namespace, 0, HASH_SPACE));
  }

  get isClean(): boolean {
    return (
      this.#undo.from >= this.#undo.to && this.#markers.from >= this.#markers.to && this.#dropped.length === 0
    );
  }

  /**
   * Deletes about `limit` entries in one batch, within the log's `exclusive`. True when there is more to do.
   */
  async step(limit: number): Promise<boolean> {
    const undo = numbers(this.#undo, limit, undoKey);
    const markers = numbers(this.#markers, limit - undo.length, markerKey);
    const changes = [...undo, ...markers];
    if (changes.length > 0) {
      await this.#log.commit(changes);
      this.#undo.from += undo.length;
      this.#markers.from += markers.length;
    } else if (this.#dropped.length > 0) {
      await this.#deleteRecords(this.#dropped[0], limit);
    }
    return !this.isClean;
  }

  async #deleteRecords(range: DroppedRange, limit: number): Promise<void> {
    const entries = await takeAll(
      this.#log.store.cursor(range),
      limit,
      SWEEP_READ_BYTES,
      ([, value]) => value.length,
    );
    if (entries.length === 0) {
      this.#dropped = this.#dropped.filter((other) => other !== range);
      return;
    }
    const changes: StoreChange[] = [];
    for (const [key, value] of entries) {
      changes.push({ key, value: undefined });
      const expireMs = readableHeader(key, value)?.expireMs ?? 0;
      if (expireMs !== 0) changes.push({ key: expiryKey(expireMs, key), value: undefined });
    }
    await this.#log.commit(changes);
    range.from = entries[entries.length - 1][0];
  }
}

function numbers(span: Span, limit: number, keyOf: (number: number) => Buffer): StoreChange[] {
  const count = Math.max(0, Math.min(span.to - span.from, limit));
  return Array.from({ length: count }, (_, index) => ({ key: keyOf(span.from + index), value: undefined }));
}
