/**
 * A value outside of listpacks, to be found in them or written to them. It knows how a listpack stores it: bytes that
 * are the text of a 64-bit integer (exactly as one is printed) as that integer.
 *
 * Objects of this class are made once and set again for each value. They refer to the bytes given, and copy none.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
import { writeInt32 } from "../../base/little-endian.ts";
import {
  backlenBytes,
  INTEGER_13,
  INTEGER_16,
  INTEGER_24,
  INTEGER_32,
  INTEGER_64,
  STRING_6,
  STRING_6_LIMIT,
  STRING_12,
  STRING_12_LIMIT,
  STRING_32,
  writeBacklen,
} from "./encoding.ts";

const EMPTY = Buffer.alloc(0);
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

export class ElementValue {
  /** The text; without meaning if there is an integer only (`hasText` is false). */
  buffer: Buffer = EMPTY;
  start = 0;
  length = 0;
  hasText = false;
  /** Whether a listpack stores it as an integer; then `integer` is it. */
  isInteger = false;
  readonly integer = new Int64();
  /** Bytes it takes in a listpack, all included. */
  size = 0;
  private encodedSize = 0;

  /** Takes the bytes. They must stay as they are while this value is in use. Returns itself. */
  set(buffer: Buffer, start: number, length: number): this {
    this.buffer = buffer;
    this.start = start;
    this.length = length;
    this.hasText = true;
    const first = buffer[start];
    this.isInteger =
      length <= MAX_INT64_TEXT &&
      length > 0 &&
      ((first >= ZERO && first <= NINE) || first === MINUS) &&
      this.integer.parse(buffer, start, length);
    this.encodedSize = this.isInteger ? integerSize(this.integer) : stringSize(length);
    this.size = this.encodedSize + backlenBytes(this.encodedSize);
    return this;
  }

  /** Takes an integer, to be written (it would not be found where a listpack has it as a text). Returns itself. */
  setInteger(value: number): this {
    this.integer.setNumber(value);
    return this.takeInteger();
  }

  /** As `setInteger`, for all 64-bit integers. */
  setInt64(value: Int64): this {
    this.integer.setWords(value.high, value.low);
    return this.takeInteger();
  }

  private takeInteger(): this {
    this.buffer = EMPTY;
    this.length = 0;
    this.hasText = false;
    this.isInteger = true;
    this.encodedSize = integerSize(this.integer);
    this.size = this.encodedSize + 1;
    return this;
  }

  /** Writes the whole element, `size` bytes, at this position of the buffer; returns the position after it. */
  write(bytes: Buffer, position: number): number {
    if (this.isInteger) {
      writeIntegerElement(bytes, position, this.integer, this.encodedSize);
      bytes[position + this.encodedSize] = this.encodedSize;
      return position + this.encodedSize + 1;
    }
    const { length } = this;
    const at = writeStringHead(bytes, position, length);
    copyBytes(this.buffer, this.start, bytes, at, length);
    return writeBacklen(bytes, at + length, this.encodedSize);
  }
}

/** Bytes that a string of this length, which is no integer, takes in a listpack, all included. */
export function stringElementSize(length: number): number {
  const size = stringSize(length);
  return size + backlenBytes(size);
}

function stringSize(length: number): number {
  if (length < STRING_6_LIMIT) return length + 1;
  return length < STRING_12_LIMIT ? length + 2 : length + 5;
}

/** Size of the shortest encoding of an integer. */
function integerSize(integer: Int64): number {
  const { high, low } = integer;
  if (high !== low >> 31) return 9;
  if (low >= 0 && low <= 127) return 1;
  if (low >= -0x1000 && low < 0x1000) return 2;
  if (low >= -0x8000 && low < 0x8000) return 3;
  return low >= -0x80_0000 && low < 0x80_0000 ? 4 : 5;
}

/** Writes an integer in the encoding of that size. */
function writeIntegerElement(bytes: Buffer, position: number, integer: Int64, size: number): void {
  const { low } = integer;
  if (size === 1) {
    bytes[position] = low;
    return;
  }
  if (size === 2) {
    bytes[position] = INTEGER_13 | ((low >> 8) & 0x1f);
    bytes[position + 1] = low;
    return;
  }
  bytes[position + 1] = low;
  bytes[position + 2] = low >> 8;
  if (size === 3) {
    bytes[position] = INTEGER_16;
    return;
  }
  bytes[position + 3] = low >> 16;
  if (size === 4) {
    bytes[position] = INTEGER_24;
    return;
  }
  bytes[position + 4] = low >> 24;
  bytes[position] = INTEGER_32;
  if (size === 9) {
    bytes[position] = INTEGER_64;
    writeInt32(bytes, position + 5, integer.high);
  }
}

/** Writes a string's encoding and length; returns where the string goes. */
function writeStringHead(bytes: Buffer, position: number, length: number): number {
  if (length < STRING_6_LIMIT) {
    bytes[position] = STRING_6 | length;
    return position + 1;
  }
  if (length < STRING_12_LIMIT) {
    bytes[position] = STRING_12 | (length >> 8);
    bytes[position + 1] = length;
    return position + 2;
  }
  bytes[position] = STRING_32;
  writeInt32(bytes, position + 1, length);
  return position + 5;
}
