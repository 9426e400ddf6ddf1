/**
 * Finds where commands and annotations begin and end in a stream of AOF bytes, and says exactly what is wrong where
 * they do not. Takes the bytes in chunks cut anywhere, looks at lengths only and keeps nothing of the values, so
 * memory use is constant. Neither reads files nor knows about blocks: verifier.ts does.
 *
 * It accepts what redis-check-aof accepts, and reports in its words and with its offsets (the start of the line or
 * value that is wrong), with two exceptions: a command without arguments, which that tool lets pass and which Redis
 * then refuses to load; and a zero byte in an annotation. Numbers are read as C's strtol does: blanks and a sign
 * before the digits are allowed.
 *
 * Invariant: bytes before `itemStart` are whole commands and annotations.
 */
import { ANNOTATION_MAX_BYTES } from "./format.ts";

/** What `push` came upon. */
export const NEED_MORE = 0;
export const COMMAND = 1;
export const ANNOTATION = 2;
export const PROBLEM = 3;
export type FramingEvent = typeof NEED_MORE | typeof COMMAND | typeof ANNOTATION | typeof PROBLEM;

/** Why the bytes are no whole commands. */
export interface FramingProblem {
  /** "end": the file ends inside a command or annotation. "bytes": something cannot be right. "start": what begins
   * here is neither command nor annotation. */
  readonly kind: "end" | "bytes" | "start";
  /** Offset of the line or value that is wrong. */
  readonly offset: number;
  /** Offset of the first byte that is wrong; at "end", of the end. */
  readonly badOffset: number;
  /** Text for people; "" where a command ends before one of its lines begins. */
  readonly reason: string;
  /** The file ends inside an annotation, not inside a command. */
  readonly isAnnotation: boolean;
  /** A MULTI within a transaction, or an EXEC outside. */
  readonly isNesting: boolean;
}

const AT_ITEM = 0;
const IN_ANNOTATION = 1;
const IN_COUNT_LINE = 2;
const IN_LENGTH_LINE = 3;
const IN_VALUE = 4;
const IN_VALUE_END = 5;
type State =
  | typeof AT_ITEM
  | typeof IN_ANNOTATION
  | typeof IN_COUNT_LINE
  | typeof IN_LENGTH_LINE
  | typeof IN_VALUE
  | typeof IN_VALUE_END;

/** Longest line with a number that redis-check-aof reads as one, line end included. */
const NUMBER_LINE_MAX_BYTES = 127;
const HASH = 0x23;
const STAR = 0x2a;
const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;
const DIGIT_0 = 0x30;
/** Longer commands are looked at line by line. */
const PLAIN_ARGUMENTS_MAX = 1 << 20;
const PLAIN_LINE_MAX_BYTES = 20;
/** So much of the chunk there must be for a line to be passed over: V8 compiles what reads beyond the end once more. */
const PLAIN_LINE_ROOM = PLAIN_LINE_MAX_BYTES + 4;
const LONG_MAX = 0x7fffffffffffffffn;
const LONG_MIN = -0x8000000000000000n;
/** Names longer than this are not EXEC or MULTI. */
const NAME_MAX_BYTES = 5;

export class FramingScanner {
  /** Index in the pushed chunk after the last byte looked at. */
  next = 0;
  /** Offset in the file of the command or annotation that is being looked at, or was just completed. */
  itemStart: number;
  /** Offset in the file after the last byte looked at. */
  offset: number;
  /** Line number as redis-check-aof counts: from 1, one more for each line end inside commands. */
  line = 1;
  /** Whether a MULTI is open. */
  isInTransaction = false;
  /** After PROBLEM. */
  problem: FramingProblem | undefined;
  readonly #fileName: string;
  #state: State = AT_ITEM;
  /** The present line as far as earlier chunks held it. */
  readonly #line = Buffer.alloc(ANNOTATION_MAX_BYTES);
  #lineLength = 0;
  /** Offset in the file of the present line or value. */
  #partStart: number;
  #argumentsLeft = 0;
  #isFirstArgument = false;
  #valueLength = 0;
  #valueLeft = 0;
  readonly #name = Buffer.alloc(NAME_MAX_BYTES);
  #nameLength = 0;
  readonly #valueEnd = Buffer.alloc(2);
  #valueEndLength = 0;

  /** @param fileName for messages that name the file */
  constructor(offset: number, fileName: string) {
    this.offset = offset;
    this.itemStart = offset;
    this.#partStart = offset;
    this.#fileName = fileName;
  }

