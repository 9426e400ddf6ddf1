/**
 * The stream of changes that replicas repeat, and as much of its past as they may still ask for (the backlog). It is
 * what the append-only file gets as commands, without what makes that a file: no block lines, no timestamps.
 *
 * Offsets count the bytes since the stream was first begun: offset N is behind the first N bytes, and what Redis calls
 * the replication offset. (PSYNC names the byte that it wants next, which counts from 1.)
 *
 *     chunk   [ committed bytes | open bytes, which the encoder still appends to ... ]
 *
 * All replicas send from the same chunks, each from its own offset; committed bytes never change.
 *
 * Invariants: committed bytes are whole commands and whole groups; chunks are in order and adjacent in offset.
 */
import { withView } from "../../base/byte-copy.ts";
import type { Clock } from "../../base/clock.ts";
import { AofEncoder } from "../../persistence/aof/encoder.ts";

/** Size of a usual chunk: a small part of the smallest sensible backlog, which is freed chunk by chunk. */
const CHUNK_BYTES = 64 * 1024;

/** Bytes of a chunk that are part of the stream. */
interface Chunk {
  readonly buffer: Buffer;
  readonly start: number;
  end: number;
  /** Offset of its first byte. */
  readonly offset: number;
}

/** A run of bytes of the stream; they do not change. */
export interface StreamPiece {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export class ReplicationStream {
  /** Where changes are appended. Between two calls of `commit` they must be whole, or in an open group. */
  readonly encoder: AofEncoder;
  /** Behind the last committed byte. */
  endOffset: number;
  /** Memory of all chunks. */
  memoryBytes = CHUNK_BYTES;
  private chunks: Chunk[] = [];
  /** Bytes of the chunk that the encoder appends to. */
  private openChunkBytes = CHUNK_BYTES;

  /** @param offset where the stream begins */
  constructor(clock: Clock, offset: number) {
    this.endOffset = offset;
    this.encoder = new AofEncoder(clock, newChunk(CHUNK_BYTES), (needed, open) =>
      this.allocate(needed, open),
    );
    this.encoder.timestamps = false;
  }

  /** Offset of the oldest byte that is there. */
  get firstOffset(): number {
    return this.chunks.length === 0 ? this.endOffset : this.chunks[0].offset;
  }

  /** Bytes that are there. */
  get heldBytes(): number {
    return this.endOffset - this.firstOffset;
  }

  /** Behind the last byte, committed or not. */
  get appendedOffset(): number {
    return this.endOffset + this.encoder.end - this.encoder.blockStart;
  }

  /** Adds what was appended to the stream, unless a group is open. To be called often: what is open when a chunk is
   * full has to be moved to the next, and leaves a gap. */
  commit(): void {
    const { encoder } = this;
    const { blockStart, buf, end } = encoder;
    if (end === blockStart || encoder.isMidway) return;
    const last = this.chunks.at(-1);
    if (last !== undefined && last.buffer === buf && last.end === blockStart) last.end = end;
    else this.chunks.push({ buffer: buf, start: blockStart, end, offset: this.endOffset });
    this.endOffset += end - blockStart;
    encoder.startBlock(buf, end);
  }

  /** Appends a command that changes nothing (PING), whatever database is selected. Not while a group is open. */
  appendControl(...words: readonly string[]): void {
    const { encoder } = this;
    encoder.select(encoder.writtenDb);
    encoder.begin(words.length);
    for (const word of words) encoder.argumentText(word);
  }

  /** The next command names its database again: whoever begins here knows of none. Returns the offset from which that
   * is so. */
  cut(): number {
    this.commit();
    this.encoder.startFile();
    return this.endOffset;
  }

  /** The bytes from `offset` on, as far as they lie together and not behind `limit`. There must be some. */
  pieceAt(offset: number, limit: number): StreamPiece {
    const chunk = this.chunks[this.find(offset)];
    const start = chunk.start + offset - chunk.offset;
    return { buffer: chunk.buffer, start, end: Math.min(chunk.end, start + limit - offset) };
  }

  /** Frees what lies before `neededFrom`, but for a backlog of `backlogBytes` (repl-backlog-size). */
  trim(neededFrom: number, backlogBytes: number): void {
    const keepFrom = Math.min(neededFrom, this.endOffset - backlogBytes);
    let freed = 0;
    while (freed < this.chunks.length - 1 && this.chunks[freed + 1].offset <= keepFrom) {
      this.memoryBytes -= this.chunks[freed++].buffer.length;
    }
    if (freed > 0) this.chunks = this.chunks.slice(freed);
  }

  /** Index of the chunk that holds the byte behind `offset`. */
  private find(offset: number): number {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.chunks[middle].offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** A larger chunk for the encoder's open bytes, which are moved there. */
  private allocate(neededBytes: number, open: Buffer): Buffer {
    const left = this.encoder.buf;
    if (this.chunks.at(-1)?.buffer !== left) this.memoryBytes -= this.openChunkBytes;
    // Twice what is open, so that a group that keeps growing is moved a logarithmic number of times.
    this.openChunkBytes = Math.max(CHUNK_BYTES, neededBytes, open.length * 2);
    this.memoryBytes += this.openChunkBytes;
    const chunk = newChunk(this.openChunkBytes);
    chunk.set(open);
    return chunk;
  }
}

function newChunk(bytes: number): Buffer {
  // Neither from Node's pool nor zeroed: every byte is written before it is read.
  return withView(Buffer.allocUnsafeSlow(bytes));
}
