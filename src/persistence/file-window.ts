/**
 * A file read from front to back in chunks, for the readers of RDB and AOF files. The bytes in the window can be
 * looked at synchronously; `fill` brings more.
 *
 * Each chunk is a buffer of its own and never written again, so views on it stay valid as long as they are kept; unless
 * chunks are reused, which leaves no garbage: then views are valid until the next `fill`. While one chunk is looked at,
 * the next is being read. Memory: two chunks, or as much as one `fill` asked for.
 */
import { withView } from "../base/byte-copy.ts";
import type { ReadableFile } from "../base/files.ts";

export const WINDOW_CHUNK_BYTES = 1 << 18;
/** Room in front of a chunk that is read ahead, for what is held of the one before: most items are shorter. */
const HELD_MAX_BYTES = 1 << 12;

/** A chunk that is being read; its bytes begin at HELD_MAX_BYTES. */
interface Ahead {
  readonly chunk: Buffer;
  readonly read: Promise<number>;
}

export interface FileWindowOptions {
  readonly chunkBytes?: number | undefined;
  /** Default no. */
  readonly reusesChunks?: boolean | undefined;
}

export class FileWindow {
  buffer: Buffer = Buffer.alloc(0);
  /** Index in `buffer` of the next byte to be looked at. */
  next = 0;
  /** Index after the last byte that is in the window. */
  end = 0;
  /** Offset in the file after which there is nothing to read. */
  readonly limit: number;
  readonly reusesChunks: boolean;
  readonly #file: ReadableFile;
  readonly #chunkBytes: number;
  /** Offset in the file of buffer[0]. */
  #base: number;
  #ahead: Ahead | undefined;
  /** A chunk that nobody looks at any more. */
  #spare: Buffer | undefined;

  /** @param limit where to stop: the file's size, or less */
  constructor(
    file: ReadableFile,
    start: number,
    limit: number,
    { chunkBytes = WINDOW_CHUNK_BYTES, reusesChunks = false }: FileWindowOptions = {},
  ) {
    this.#file = file;
    this.#base = start;
    this.limit = limit;
    this.#chunkBytes = chunkBytes;
    this.reusesChunks = reusesChunks;
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
    const { position } = this;
    if (position + needed > this.limit) return false;
    const isFilled = (await this.#takeAhead(held, needed)) || (await this.#read(held, needed));
    if (isFilled) this.#readAhead();
    return isFilled;
  }

  /** Goes on at another place of the file; nothing is in the window then. */
  moveTo(position: number): void {
    this.#base = position;
    this.next = 0;
    this.end = 0;
    this.#ahead = undefined;
  }

  async #read(held: number, needed: number): Promise<boolean> {
    const { position } = this;
    const capacity = Math.min(this.limit - position, Math.max(needed, this.#chunkBytes));
    const chunk = withView(Buffer.allocUnsafeSlow(capacity));
    this.buffer.copy(chunk, 0, this.next, this.end);
    const read = await this.#file.read(chunk.subarray(held), position + held);
    if (held + read < needed) return false;
    this.#show(chunk, position, 0, held + read);
    return true;
  }

  /** Goes over to the chunk that was read ahead, with the bytes that are held in front of it; false if that is not
   * enough, or there is none. */
  async #takeAhead(held: number, needed: number): Promise<boolean> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead === undefined || held > HELD_MAX_BYTES) return false;
    const read = await ahead.read;
    if (held + read < needed) return false;
    const { position } = this;
    const start = HELD_MAX_BYTES - held;
    this.buffer.copy(ahead.chunk, start, this.next, this.end);
    // Not one that a single large item needed.
    const isUsual = this.buffer.length <= HELD_MAX_BYTES + this.#chunkBytes;
    if (this.reusesChunks && isUsual) this.#spare = this.buffer;
    this.#show(ahead.chunk, position - start, start, HELD_MAX_BYTES + read);
    return true;
  }

  /** Begins to read what comes after the window. */
  #readAhead(): void {
    const position = this.#base + this.end;
    const wanted = Math.min(this.#chunkBytes, this.limit - position);
    if (wanted === 0) return;
    const chunk = this.#chunkFor(HELD_MAX_BYTES + wanted);
    const read = this.#file.read(chunk.subarray(HELD_MAX_BYTES, HELD_MAX_BYTES + wanted), position);
    this.#ahead = { chunk, read };
    // Whoever needs it is told.
    read.catch(() => undefined);
  }

  #chunkFor(bytes: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare !== undefined && spare.length >= bytes ? spare : withView(Buffer.allocUnsafeSlow(bytes));
  }

  #show(chunk: Buffer, base: number, next: number, end: number): void {
    this.buffer = chunk;
    this.#base = base;
    this.next = next;
    this.end = end;
  }
}