  /** Offset in the file of the line or value looked at last. */
  get partStart(): number {
    return this.#partStart;
  }

  /** Whether the bytes looked at last belong to an annotation that is not complete. */
  get isInAnnotation(): boolean {
    return this.#state === IN_ANNOTATION;
  }

  /** The annotation just completed, line end included; one character per byte. */
  get annotation(): string {
    return this.#line.toString("latin1", 0, this.#lineLength);
  }

  /** The bytes of that annotation, valid until the next push. */
  get annotationBytes(): Buffer {
    return this.#line.subarray(0, this.#lineLength);
  }

  /** Looks at chunk[from, to) up to the end of the next item. `next` tells how far it came. */
  push(chunk: Buffer, from: number, to: number): FramingEvent {
    this.next = from;
    for (;;) {
      let event: FramingEvent;
      switch (this.#state) {
        case AT_ITEM:
          if (this.next === to) return NEED_MORE;
          if (this.#passWholeCommand(chunk, to)) return COMMAND;
          event = this.#beginItem(chunk[this.next]);
          break;
        case IN_ANNOTATION:
          event = this.#takeLine(chunk, to, ANNOTATION_MAX_BYTES) ? this.#endAnnotation() : NEED_MORE;
          if (event === NEED_MORE) return event;
          break;
        case IN_COUNT_LINE:
          if (!this.#takeLine(chunk, to, NUMBER_LINE_MAX_BYTES)) return NEED_MORE;
          event = this.#endCountLine();
          break;
        case IN_LENGTH_LINE:
          if (!this.#takeLine(chunk, to, NUMBER_LINE_MAX_BYTES)) return NEED_MORE;
          event = this.#endLengthLine();
          break;
        case IN_VALUE:
          if (!this.#takeValue(chunk, to)) return NEED_MORE;
          event = NEED_MORE;
          break;
        case IN_VALUE_END:
          if (!this.#takeValueEnd(chunk, to)) return NEED_MORE;
          event = this.#endValue();
          break;
      }
      if (event !== NEED_MORE) return event;
    }
  }

  /**
   * Passes over a command that lies in the chunk as a whole, and is as everybody writes them. False if it is not, or
   * might be MULTI or EXEC: then it is looked at line by line.
   */
  #passWholeCommand(chunk: Buffer, to: number): boolean {
    let i = this.next;
    if (to - i < PLAIN_LINE_ROOM || chunk[i] !== STAR) return false;
    let count = chunk[++i] - DIGIT_0;
    if (!(count >= 1 && count <= 9)) return false;
    for (let digit = chunk[++i] - DIGIT_0; digit >= 0 && digit <= 9; digit = chunk[++i] - DIGIT_0)
      count = count * 10 + digit;
    if (chunk[i] !== CR || chunk[i + 1] !== LF || count > PLAIN_ARGUMENTS_MAX) return false;
    i += 2;
    for (let left = count; left > 0; left--) {
      const lineStart = i;
      if (to - i < PLAIN_LINE_ROOM || chunk[i] !== DOLLAR) return false;
      let length = chunk[++i] - DIGIT_0;
      if (!(length >= 0 && length <= 9)) return false;
      for (let digit = chunk[++i] - DIGIT_0; digit >= 0 && digit <= 9; digit = chunk[++i] - DIGIT_0)
        length = length * 10 + digit;
      // No digits but zeros would make a line longer than it may be.
      if (chunk[i] !== CR || chunk[i + 1] !== LF || i - lineStart > PLAIN_LINE_MAX_BYTES) return false;
      i += 2;
      const end = i + length;
      if (end + 2 > to || chunk[end] !== CR || chunk[end + 1] !== LF) return false;
      if (left === count && (length === 4 || length === 5) && mayBeBracket(chunk[i])) return false;
      if (left === 1) this.#partStart = this.offset + i - this.next;
      i = end + 2;
    }
    if (i > to) return false;
    this.line += 1 + 2 * count;
    this.itemStart = this.offset;
    this.offset += i - this.next;
    this.next = i;
    this.#lineLength = 0;
    return true;
  }

  /** The bytes have ended: PROBLEM, unless that is between two items. An annotation without line end is one too. */
  finish(): FramingEvent {
    switch (this.#state) {
      case AT_ITEM:
        return NEED_MORE;
      case IN_ANNOTATION:
        return this.#fail("end", "The file ends inside an annotation", this.itemStart, this.offset, true);
      case IN_COUNT_LINE:
      case IN_LENGTH_LINE:
        if (this.#lineLength === 0) return this.#fail("end", "", this.offset, this.offset);
        this.#number(this.#state === IN_COUNT_LINE ? STAR : DOLLAR);
        return PROBLEM;
      case IN_VALUE:
      case IN_VALUE_END: {
        const wanted = BigInt(this.#valueLength) + 2n;
        const got = this.offset - this.#partStart;
        const reason = `Expected to read ${this.#valueText(wanted)} bytes, got ${got} bytes`;
        return this.#fail("end", reason, this.#partStart, this.offset);
      }
    }
  }

  #beginItem(first: number): FramingEvent {
    this.itemStart = this.offset;
    this.#partStart = this.offset;
    this.#lineLength = 0;
    if (first === HASH) this.#state = IN_ANNOTATION;
    else if (first === STAR) this.#state = IN_COUNT_LINE;
    else {
      const reason = `Expected a command ('*') or an annotation ('#'), got: ${describeByte(first)}`;
      return this.#fail("start", reason, this.offset, this.offset);
    }
    return NEED_MORE;
  }

  /** Gathers a line in `#line`: up to LF, or `max` bytes. */
  #takeLine(chunk: Buffer, to: number, max: number): boolean {
    const line = this.#line;
    let length = this.#lineLength;
    let i = this.next;
    let isComplete = false;
    while (i < to && !isComplete) {
      const byte = chunk[i++];
      line[length++] = byte;
      isComplete = byte === LF || length === max;
    }
    this.offset += i - this.next;
    this.next = i;
    this.#lineLength = length;
    return isComplete;
  }

  #endAnnotation(): FramingEvent {
    // Zeros that a power cut left in a line would otherwise hide the commands up to the next line end.
    const zero = this.annotationBytes.indexOf(0);
    if (zero !== -1) {
      return this.#fail("bytes", "Found a zero byte in an annotation", this.itemStart, this.itemStart + zero);
    }
    this.#state = AT_ITEM;
    return ANNOTATION;
  }

  #endCountLine(): FramingEvent {
    const count = this.#number(STAR);
    if (this.problem !== undefined) return PROBLEM;
    if (count < 1) {
      const reason = `Expected a command of at least one argument, got: *${this.#valueText(BigInt(count))}`;
      return this.#fail("bytes", reason, this.itemStart, this.itemStart);
    }
    this.line++;
    this.#argumentsLeft = count;
    this.#isFirstArgument = true;
    this.#beginLengthLine();
    return NEED_MORE;
  }

  #beginLengthLine(): void {
    this.#state = IN_LENGTH_LINE;
    this.#partStart = this.offset;
    this.#lineLength = 0;
  }

  #endLengthLine(): FramingEvent {
    const length = this.#number(DOLLAR);
    if (this.problem !== undefined) return PROBLEM;
    this.line++;
    if (length < 0 || this.#clamped > LONG_MAX - 2n) {
      const text = this.#valueText(BigInt(length));
      const reason = `Expected to read string of ${text} bytes, which is not in the suitable range`;
      return this.#fail("bytes", reason, this.#partStart, this.#partStart);
    }
    this.#state = IN_VALUE;
    this.#partStart = this.offset;
    this.#valueLength = length;
    this.#valueLeft = length;
    this.#valueEndLength = 0;
    this.#nameLength = 0;
    return NEED_MORE;
  }

