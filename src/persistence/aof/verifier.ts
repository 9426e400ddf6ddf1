/**
 * Decides how much of an AOF file can be used, and why not more. Reads the file once, front to back, in constant
 * memory; hands out extents of bytes that hold only whole commands, whole MULTI groups and annotations, and, in a
 * file of checksummed blocks, only after the block's checksum was found right. Never repairs, logs or loads.
 *
 * The outcome, once all extents are out. `validUpTo` is where the usable part ends; extents cover exactly that part.
 *
 *  clean      All of it is usable. In a file of blocks the last bytes may lack their block line (the process died
 *             while writing, or stock Redis appended to the file): whole commands are used all the same.
 *  truncated  The file ends inside a command, an annotation or an open MULTI, or what follows is nothing but zero
 *             bytes or filling (what a power cut leaves of a file that had grown). validUpTo: the end of the last
 *             whole item outside MULTI.
 *  torn       Files of blocks only. What follows the last intact block (at validUpTo, or at the MULTI that was open
 *             there) cannot be trusted, and nothing shows that it ever was on the disk: what a power cut leaves of
 *             bytes that were not synced. No command of that block is used, whole or not. Also: an unfinished last
 *             block with a whole command that holds a run of 16 or more zero bytes, or of filling, up to a multiple of
 *             512, where a sector may be missing; validUpTo is then the start of that command (or its MULTI).
 *  damaged    Anything else. Bad bytes in a file without checksums (validUpTo: as for truncated), or, in a file of
 *             blocks, in bytes that a later intact block line says were synced: a power cut cannot have done that
 *             (validUpTo: as for torn). Also: a command that ends behind such a line, because its length is wrong; and
 *             intact blocks behind the bad bytes that lie nearer to the file's beginning than they were written.
 *
 * "Says were synced" means: after a wrong checksum, the synced offset reaches the end of the block's line; after
 * bytes that cannot be a command or block line, it lies behind the first of them.
 */
import { crc32c } from "../../base/checksum.ts";
import type { FileHandle } from "../../base/files.ts";
import { findDisplaced } from "./displaced-blocks.ts";
import {
  endsInFilling,
  findMissingSector,
  hasOnlyFilling,
  isUnwritten,
  wasSyncedBeyond,
} from "./evidence.ts";
import {
  BLOCK_LINE_PREFIX,
  BLOCKS_HEADER,
  BLOCKS_HEADER_PREFIX,
  type BlockLine,
  blockChecksum,
  blockLinePrefixLength,
  parseBlockLine,
} from "./format.ts";
import { ANNOTATION, COMMAND, type FramingEvent, FramingScanner, NEED_MORE, PROBLEM } from "./framing.ts";

/** Bytes that may be used: from `start` up to `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Says which bytes of a file may be used. */
export interface ExtentSource {
  readonly size: number;
  /** Offset reached, for progress displays. */
  readonly position: number;
  /** Set once `advance` has returned undefined. */
  readonly outcome: AofOutcome | undefined;
  /** The next bytes that may be used; undefined at the end, with `outcome` set. */
  advance(): Promise<Extent | undefined>;
  /** Nobody will ask from now on. */
  close(): Promise<void>;
}

export interface AofProblem {
  /** Offset of the line, value or block that is wrong. */
  readonly offset: number;
  /** For people; "" where a command ends before one of its lines begins. */
  readonly reason: string;
  /** "end": the file ends too early. "multi": it ends inside a transaction. "annotation": it ends inside an
   * annotation. "bytes": no valid command. "start": neither command nor annotation begins here. "block": wrong
   * checksum or block line. "version": blocks of a format this version does not know. "zeros": a whole command with
   * a missing sector. "size": the file is shorter than the caller says it should be. "nesting": a MULTI within a
   * transaction, or an EXEC outside. */
  readonly kind:
    | "end"
    | "multi"
    | "annotation"
    | "bytes"
    | "start"
    | "block"
    | "version"
    | "zeros"
    | "size"
    | "nesting";
  /** Offset of the command or annotation that is wrong; absent if that is not what is wrong. */
  readonly itemOffset?: number;
}

