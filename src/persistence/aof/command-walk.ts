/**
 * Walks over commands without decoding them: which command, how many arguments, the beginnings of the first few, and
 * where it begins and ends. Values are passed over unread, however large, so memory use is constant; who needs whole
 * arguments uses AofReader.
 *
 *     const walk = new CommandWalk(file, start, end);
 *     do {
 *       while (walk.next()) ...                      // walk.name, walk.argument(1), walk.offset, ...
 *     } while (await walk.advance());
 *
 * It is meant for bytes that AofVerifier found usable. Of others it walks over as many commands as there are, and stops
 * (`isStuck`) where it cannot go on: for those who want to say what damaged bytes may have held.
 */
import type { FileHandle } from "../../base/files.ts";
import { ANNOTATION_MAX_BYTES, parseTimestampLine } from "./format.ts";

/** As many arguments are looked at, from the name on, and as many bytes of each. */
export const ARGUMENTS_SEEN = 4;
export const ARGUMENT_SEEN_BYTES = 512;

const CHUNK_BYTES = 1 << 20;
/** A line with a number. */
const NUMBER_LINE_BYTES = 128;
/** What must be in the chunk before a step is taken: an annotation, or an argument's line and beginning. */
const STEP_BYTES = ANNOTATION_MAX_BYTES + NUMBER_LINE_BYTES + ARGUMENT_SEEN_BYTES;
const NAME_MAX_BYTES = 32;
const LF = 0x0a;
const CR = 0x0d;
const HASH = 0x23;
const STAR = 0x2a;
const DOLLAR = 0x24;
/** Redis's limit on arguments. */
const ARGUMENTS_MAX = 0x7fffffff;

export class CommandWalk {
  /** The command's name in lower case; "" if it is longer than any there is. */
  name = "";
  argumentCount = 0;
  /** Where the command begins and ends in the file. */
  offset: number;
  endOffset: number;
  /** Length of its longest argument in bytes. */
  longestArgument = 0;
  /** Where its last argument begins. */
  lastArgumentOffset = 0;
  lastArgumentLength = 0;
  /** Unix seconds of the last #TS line before it; undefined if there was none. */
  timestampSeconds: number | undefined;
  /** True when what follows is no command. */
  isStuck = false;
  readonly #file: FileHandle;
  readonly #limit: number;
  readonly #chunk: Buffer;
  #base: number;
  #next = 0;
  #end = 0;
  #argumentsLeft = 0;
  readonly #seen: Buffer[] = Array.from({ length: ARGUMENTS_SEEN }, () => Buffer.alloc(ARGUMENT_SEEN_BYTES));
  readonly #seenLength = new Float64Array(ARGUMENTS_SEEN);

