/**
 * What a connection is to be sent, but cannot be yet because earlier bytes have not left. Small pieces are copied: they
 * lie in buffers of everybody's output, and a slow reader would hold each of those for the few bytes that are its own.
 */
import { copyBytes, withView } from "../../base/byte-copy.ts";

/** From this size on a piece is kept where it lies. */
const LARGE_BYTES = 64 * 1024;
/** Copies are gathered in chunks: of the first size, and of the second once as much waits. */
const CHUNK_BYTES = 16 * 1024;
const LARGE_CHUNK_BYTES = 128 * 1024;
/** Places of chunks that were taken are given back when there are this many. */
const MAX_TAKEN = 64;

/** Whether a piece is worth a copy. */
export function isSmall(bytes: number): boolean {
  return bytes < LARGE_BYTES;
}

export class Backlog {
  private chunks: Buffer[] = [];
  /** How many chunks were taken. */
  private taken = 0;
  /** Bytes in the last chunk, if it may get more. */
  private filled = 0;
  private isOpen = false;
  private bytes = 0;

  /** False: the bytes are kept where they lie, and must not change. */
  add(buffer: Buffer, start: number, end: number): boolean {
    const length = end - start;
    this.bytes += length;
    if (!isSmall(length)) {
      this.close();
      this.chunks.push(buffer.subarray(start, end));
      return false;
    }
    this.copy(buffer, start, length);
    return true;
  }

  /** The bytes that come next; undefined if there are none. */
  take(): Buffer | undefined {
    if (this.taken === this.chunks.length) return undefined;
    if (this.taken === this.chunks.length - 1) this.close();
    const chunk = this.chunks[this.taken++];
    this.bytes -= chunk.length;
    if (this.taken === this.chunks.length || this.taken >= MAX_TAKEN) {
      this.chunks = this.chunks.slice(this.taken);
      this.taken = 0;
    }
    return chunk;
  }

  private copy(buffer: Buffer, start: number, length: number): void {
    let from = start;
    let left = length;
    while (left > 0) {
      if (!this.isOpen) this.open();
      const chunk = this.chunks[this.chunks.length - 1];
      const size = Math.min(left, chunk.length - this.filled);
      copyBytes(buffer, from, chunk, this.filled, size);
      this.filled += size;
      from += size;
      left -= size;
      if (this.filled === chunk.length) this.isOpen = false;
    }
  }

  private open(): void {
    const size = this.bytes > LARGE_CHUNK_BYTES ? LARGE_CHUNK_BYTES : CHUNK_BYTES;
    this.chunks.push(withView(Buffer.allocUnsafeSlow(size)));
    this.isOpen = true;
    this.filled = 0;
  }

  /** From now on nothing is added to the last chunk. */
  private close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const last = this.chunks.length - 1;
    this.chunks[last] = this.chunks[last].subarray(0, this.filled);
  }
}
