/**
 * The part of the append-only file that memory still holds: everything that is not on the disk for certain, as
 * blocks in large chunks. Owns the chunks. The encoder appends to the open block, at the end of the newest chunk;
 * the writer ends blocks, writes them, and releases them once the disk has them.
 *
 *     chunk    [ block | line ][ block | line ][ open block ...          ]
 *                released        retained        the encoder writes here
 *
 * Positions count the bytes that the encoder appended since the process began (block lines are not counted: they
 * differ from file to file). They only grow, whatever happens to the files.
 *
 * Invariants: a block lies in one chunk, whole; bytes of an ended block never change; blocks are in order and
 * adjacent in position. A chunk is used again only after its last block was released.
 */
import { withView } from "../../base/byte-copy.ts";
import { crc32c } from "../../base/checksum.ts";
import type { Clock } from "../../base/clock.ts";
import { releaseMemory } from "../../base/release-memory.ts";
import { AofEncoder, BLOCK_LINE_ROOM } from "./encoder.ts";
import { encodeBlockLine } from "./format.ts";

/** Size of a usual chunk: much larger than what one turn appends, so that moving an open block is rare. */
const CHUNK_BYTES = 256 * 1024;
/** Free chunks kept for reuse. */
const SPARE_CHUNKS = 16;
/** Released blocks are cut off the front of the list in steps of this many, so that releasing one costs O(1). */
const COMPACT_FROM = 256;

interface Chunk {
  readonly buf: Buffer;
  /** Blocks in it that were not released. */
  blocks: number;
}

/** A run of whole commands that is written, and verified when it is read, as a unit. */
export interface Block {
  readonly chunk: Chunk;
  /** Offset of the first byte in the chunk. */
  readonly start: number;
  /** Bytes without the line. */
  readonly length: number;
  /** Position behind the last byte. */
  readonly endPosition: number;
  /** Database selected in the file before the first byte; -1 if none. */
  readonly startDb: number;
  /** Offset in the file, once its writing has begun; otherwise -1. */
  fileOffset: number;
  /** Bytes of block and line; 0 until the line is there. */
  totalBytes: number;
  /** 1 if the byte behind the line must be written too: see `isFilling`. */
  fillingBytes: number;
  /** Bytes of these that were written. */
  writtenBytes: number;
}

export class BlockLog {
  readonly encoder: AofEncoder;
  /** Bytes held in chunks, free ones included. */
  memoryBytes = 0;

  private readonly blocks: Block[] = [];
  /** Index in `blocks` of the oldest block that is not released. */
  private first = 0;
  /** Index in `blocks` of the oldest block that is not wholly written; never below `first`. */
  private unwritten = 0;
  private current: Chunk;
  private readonly spare: Chunk[] = [];
  private endedPosition = 0;
  private openStartDb = -1;

  constructor(clock: Clock) {
    this.current = this.newChunk(CHUNK_BYTES);
    this.encoder = new AofEncoder(clock, this.current.buf, (needed, open) => this.allocate(needed, open));
  }

  /** Position behind the last appended byte. */
  get appended(): number {
    return this.endedPosition + (this.encoder.end - this.encoder.blockStart);
  }

  /** Whether something was appended that can be ended: a script that runs for long has its group open. */
  get hasWhole(): boolean {
    return this.encoder.end > this.encoder.blockStart && !this.encoder.isMidway;
  }

  /** Position behind the last ended block. */
  get ended(): number {
    return this.endedPosition;
  }

  /** Ends the open block, which may be empty, and begins the next one behind it. */
  endBlock(): Block {
    const encoder = this.encoder;
    if (encoder.isMidway) throw new Error("AOF block ended in the middle of a command or group");
    const length = encoder.end - encoder.blockStart;
    this.endedPosition += length;
    const block: Block = {
      chunk: this.current,
      start: encoder.blockStart,
      length,
      endPosition: this.endedPosition,
      startDb: this.openStartDb,
      fileOffset: -1,
      totalBytes: 0,
      fillingBytes: 0,
      writtenBytes: 0,
    };
    this.blocks.push(block);
    this.current.blocks++;
    this.openStartDb = encoder.writtenDb;
    const next = encoder.end + BLOCK_LINE_ROOM;
    if (next + BLOCK_LINE_ROOM <= this.current.buf.length) encoder.startBlock(this.current.buf, next);
    else this.startChunk();
    return block;
  }

  /** Has an open group begin a block of its own, so that what came before it can be written. */
  separateGroup(): void {
    const group = this.encoder.liftGroup();
    if (group === undefined) return;
    this.endBlock();
    this.encoder.putGroup(group);
  }

