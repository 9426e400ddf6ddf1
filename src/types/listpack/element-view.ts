/**
 * What an element of a listpack holds, read without making an object or a string. One view serves for all elements, one
 * after the other. It refers to the listpack's bytes, so it is valid until they change or move.
 *
 *     const view = new ElementView();
 *     view.read(bytes, start, at);              text in view.buffer from view.start, view.length bytes
 *     view.readValue(bytes, start, at);         the same, but an integer's text is not made
 *     if (view.isInteger) view.integer          an Int64: toNumber() if it isSafe, else toBigInt()
 *     view.end                                  where the next element begins
 */

import { withView } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
import { readInt16, readInt24, readInt32 } from "../../base/little-endian.ts";
import {
  backlenBytes,
  INTEGER_13,
  INTEGER_16,
  INTEGER_24,
  INTEGER_32,
  INTEGER_64,
  longLength,
  readInt13,
  STRING_6,
  STRING_12,
  STRING_32,
} from "./encoding.ts";

const NO_BYTES = Buffer.alloc(0);

export class ElementView {
  /** Where the text is: the listpack's own bytes, or those of this view if the element is an integer. */
  buffer: Buffer;
  start = 0;
  length = 0;
  /** Whether the element is stored as an integer: then `integer` is it. */
  isInteger = false;
  readonly integer = new Int64();
  /** Offset after the element: of the next one, or of the end byte. */
  end = 0;
  private digits: Buffer = NO_BYTES;

  constructor() {
    this.buffer = this.digits;
  }

  /** Reads the element at offset `at` of the listpack that begins at `start`, and makes an integer's text. */
  read(bytes: Buffer, start: number, at: number): void {
    this.readValue(bytes, start, at);
    if (this.isInteger) this.format();
  }

  /** As `read`, but if the element is an integer, there is no text (until `format` makes it). */
  readValue(bytes: Buffer, start: number, at: number): void {
    const position = start + at;
    const head = bytes[position];
    if (head < STRING_6) {
      this.takeInteger(head, at + 2);
    } else if (head < INTEGER_13) {
      this.takeString(bytes, start, at, 1, head & 0x3f);
    } else if (head < STRING_12) {
      this.takeInteger(readInt13(bytes, position), at + 3);
    } else if (head < STRING_32) {
      this.takeString(bytes, start, at, 2, ((head & 0xf) << 8) | bytes[position + 1]);
    } else if (head === STRING_32) {
      this.takeString(bytes, start, at, 5, longLength(bytes, position));
    } else {
      this.readWideInteger(bytes, position, at);
    }
  }

  /** Makes the text of an integer. */
  format(): void {
    if (this.digits === NO_BYTES) this.digits = withView(Buffer.allocUnsafeSlow(MAX_INT64_TEXT));
    this.buffer = this.digits;
    this.start = 0;
    this.length = this.integer.write(this.digits, 0);
  }

  /** Reads an integer of 16 bits or more. */
  private readWideInteger(bytes: Buffer, position: number, at: number): void {
    const digits = position + 1;
    switch (bytes[position]) {
      case INTEGER_16:
        return this.takeInteger(readInt16(bytes, digits), at + 4);
      case INTEGER_24:
        return this.takeInteger(readInt24(bytes, digits), at + 5);
      case INTEGER_32:
        return this.takeInteger(readInt32(bytes, digits), at + 6);
      case INTEGER_64:
        this.takeInteger(readInt32(bytes, digits), at + 10);
        this.integer.high = readInt32(bytes, digits + 4);
        return;
      default:
        throw new Error(`no element of a listpack begins with byte ${bytes[position]}`);
    }
  }

  /** Takes an integer of 32 bits. */
  private takeInteger(value: number, end: number): void {
    this.isInteger = true;
    this.integer.setWords(value >> 31, value);
    this.end = end;
  }

  private takeString(bytes: Buffer, start: number, at: number, head: number, length: number): void {
    this.isInteger = false;
    this.buffer = bytes;
    this.start = start + at + head;
    this.length = length;
    this.end = at + head + length + backlenBytes(head + length);
  }
}
