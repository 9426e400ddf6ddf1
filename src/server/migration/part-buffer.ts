/**
 * Gathers parts of a packed value (types/data-type.ts) until they are taken away. Nothing is compressed: so the same
 * value has the same bytes each time.
 */
import { withView } from "../../base/byte-copy.ts";
import type { PartSink } from "../../types/data-type.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../../types/rdb-encoding.ts";

const INITIAL_BYTES = 64 * 1024;
const LENGTH_MAX_BYTES = 9;
const DOUBLE_BYTES = 8;

export class PartBuffer implements PartSink {
  private buffer = withView(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  private length = 0;

  appendLength(length: number): void {
    this.reserve(LENGTH_MAX_BYTES);
    this.length = encodeLength(this.buffer, this.length, length);
  }

  appendText(text: Uint8Array, start: number, length: number): void {
    this.reserve(length + STRING_OVERHEAD_BYTES);
    this.length = encodeString(this.buffer, this.length, text, start, length, false);
  }

  appendDouble(value: number): void {
    this.reserve(DOUBLE_BYTES);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  appendBytes(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    this.buffer.set(bytes.subarray(start, start + length), this.length);
    this.length += length;
  }

  /** A copy of what was gathered, which is given up. */
  take(): Buffer {
    const bytes = Buffer.from(this.buffer.subarray(0, this.length));
    this.drop();
    return bytes;
  }

  /** Gives up what was gathered; returns how many bytes that was. */
  drop(): number {
    const { length } = this;
    this.length = 0;
    return length;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = withView(Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2)));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}