  #takeValue(chunk: Buffer, to: number): boolean {
    const count = Math.min(this.#valueLeft, to - this.next);
    if (this.#isFirstArgument && this.#valueLength <= NAME_MAX_BYTES) {
      chunk.copy(this.#name, this.#nameLength, this.next, this.next + count);
      this.#nameLength += count;
    }
    this.#valueLeft -= count;
    this.next += count;
    this.offset += count;
    if (this.#valueLeft > 0) return false;
    this.#state = IN_VALUE_END;
    return true;
  }

  #takeValueEnd(chunk: Buffer, to: number): boolean {
    while (this.#valueEndLength < 2) {
      if (this.next === to) return false;
      this.#valueEnd[this.#valueEndLength++] = chunk[this.next++];
      this.offset++;
    }
    return true;
  }

  #endValue(): FramingEvent {
    const [first, second] = this.#valueEnd;
    if (first !== CR || second !== LF) {
      const badOffset = first === CR ? this.offset - 1 : this.offset - 2;
      return this.#fail("bytes", lineEndReason(first, second), this.#partStart, badOffset);
    }
    this.line++;
    if (this.#isFirstArgument) {
      this.#isFirstArgument = false;
      if (this.#nameLength > 0 && !this.#takeName()) return PROBLEM;
    }
    if (--this.#argumentsLeft > 0) {
      this.#beginLengthLine();
      return NEED_MORE;
    }
    this.#state = AT_ITEM;
    return COMMAND;
  }

  /** Follows MULTI and EXEC. */
  #takeName(): boolean {
    const name = this.#name.toString("latin1", 0, this.#nameLength).toLowerCase();
    const isMulti = name === "multi";
    if (!isMulti && name !== "exec") return true;
    if (isMulti === this.isInTransaction) {
      const reason = `Unexpected ${isMulti ? "MULTI" : "EXEC"} in AOF ${this.#fileName}`;
      this.#fail("bytes", reason, this.#partStart, this.#partStart, false, true);
      return false;
    }
    this.isInTransaction = isMulti;
    return true;
  }

