/**
 * Decodes requests: RESP arrays of bulk strings, and inline commands (a line of words). The hot path: nothing is
 * allocated or copied for a request; the arguments stay where they were received, and `request` says where they lie.
 *
 * Where the bytes are. All sockets share one read buffer. `feed` offers what a socket has just read; if nothing was
 * left over from before, requests are decoded right there. Before the shared buffer is used again, `settle` copies
 * what was not consumed (the beginning of a request, or whole requests of a connection that waits) into a buffer of
 * the connection's own; the next `feed` appends to it. With nothing left over a decoder holds no buffer.
 *
 * Looking ahead. `mark`, then `next` as often as one likes, then `rewind`: the same requests come again.
 * `rewindToCurrent` makes `next` return the last request again. Nothing is consumed for good until `settle` or
 * `feed`.
 *
 * Time is linear in the bytes received, however they are cut into packets: the connection's buffer grows in
 * proportion to what it holds (never to what a client merely announced), and of a request with many arguments those
 * already found are remembered. Only a few arguments and the last line (64 KB at most) are looked at again per
 * packet.
 *
 * What is accepted, and the error texts, are those of Redis 7.0 (networking.c), down to its leniency: the byte after
 * a line's CR and the two bytes after an argument are skipped unread, and a NUL byte hides the rest of a line.
 */
import { isBlank, parseInt64, parseInteger } from "../base/numbers.ts";
import { endsWord, splitArguments } from "./inline.ts";
import { Request } from "./request.ts";
import { allocate, grownSize, MIN_OWN_BUFFER_BYTES, recycle } from "./spare-buffer.ts";

/** `request` holds a request. */
export const REQUEST = 1;
/** No complete request is left. */
export const NEED_MORE = 2;
/** What follows is no request; `error` says why. The connection is to be closed after that reply. */
export const PROTOCOL_ERROR = 3;
/** The client sent more than the query buffer may hold. The connection is to be closed without a reply. */
export const QUERY_BUFFER_LIMIT = 4;
/** Consumed something that is no request: an empty line, an array without elements. */
const NOTHING = 5;

export type DecodeResult =
  | typeof REQUEST
  | typeof NEED_MORE
  | typeof PROTOCOL_ERROR
  | typeof QUERY_BUFFER_LIMIT;
type StepResult = DecodeResult | typeof NOTHING;

/** Read at every request, so that CONFIG SET has effect at once. Bytes. */
export interface DecoderLimits {
  /** proto-max-bulk-len: the longest argument. */
  maxBulkLength: number;
  /** client-query-buffer-limit: how much may wait to be decoded. */
  queryBufferLimit: number;
}

/** Longest line: an inline command, or the number of an array or argument. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_ARGUMENTS = 2 ** 31 - 1;
const UNAUTHENTICATED_MAX_ARGUMENTS = 10;
const UNAUTHENTICATED_MAX_BULK = 16384;
/** Offsets are 32-bit integers. */
const MAX_BUFFER_BYTES = 2 ** 31 - 1;
/** From so many complete arguments on, those of an incomplete request are remembered. */
const REMEMBERED_ARGUMENTS = 16;
/** The shared request is replaced if it has grown beyond. */
const MAX_SHARED_ARGUMENTS = 16 * 1024;

const NUL = 0x00;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;
const SINGLE_QUOTE = 0x27;
const ASTERISK = 0x2a;
const ZERO = 0x30;

const EMPTY = Buffer.alloc(0);

/** What is known of a request of which the last bytes are missing. */
interface Partial {
  readonly request: Request;
  /** Where the request begins now, and where it began when the offsets in `request` were recorded. */
  start: number;
  recordedStart: number;
  /** Arguments still missing. */
  remaining: number;
  /** Where decoding goes on, from the request's start. */
  resumeAt: number;
}

// Shared by all decoders: a request is decoded and executed before any other decoder is called.
let shared = new Request();
let spareRequest: Request | undefined;

/** Has all decoders decode into `request` from now on, and returns the one they used so far. */
export function useRequest(request: Request): Request {
  const previous = shared;
  shared = request;
  return previous;
}

export class RequestDecoder {
  /** False while the client still has to give the password: it may then send only small requests. */
  authenticated = true;
  /** After PROTOCOL_ERROR: the error without its code. */
  error = "";
  private readonly limits: DecoderLimits;
  /** The bytes from `position` to `end` are not consumed yet. */
  private buf: Buffer = EMPTY;
  private position = 0;
  private end = 0;
  /** Whether `buf` is this connection's own. */
  private isOwn = false;
  /** Start of the request last returned. */
  private currentStart = 0;
  /** What `rewind` restores: `position` and `currentStart` as they were. */
  private marked = 0;
  private markedStart = 0;
  /** Position behind the number that `shortNumber` or `longNumber` has read. */
  private afterNumber = 0;
  /** How many bytes from `position` on complete the argument that is now arriving (0: not known), and how many of them
   * come before its first one. */
  private wantedBytes = 0;
  private parsedBytes = 0;
  private partial: Partial | undefined;
  private isOverLimit = false;

