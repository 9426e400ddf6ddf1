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
import {
  backlenBytes,
  INTEGER_13,
  INTEGER_16,
  INTEGER_24,
  INTEGER_32,
  INTEGER_64,
  longLength,
  readInt32,
  readUint24,
  STRING_6,
  STRING_12,
  STRING_32,
} from "./encoding.ts";

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
  private readonly digits = withView(Buffer.allocUnsafeSlow(MAX_INT64_TEXT));

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
      this.isInteger = true;
      this.integer.setWords(0, head);
      this.end = at + 2;
    } else if (head < INTEGER_13) {
      this.takeString(bytes, start, at, 1, head & 0x3f);
    } else if (head < STRING_12) {
      const value = (((head & 0x1f) << 27) >> 19) | bytes[position + 1];
      this.isInteger = true;
      this.integer.setWords(value >> 31, value);
      this.end = at + 3;
    } else if (head < STRING_32) {
      this.takeString(bytes, start, at, 2, ((head & 0xf) << 8) | bytes[position + 1]);
    } else if (head === STRING_32) {
      this.takeString(bytes, start, at, 5, longLength(bytes, position));
    } else {
      this.isInteger = true;
      this.end = at + readWideInteger(bytes, position, this.integer) + 1;
    }
  }

  /** Makes the text of an integer. */
  format(): void {
    this.buffer = this.digits;
    this.start = 0;
    this.length = this.integer.write(this.digits, 0);
  }

  private takeString(bytes: Buffer, start: number, at: number, head: number, length: number): void {
    this.isInteger = false;
    this.buffer = bytes;
    this.start = start + at + head;
    this.length = length;
    this.end = at + head + length + backlenBytes(head + length);
  }
}

/** Reads an integer of 16 bits or more; returns the size of its encoding. */
export function readWideInteger(bytes: Uint8Array, position: number, into: Int64): number {
  let value: number;
  let size: number;
  switch (bytes[position]) {
    case INTEGER_16:
      value = ((bytes[position + 1] | (bytes[position + 2] << 8)) << 16) >> 16;
      size = 3;
      break;
    case INTEGER_24:
      value = (readUint24(bytes, position + 1) << 8) >> 8;
      size = 4;
      break;
    case INTEGER_32:
      value = readInt32(bytes, position + 1);
      size = 5;
      break;
    case INTEGER_64:
      into.setWords(readInt32(bytes, position + 5), readInt32(bytes, position + 1));
      return 9;
    default:
      throw new Error(`no element of a listpack begins with byte ${bytes[position]}`);
  }
  into.setWords(value >> 31, value);
  return size;
}
