/**
 * The memory that holds a packed collection (a listpack, an intset): bytes whose length can change, wherever they lie.
 * Who edits a packed collection needs no more than this; entries and chunks implement it.
 *
 * A packed collection fills its memory exactly: its own length field and `length` agree except during an edit.
 */
import { withView } from "../base/byte-copy.ts";

/** Bytes of a value or chunk in memory whose length can change. */
export interface PackedBytes {
  readonly buffer: Buffer;
  /** Where the bytes begin in `buffer`. */
  readonly start: number;
  readonly length: number;
  /** Keeps the bytes that both lengths have; further ones are undefined. `buffer` and `start` may be others afterwards,
   * so nobody may hold on to them. */
  resize(length: number): void;
}

/** Up to this number of bytes a loop moves them: a native call costs more. */
const LOOP_BYTES = 24;

/**
 * Makes `inserted` bytes (contents undefined) out of the `removed` ones at `offset`, and moves what lies behind them.
 * `removed` and what lies behind must be within the bytes.
 */
export function splice(packed: PackedBytes, offset: number, removed: number, inserted: number): void {
  if (removed === inserted) return;
  const length = packed.length;
  const longer = length + inserted - removed;
  const tail = length - offset - removed;
  if (inserted > removed) packed.resize(longer);
  const from = packed.start + offset + removed;
  move(packed.buffer, from, packed.start + offset + inserted, tail);
  if (inserted < removed) packed.resize(longer);
}

/** Moves `length` bytes within the buffer; both places may overlap. */
function move(buffer: Buffer, from: number, to: number, length: number): void {
  if (length > LOOP_BYTES) buffer.copyWithin(to, from, from + length);
  else if (to > from) for (let i = length - 1; i >= 0; i--) buffer[to + i] = buffer[from + i];
  else for (let i = 0; i < length; i++) buffer[to + i] = buffer[from + i];
}

const INITIAL_BYTES = 64;
/** Whoever is used again and again keeps so many. */
const KEPT_BYTES = 64 * 1024;

/** Bytes in a buffer of their own that doubles when it is full: for values that are being made. */
export class GrowingBytes implements PackedBytes {
  buffer: Buffer;
  readonly start = 0;
  length = 0;

  /** With room for `capacity` bytes. */
  constructor(capacity = INITIAL_BYTES) {
    this.buffer = withView(Buffer.allocUnsafeSlow(capacity));
  }

  resize(length: number): void {
    if (length > this.buffer.length) {
      const larger = withView(Buffer.allocUnsafeSlow(Math.max(length, 2 * this.buffer.length)));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    this.length = length;
  }

  /** For other bytes: what is kept of its memory is not much. */
  clear(): void {
    if (this.buffer.length > KEPT_BYTES) this.buffer = withView(Buffer.allocUnsafeSlow(INITIAL_BYTES));
    this.length = 0;
  }

  /** The bytes as a view of this memory: valid until the next change. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}