export interface AofOutcome {
  readonly kind: "clean" | "truncated" | "torn" | "damaged";
  readonly validUpTo: number;
  /** undefined if clean. */
  readonly problem: AofProblem | undefined;
  /** The file's size, or the limit given. */
  readonly size: number;
  /** Where filling begins that reaches to `validUpTo`; `validUpTo` if there is none. */
  readonly dataUpTo: number;
  /** Line number reached, counted as redis-check-aof does. */
  readonly line: number;
  /** Whether the file consists of checksummed blocks; how many were intact, and where the last of them ends. */
  readonly hasBlocks: boolean;
  readonly intactBlocks: number;
  readonly verifiedUpTo: number;
  /** The highest offset that an intact block line calls synced. */
  readonly syncedUpTo: number;
}

export interface AofVerifierOptions {
  /** Offset of the first command (after an RDB preamble). Default 0. */
  readonly start?: number;
  /** Bytes from here on are void (`end` in the manifest). Default: the file's size. */
  readonly end?: number;
  /** `start` is where a block begins, in a file of blocks: for who goes on behind a damaged one. Default: the file says
   * in its first line whether it consists of blocks. */
  readonly inBlocks?: boolean;
  /** The blocks lie so many bytes before the place for which they were written: see displaced-blocks.ts. */
  readonly missingBytes?: number;
  /** For messages that name the file. */
  readonly name?: string;
  /** Called for each annotation that is not about blocks, before its block is verified; one character per byte.
   * True ends the file there, as if it had been cut at that annotation. */
  readonly onAnnotation?: (offset: number, text: string) => boolean;
  readonly chunkBytes?: number;
}

const CHUNK_BYTES = 1 << 20;
/** A line that would be a block line, were its first bytes right. */
const LIKE_BLOCK_LINE = /^#.{6}[0-9]{1,16}:[0-9a-f]{8}:[0-9]{1,16}(?::[0-9]{1,9})?\r\n$/s;
/** Filling; or so much of it that the rest of a line may have lost its beginning there, which was in a sector of its
 * own: a command that only looks like one comes after "*1", "$4" and a part of the name at the earliest. */
