/**
 * A file read from front to back in chunks, for the readers of RDB and AOF files. The bytes in the window can be
 * looked at synchronously; `fill` brings more.
 *
 * Each chunk is a buffer of its own and never written again, so views on it stay valid as long as they are kept.
 * Memory: one chunk, or as much as one `fill` asked for.
 */
import { withView } from "../base/byte-copy.ts";
import type { FileHandle } from "../base/files.ts";

export const WINDOW_CHUNK_BYTES = 1 << 18;

export class FileWindow {
  buffer: Buffer = Buffer.alloc(0);
  /** Index in `buffer` of the next byte to be looked at. */
  next = 0;
  /** Index after the last byte that is in the window. */
  end = 0;
  /** Offset in the file after which there is nothing to read. */
  readonly limit: number;
  readonly #file: FileHandle;
  readonly #chunkBytes: number;
  /** Offset in the file of buffer[0]. */
  #base: number;

  /** @param limit where to stop: the file's size, or less */
  constructor(file: FileHandle, start: number, limit: number, chunkBytes = WINDOW_CHUNK_BYTES) {
    this.#file = file;
    this.#base = start;
    this.limit = limit;
    this.#chunkBytes = chunkBytes;
  }

  /** Offset in the file of the next byte. */
  get position(): number {
    return this.#base + this.next;
  }

  /**
   * Makes at least `needed` bytes available, dropping those before `next`.
   * @returns false if the file ends before; the window then holds what it held
   */
  async fill(needed: number): Promise<boolean> {
    const held = this.end - this.next;
    if (held >= needed) return true;
    const position = this.position;
    if (position + needed > this.limit) return false;
    const capacity = Math.min(this.limit - position, Math.max(needed, this.#chunkBytes));
    const chunk = withView(Buffer.allocUnsafeSlow(capacity));
    this.buffer.copy(chunk, 0, this.next, this.end);
    const read = await this.#file.read(chunk.subarray(held), position + held);
    if (held + read < needed) return false;
    this.buffer = chunk;
    this.#base = position;
    this.next = 0;
    this.end = held + read;
    return true;
  }
}
