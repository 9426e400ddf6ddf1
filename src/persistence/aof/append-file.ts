/**
 * The incr file that the writer appends to: how far it is written and how far durable, and the bytes of blocks on
 * their way to it. Knows nothing of positions, policies or what to do when the disk fails: writer.ts does.
 *
 * Invariant: up to `end` there are whole blocks; a block that was written in part lies behind `end`.
 */
import { writeFully } from "../../base/files.ts";
import { type Block, closeBlock } from "./block-log.ts";
import { NOTHING_UNCLOSED, type OpenIncr } from "./directory.ts";
import { encodeBlockLine } from "./format.ts";

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
    while (block.writtenBytes < block.totalBytes) {
      const position = block.fileOffset + block.writtenBytes;
      this.wrote(block, await this.incr.handle.write(unwrittenBytes(block), position));
    }
    this.ended(block);
  }

  /** As `append`, at once and on this thread; throws instead of rejecting. */
  appendSync(block: Block): void {
    this.begin(block);
    while (block.writtenBytes < block.totalBytes) {
      const position = block.fileOffset + block.writtenBytes;
      this.wrote(block, this.incr.handle.writeSync(unwrittenBytes(block), position));
    }
    this.ended(block);
  }

  private begin(block: Block): void {
    if (block.totalBytes > 0) return;
    closeBlock(block, this.synced, this.unclosed);
    block.fileOffset = this.end;
  }

  private wrote(block: Block, count: number): void {
    if (count === 0) throw new Error("The file system wrote nothing");
    block.writtenBytes += count;
  }

  private ended(block: Block): void {
    this.end += block.totalBytes;
    this.unclosed = NOTHING_UNCLOSED;
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

  /** Closes the file; that this fails is of no consequence for what was synced. */
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
      if (addsMark && this.synced === this.end) {
        await writeFully(handle, encodeBlockLine(length, checksum, this.synced), this.end);
      }
      await handle.datasync();
    } catch {
      // Nothing but that line is at stake; half of it would look like a torn end.
      await handle.truncate(this.end).catch(() => undefined);
    }
    await this.close();
  }
}

function unwrittenBytes({ chunk, start, totalBytes, writtenBytes }: Block): Buffer {
  return chunk.buf.subarray(start + writtenBytes, start + totalBytes);
}