  /** The number in the line, beyond the exact range of doubles: see `#clamped`. */
  #number(prefix: number): number {
    const line = this.#line;
    const length = this.#lineLength;
    if (line[0] !== prefix) {
      // A C text ends at a NUL, which is what redis-check-aof prints here.
      const got = line[0] === 0 ? "" : `${String.fromCharCode(line[0])}'`;
      this.#fail(
        "bytes",
        `Expected prefix '${String.fromCharCode(prefix)}', got: '${got}`,
        this.#partStart,
        this.#partStart,
      );
      return 0;
    }
    let i = 1;
    while (i < length && isBlank(line[i])) i++;
    const signed = i;
    if (line[i] === 0x2d || line[i] === 0x2b) i++;
    const digits = i;
    let value = 0;
    while (i < length && line[i] >= 0x30 && line[i] <= 0x39) value = value * 10 + line[i++] - 0x30;
    const end = i === digits ? 1 : i; // no digits: nothing was read, blanks neither
    if (line[digits - 1] === 0x2d && value > 0) value = -value;
    this.#clamped = 0n;
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      const exact = BigInt(line.toString("latin1", signed, i).replace("+", ""));
      this.#clamped = exact > LONG_MAX ? LONG_MAX : exact < LONG_MIN ? LONG_MIN : exact;
      value = Number(this.#clamped);
    }
    this.#checkLineEnd(end, length);
    return end === 1 ? 0 : value;
  }

  /** The last number read, exactly, if a double cannot hold it; else 0. */
  #clamped = 0n;

  #valueText(value: bigint): string {
    return String(this.#clamped === 0n ? value : this.#clamped + (value - BigInt(Number(this.#clamped))));
  }

  #checkLineEnd(end: number, length: number): void {
    const line = this.#line;
    const first = end < length ? line[end] : 0;
    const second = end + 1 < length ? line[end + 1] : 0;
    if (first === CR && second === LF) return;
    // Cut off where a line end could still have come, or where a digit could?
    const isCutOff = line[length - 1] !== LF && length < NUMBER_LINE_MAX_BYTES;
    const isEnd = isCutOff && (end === length || (first === CR && end + 1 === length));
    const bad = end < length && first === CR ? end + 1 : end;
    this.#fail(isEnd ? "end" : "bytes", lineEndReason(first, second), this.#partStart, this.#partStart + bad);
  }

  #fail(
    kind: FramingProblem["kind"],
    reason: string,
    offset: number,
    badOffset: number,
    isAnnotation = false,
    isNesting = false,
  ): FramingEvent {
    this.problem = { kind, reason, offset, badOffset, isAnnotation, isNesting };
    return PROBLEM;
  }
}

/** Whether the name of MULTI or EXEC begins so. */
function mayBeBracket(byte: number): boolean {
  const lower = byte | 0x20;
  return lower === 0x6d || lower === 0x65;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** As printed by C's "%02x" for a signed char. */
function signedHex(byte: number): string {
  return byte < 0x80 ? byte.toString(16).padStart(2, "0") : `ffffff${byte.toString(16)}`;
}

function lineEndReason(first: number, second: number): string {
  return `Expected \\r\\n, got: ${signedHex(first)}${signedHex(second)}`;
}

function describeByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f
    ? `'${String.fromCharCode(byte)}'`
    : `0x${byte.toString(16).padStart(2, "0")}`;
}
