/**
 * Writes replies in RESP2 or RESP3 into one buffer: `buf` from 0 to `end`. One command's reply follows another's
 * until the owner has sent them (`reset`) or hands the buffer away (`take`). A writer that never wrote holds no
 * buffer.
 *
 * Every reply method returns DONE, so that a handler can end with `return reply.integer(1)`. Aggregates are written
 * as a header (`array`, `map`, `set`, `push`) followed by that many replies.
 *
 * Text is one byte per character in `simple` and `error` (they repeat the client's bytes), UTF-8 in the other
 * methods.
 */
import { copyBytes, withView } from "../base/byte-copy.ts";
import { formatDouble, integerLength, writeInteger } from "../base/numbers.ts";
import { DONE, type Outcome } from "./outcome.ts";

const EMPTY = Buffer.alloc(0);
const INITIAL_BYTES = 16 * 1024;
/** A buffer up to this size is kept as long as the writer is used at all. */
const KEPT_BYTES = 64 * 1024;
/** Largest buffer: offsets into it stay 32-bit integers, which is what keeps them fast. */
export const MAX_BUFFER_BYTES = 2 ** 31 - 1;
/** Up to here a buffer grows to its double, from here on by a quarter: doubling half a gigabyte would be waste. */
const DOUBLING_LIMIT_BYTES = 64 * 1024 * 1024;
/** Type byte, up to 16 digits with sign, line end; twice a line end around a payload. */
const HEADER_BYTES = 24;
/** What `moveBefore` can move: some headers. */
const MAX_MOVED_BYTES = 128;

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const QUESTION_MARK = 0x3f;
const ZERO = 0x30;
const ARRAY = 0x2a;
const ATTRIBUTE = 0x7c;
const BIG_NUMBER = 0x28;
const BULK = 0x24;
const DOUBLE = 0x2c;
const ERROR = 0x2d;
const INTEGER = 0x3a;
const MAP = 0x25;
const PUSH = 0x3e;
const SET = 0x7e;
const SIMPLE = 0x2b;
const VERBATIM = 0x3d;

const OK_REPLY = Buffer.from("+OK\r\n");
const NULL_BULK = Buffer.from("$-1\r\n");
const NULL_ARRAY = Buffer.from("*-1\r\n");
const NULL = Buffer.from("_\r\n");
const TRUE = Buffer.from("#t\r\n");
const FALSE = Buffer.from("#f\r\n");

/**
 * The replies waiting in one buffer are more than it can hold. The connection cannot go on: a part of a reply (a
 * header without all its elements) may be in the buffer. What changes data is not interrupted by it: see `begin`.
 */
export class ReplyTooLargeError extends Error {
  override readonly name = "ReplyTooLargeError";
}

export class ReplyWriter {
  /** The replies so far are its bytes 0 to `end`. Replaced when it grows. */
  buf: Buffer = EMPTY;
  end = 0;
  /** The protocol that the client has chosen (HELLO). */
  resp: 2 | 3 = 2;
  /** Error replies written since the owner last cleared it: for the statistics of commands. */
  errors = 0;
  /** Told the text of each, for the statistics of errors. */
  onError: ((text: string) => void) | undefined;
  /** The reply that began last is too large, and not to be sent. The owner clears it. */
  hasOverflowed = false;
  /** Where the reply that began last does so. */
  replyStart = 0;
  /** Where its present part begins; beyond all buffers between parts, and between replies. */
  private partStart = MAX_BUFFER_BYTES;
  private mustFinish = false;
  private readonly moved = new Uint8Array(MAX_MOVED_BYTES);
  private spare: Buffer = EMPTY;
  private peakBytes = 0;

  /**
   * A reply begins (or a part of a larger one). If it becomes too large, ReplyTooLargeError is thrown; or, if whoever
   * writes it must come to his end because he changes data, the whole is given up, what follows is written over it, and
   * `hasOverflowed` tells.
   */
  begin(mustFinish: boolean, isPart: boolean): void {
    const { end } = this;
    if (!isPart) this.replyStart = end;
    this.partStart = end;
    this.mustFinish = mustFinish;
  }

