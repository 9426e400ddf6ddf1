/**
 * Reads an AOF file's commands, in order. What may be read at all, and why reading ends, is verifier.ts's business:
 * it runs ahead (in a thread of its own, if asked), and only bytes that it found usable are decoded here. Memory: one
 * chunk, or the largest command.
 *
 * Pulling is synchronous as long as bytes are there, and allocates nothing per command:
 *
 *     const reader = await AofReader.open(file, { name });
 *     do {
 *       while (reader.next()) execute(reader.request);       // and reader.offset, reader.timestampSeconds, ...
 *     } while (await reader.advance());
 *     reader.outcome                                         // how the file ended
 *
 * Invariant: a command inside MULTI comes only if the EXEC that ends the group is in the usable part too. MULTI and
 * EXEC come as commands themselves; `isInTransaction` is true from MULTI to EXEC, both included.
 */
import type { FileHandle } from "../../base/files.ts";
import { Request } from "../../protocol/request.ts";
import { FileWindow } from "../file-window.ts";
import { OLD_LINE, parseTimestampLine } from "./format.ts";
import { type AofOutcome, AofVerifier, type AofVerifierOptions, type ExtentSource } from "./verifier.ts";

export type { AofOutcome } from "./verifier.ts";

const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;
/** A Request's offsets are 32-bit: no command may be larger. */
const COMMAND_MAX_BYTES = 0x7fffffff;
const MULTI = "multi";
const EXEC = "exec";

export interface AofReaderOptions extends AofVerifierOptions {
  /** Nobody looks at a command's bytes after the next `advance`, so that their memory can be used again. */
  readonly reusesChunks?: boolean;
  /** Says what may be read; by default an AofVerifier with these options. */
  readonly verifier?: ExtentSource;
}

/** A command that is well-formed but cannot be loaded. */
export class AofReadError extends Error {
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(reason);
    this.name = "AofReadError";
    this.offset = offset;
  }
}

export class AofReader {
  /** The command; valid until the next call of `next` or `advance`. */
  readonly request = new Request();
  /** Where it begins and ends in the file. */
  offset = 0;
  endOffset = 0;
  isInTransaction = false;
  /** Whether all keys of it are known to have existed before it. */
  namesOldKeys = false;
  /** Unix seconds of the last #TS annotation before it; undefined if there was none. */
  timestampSeconds: number | undefined;
  readonly #verifier: ExtentSource;
  readonly #window: FileWindow;
  /** Bytes before this offset were found usable. */
  #usable: number;
  #isInsideGroup = false;
  #isOldNext = false;

  private constructor(verifier: ExtentSource, window: FileWindow) {
    this.#verifier = verifier;
    this.#window = window;
    this.#usable = window.position;
    this.endOffset = window.position;
  }

  static async open(file: FileHandle, options: AofReaderOptions = {}): Promise<AofReader> {
    const verifier = options.verifier ?? (await AofVerifier.open(file, options));
    const window = new FileWindow(file, options.start ?? 0, verifier.size, options);
    return new AofReader(verifier, window);
  }

  /** How the file ended; undefined while there may be commands. */
  get outcome(): AofOutcome | undefined {
    return this.#window.position < this.#usable ? undefined : this.#verifier.outcome;
  }

  /** Offset up to which the file was read and verified, for progress displays. */
  get position(): number {
    return this.#verifier.position;
  }

  /** Decodes the next command into `request`; false if more bytes must be fetched first (`advance`). */
  next(): boolean {
    const window = this.#window;
    for (;;) {
      const end = window.next + Math.min(window.end - window.next, this.#usable - window.position);
      if (window.next === end) return false;
      if (window.buffer[window.next] !== HASH) return this.#decodeCommand(end);
      const lineEnd = window.buffer.indexOf(LF, window.next);
      if (lineEnd === -1 || lineEnd >= end) return false;
      this.#takeAnnotation(window.buffer.toString("latin1", window.next, lineEnd + 1));
      window.next = lineEnd + 1;
    }
  }

  /** Fetches more bytes; false at the end, with `outcome` set. Throws AofReadError, or the system's error. */
  async advance(): Promise<boolean> {
    const window = this.#window;
    const held = window.end - window.next;
    if (window.position === this.#usable) {
      const extent = await this.#verifier.advance();
      if (extent === undefined) return false;
      this.#usable = extent.end;
      if (held > 0) return true;
    }
    const usable = this.#usable - window.position;
    if (held >= usable && held > 0) {
      // Extents end between commands, so these bytes are not the ones that were verified.
      throw new AofReadError("The file changed while it was read", window.position);
    }
    if (held >= COMMAND_MAX_BYTES) {
      throw new AofReadError(
        `A command of more than ${COMMAND_MAX_BYTES} bytes cannot be loaded`,
        window.position,
      );
    }
    await window.fill(Math.min(usable, Math.max(1, held * 2), COMMAND_MAX_BYTES));
    return true;
  }

  /** All commands one by one, for tools and tests: `request` is reused from one to the next. */
  async *commands(): AsyncGenerator<this, void, undefined> {
    do {
      while (this.next()) yield this;
    } while (await this.advance());
  }

  /** Decodes the command at `next`, which the verifier has found well-formed; false if it is not all there. */
  #decodeCommand(end: number): boolean {
    const window = this.#window;
    const { buffer } = window;
    const { request } = this;
    let position = window.next + 1;
    let lineEnd = endOfLine(buffer, position, end);
    if (lineEnd === -1) return false;
    const count = decimal(buffer, position, lineEnd);
    position = lineEnd + 1;
    for (let i = 0; i < count; i++) {
      lineEnd = endOfLine(buffer, position, end);
      if (lineEnd === -1) return false;
      const length = decimal(buffer, position + 1, lineEnd);
      position = lineEnd + 1;
      if (position + length + 2 > end) return false;
      request.reserve(i + 1);
      request.start[i] = position;
      request.len[i] = length;
      position += length + 2;
    }
    request.buf = buffer;
    request.argc = count;
    this.offset = window.position;
    window.next = position;
    this.endOffset = window.position;
    this.namesOldKeys = this.#isOldNext;
    this.#isOldNext = false;
    this.#followTransaction();
    return true;
  }

  #followTransaction(): void {
    const { request } = this;
    if (this.#isInsideGroup) {
      this.isInTransaction = true;
      if (request.len[0] === EXEC.length && request.text(0).toLowerCase() === EXEC)
        this.#isInsideGroup = false;
      return;
    }
    this.isInTransaction = request.len[0] === MULTI.length && request.text(0).toLowerCase() === MULTI;
    this.#isInsideGroup = this.isInTransaction;
  }

  #takeAnnotation(text: string): void {
    if (text === OLD_LINE) this.#isOldNext = true;
    this.timestampSeconds = parseTimestampLine(text) ?? this.timestampSeconds;
  }
}

/** Index of the LF that ends the line at `position`; -1 if it is not before `end`. */
function endOfLine(buffer: Buffer, position: number, end: number): number {
  for (let i = position; i < end; i++) if (buffer[i] === LF) return i;
  return -1;
}

/** The number in a line that ends with CR LF at `lineEnd`. Blanks and signs, which the verifier lets pass, are rare. */
function decimal(buffer: Buffer, start: number, lineEnd: number): number {
  let value = 0;
  for (let i = start; i < lineEnd && buffer[i] !== CR; i++) {
    const digit = buffer[i] - 0x30;
    if (digit < 0 || digit > 9) return Number(buffer.toString("latin1", start, lineEnd)) || 0;
    value = value * 10 + digit;
  }
  return value;
}
