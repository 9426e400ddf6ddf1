/**
 * Turns changes of records into one batch of the store: records, expiry index and undo blocks, and the
 * inverse of all.
 *
 * The undo rule. A record must be saved before its first change after the last cut, unless the namespace is
 * younger than that cut (rolling back removes such namespaces whole):
 *   there is a record of an earlier generation   it is saved
 *   there is a record of this generation         its first change saved what was before
 *   there is none                                "absent" is saved; after a delete in this generation once
 *                                                too often, which does no harm (undo.ts)
 * Old records are read only where the caller knows that there is one, so new records cost no reads.
 */
import { releaseMemory } from "../base/release-memory.ts";
import { StorageError } from "../base/storage-error.ts";
import { EMPTY_VALUE } from "./batch-log.ts";
import type { KeyValueStore, StoreChange } from "./key-value-store.ts";
import { expiryKey, expiryOf, indexedRecordKey, type RecordRef, recordKey, undoKey } from "./keys.ts";
import type { Namespaces } from "./namespaces.ts";
import { readValues } from "./read.ts";
import { encodeRecord, type PackedRecord, readableHeader } from "./record.ts";
import type { UndoPacker } from "./undo.ts";

/** A record to be written, or with `value` undefined deleted. */
export interface TierChange extends RecordRef {
  /** Whether a record of the key lies in the tier now. */
  readonly hasRecord: boolean;
  readonly value?: PackedRecord | undefined;
}

/** What the tier gives for building a batch. */
export interface WriteContext {
  readonly store: KeyValueStore;
  readonly namespaces: Namespaces;
  readonly packer: UndoPacker;
  readonly generation: number;
  /** Sequence of the first undo block. */
  readonly undo: number;
  readonly compression: boolean;
  /** Expiry entries believed to be stale. */
  readonly stale: readonly Buffer[];
}

type OldValue = Buffer | StorageError | undefined;

export class WriteBatch {
  readonly changes: StoreChange[] = [];
  readonly countDifferences = new Map<number, number>();
  earliestExpiryMs = Number.POSITIVE_INFINITY;
  undoBlocks = 0;
  puts = 0;
  deletes = 0;
  /** Records that the caller knew of and that were not there. */
  missing = 0;
  /** Old records that could not be read. */
  damaged = 0;
  readonly #context: WriteContext;
  readonly #inverse: StoreChange[] = [];

  private constructor(context: WriteContext) {
    this.#context = context;
  }

  /** Reads what it must and builds the batch. No other batch may be under way. */
  static async build(context: WriteContext, changes: readonly TierChange[]): Promise<WriteBatch> {
    const batch = new WriteBatch(context);
    // A namespace may have been dropped since the changes were collected.
    const alive = changes.filter((change) => context.namespaces.isAlive(change.namespace));
    const keys = alive.map(recordKey);
    const old = await batch.#readOld(alive, keys);
    context.packer.begin(context.generation, context.undo);
    for (let index = 0; index < alive.length; index += 1) {
      const change = alive[index];
      if (change.hasRecord || change.value !== undefined) batch.#add(change, keys[index], old[index]);
    }
    const blocks = context.packer.finish();
    batch.undoBlocks = blocks.length;
    batch.changes.push(...blocks);
    return batch;
  }

  /** Brings back what was before, whether the batch was applied or not. */
  inverse(): StoreChange[] {
    const { undo } = this.#context;
    const blocks = Array.from({ length: this.undoBlocks }, (_, index) => undoKey(undo + index));
    return [...this.#inverse, ...blocks.map((key) => ({ key, value: undefined }))];
  }

  /** The batch was applied for good: `inverse` is not called any more. */
  giveUpOld(): void {
    for (const { value } of this.#inverse) if (value !== undefined) releaseMemory(value);
  }

  /** The old values of `changes`; deletes stale expiry entries in passing, before anything is put. */
  async #readOld(changes: readonly TierChange[], keys: readonly Buffer[]): Promise<OldValue[]> {
    const wanted = keys.filter((_, index) => changes[index].hasRecord);
    const staleKeys = this.#context.stale.map(indexedRecordKey);
    if (wanted.length + staleKeys.length === 0) return [];
    const found = await readValues(this.#context.store, [...wanted, ...staleKeys]);
    for (let index = 0; index < staleKeys.length; index += 1) {
      this.#removeStale(this.#context.stale[index], staleKeys[index], found[wanted.length + index]);
    }
    let next = 0;
    return changes.map((change) => (change.hasRecord ? found[next++] : undefined));
  }

  #removeStale(entry: Buffer, key: Buffer, value: OldValue): void {
    if (value !== undefined) {
      const header = value instanceof StorageError ? undefined : readableHeader(key, value);
      if (header === undefined || header.expireMs === expiryOf(entry)) return;
    }
    this.changes.push({ key: entry, value: undefined });
  }

  #add(change: TierChange, key: Buffer, found: OldValue): void {
    const { namespaces, generation, packer, compression } = this.#context;
    const { namespace, value } = change;
    // An unreadable block leaves nothing to save but the fact that the record is damaged, and an empty one
    // is.
    const old = found instanceof StorageError ? EMPTY_VALUE : found;
    const header = old === undefined ? undefined : readableHeader(key, old);
    if (change.hasRecord && old === undefined) this.missing += 1;
    if (old !== undefined && header === undefined) this.damaged += 1;
    if (namespaces.needsUndo(namespace) && header?.generation !== generation) packer.add(key, old);
    if (value === undefined) this.changes.push({ key, value: undefined });
    else this.changes.push(encodedChange(key, change, value, generation, compression));
    this.#inverse.push({ key, value: old });
    this.#index(key, header?.expireMs ?? 0, value?.expireMs ?? 0);
    if (value === undefined) this.deletes += 1;
    else this.puts += 1;
    const difference = (value === undefined ? 0 : 1) - (change.hasRecord ? 1 : 0);
    if (difference !== 0) {
      this.countDifferences.set(namespace, (this.countDifferences.get(namespace) ?? 0) + difference);
    }
  }

  #index(key: Buffer, oldMs: number, newMs: number): void {
    // Put even when equal: a rollback may have left the record with another index entry than its own.
    if (newMs !== 0) {
      const entry = expiryKey(newMs, key);
      this.changes.push({ key: entry, value: EMPTY_VALUE });
      if (newMs !== oldMs) this.#inverse.push({ key: entry, value: undefined });
      if (newMs < this.earliestExpiryMs) this.earliestExpiryMs = newMs;
    }
    if (oldMs !== 0 && newMs !== oldMs) {
      const entry = expiryKey(oldMs, key);
      this.changes.push({ key: entry, value: undefined });
      this.#inverse.push({ key: entry, value: EMPTY_VALUE });
    }
  }
}

/** Gives up each copy of a payload as soon as there is the next. */
function encodedChange(
  key: Buffer,
  ref: RecordRef,
  record: PackedRecord,
  generation: number,
  compression: boolean,
): StoreChange {
  const value = encodeRecord(key, ref, record, generation, compression);
  if (value.buffer === record.payload.buffer) return { key, value, onCopied: record.giveUp };
  record.giveUp?.();
  return { key, value, onCopied: () => releaseMemory(value) };
}