  constructor(limits: DecoderLimits) {
    this.limits = limits;
  }

  /** The request that `next` returned. Valid until the next call of `next`, `feed` or `settle` of any decoder. */
  get request(): Request {
    return shared;
  }

  /** Bytes received and not consumed, and until `settle` those of the request last returned. */
  get bufferedBytes(): number {
    return this.end - this.currentStart;
  }

  /** The same, less what comes before the argument that is now arriving: what CLIENT LIST calls `qbuf`. */
  get unparsedBytes(): number {
    const isArriving = this.wantedBytes > 0 && this.position === this.currentStart;
    return this.bufferedBytes - (isArriving ? this.parsedBytes : 0);
  }

  /** Bytes of memory that the decoder holds between two packets. */
  get bufferCapacity(): number {
    const buffer = this.isOwn ? this.buf.length : 0;
    return this.partial === undefined ? buffer : buffer + this.partial.request.start.length * 8;
  }

  /** Where the request last returned begins (until the next `feed` or `settle`). */
  get requestStart(): number {
    return this.currentStart;
  }

  /** Where it ends. */
  get requestEnd(): number {
    return this.position;
  }

  /** Makes a request that `next` returned earlier the one last returned. */
  select(requestStart: number, requestEnd: number): void {
    this.currentStart = requestStart;
    this.position = requestEnd;
  }

  /** Offers the bytes of `chunk` from `start` to `end`. They must stay as they are until `settle`. */
  feed(chunk: Buffer, start: number, end: number): void {
    const unread = this.end - this.position;
    const size = end - start;
    if (unread + size > Math.min(this.limits.queryBufferLimit, MAX_BUFFER_BYTES)) this.isOverLimit = true;
    if (this.isOverLimit) return;
    if (unread > 0) {
      this.append(chunk, start, end);
      return;
    }
    this.release();
    this.buf = chunk;
    this.end = end;
    this.position = this.currentStart = this.marked = this.markedStart = start;
  }

  /** Decodes the next request. */
  next(): DecodeResult {
    if (this.isOverLimit) return QUERY_BUFFER_LIMIT;
    for (;;) {
      const start = this.position;
      if (start >= this.end) return NEED_MORE;
      let result: StepResult;
      if (this.partial !== undefined && this.partial.start === start) result = this.resume(this.partial);
      else if (this.buf[start] === ASTERISK) result = this.decodeArray(start);
      else result = this.decodeInline(start);
      if (result !== NOTHING) return result;
    }
  }

  /** To be called before the memory given to `feed` is used for anything else. Makes marks and `request` invalid. */
  settle(): void {
    if (shared.start.length > MAX_SHARED_ARGUMENTS) shared = new Request();
    const unread = this.end - this.position;
    if (unread === 0 || this.isOverLimit) {
      this.release();
    } else if (!this.isOwn) {
      const own = allocate(unread);
      this.buf.copy(own, 0, this.position, this.end);
      this.adopt(own);
    }
    this.currentStart = this.position;
  }

  /** Remembers the position behind the request last returned. */
  mark(): void {
    this.marked = this.position;
    this.markedStart = this.currentStart;
  }

  /** Goes back to the mark: `next` returns what followed it once more. The request itself is not decoded again. */
  rewind(): void {
    this.position = this.marked;
    this.currentStart = this.markedStart;
  }

  /** Goes back to before the request last returned: `next` returns it once more. */
  rewindToCurrent(): void {
    this.position = this.currentStart;
  }

  /** Gives back memory that the bytes waiting do not need. For connections that have been quiet for a while. */
  shrink(): void {
    const unread = this.end - this.position;
    if (!this.isOwn || this.buf.length < 2 * Math.max(unread, this.wantedBytes, MIN_OWN_BUFFER_BYTES)) return;
    const smaller = Buffer.allocUnsafeSlow(unread);
    this.buf.copy(smaller, 0, this.position, this.end);
    this.adopt(smaller);
  }

