/**
 * Lengths, strings and raw bytes out of an RDB file: a window on the file plus the running checksum. What fails says
 * at which offset, and what was being read.
 *
 * The usual case is synchronous: `tryLength`, `tryString` succeed when the bytes are in the window already. Their
 * asynchronous forms fetch more, and are the only ones that report a file that ends too early.
 */
import { Crc64 } from "../../base/crc64.ts";
import {
  COMPRESSED,
  decodeLength,
  decodePlainLength,
  decodeString,
  RdbEncodingError,
  RdbLength,
} from "../../types/rdb-encoding.ts";
import { type FileWindow, WINDOW_CHUNK_BYTES } from "../file-window.ts";

/** What a reader was doing when it failed, in the words of redis-check-rdb. */
export type RdbActivity =
  | "start"
  | "read-type"
  | "read-expire"
  | "read-key"
  | "read-object-value"
  | "check-sum"
  | "read-len"
  | "read-aux"
  | "read-module-aux"
  | "read-functions";

/** The last first byte of a length that is none of an encoded string. */
const LENGTH_64 = 0x81;
const UNEXPECTED_END = "Unexpected EOF reading RDB file";
/** Longest string that is loaded into memory as one piece. */
const STRING_MAX_BYTES = 0x7fffffff;
/** Encoding byte and two lengths. */
const COMPRESSED_HEADER_MAX_BYTES = 19;

/** A file that is not a readable RDB. */
export class RdbError extends Error {
  /** "truncated": the file ends too early. "corrupt": bytes that cannot be right. "unsupported": well-formed, but
   * not readable by this version. */
  readonly code: "truncated" | "corrupt" | "unsupported";
  /** Offset in the file at which reading stopped. */
  readonly offset: number;
  readonly activity: RdbActivity;
  /** Key and type of the entry that was being read, as far as known. */
  readonly key: Buffer | undefined;
  readonly type: number | undefined;

  constructor(
    code: RdbError["code"],
    reason: string,
    where: { offset: number; activity: RdbActivity; key?: Buffer | undefined; type?: number | undefined },
  ) {
    super(reason);
    this.name = "RdbError";
    this.code = code;
    this.offset = where.offset;
    this.activity = where.activity;
    this.key = where.key;
    this.type = where.type;
  }
}

export class RdbSource {
  activity: RdbActivity = "start";
  key: Buffer | undefined;
  type: number | undefined;
  readonly window: FileWindow;
  readonly #length = new RdbLength();
  readonly #checksum = new Crc64();
  #isChecksumWanted: boolean;
  /** Index in the window up to which the checksum has come. */
  #summed = 0;
  /** The raw bytes read since `beginCapture`: those that left the window, and the index where the rest begins. */
  #captured: Buffer[] | undefined;
  #captureStart = 0;

  constructor(window: FileWindow, withChecksum: boolean) {
    this.window = window;
    this.#isChecksumWanted = withChecksum;
  }

  get position(): number {
    return this.window.position;
  }

  fail(code: RdbError["code"], reason: string): RdbError {
    return new RdbError(code, reason, {
      offset: this.position,
      activity: this.activity,
      key: this.key,
      type: this.type,
    });
  }

  /** Bytes that were read, to be looked at when more has been. */
  kept(bytes: Buffer): Buffer {
    return this.window.reusesChunks ? Buffer.from(bytes) : bytes;
  }

  /** Makes `count` bytes available or fails. */
  async need(count: number): Promise<void> {
    const { window } = this;
    if (window.end - window.next >= count) return;
    this.#leave();
    if (!(await window.fill(count))) throw this.fail("truncated", UNEXPECTED_END);
    this.#summed = window.next;
    this.#captureStart = window.next;
  }