  /** What began last, a reply or a part, is whole (or will go on at another time). */
  finish(): void {
    this.partStart = MAX_BUFFER_BYTES;
  }

  /** Position behind all replies and parts that are whole. */
  get wholeEnd(): number {
    return Math.min(this.partStart, this.end);
  }

  /** What was written before `position` must no longer be given up. */
  keep(position: number): void {
    if (this.replyStart < position) this.replyStart = position;
  }

  /** Gives up the reply that began last. */
  abandon(): void {
    this.hasOverflowed = true;
    this.end = this.replyStart;
  }

  ok(): Outcome {
    return this.constant(OK_REPLY);
  }

  simple(text: string): Outcome {
    return this.line(SIMPLE, text);
  }

  /** `text` begins with the code: "ERR ...". Line ends in it become blanks, or they would end the reply. */
  error(text: string): Outcome {
    this.errors++;
    this.onError?.(text);
    return this.line(ERROR, text);
  }

  /** A safe integer. */
  integer(value: number): Outcome {
    if (value >= 0 && value < 10) {
      // The commonest integers (how many keys, how long to live: 0, 1, -1, -2) are worth a way of their own.
      this.reserve(4);
      const { buf, end } = this;
      buf[end] = INTEGER;
      buf[end + 1] = ZERO + value;
      buf[end + 2] = CARRIAGE_RETURN;
      buf[end + 3] = LINE_FEED;
      this.end = end + 4;
      return DONE;
    }
    return this.header(INTEGER, value);
  }

  /** Any integer of 64 bits. */
  bigInteger(value: bigint): Outcome {
    return this.line(INTEGER, value.toString());
  }

  bulk(bytes: Uint8Array): Outcome {
    return this.payload(BULK, bytes, 0, bytes.length);
  }

  /** `length` bytes of `source` from `start`. They must not lie in this writer's own buffer. */
  bulkRange(source: Buffer, start: number, length: number): Outcome {
    return this.payload(BULK, source, start, length);
  }

  /** One bulk string made of the parts, in their order. */
  bulkParts(parts: readonly Uint8Array[]): Outcome {
    let length = 0;
    for (const part of parts) length += part.length;
    this.reserve(length + 2 * HEADER_BYTES);
    this.header(BULK, length);
    let position = this.end;
    for (const part of parts) {
      copyBytes(part, 0, this.buf, position, part.length);
      position += part.length;
    }
    this.lineEnd(position);
    return DONE;
  }

  /** The digits of a safe integer. */
  bulkInteger(value: number): Outcome {
    this.header(BULK, integerLength(value));
    this.reserve(HEADER_BYTES);
    this.lineEnd(writeInteger(this.buf, this.end, value));
    return DONE;
  }

  bulkText(text: string): Outcome {
    return this.textPayload(BULK, text);
  }

  null(): Outcome {
    return this.constant(this.resp === 2 ? NULL_BULK : NULL);
  }

  nullArray(): Outcome {
    return this.constant(this.resp === 2 ? NULL_ARRAY : NULL);
  }

  emptyArray(): Outcome {
    return this.header(ARRAY, 0);
  }

  array(length: number): Outcome {
    return this.header(ARRAY, length);
  }

  /** `length` counts pairs. */
  map(length: number): Outcome {
    return this.resp === 2 ? this.header(ARRAY, 2 * length) : this.header(MAP, length);
  }

  set(length: number): Outcome {
    return this.header(this.resp === 2 ? ARRAY : SET, length);
  }

  /** Puts the header of an array before its elements: those that were written since `end` was `place`. */
  closeArray(place: number, length: number): Outcome {
    const from = this.end;
    this.array(length);
    this.moveBefore(place, from);
    return DONE;
  }

  /** As `closeArray`; `length` counts pairs. */
  closeMap(place: number, length: number): Outcome {
    const from = this.end;
    this.map(length);
    this.moveBefore(place, from);
    return DONE;
  }