  private decodeArray(start: number): StepResult {
    let count = this.shortNumber(start + 1);
    if (count < 0 || (count > UNAUTHENTICATED_MAX_ARGUMENTS && !this.authenticated)) {
      const line = this.findInLine(start, CARRIAGE_RETURN, "too big mbulk count string");
      if (line < 0) {
        this.wantedBytes = 0;
        return -line as StepResult;
      }
      count = this.longNumber(start + 1, line);
      if (Number.isNaN(count) || count > MAX_ARGUMENTS) return this.fail("invalid multibulk length");
      if (count > UNAUTHENTICATED_MAX_ARGUMENTS && !this.authenticated) {
        return this.fail("unauthenticated multibulk length");
      }
    }
    if (count <= 0) {
      this.position = this.afterNumber;
      return NOTHING;
    }
    shared.argc = 0;
    return this.decodeArguments(shared, start, this.afterNumber, count);
  }

  /**
   * Decodes the missing arguments of the request that begins at `start`, from `from` on. Consumes the request if it
   * is complete.
   */
  private decodeArguments(request: Request, start: number, from: number, missing: number): StepResult {
    const { buf, end } = this;
    let { start: starts, len: lengths } = request;
    const usualLimit = Math.min(this.limits.maxBulkLength, UNAUTHENTICATED_MAX_BULK);
    let position = from;
    let argc = request.argc;
    for (const last = argc + missing; argc < last; argc++) {
      let length = position < end && buf[position] === DOLLAR ? this.shortNumber(position + 1) : -1;
      if (length < 0 || length > usualLimit) {
        length = this.bulkLength(position);
        if (length < 0) {
          this.wantedBytes = 0;
          if (length === -NEED_MORE) this.remember(request, argc, last - argc, start, position);
          return -length as StepResult;
        }
      }
      const first = this.afterNumber;
      const next = first + length + 2;
      if (next > end) {
        this.wantedBytes = next - start;
        this.parsedBytes = first - start;
        this.remember(request, argc, last - argc, start, position);
        return NEED_MORE;
      }
      if (argc === starts.length) {
        request.reserve(argc + 1);
        starts = request.start;
        lengths = request.len;
      }
      starts[argc] = first;
      lengths[argc] = length;
      position = next;
    }
    request.buf = buf;
    request.argc = argc;
    this.currentStart = start;
    this.position = position;
    return REQUEST;
  }

  /** The length in the line "$<length>" at `start`, unusual ones included; or a result other than REQUEST, negated. */
  private bulkLength(start: number): number {
    const line = this.findInLine(start, CARRIAGE_RETURN, "too big bulk count string");
    if (line < 0) return line;
    if (this.buf[start] !== DOLLAR) {
      return -this.fail(`expected '$', got '${String.fromCharCode(this.buf[start])}'`);
    }
    const length = this.longNumber(start + 1, line);
    if (Number.isNaN(length) || length < 0 || length > this.limits.maxBulkLength) {
      return -this.fail("invalid bulk length");
    }
    if (length > UNAUTHENTICATED_MAX_BULK && !this.authenticated) {
      return -this.fail("unauthenticated bulk length");
    }
    return length;
  }

  /** The number at `start` in its usual form: up to nine digits and a line end. -1 for all else. */
  private shortNumber(start: number): number {
    const { buf } = this;
    // A number of one digit and its line end take three bytes: with fewer, the slow way decides.
    if (start + 3 > this.end) return -1;
    let value = buf[start] - ZERO;
    if (value < 0 || value > 9) return -1;
    let position = start + 1;
    const limit = Math.min(this.end - 1, start + 9);
    while (position < limit) {
      const digit = buf[position] - ZERO;
      if (digit < 0 || digit > 9) break;
      if (value === 0) return -1;
      value = value * 10 + digit;
      position++;
    }
    if (position + 2 > this.end || buf[position] !== CARRIAGE_RETURN) return -1;
    this.afterNumber = position + 2;
    return value;
  }

  /** The number from `start` to the line's end at `end`, rounded if it is huge. NaN if it is none. */
  private longNumber(start: number, end: number): number {
    this.afterNumber = end + 2;
    const value = parseInteger(this.buf, start, end - start);
    if (!Number.isNaN(value)) return value;
    const large = parseInt64(this.buf, start, end - start);
    return large === undefined ? Number.NaN : Number(large);
  }

  /**
   * Position of the byte that ends the line at `start` (for CR: only if the byte after it is there too); or, negated,
   * NEED_MORE, or PROTOCOL_ERROR if the line is too long.
   */
  private findInLine(start: number, byte: number, tooLong: string): number {
    const line = this.buf.subarray(start, Math.min(this.end, start + MAX_LINE_BYTES + 1));
    const found = line.indexOf(byte);
    if (found < 0 || line.subarray(0, found).includes(NUL)) {
      return line.length > MAX_LINE_BYTES ? -this.fail(tooLong) : -NEED_MORE;
    }
    if (byte === CARRIAGE_RETURN && start + found + 2 > this.end) return -NEED_MORE;
    return start + found;
  }

