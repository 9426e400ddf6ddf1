/**
 * Scratch memory for many short-lived byte strings that are all given up together: one buffer cut into pieces,
 * instead of one allocation each, which the garbage collector would have to find.
 */
const EMPTY = Buffer.alloc(0);
const INITIAL_BYTES = 256 * 1024;
/** A buffer that one large piece has blown up is not kept. */
const KEPT_BYTES = 8 * 1024 * 1024;

export class ByteArena {
  private buffer: Buffer = EMPTY;
  private used = 0;

  /** A piece of `length` bytes, contents undefined, valid until `reset`. */
  take(length: number): Buffer {
    if (this.used + length > this.buffer.length) {
      // Pieces handed out keep the old buffer alive for as long as they are needed.
      this.buffer = Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, this.buffer.length * 2, length));
      this.used = 0;
    }
    const piece = this.buffer.subarray(this.used, this.used + length);
    this.used += length;
    return piece;
  }

  /** All pieces are given up. */
  reset(): void {
    this.used = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = EMPTY;
  }
}
