/**
 * Writes keys as the commands that make them: a base file in the form of `aof-use-rdb-preamble no`, or a stock
 * append-only file. As a base it consists of checksummed blocks (format.ts), which Redis passes over as comments. It
 * counts for nothing before all of it is on the disk, so each block may say that it is.
 *
 * Invariant: a block ends between two commands. It is ended when its bytes are drained, if they end there.
 */
import { crc32c } from "../../base/checksum.ts";
import { type ByteSink, GatheredBytes, NO_DATABASE } from "../gathered-bytes.ts";
import { encodeSelect } from "./encoder.ts";
import { BLOCKS_HEADER, encodeBlockLine } from "./format.ts";

/** Of a command; numbers are written as decimal text, text as Latin-1. */
export type CommandArgument = string | Uint8Array | number;

const LINE_END = Buffer.from("\r\n");
/** Lines of lengths up to here are made beforehand. */
const USUAL_LENGTHS = 256;
const ARRAY_LINES = usualLines("*");
const STRING_LINES = usualLines("$");

function usualLines(mark: string): readonly Buffer[] {
  return Array.from({ length: USUAL_LENGTHS }, (_, length) => Buffer.from(`${mark}${length}\r\n`));
}

export interface CommandWriterOptions {
  /** Whether the file is made of blocks. */
  readonly inBlocks: boolean;
}

export class CommandWriter extends GatheredBytes {
  private readonly inBlocks: boolean;
  /** Bytes of a text that are still to come, with the line end behind it. */
  private textLeft = 0;
  private checksum = 0;
  /** Where the block begins in the file, and which database was selected there. */
  private blockStart = 0;
  private databaseBefore = NO_DATABASE;

  constructor(sink: ByteSink, { inBlocks }: CommandWriterOptions) {
    super(sink);
    this.inBlocks = inBlocks;
  }

  protected addToChecksum(bytes: Buffer, start: number, end: number): void {
    if (this.inBlocks) this.checksum = crc32c(bytes.subarray(start, end), this.checksum);
  }

  /** The head of a file of blocks. */
  appendHeader(): void {
    this.appendBytes(BLOCKS_HEADER);
    this.leaveOut();
    this.blockStart = this.totalBytes;
  }

  protected appendSelectDb(db: number): void {
    this.appendBytes(encodeSelect(db));
  }

  /** A whole command. Its texts are copied. */
  appendCommand(...args: readonly CommandArgument[]): void {
    this.appendLine(ARRAY_LINES, "*", args.length);
    for (const arg of args)
      this.appendText(typeof arg === "object" ? arg : Buffer.from(String(arg), "latin1"));
  }

  /** A SET whose value follows in parts: `appendPart`. */
  beginSet(key: Uint8Array, valueBytes: number): void {
    this.appendLine(ARRAY_LINES, "*", 3);
    this.appendText(Buffer.from("SET"));
    this.appendText(key);
    this.appendLine(STRING_LINES, "$", valueBytes);
    this.textLeft = valueBytes;
  }

  appendPart(bytes: Uint8Array, start: number, length: number): void {
    this.appendBytes(bytes, start, length);
    this.textLeft -= length;
    if (this.textLeft === 0) this.appendBytes(LINE_END);
  }

  /** The other may be in the middle of a SET, too. */
  override appendFrom(other: CommandWriter): void {
    super.appendFrom(other);
    this.textLeft = other.textLeft;
  }

  override drain(): Promise<void> {
    if (!this.isDraining && this.textLeft === 0) this.endBlock();
    return super.drain();
  }

  appendEnd(): void {
    if (this.isDraining) throw new Error("CommandWriter.appendEnd called while it drains");
    this.endBlock();
  }

  private endBlock(): void {
    const offset = this.totalBytes;
    if (!this.inBlocks || offset === this.blockStart) return;
    this.sum();
    const db = this.databaseBefore === NO_DATABASE ? undefined : this.databaseBefore;
    const place = { length: offset - this.blockStart, synced: offset, offset, db };
    this.appendBytes(encodeBlockLine(place, this.checksum));
    this.leaveOut();
    this.checksum = 0;
    this.blockStart = this.totalBytes;
    this.databaseBefore = this.selected;
  }

  private appendText(text: Uint8Array): void {
    this.appendLine(STRING_LINES, "$", text.length);
    this.appendBytes(text);
    this.appendBytes(LINE_END);
  }

  private appendLine(usual: readonly Buffer[], mark: string, length: number): void {
    this.appendBytes(length < usual.length ? usual[length] : Buffer.from(`${mark}${length}\r\n`));
  }
}