  /** Puts the header of a set before its elements: those that were written since `end` was `place`. */
  closeSet(place: number, length: number): Outcome {
    const from = this.end;
    this.set(length);
    this.moveBefore(place, from);
    return DONE;
  }

  /** A message out of turn; RESP2 has no such type and gets an array. */
  push(length: number): Outcome {
    return this.header(this.resp === 2 ? ARRAY : PUSH, length);
  }

  /** Facts about the reply that follows: `length` pairs. RESP2 has no such type: nothing of it may be written there. */
  attribute(length: number): Outcome {
    return this.header(ATTRIBUTE, length);
  }

  double(value: number): Outcome {
    // Scores that are integers are what is mostly asked for, and their digits need no text.
    if (Number.isSafeInteger(value) && (value !== 0 || 1 / value > 0)) {
      return this.resp === 2 ? this.bulkInteger(value) : this.header(DOUBLE, value);
    }
    return this.doubleText(formatDouble(value));
  }

  /** A double that is written in another way than usual. */
  doubleText(text: string): Outcome {
    return this.resp === 2 ? this.textPayload(BULK, text) : this.line(DOUBLE, text);
  }

  boolean(value: boolean): Outcome {
    if (this.resp === 2) return this.integer(value ? 1 : 0);
    return this.constant(value ? TRUE : FALSE);
  }

  /** Text to be shown as it is. `format` is three characters: "txt" or "mkd". */
  verbatim(text: string, format: string): Outcome {
    return this.resp === 2 ? this.textPayload(BULK, text) : this.textPayload(VERBATIM, `${format}:${text}`);
  }

  /** As `verbatim`, of `length` bytes of `source` from `start`. */
  verbatimBytes(source: Buffer, start: number, length: number, format: string): Outcome {
    if (this.resp === 2) return this.bulkRange(source, start, length);
    this.header(VERBATIM, length + 4);
    this.reserve(length + HEADER_BYTES);
    const position = this.end + this.buf.write(`${format}:`, this.end, "latin1");
    copyBytes(source, start, this.buf, position, length);
    this.lineEnd(position + length);
    return DONE;
  }

  /** An integer of any size, as its digits. */
  bigNumber(digits: string): Outcome {
    return this.resp === 2 ? this.textPayload(BULK, digits) : this.line(BIG_NUMBER, digits);
  }

  /**
   * Moves what was written since `end` was `from` to before what was written since it was `place`: the header of an
   * aggregate whose length is known only after its elements. At most MAX_MOVED_BYTES.
   */
  moveBefore(place: number, from: number): void {
    const { buf, end } = this;
    const length = end - from;
    for (let i = 0; i < length; i++) this.moved[i] = buf[from + i];
    buf.copyWithin(place + length, place, from);
    for (let i = 0; i < length; i++) buf[place + i] = this.moved[i];
  }

  /** Makes room for `sizeBytes` more bytes behind `end`. Throws ReplyTooLargeError. */
  reserve(sizeBytes: number): void {
    if (this.buf.length - this.end < sizeBytes) this.grow(sizeBytes);
  }

  /** Forgets what was written, after it was sent. */
  reset(): void {
    if (this.end > this.peakBytes) this.peakBytes = this.end;
    this.end = 0;
  }

  /**
   * Hands over the replies so far: the caller owns the memory until it gives it back (`giveBack`), or for good. The
   * writer goes on in another buffer.
   */
  take(): Buffer {
    const taken = this.buf.subarray(0, this.end);
    this.reset();
    this.buf = this.spare;
    this.spare = EMPTY;
    return taken;
  }

  /** Returns a buffer from `take` that is no longer needed, so that the next one need not be allocated. */
  giveBack(taken: Buffer): void {
    const sizeBytes = taken.buffer.byteLength;
    if (sizeBytes > KEPT_BYTES || sizeBytes <= this.spare.length) return;
    // Buffers of a writer are never slices of a shared pool: see grow().
    const whole = withView(Buffer.from(taken.buffer, 0, sizeBytes));
    if (this.buf.length === 0) this.buf = whole;
    else this.spare = whole;
  }