  /** Of file[start, end). */
  constructor(file: FileHandle, start: number, end: number) {
    this.#file = file;
    this.#limit = end;
    this.#base = start;
    this.offset = start;
    this.endOffset = start;
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK_BYTES, end - start)));
  }

  /** The first bytes of an argument (0: the name), at most ARGUMENT_SEEN_BYTES: valid until the next call of `next`.
   * Undefined if there is no such argument, or it is not among the first ones. */
  argument(index: number): Buffer | undefined {
    if (index >= this.argumentCount || index >= ARGUMENTS_SEEN) return undefined;
    return this.#seen[index].subarray(0, Math.min(this.#seenLength[index], ARGUMENT_SEEN_BYTES));
  }

  /** The whole length of one of the first arguments. */
  argumentLength(index: number): number {
    return this.#seenLength[index];
  }

  /** Goes to the next command; false if more bytes must be fetched first (`advance`), or there is none. */
  next(): boolean {
    while (!this.isStuck && this.#hasStep()) {
      if (this.#argumentsLeft > 0) {
        this.#takeArgument();
        if (this.#argumentsLeft === 0 && !this.isStuck) return this.#endCommand();
      } else if (this.#chunk[this.#next] === HASH) this.#takeAnnotation();
      else this.#beginCommand();
    }
    return false;
  }

  /** Fetches more bytes; false at the end. */
  async advance(): Promise<boolean> {
    const position = this.#base + this.#next;
    if (this.isStuck || position >= this.#limit) return false;
    const wanted = Math.min(this.#chunk.length, this.#limit - position);
    this.#base = position;
    this.#next = 0;
    this.#end = await this.#file.read(this.#chunk.subarray(0, wanted), position);
    return this.#end > 0;
  }

  get #position(): number {
    return this.#base + this.#next;
  }

  /** Whether the next step's bytes are in the chunk: all that there are, or enough. */
  #hasStep(): boolean {
    const held = this.#end - this.#next;
    return held >= STEP_BYTES || (held > 0 && this.#base + this.#end >= this.#limit);
  }

  #beginCommand(): void {
    this.offset = this.#position;
    const count = this.#numberLine(STAR);
    if (count < 1 || count > ARGUMENTS_MAX) {
      this.isStuck = true;
      return;
    }
    this.argumentCount = count;
    this.longestArgument = 0;
    this.#argumentsLeft = count;
  }

  #takeArgument(): void {
    const index = this.argumentCount - this.#argumentsLeft;
    const length = this.#numberLine(DOLLAR);
    if (length < 0 || this.#position + length + 2 > this.#limit) {
      this.isStuck = true;
      return;
    }
    if (index < ARGUMENTS_SEEN) {
      this.#seenLength[index] = length;
      this.#chunk.copy(this.#seen[index], 0, this.#next, this.#next + Math.min(length, ARGUMENT_SEEN_BYTES));
    }
    if (length > this.longestArgument) this.longestArgument = length;
    this.lastArgumentOffset = this.#position;
    this.lastArgumentLength = length;
    this.#next += length + 2;
    this.#argumentsLeft--;
  }

  #endCommand(): boolean {
    this.endOffset = this.#position;
    const length = this.#seenLength[0];
    this.name = length > NAME_MAX_BYTES ? "" : this.#seen[0].toString("latin1", 0, length).toLowerCase();
    return true;
  }

  #takeAnnotation(): void {
    const lineEnd = this.#chunk.indexOf(LF, this.#next);
    if (lineEnd === -1 || lineEnd >= this.#end) {
      // Redis reads longer ones in pieces; those may end anywhere.
      this.#next = Math.min(this.#end, this.#next + ANNOTATION_MAX_BYTES);
      return;
    }
    if (lineEnd - this.#next < NUMBER_LINE_BYTES) {
      const text = this.#chunk.toString("latin1", this.#next, lineEnd + 1);
      this.timestampSeconds = parseTimestampLine(text) ?? this.timestampSeconds;
    }
    this.#next = lineEnd + 1;
  }

  /** The number in the line that begins here with `prefix`; -1 if there is no such line. */
  #numberLine(prefix: number): number {
    const chunk = this.#chunk;
    let i = this.#next + 1;
    if (chunk[this.#next] !== prefix) return -1;
    let value = 0;
    const begun = i;
    while (i < this.#end && chunk[i] >= 0x30 && chunk[i] <= 0x39) value = value * 10 + chunk[i++] - 0x30;
    if (i === begun || chunk[i] !== CR) {
      value = this.#unusualNumber(begun);
      i = chunk.indexOf(LF, begun) - 1;
    }
    if (value < 0 || i < begun || i + 1 >= this.#end || chunk[i + 1] !== LF) return -1;
    this.#next = i + 2;
    return value;
  }

  /** A number with blanks or a sign before it, as C reads it. */
  #unusualNumber(begun: number): number {
    const lineEnd = this.#chunk.indexOf(LF, begun);
    if (lineEnd === -1 || lineEnd >= this.#end || lineEnd - begun > NUMBER_LINE_BYTES) return -1;
    const match = /^[ \t\n\v\f\r]*\+?([0-9]+)\r$/.exec(this.#chunk.toString("latin1", begun, lineEnd));
    return match === null ? -1 : Number(match[1]);
  }
}
