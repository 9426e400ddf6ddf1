/**
 * Undo blocks: what records were before the first change since the last cut, in the order in which they were
 * saved. A batch packs its entries into blocks, so that they cost the store one entry each 64 KB instead of
 * one a record.
 *
 *   key    'u' | sequence u64        one sequence through all generations: a checkpoint knows where its part
 *                                    begins
 *   value  generation u48            the cut that these entries lead back to
 *          entries                   until the checksum
 *          checksum u32              CRC-32C of the key and of everything above
 *   entry  kind u8                   0: there was no record, 1: a record follows
 *          record key                u16 length, bytes
 *          [record                   u32 length, the stored bytes as they were, damaged ones too]
 *
 * Rolling back applies blocks, and entries within a block, in reverse: of several entries for one record the
 * oldest is applied last and wins. So an entry too many does no harm, and one too few cannot be noticed here:
 * the rule for when an entry is needed stands in write-batch.ts.
 */
import { crc32c } from "../base/checksum.ts";
import { releaseMemory } from "../base/release-memory.ts";
import { StorageError } from "../base/storage-error.ts";
import { EMPTY_VALUE } from "./batch-log.ts";
import type { StoreChange } from "./key-value-store.ts";
import { expiryKey, isRecordKey, namespaceOf, numberOf, undoKey } from "./keys.ts";
import { UNDO_BLOCK_BYTES } from "./limits.ts";
import { readableHeader } from "./record.ts";

export interface UndoEntry {
  readonly recordKey: Buffer;
  /** The stored value; undefined where there was none. */
  readonly value: Buffer | undefined;
}

export interface UndoBlock {
  readonly generation: number;
  /** In the order in which they were saved. */
  readonly entries: UndoEntry[];
}

const ABSENT_KIND = 0;
const RECORD_KIND = 1;
const HEADER_BYTES = 6;
const CHECKSUM_BYTES = 4;

/** Packs the undo entries of one batch at a time; the working buffer is used again for the next. */
export class UndoPacker {
  #scratch = Buffer.allocUnsafe(UNDO_BLOCK_BYTES);
  #length = HEADER_BYTES;
  #generation = 0;
  #sequence = 0;
  #blocks: StoreChange[] = [];

  /** Starts a batch of `generation` whose first block gets the number `sequence`. */
  begin(generation: number, sequence: number): void {
    this.#generation = generation;
    this.#sequence = sequence;
    this.#length = HEADER_BYTES;
    this.#blocks = [];
  }

  /** Saves what lies under `recordKey`; `value` undefined says that nothing does. */
  add(recordKey: Buffer, value: Buffer | undefined): void {
    const size = 3 + recordKey.length + (value === undefined ? 0 : 4 + value.length);
    if (this.#length + size > this.#scratch.length - CHECKSUM_BYTES) this.#seal();
    if (this.#length + size > this.#scratch.length - CHECKSUM_BYTES) {
      this.#scratch = Buffer.allocUnsafe(HEADER_BYTES + size + CHECKSUM_BYTES);
    }
    const block = this.#scratch;
    let at = this.#length;
    block[at] = value === undefined ? ABSENT_KIND : RECORD_KIND;
    block.writeUInt16BE(recordKey.length, at + 1);
    block.set(recordKey, at + 3);
    at += 3 + recordKey.length;
    if (value !== undefined) {
      block.writeUInt32BE(value.length, at);
      block.set(value, at + 4);
      at += 4 + value.length;
    }
    this.#length = at;
  }

  /** The batch's blocks, numbered upward from the sequence given to `begin`. */
  finish(): StoreChange[] {
    this.#seal();
    return this.#blocks;
  }

  #seal(): void {
    if (this.#length === HEADER_BYTES) return;
    const key = undoKey(this.#sequence + this.#blocks.length);
    const isOversized = this.#scratch.length > UNDO_BLOCK_BYTES;
    const length = this.#length + CHECKSUM_BYTES;
    const value = isOversized ? this.#scratch.subarray(0, length) : Buffer.allocUnsafe(length);
    if (!isOversized) value.set(this.#scratch.subarray(0, this.#length));
    value.writeUIntBE(this.#generation, 0, HEADER_BYTES);
    value.writeUInt32BE(checksumOf(key, value), this.#length);
    this.#blocks.push({ key, value, onCopied: isOversized ? () => releaseMemory(value) : undefined });
    this.#length = HEADER_BYTES;
    // A huge record has the buffer to itself: it is the block.
    if (isOversized) this.#scratch = Buffer.allocUnsafe(UNDO_BLOCK_BYTES);
  }
}

/** Verifies and reads a block; entries are views. Throws StorageError "corrupt". */
export function readUndoBlock(key: Buffer, value: Buffer): UndoBlock {
  const end = value.length - CHECKSUM_BYTES;
  if (end < HEADER_BYTES || value.readUInt32BE(end) !== checksumOf(key, value)) {
    throw damaged(key, "its checksum does not match");
  }
  const entries: UndoEntry[] = [];
  let at = HEADER_BYTES;
  while (at < end) {
    const kind = value[at];
    const keyEnd = at + 3 <= end ? at + 3 + value.readUInt16BE(at + 1) : end + 1;
    if (keyEnd > end || kind > RECORD_KIND) throw damaged(key, "an entry makes no sense");
    const recordKey = value.subarray(at + 3, keyEnd);
    if (!isRecordKey(recordKey)) throw damaged(key, "an entry has no record key");
    at = keyEnd;
    if (kind === ABSENT_KIND) {
      entries.push({ recordKey, value: undefined });
      continue;
    }
    const valueEnd = at + 4 <= end ? at + 4 + value.readUInt32BE(at) : end + 1;
    if (valueEnd > end) throw damaged(key, "a record is cut off");
    entries.push({ recordKey, value: value.subarray(at + 4, valueEnd) });
    at = valueEnd;
  }
  return { generation: value.readUIntBE(0, HEADER_BYTES), entries };
}

function checksumOf(key: Buffer, value: Buffer): number {
  return crc32c(value.subarray(0, value.length - CHECKSUM_BYTES), crc32c(key));
}

function damaged(key: Buffer, reason: string): StorageError {
  return new StorageError("corrupt", `undo block ${numberOf(key)} of the cold tier is damaged: ${reason}`);
}

/** The changes that take back what a block remembers, in their order: records as they were, and the index entries of
 * those that expire. Only of the namespaces in `named`; others are deleted whole. */
export function* changesBack(block: UndoBlock, named: ReadonlySet<number>): Generator<StoreChange> {
  for (let index = block.entries.length - 1; index >= 0; index -= 1) {
    const { recordKey, value } = block.entries[index];
    if (!named.has(namespaceOf(recordKey))) continue;
    yield { key: recordKey, value };
    const expireMs = value === undefined ? 0 : (readableHeader(recordKey, value)?.expireMs ?? 0);
    if (expireMs !== 0) yield { key: expiryKey(expireMs, recordKey), value: EMPTY_VALUE };
  }
}