  /**
   * Gives memory back to the system: all of it if nothing was written since the last call, most of a large buffer if
   * the replies used less than a quarter of it. To be called now and then; one huge reply is forgotten at the second
   * call after it.
   */
  shrink(): void {
    const used = Math.max(this.peakBytes, this.end);
    this.peakBytes = this.end;
    if (used === 0) {
      this.buf = EMPTY;
      this.spare = EMPTY;
    }
    if (this.buf.length <= KEPT_BYTES || used > this.buf.length / 4) return;
    const smaller = withView(Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, 2 * used)));
    this.buf.copy(smaller, 0, 0, this.end);
    this.buf = smaller;
  }

  /** Bytes of memory that the writer holds. */
  get capacity(): number {
    return this.buf.length + this.spare.length;
  }

  /** Type byte, integer, line end. */
  private header(type: number, value: number): Outcome {
    this.reserve(HEADER_BYTES);
    const { buf } = this;
    buf[this.end] = type;
    this.lineEnd(writeInteger(buf, this.end + 1, value));
    return DONE;
  }

  private lineEnd(position: number): void {
    this.buf[position] = CARRIAGE_RETURN;
    this.buf[position + 1] = LINE_FEED;
    this.end = position + 2;
  }

  /** Bytes of the protocol, as they are. */
  raw(bytes: Buffer): Outcome {
    return this.constant(bytes);
  }

  private constant(reply: Buffer): Outcome {
    const { length } = reply;
    this.reserve(length);
    const { buf, end } = this;
    for (let i = 0; i < length; i++) buf[end + i] = reply[i];
    this.end = end + length;
    return DONE;
  }

  /** A type byte and a text on one line, one byte per character. */
  private line(type: number, text: string): Outcome {
    const { length } = text;
    this.reserve(length + HEADER_BYTES);
    const { buf } = this;
    let position = this.end;
    buf[position++] = type;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code === CARRIAGE_RETURN || code === LINE_FEED) buf[position++] = SPACE;
      else buf[position++] = code > 0xff ? QUESTION_MARK : code;
    }
    this.lineEnd(position);
    return DONE;
  }

  private payload(type: number, source: Uint8Array, start: number, length: number): Outcome {
    this.reserve(length + HEADER_BYTES);
    const { buf } = this;
    buf[this.end] = type;
    let position = writeInteger(buf, this.end + 1, length);
    buf[position] = CARRIAGE_RETURN;
    buf[position + 1] = LINE_FEED;
    position += 2;
    copyBytes(source, start, buf, position, length);
    this.lineEnd(position + length);
    return DONE;
  }

  private textPayload(type: number, text: string): Outcome {
    const length = Buffer.byteLength(text);
    this.reserve(length + 2 * HEADER_BYTES);
    this.header(type, length);
    this.lineEnd(this.end + this.buf.write(text, this.end, length));
    return DONE;
  }

  private grow(sizeBytes: number): void {
    let needed = this.end + sizeBytes;
    if (needed > MAX_BUFFER_BYTES && this.mustFinish) {
      this.abandon();
      needed = this.end + sizeBytes;
      if (needed <= this.buf.length) return;
    }
    const current = this.buf.length;
    const grown = current < DOUBLING_LIMIT_BYTES ? 2 * current : Math.ceil(1.25 * current);
    if (needed > MAX_BUFFER_BYTES) throw new ReplyTooLargeError(`a reply of over ${MAX_BUFFER_BYTES} bytes`);
    const capacity = Math.min(Math.max(INITIAL_BYTES, grown, needed), MAX_BUFFER_BYTES);
    // Not from Node's pool: giveBack() takes the whole ArrayBuffer to be this writer's.
    const larger = withView(Buffer.allocUnsafeSlow(capacity));
    this.buf.copy(larger, 0, 0, this.end);
    this.buf = larger;
  }
}