  /** The next bytes go to another file. Only right after `endBlock`. */
  startFile(): void {
    this.encoder.startFile();
    this.openStartDb = -1;
  }

  /** The oldest ended block that is not wholly written. */
  nextUnwritten(): Block | undefined {
    return this.blocks[this.unwritten];
  }

  /** The block of `nextUnwritten` is wholly written. */
  markWritten(): void {
    this.unwritten++;
  }

  /** Position from which on all bytes are held. */
  get heldFrom(): number {
    const block = this.blocks[this.first];
    return block === undefined ? this.endedPosition : block.endPosition - block.length;
  }

  /** The oldest block held, if its writing has begun. */
  oldestBegun(): Block | undefined {
    const block = this.blocks[this.first];
    return block !== undefined && block.fileOffset >= 0 ? block : undefined;
  }

  /** Database selected before the first byte of the open block; -1 if none. */
  get selectedDb(): number {
    return this.openStartDb;
  }

  /** Ended blocks that are held, oldest first, up to a position. */
  endedUpTo(position: number): Block[] {
    const found: Block[] = [];
    for (let i = this.first; i < this.blocks.length && this.blocks[i].endPosition <= position; i++) {
      found.push(this.blocks[i]);
    }
    return found;
  }

  /** Forgets written blocks that end at or before `position`. */
  release(position: number): void {
    while (this.first < this.unwritten && this.blocks[this.first].endPosition <= position)
      this.releaseFirst();
    this.compact();
  }

  /** Forgets `blocks`, the oldest ones, written or not: they are on the disk in another file. */
  releaseRewritten(blocks: readonly Block[]): void {
    for (let i = 0; i < blocks.length; i++) this.releaseFirst();
    this.unwritten = Math.max(this.unwritten, this.first);
    this.compact();
  }

  private releaseFirst(): void {
    const chunk = this.blocks[this.first].chunk;
    this.first++;
    chunk.blocks--;
    if (chunk.blocks > 0) return;
    if (chunk !== this.current) {
      this.recycle(chunk);
    } else if (this.encoder.end === this.encoder.blockStart) {
      // Nothing else is in the chunk. Begin again at its start, so that a calm server stays in one chunk; but do
      // not keep one that a large value made larger.
      if (chunk.buf.length === CHUNK_BYTES) {
        this.encoder.startBlock(chunk.buf, 0);
      } else {
        this.startChunk();
        this.recycle(chunk);
      }
    }
  }

  private compact(): void {
    if (this.first < this.blocks.length && this.first < COMPACT_FROM) return;
    this.blocks.splice(0, this.first);
    this.unwritten -= this.first;
    this.first = 0;
  }

  /** A larger chunk for the open block, which is moved there. */
  private allocate(neededBytes: number, open: Buffer): Buffer {
    const left = this.current;
    // Twice what is open, so that a block that keeps growing is moved a logarithmic number of times.
    this.current =
      neededBytes > CHUNK_BYTES
        ? this.newChunk(Math.max(neededBytes, open.length * 2))
        : (this.spare.pop() ?? this.newChunk(CHUNK_BYTES));
    this.current.buf.set(open);
    if (left.blocks === 0) this.recycle(left);
    return this.current.buf;
  }

  private startChunk(): void {
    this.current = this.spare.pop() ?? this.newChunk(CHUNK_BYTES);
    this.encoder.startBlock(this.current.buf, 0);
  }

  private newChunk(sizeBytes: number): Chunk {
    this.memoryBytes += sizeBytes;
    // Not from Node's pool, and not zeroed: every byte is written before it is read.
    return { buf: withView(Buffer.allocUnsafeSlow(sizeBytes)), blocks: 0 };
  }

  private recycle(chunk: Chunk): void {
    if (chunk.buf.length === CHUNK_BYTES && this.spare.length < SPARE_CHUNKS) {
      this.spare.push(chunk);
      return;
    }
    this.memoryBytes -= chunk.buf.length;
    releaseMemory(chunk.buf);
  }
}

/** Lays the line behind a block that will begin at `fileOffset` of a file in which `synced` bytes are known to be on
 * the disk. `carried` is what the file holds in front of the block without a line of its own. */
export function closeBlock(
  block: Block,
  fileOffset: number,
  synced: number,
  carried: { length: number; checksum: number },
): void {
  const buf = block.chunk.buf;
  const lineStart = block.start + block.length;
  const checksum = crc32c(buf.subarray(block.start, lineStart), carried.checksum);
  const db = carried.length === 0 && block.startDb >= 0 ? block.startDb : undefined;
  const length = carried.length + block.length;
  const line = encodeBlockLine({ length, synced, db, offset: fileOffset + block.length }, checksum);
  buf.set(line, lineStart);
  block.totalBytes = block.length + line.length;
}
