/**
 * Strings of an RDB value, read one after the other without an object for each (layout: rdb-encoding.ts).
 */
import { withView } from "../base/byte-copy.ts";
import { writeInteger } from "../base/numbers.ts";
import { decodeLength, decodeString, type RdbBytes, RdbLength } from "./rdb-encoding.ts";

const MAX_INTEGER_TEXT = 11;
/** Signed integers of 1, 2 and 4 bytes have the encodings 0, 1 and 2. */
const INTEGER_BYTES = [1, 2, 4];

export class RdbString {
  /** Holds the text from `start` on, until the next one is read. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  private readonly digits = withView(Buffer.allocUnsafeSlow(MAX_INTEGER_TEXT));
  private readonly head = new RdbLength();

  /**
   * Reads a string and advances over it. False if the bytes end before it does.
   * @throws RdbEncodingError
   */
  read(bytes: RdbBytes): boolean {
    const begun = bytes.next;
    const { head } = this;
    if (!decodeLength(bytes, head)) return false;
    if (head.isEncoding && head.value < INTEGER_BYTES.length) return this.readInteger(bytes);
    if (head.isEncoding) {
      bytes.next = begun;
      return this.readSpecial(bytes);
    }
    if (head.value > bytes.end - bytes.next) return false;
    this.buffer = bytes.buffer;
    this.start = bytes.next;
    this.length = head.value;
    bytes.next += head.value;
    return true;
  }

  private readInteger(bytes: RdbBytes): boolean {
    const size = INTEGER_BYTES[this.head.value];
    if (bytes.end - bytes.next < size) return false;
    this.buffer = this.digits;
    this.start = 0;
    this.length = writeInteger(this.digits, 0, bytes.buffer.readIntLE(bytes.next, size));
    bytes.next += size;
    return true;
  }

  private readSpecial(bytes: RdbBytes): boolean {
    const text = decodeString(bytes);
    if (text === undefined) return false;
    this.buffer = text;
    this.start = 0;
    this.length = text.length;
    return true;
  }
}
