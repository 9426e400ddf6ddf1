/**
 * The incr file that the writer appends to: how far it is written and how far durable, and the bytes of blocks on
 * their way to it. Knows nothing of positions, policies or what to do when the disk fails: writer.ts does.
 *
 * Invariant: up to `end` there are whole blocks; behind it lies a block that was written in part, filling, or nothing.
 */
import { crc32c } from "../../base/checksum.ts";
import { writeFully } from "../../base/files.ts";
import { type Block, closeBlock } from "./block-log.ts";
import { NOTHING_UNCLOSED, type OpenIncr } from "./directory.ts";
import { BLOCK_LINE_ROOM } from "./encoder.ts";
import { encodeBlockLine, encodeFilling, FILLING_LINE_BYTES, isFillingLineEnd } from "./format.ts";

/** So much filling is written ahead: a quarter of the file, within these limits. */
const FILLING_SHARE = 4;
const LEAST_FILLING_BYTES = 64 * 1024;
const MOST_FILLING_BYTES = 1024 * 1024;

export class AppendFile {
  readonly name: string;
  readonly sequence: number;
  /** Size at the time it was opened. */
  readonly start: number;
  /** Offset behind the last block that is wholly written. */
  end: number;
  /** Offset up to which the file is durable. */
  synced: number;

  private readonly incr: OpenIncr;
  /** Offset up to which there is filling, durable, to write over. */
  private filledTo = 0;
  private canFill = true;
  /** What stands in the file behind its last line since before it was opened. */
  private unclosed = NOTHING_UNCLOSED;

  /** @param sizeBytes present size, all of it durable */
  constructor(incr: OpenIncr, sizeBytes: number) {
    this.incr = incr;
    this.name = incr.name;
    this.sequence = incr.sequence;
    this.unclosed = incr.unclosed;
    this.start = sizeBytes;
    this.end = sizeBytes;
    this.synced = sizeBytes;
  }

  /** Whether commands stand behind the last block line, which only the next line will cover. */
  get hasUnclosed(): boolean {
    return this.unclosed.length > 0;
  }

  /** Writes a block and its line. When this rejects, calling it again goes on at the byte where it stopped. */
  async append(block: Block): Promise<void> {
    this.begin(block);
    while (unwrittenBytes(block).length > 0) {
      const position = block.fileOffset + block.writtenBytes;
      this.wrote(block, await this.incr.handle.write(unwrittenBytes(block), position));
    }
    this.ended(block);
  }

  /** As `append`, at once and on this thread; throws instead of rejecting. */
  appendSync(block: Block): void {
    this.begin(block);
    while (unwrittenBytes(block).length > 0) {
      const position = block.fileOffset + block.writtenBytes;
      this.wrote(block, this.incr.handle.writeSync(unwrittenBytes(block), position));
    }
    this.ended(block);
  }

  /**
   * Sees to it that the next block is written over filling. Blocks this thread for a datasync. Throws
   * if that fails: then the file can no longer be trusted. That there is no room for filling is no matter.
   */
  fillFor(block: Block): void {
    if (block.totalBytes > 0) return;
    // Between filling and commands without a line, filling shows that sectors of their block were lost: see the reader.
    if (this.hasUnclosed) return;
    const blockBytes = block.length;
    const needed = this.end + blockBytes + BLOCK_LINE_ROOM + FILLING_LINE_BYTES;
    // A failed datasync must not concern anything but filling.
    if (needed <= this.filledTo || blockBytes > MOST_FILLING_BYTES || this.synced < this.end) return;
    const { handle } = this.incr;
    if (!this.canFill || handle.datasyncSync === undefined) return;
    const ahead = Math.min(MOST_FILLING_BYTES, Math.max(LEAST_FILLING_BYTES, this.end / FILLING_SHARE));
    const to = Math.ceil((needed + ahead) / FILLING_LINE_BYTES) * FILLING_LINE_BYTES;
    const from = Math.max(this.end, this.filledTo);
    const bytes = encodeFilling(from, to);
    try {
      for (let written = 0; written < bytes.length; ) {
        const count = handle.writeSync(bytes.subarray(written), from + written);
        if (count === 0) throw new Error("The file system wrote nothing");
        written += count;
      }
    } catch {
      this.canFill = false;
      return;
    }
    handle.datasyncSync();
    this.filledTo = to;
  }