  /** Takes account of the bytes before `next`, which are about to leave the window. */
  #leave(): void {
    const { window } = this;
    this.#sum();
    this.#captured?.push(this.kept(window.buffer.subarray(this.#captureStart, window.next)));
    this.#captureStart = window.next;
  }

  #sum(): void {
    if (!this.#isChecksumWanted) return;
    this.#checksum.update(this.window.buffer, this.#summed, this.window.next);
    this.#summed = this.window.next;
  }

  /** Checksum of all bytes read so far; undefined if none is kept. */
  checksum(): Buffer | undefined {
    this.#sum();
    return this.#isChecksumWanted ? this.#checksum.digest() : undefined;
  }

  /** Goes on at `position`: who has read the bytes before it gives their checksum. */
  moveTo(position: number, checksum: Uint8Array | undefined): void {
    this.#sum();
    if (checksum !== undefined) this.#checksum.append(checksum, position - this.position);
    this.window.moveTo(position);
    this.#summed = this.window.next;
  }

  /** No checksum is needed (any more). */
  stopChecksum(): void {
    this.#isChecksumWanted = false;
  }

  /** From here on, all bytes read are kept, until `endCapture` returns them. */
  beginCapture(): void {
    this.#captured = [];
    this.#captureStart = this.window.next;
  }

  endCapture(): Buffer {
    const pieces = this.#captured ?? [];
    this.#captured = undefined;
    pieces.push(this.window.buffer.subarray(this.#captureStart, this.window.next));
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }

  async byte(): Promise<number> {
    const { window } = this;
    if (window.next === window.end) await this.need(1);
    return window.buffer[window.next++];
  }

  /** `count` bytes (few), as a view. */
  async bytes(count: number): Promise<Buffer> {
    const { window } = this;
    await this.need(count);
    window.next += count;
    return window.buffer.subarray(window.next - count, window.next);
  }

  /** The next length; -1 if it is not in the window as a whole. */
  tryLength(): number {
    try {
      return decodePlainLength(this.window, this.#length) ? this.#length.value : -1;
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async length(): Promise<number> {
    const length = this.tryLength();
    if (length !== -1) return length;
    await this.#needWholeLength();
    return this.tryLength();
  }

  async #needWholeLength(): Promise<void> {
    await this.need(1);
    const { window } = this;
    const first = window.buffer[window.next];
    const size = first >= 0x40 && first < 0x80 ? 2 : first === 0x80 ? 5 : first === 0x81 ? 9 : 1;
    // Redis reads the first byte by itself, so that one counts as read where the others are missing.
    if (size > window.limit - this.position) {
      window.next++;
      throw this.fail("truncated", UNEXPECTED_END);
    }
    await this.need(size);
  }

  /** The next string; undefined if it is not in the window as a whole. A plain string is a view. */
  tryString(): Buffer | undefined {
    try {
      return decodeString(this.window);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  async string(): Promise<Buffer> {
    let string = this.tryString();
    while (string === undefined) {
      await this.#needWholeString();
      string = this.tryString();
    }
    return string;
  }

  /** Brings the whole string into the window, or fails at the part of it that is missing. */
  async #needWholeString(): Promise<void> {
    const { window } = this;
    await this.#needWholeLength();
    let size = this.#stringSize();
    if (size === undefined) {
      await this.need(Math.min(window.limit - this.position, COMPRESSED_HEADER_MAX_BYTES));
      size = this.#stringSize();
    }
    if (size === undefined) {
      // The two lengths of a compressed string do not fit into the file: one of these fails.
      window.next++;
      await this.length();
      await this.length();
      throw this.fail("truncated", UNEXPECTED_END);
    }
    if (size.total > window.limit - this.position) {
      await this.need(size.total - size.data);
      window.next += size.total - size.data;
      throw this.fail("truncated", UNEXPECTED_END);
    }
    if (size.total > STRING_MAX_BYTES) {
      throw this.fail("unsupported", `A string of ${size.data} bytes is more than can be loaded`);
    }
    await this.need(size.total);
  }

  /** Bytes of the next string with its header, and of its data; undefined if the header is not in the window. */
  #stringSize(): { total: number; data: number } | undefined {
    const { window } = this;
    const start = window.next;
    try {
      if (!decodeLength(window, this.#length)) return undefined;
      let data = this.#length.value;
      if (this.#length.isEncoding) {
        if (data === 3) {
          if (!decodePlainLength(window, this.#length)) return undefined;
          data = this.#length.value;
          if (!decodePlainLength(window, this.#length)) return undefined;
        } else {
          data = data === 0 ? 1 : data === 1 ? 2 : 4;
        }
      }
      return { total: window.next - start + data, data };
    } catch (error) {
      throw this.#translate(error);
    } finally {
      window.next = start;
    }
  }

  /** Passes over `count` bytes if all of them are in the window. */
  trySkip(count: number): boolean {
    const { window } = this;
    if (window.end - window.next < count) return false;
    window.next += count;
    return true;
  }

  /** Passes over a string if all of it is in the window; else says so, and stays where it is. */
  trySkipString(): boolean {
    const { window } = this;
    const { buffer, end, next } = window;
    if (next === end) return false;
    const first = buffer[next];
    let data = next + 1;
    let length = first;
    if (first >= 0x40) {
      if (first < 0x80 && data < end) length = ((first & 0x3f) << 8) | buffer[data++];
      else if (first >= 0xc0 && first <= 0xc2) length = 1 << (first & 3);
      else return this.#trySkipRare();
    }
    if (end - data < length) return false;
    window.next = data + length;
    return true;
  }

  /** Compressed ones and very long ones. */
  #trySkipRare(): boolean {
    const { window } = this;
    const start = window.next;
    const isKnown = window.buffer[start] <= LENGTH_64 || window.buffer[start] === COMPRESSED;
    const size = isKnown ? this.#stringSize() : undefined;
    if (size === undefined || window.end - start < size.total) return false;
    window.next = start + size.total;
    return true;
  }

  /** Passes over `count` bytes, however many. */
  async skip(count: number): Promise<void> {
    const { window } = this;
    if (window.position + count > window.limit) {
      throw this.fail("truncated", UNEXPECTED_END);
    }
    let rest = count;
    while (rest > window.end - window.next) {
      rest -= window.end - window.next;
      window.next = window.end;
      await this.need(Math.min(rest, WINDOW_CHUNK_BYTES));
    }
    window.next += rest;
  }

  /** Passes over a string, whatever its size. */
  async skipString(): Promise<void> {
    await this.#needWholeLength();
    const start = this.window.next;
    if (this.#decodeAnyLength()) {
      const encoding = this.#length.value;
      if (encoding === 3) {
        const packed = await this.length();
        await this.length();
        await this.skip(packed);
      } else if (encoding < 3) {
        await this.skip(encoding === 0 ? 1 : encoding === 1 ? 2 : 4);
      } else {
        this.window.next = start;
        throw this.fail("corrupt", `Unknown RDB string encoding type ${encoding}`);
      }
      return;
    }
    await this.skip(this.#length.value);
  }

  /** True if what was decoded is a string encoding. */
  #decodeAnyLength(): boolean {
    try {
      decodeLength(this.window, this.#length);
    } catch (error) {
      throw this.#translate(error);
    }
    return this.#length.isEncoding;
  }

  #translate(error: unknown): unknown {
    return error instanceof RdbEncodingError ? this.fail("corrupt", error.message) : error;
  }
}