  private fail(reason: string): typeof PROTOCOL_ERROR {
    this.error = `Protocol error: ${reason}`;
    return PROTOCOL_ERROR;
  }

  private decodeInline(start: number): StepResult {
    const lineFeed = this.findInLine(start, LINE_FEED, "too big inline request");
    if (lineFeed < 0) {
      this.wantedBytes = 0;
      return -lineFeed as StepResult;
    }
    const { buf } = this;
    const end = lineFeed > start && buf[lineFeed - 1] === CARRIAGE_RETURN ? lineFeed - 1 : lineFeed;
    const argc = this.splitWords(start, end);
    if (argc < 0) return this.fail("unbalanced quotes in request");
    this.position = lineFeed + 1;
    if (argc === 0) return NOTHING;
    shared.argc = argc;
    this.currentStart = start;
    return REQUEST;
  }

  /** Finds the words of a line without quotes where they lie. Returns their number, or -1 for unbalanced quotes. */
  private splitWords(start: number, end: number): number {
    const { buf } = this;
    shared.buf = buf;
    let argc = 0;
    let position = start;
    for (;;) {
      while (position < end && isBlank(buf[position])) position++;
      if (position >= end) return argc;
      const first = position;
      while (position < end && !endsWord(buf[position])) {
        const byte = buf[position++];
        if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return unquoteWords(buf.subarray(start, end));
      }
      shared.reserve(argc + 1);
      shared.start[argc] = first;
      shared.len[argc] = position - first;
      argc++;
    }
  }

  /** Goes on with a request of which the first arguments are known. */
  private resume(partial: Partial): StepResult {
    const { request, start } = partial;
    const moved = start - partial.recordedStart;
    if (moved !== 0) {
      for (let i = 0; i < request.argc; i++) request.start[i] += moved;
      partial.recordedStart = start;
    }
    const result = this.decodeArguments(request, start, start + partial.resumeAt, partial.remaining);
    if (result === REQUEST) {
      this.partial = undefined;
      spareRequest = shared;
      shared = request;
    }
    return result;
  }

  /** Keeps the arguments found so far of a request of which more has to arrive, if they are many. */
  private remember(request: Request, argc: number, remaining: number, start: number, position: number): void {
    if (argc < REMEMBERED_ARGUMENTS) return;
    request.argc = argc;
    const resumeAt = position - start;
    if (this.partial !== undefined && this.partial.request === request) {
      this.partial.remaining = remaining;
      this.partial.resumeAt = resumeAt;
      return;
    }
    this.partial = { request, start, recordedStart: start, remaining, resumeAt };
    shared = spareRequest ?? new Request();
    spareRequest = undefined;
  }

  /** Adds a chunk to what is left from before. */
  private append(chunk: Buffer, start: number, end: number): void {
    const unread = this.end - this.position;
    const size = end - start;
    if (!this.isOwn || this.buf.length - this.end < size) {
      const needed = unread + size;
      // Moved only if no more has to be copied than was consumed since the last time.
      if (this.isOwn && this.buf.length >= needed && this.position >= unread) {
        this.buf.copyWithin(0, this.position, this.end);
        this.moveTo(0);
      } else {
        const larger = allocate(Math.min(grownSize(needed, this.wantedBytes, size), MAX_BUFFER_BYTES));
        this.buf.copy(larger, 0, this.position, this.end);
        this.adopt(larger);
      }
    }
    chunk.copy(this.buf, this.end, start, end);
    this.end += size;
  }

  /** Goes on in a buffer that has been given the unread bytes at its start. */
  private adopt(own: Buffer): void {
    if (this.isOwn) recycle(this.buf);
    this.buf = own;
    this.isOwn = true;
    this.moveTo(0);
  }

  /** The unread bytes lie at `position` now. */
  private moveTo(position: number): void {
    const distance = position - this.position;
    this.position = position;
    this.end += distance;
    this.currentStart = position;
    this.marked = position;
    this.markedStart = position;
    if (this.partial !== undefined) this.partial.start += distance;
  }

  /** Lets go of all bytes. */
  private release(): void {
    if (this.isOwn) recycle(this.buf);
    this.buf = EMPTY;
    this.isOwn = false;
    this.position = 0;
    this.end = 0;
    this.partial = undefined;
    this.wantedBytes = 0;
  }
}

/** Splits a line with quotes into the shared request, in a buffer of its own. Returns the number of words, or -1. */
function unquoteWords(line: Buffer): number {
  const words = splitArguments(line);
  if (words === undefined) return -1;
  shared.hold(words);
  return words.length;
}