  private begin(block: Block): void {
    if (block.totalBytes > 0) return;
    closeBlock(block, this.end, this.synced, this.unclosed);
    // A block never lies partly in filling: what a power cut leaves of it could not be told from what somebody who does
    // not know filling has written behind it.
    if (this.filledTo > this.end && this.end + block.totalBytes + FILLING_LINE_BYTES > this.filledTo) {
      this.leaveFilling();
      closeBlock(block, this.end, this.synced, this.unclosed);
    }
    block.fileOffset = this.end;
    const end = this.end + block.totalBytes;
    // Filling that began with its line feed would be no annotation.
    if (end < this.filledTo && isFillingLineEnd(end)) {
      block.chunk.buf.set(encodeFilling(end, end + 1), block.start + block.totalBytes);
      block.fillingBytes = 1;
    }
  }

  /** Goes on behind the filling, which the next block's line covers. */
  private leaveFilling(): void {
    const filling = encodeFilling(this.end, this.filledTo);
    const { length, checksum } = this.unclosed;
    this.unclosed = { length: length + filling.length, checksum: crc32c(filling, checksum) };
    this.end = this.filledTo;
    this.filledTo = 0;
  }

  private wrote(block: Block, count: number): void {
    if (count === 0) throw new Error("The file system wrote nothing");
    block.writtenBytes += count;
  }

  private ended(block: Block): void {
    this.end += block.totalBytes;
    this.unclosed = NOTHING_UNCLOSED;
  }

  /** Length that the open file has in truth, which is not less than `end` unless somebody else cut it. */
  size(): Promise<number> {
    return this.incr.handle.size();
  }

  /** Makes durable what was wholly written when this was called. */
  async sync(): Promise<void> {
    const end = this.end;
    await this.incr.handle.datasync();
    this.synced = end;
  }

  /** Whether `syncNow` is there. */
  get canSyncNow(): boolean {
    return this.incr.handle.datasyncSync !== undefined;
  }

  /** As `sync`, at once and on this thread; throws instead of rejecting. */
  syncNow(): void {
    this.incr.handle.datasyncSync!();
    this.synced = this.end;
  }

  /** Closes the file; that this fails is of no consequence for what was synced. Filling stays: cutting it off would
   * have to be made durable, and files that others follow are soon removed. */
  async close(): Promise<void> {
    await this.incr.handle.close().catch(() => undefined);
  }

  /** Closes the file, which has ended at `offset`, and shortens it for readers that do not know about ends. The
   * manifest counts, so failing is fine. */
  async endAt(offset: number): Promise<void> {
    await this.incr.handle.truncate(offset).catch(() => undefined);
    await this.close();
  }

  /** Closes a file whose blocks are all written and synced, behind a last empty block if `addsMark`. */
  async finish(addsMark: boolean): Promise<void> {
    const { handle } = this.incr;
    const { length, checksum } = this.unclosed;
    try {
      if (this.filledTo > this.end) await handle.truncate(this.end);
      this.filledTo = 0;
      if (addsMark && this.synced === this.end) {
        const place = { length, synced: this.synced, offset: this.end };
        await writeFully(handle, encodeBlockLine(place, checksum), this.end);
      }
      await handle.datasync();
    } catch {
      // Nothing but that line is at stake; half of it would look like a torn end.
      await handle.truncate(this.end).catch(() => undefined);
    }
    await this.close();
  }
}

function unwrittenBytes({ chunk, start, totalBytes, fillingBytes, writtenBytes }: Block): Buffer {
  return chunk.buf.subarray(start + writtenBytes, start + totalBytes + fillingBytes);
}
