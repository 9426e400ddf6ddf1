/**
 * Strings of an RDB value, read one after the other without an object for each (layout: rdb-encoding.ts).
 */
import { withView } from "../base/byte-copy.ts";
import { writeInteger } from "../base/numbers.ts";
import {
  decodeCompressed,
  decodeLength,
  ENCODING_LZF,
  type RdbBytes,
  RdbEncodingError,
  RdbLength,
} from "./rdb-encoding.ts";

const NO_BYTES = Buffer.alloc(0);
const MAX_INTEGER_TEXT = 11;
/** Signed integers of 1, 2 and 4 bytes have the encodings 0, 1 and 2. */
const INTEGER_BYTES = [1, 2, 4];
/** Memory for compressed strings up to this length is kept for the next one. */
const KEPT_ROOM_BYTES = 1 << 16;

export class RdbString {
  /** Holds the text from `start` on, until the next one is read. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  /** Texts of integers and of compressed strings. */
  private kept: Buffer = NO_BYTES;
  private readonly head = new RdbLength();

  /**
   * Reads a string and advances over it. False if the bytes end before it does.
   * @throws RdbEncodingError
   */
  read(bytes: RdbBytes): boolean {
    const begun = bytes.next;
    const { head } = this;
    if (!decodeLength(bytes, head)) return false;
    if (head.isEncoding) return this.readEncoded(bytes, begun);
    if (head.value > bytes.end - bytes.next) return false;
    this.buffer = bytes.buffer;
    this.start = bytes.next;
    this.length = head.value;
    bytes.next += head.value;
    return true;
  }

  private readEncoded(bytes: RdbBytes, begun: number): boolean {
    const { value } = this.head;
    this.start = 0;
    if (value < INTEGER_BYTES.length) return this.readInteger(bytes);
    if (value !== ENCODING_LZF) throw new RdbEncodingError(`Unknown RDB string encoding type ${value}`);
    const text = decodeCompressed(bytes, this.head, this.room);
    if (text === undefined) {
      bytes.next = begun;
      return false;
    }
    this.buffer = text;
    this.length = this.head.value;
    return true;
  }

  private readInteger(bytes: RdbBytes): boolean {
    const size = INTEGER_BYTES[this.head.value];
    if (bytes.end - bytes.next < size) return false;
    this.buffer = this.room(MAX_INTEGER_TEXT);
    this.length = writeInteger(this.buffer, 0, bytes.buffer.readIntLE(bytes.next, size));
    bytes.next += size;
    return true;
  }

  /** Memory for that number of bytes. */
  private readonly room = (length: number): Buffer => {
    if (length > KEPT_ROOM_BYTES) return withView(Buffer.allocUnsafeSlow(length));
    if (length > this.kept.length) this.kept = withView(Buffer.allocUnsafeSlow(2 * length));
    return this.kept;
  };
}

/**
 * Reads the string that is all there is, from `bytes.next` to `bytes.end`. False if there is none, or something
 * follows it.
 */
export function readOnlyString(bytes: RdbBytes, into: RdbString): boolean {
  try {
    return into.read(bytes) && bytes.next === bytes.end;
  } catch (error) {
    if (error instanceof RdbEncodingError) return false;
    throw error;
  }
}
