/**
 * Packed bytes that move with every change of their length, as an entry's value may: the old place is spoilt, so that
 * whoever held on to it is found out.
 */
import { withView } from "../../src/base/byte-copy.ts";
import type { PackedBytes } from "../../src/types/packed-bytes.ts";

const SPOILT = 0xaa;

export class MovingBytes implements PackedBytes {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  length = 0;

  resize(length: number): void {
    const old = this.bytes();
    const start = (this.start + 3) % 8;
    const buffer = Buffer.alloc(start + length + 5, SPOILT);
    old.copy(buffer, start, 0, Math.min(old.length, length));
    this.buffer.fill(SPOILT);
    this.buffer = start % 2 === 0 ? withView(buffer) : buffer;
    this.start = start;
    this.length = length;
  }

  /** A view of the bytes; checks that nothing around them has been written. */
  bytes(): Buffer {
    const end = this.start + this.length;
    for (let i = 0; i < this.buffer.length; i++) {
      if ((i < this.start || i >= end) && this.buffer[i] !== SPOILT) throw new Error(`byte ${i} was written`);
    }
    return this.buffer.subarray(this.start, end);
  }
}