const FILLING_LINE = /^(?:#+\n$|#{8})/;
const OPEN_MULTI = "Reached EOF before reading EXEC for MULTI";
const MISSING_SECTOR =
  "A sector of zero bytes or filling in a block without checksum: a power cut may have lost its data";

export class AofVerifier implements ExtentSource {
  /** Set once `advance` has returned undefined. */
  outcome: AofOutcome | undefined;
  /** Offset reached, for progress displays. */
  position: number;
  readonly size: number;
  readonly #file: FileHandle;
  readonly #options: AofVerifierOptions;
  readonly #chunk: Buffer;
  readonly #scanner: FramingScanner;
  /** Extents up to here were handed out; they may be handed out up to `#usable`. */
  #released: number;
  #usable: number;
  /** End of the last whole item, and of the last that was a command or a block line. */
  #itemsEnd: number;
  #dataEnd: number;
  #fillingFrom = Number.POSITIVE_INFINITY;
  /** In the present block, filling was met; and a command behind it. */
  #hasFilling = false;
  #hasCommandBehindFilling = false;
  /** The MULTI that is open: where it begins, and the block in which it does. */
  #isInMulti = false;
  #multiStart = 0;
  #multiBlockStart = 0;
  /** Where the caller wants the file to end. */
  #cut: number | undefined;
  #hasBlocks = false;
  #intactBlocks = 0;
  #syncedUpTo = 0;
  #blockStart: number;
  /** An annotation in the present block that may be a block line whose beginning was damaged. */
  #suspectLine: number | undefined;
  /** Checksum of the present block up to `#summedUpTo`. */
  #checksum = 0;
  #summedUpTo: number;

  private constructor(file: FileHandle, size: number, options: AofVerifierOptions) {
    const start = options.start ?? 0;
    this.#file = file;
    this.size = size;
    this.#options = options;
    this.#chunk = Buffer.allocUnsafeSlow(
      Math.max(1, Math.min(options.chunkBytes ?? CHUNK_BYTES, size - start)),
    );
    this.#scanner = new FramingScanner(start, options.name ?? "");
    this.position = start;
    this.#released = start;
    this.#usable = start;
    this.#itemsEnd = start;
    this.#dataEnd = start;
    this.#blockStart = start;
    this.#summedUpTo = start;
    this.#hasBlocks = options.inBlocks ?? false;
  }

  static async open(file: FileHandle, options: AofVerifierOptions = {}): Promise<AofVerifier> {
    const size = await file.size();
    return new AofVerifier(file, Math.min(size, options.end ?? size), options);
  }

  /** The next bytes that may be used; undefined at the end, with `outcome` set. */
  async advance(): Promise<Extent | undefined> {
    while (this.outcome === undefined && this.#usable === this.#released) await this.#readChunk();
    if (this.#usable === this.#released) return undefined;
    const extent = { start: this.#released, end: this.#usable };
    this.#released = this.#usable;
    return extent;
  }

  async close(): Promise<void> {}

  /** Runs to the end. */
  async finish(): Promise<AofOutcome> {
    while (this.outcome === undefined) await this.#readChunk();
    return this.outcome;
  }

  async #readChunk(): Promise<void> {
    const chunk = this.#chunk;
    const base = this.position;
    const wanted = Math.min(chunk.length, this.size - base);
    const length = wanted === 0 ? 0 : await this.#file.read(chunk.subarray(0, wanted), base);
    if (length < wanted) throw new Error("The file became shorter while it was read");
    this.position = base + length;
    if (length === 0) {
      await this.#endOfFile();
      return;
    }
    const scanner = this.#scanner;
    scanner.next = 0;
    for (;;) {
      const event = this.#passCommands(length);
      if (event === NEED_MORE) break;
      if (event === ANNOTATION) {
        if (await this.#takeAnnotation(base)) return;
      } else {
        await this.#takeProblem();
        return;
      }
    }
    if (this.#hasBlocks) this.#sum(base, scanner.isInAnnotation ? scanner.itemStart : this.position);
    else this.#usable = this.#safeEnd();
  }

  /** Up to the next event that is no command. Not part of `#readChunk`, since V8 is slow at optimising async loops. */
  #passCommands(length: number): FramingEvent {
    const chunk = this.#chunk;
    const scanner = this.#scanner;
    for (;;) {
      const event = scanner.push(chunk, scanner.next, length);
      if (event !== COMMAND) return event;
      this.#takeCommand();
    }
  }

  /** Continues the block's checksum over the bytes of the chunk up to an offset in the file. */
  #sum(base: number, upTo: number): void {
    if (upTo <= this.#summedUpTo) return;
    this.#checksum = crc32c(this.#chunk.subarray(this.#summedUpTo - base, upTo - base), this.#checksum);
    this.#summedUpTo = upTo;
  }

  /** End of the whole items that are outside MULTI. */
  #safeEnd(): number {
    return this.#isInMulti ? this.#multiStart : this.#itemsEnd;
  }

  #takeCommand(): void {
    const scanner = this.#scanner;
    if (scanner.isInTransaction && !this.#isInMulti) {
      this.#multiStart = scanner.itemStart;
      this.#multiBlockStart = this.#blockStart;
    }
    this.#isInMulti = scanner.isInTransaction;
    this.#hasCommandBehindFilling = this.#hasFilling;
    this.#itemsEnd = scanner.offset;
    this.#dataEnd = scanner.offset;
  }

  /** True when this ended the file. */
  async #takeAnnotation(base: number): Promise<boolean> {
    const scanner = this.#scanner;
    const start = scanner.itemStart;
    const isFirstLine = start === 0;
    const text = scanner.annotation;
    if (isFirstLine && text.startsWith(BLOCKS_HEADER_PREFIX)) {
      if (text !== BLOCKS_HEADER.toString("latin1")) {
        const reason = `Unknown version of the block format: ${text.trim()}`;
        this.#end("damaged", 0, { offset: 0, reason, kind: "version" });
        return true;
      }
      this.#hasBlocks = true;
      this.#beginBlock();
    } else if (text.startsWith(BLOCK_LINE_PREFIX)) {
      return this.#takeBlockLine(base, text);
    } else {
      if (this.#cut === undefined && this.#options.onAnnotation?.(start, text) === true) {
        this.#cut = this.#safeEnd();
        // In a file of blocks what comes before must be verified first.
        if (!this.#hasBlocks) return this.#endAtCut();
      }
      if (this.#hasBlocks && LIKE_BLOCK_LINE.test(text)) this.#suspectLine ??= start;
      if (FILLING_LINE.test(text)) this.#hasFilling = true;
      this.#sumAnnotation(base);
    }
    this.#itemsEnd = scanner.offset;
    return false;
  }

  #sumAnnotation(base: number): void {
    if (!this.#hasBlocks || this.#summedUpTo >= base) return;
    // It began in an earlier chunk, at whose end the checksum stopped before it.
    this.#checksum = crc32c(this.#scanner.annotationBytes, this.#checksum);
    this.#summedUpTo = this.#scanner.offset;
  }

  async #takeBlockLine(base: number, text: string): Promise<boolean> {
    const scanner = this.#scanner;
    const lineStart = scanner.itemStart;
    if (!this.#hasBlocks) {
      const reason = "A block line in a file whose first line does not announce blocks";
      this.#end("damaged", this.#safeEnd(), { offset: lineStart, reason, kind: "block" });
      return true;
    }
    this.#sum(base, lineStart);
    const line = parseBlockLine(text);
    if (line === undefined) {
      const malformed = `The block line at offset ${lineStart} is malformed`;
      const badOffset = lineStart + blockLinePrefixLength(text);
      await this.#distrust({ offset: this.#blockStart, reason: malformed, kind: "block" }, badOffset);
      return true;
    }
    const reason = this.#whyNotIntact(line, lineStart);
    if (reason !== undefined) {
      await this.#distrust({ offset: this.#blockStart, reason, kind: "block" }, scanner.offset - 1);
      return true;
    }
    this.#intactBlocks++;
    this.#syncedUpTo = Math.max(this.#syncedUpTo, line.synced);
    if (this.#endAtCut()) return true;
    this.#itemsEnd = scanner.offset;
    this.#beginBlock();
    return false;
  }

  /** undefined if it is. */
  #whyNotIntact(line: BlockLine, lineStart: number): string | undefined {
    const length = lineStart - this.#blockStart;
    if (line.length !== length) {
      return `The block line at offset ${lineStart} ends a block of ${line.length} bytes, but there are ${length}`;
    }
    const offset = lineStart + (this.#options.missingBytes ?? 0);
    if (line.checksum !== blockChecksum(this.#checksum, { ...line, offset })) {
      return `Wrong checksum of the block of ${length} bytes that ends at offset ${lineStart}`;
    }
    if (line.synced > offset)
      return `The block line at offset ${lineStart} says more was synced than there is`;
    return undefined;
  }

  #beginBlock(): void {
    const { offset } = this.#scanner;
    this.#blockStart = offset;
    this.#dataEnd = offset;
    this.#hasFilling = false;
    this.#hasCommandBehindFilling = false;
    this.#suspectLine = undefined;
    this.#checksum = 0;
    this.#summedUpTo = offset;
    this.#usable = this.#isInMulti ? this.#multiStart : offset;
  }

  /** Ends the file where the caller wished it to end, if there is such a place. */
  #endAtCut(): boolean {
    if (this.#cut === undefined) return false;
    this.#end("clean", this.#cut, undefined);
    return true;
  }

  async #takeProblem(): Promise<void> {
    const found = this.#scanner.problem;
    if (found === undefined) throw new Error("the scanner reports a problem without saying which");
    if (found.kind === "end" && found.reason === "" && this.#scanner.isInTransaction) {
      await this.#endTruncated({ offset: found.offset, reason: OPEN_MULTI, kind: "multi" });
      return;
    }
    const ending = found.kind === "end" && found.isAnnotation ? "annotation" : found.kind;
    const kind = found.isNesting ? "nesting" : ending;
    const itemOffset = this.#scanner.itemStart;
    const problem: AofProblem = { offset: found.offset, reason: found.reason, kind, itemOffset };
    // Filling that a full disk cut short. Behind commands it may as well be the beginning of their block's line.
    const isCutFilling = kind === "annotation" && this.#dataEnd === this.#blockStart;
    if (isCutFilling && (await this.#isFillingFrom(this.#dataEnd))) {
      await this.#endTruncated(undefined);
    } else if (found.kind === "end" && this.#hasBlocks && (await this.#isFollowed(itemOffset))) {
      this.#end("damaged", this.#usable, problem);
    } else if (found.kind === "end" || (await isUnwritten(this.#file, found.badOffset, this.size))) {
      await this.#endTruncated(problem);
    } else if (this.#hasBlocks) {
      await this.#distrust(problem, found.badOffset);
    } else {
      this.#end("damaged", this.#safeEnd(), problem);
    }
  }

  async #endOfFile(): Promise<void> {
    const scanner = this.#scanner;
    if (scanner.finish() === PROBLEM) {
      await this.#takeProblem();
    } else if (this.#isInMulti) {
      await this.#endTruncated({ offset: scanner.partStart, reason: OPEN_MULTI, kind: "multi" });
    } else {
      await this.#endTruncated(undefined);
    }
  }

  /** The file ends early (or, without a problem, where it should). */
  async #endTruncated(problem: AofProblem | undefined): Promise<void> {
    const end = this.#safeEnd();
    if (this.#suspectLine !== undefined) {
      const reason = `The annotation at offset ${this.#suspectLine} looks like a damaged block line`;
      await this.#distrust({ offset: this.#blockStart, reason, kind: "block" }, this.#suspectLine);
      return;
    }
    // Part of a block that was written over filling, which shows where sectors were lost. If the filling ended before,
    // somebody who does not know it has written behind it.
    if (this.#hasCommandBehindFilling && (await endsInFilling(this.#file, this.#blockStart, this.size))) {
      this.#end("torn", this.#usable, { offset: this.#blockStart, reason: MISSING_SECTOR, kind: "zeros" });
      return;
    }
    if (await this.#isFillingFrom(this.#dataEnd)) this.#fillingFrom = this.#dataEnd;
    if (this.#hasBlocks && this.#dataEnd > this.#usable) {
      const missing = await findMissingSector(this.#file, this.#usable, Math.min(end, this.#dataEnd));
      if (missing !== undefined) {
        this.#end("torn", missing.validUpTo, {
          offset: missing.offset,
          reason: MISSING_SECTOR,
          kind: "zeros",
        });
        return;
      }
    }
    if (this.#endAtCut()) return;
    this.#end(problem === undefined ? "clean" : "truncated", end, problem);
  }

  async #isFillingFrom(offset: number): Promise<boolean> {
    return this.#hasBlocks && hasOnlyFilling(this.#file, offset, this.size);
  }

  #blockHolding(offset: number): number {
    return offset < this.#blockStart ? this.#multiBlockStart : this.#blockStart;
  }

  /** Bytes of the present block are bad. Were they ever on the disk? */
  async #distrust(problem: AofProblem, badOffset: number): Promise<void> {
    const firstBad = Math.min(badOffset, this.#suspectLine ?? badOffset);
    const isDamage = await this.#isFollowed(firstBad);
    this.#end(isDamage ? "damaged" : "torn", this.#usable, problem);
  }

  /** Whether what follows bad bytes shows that no power cut made them so. */
  async #isFollowed(badOffset: number): Promise<boolean> {
    const { size } = this;
    if (await wasSyncedBeyond(this.#file, { size, blockStart: this.#blockStart, badOffset })) return true;
    return (await findDisplaced(this.#file, this.#blockStart, size)) !== undefined;
  }

  #end(kind: AofOutcome["kind"], validUpTo: number, problem: AofProblem | undefined): void {
    const blockStart = this.#blockHolding(validUpTo);
    const wantedSize = this.#options.end ?? this.size;
    const isShort = wantedSize > this.size;
    const reason = `The manifest says that ${wantedSize} bytes of the file count, but it has only ${this.size}`;
    this.#usable = validUpTo;
    this.outcome = {
      kind: isShort ? "damaged" : kind,
      validUpTo,
      problem: isShort && problem === undefined ? { offset: this.size, reason, kind: "size" } : problem,
      size: this.size,
      dataUpTo: Math.min(validUpTo, this.#fillingFrom),
      line: this.#scanner.line,
      hasBlocks: this.#hasBlocks,
      intactBlocks: this.#intactBlocks,
      verifiedUpTo: this.#hasBlocks ? blockStart : 0,
      syncedUpTo: this.#syncedUpTo,
    };
  }
}
