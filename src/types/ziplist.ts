/**
 * Ziplists, the listpacks of Redis before 7.0: only read, since old files and payloads hold them. Nothing about the
 * bytes is taken for granted.
 *
 *     [bytes in all: 4][offset of the last element: 4][number of elements: 2][element]...[0xff]
 *     element = [length of the element before: 1, or 0xfe and 4][encoding][payload]
 *
 * Encoding, by its first byte, and what follows:
 *     00llllll                  a string of up to 63 bytes
 *     01llllll + 1              of up to 16383 (big-endian)
 *     10...... + 4              of any length (big-endian; the six bits mean nothing)
 *     11000000, 11010000, 11100000, 11110000, 11111110      an integer of 2, 4, 8, 3, 1 bytes
 *     1111nnnn                  the integer nnnn - 1 (0 to 12)
 *
 * Numbers are little-endian where nothing else is said. The number of elements is 65535 if there are as many or more.
 */
import { Int64 } from "../base/int64.ts";
import { ElementValue } from "./listpack/element-value.ts";

const HEADER_BYTES = 10;
const LAST_OFFSET_AT = 4;
const COUNT_AT = 8;
const UNKNOWN_COUNT = 0xffff;
const END = 0xff;
const LONG_LENGTH = 0xfe;
const LONG_LENGTH_BYTES = 5;

const STRING_14 = 0x40;
const STRING_32 = 0x80;
const INTEGER_16 = 0xc0;
const INTEGER_32 = 0xd0;
const INTEGER_64 = 0xe0;
const INTEGER_24 = 0xf0;
const SMALLEST = 0xf1;
const LARGEST = 0xfd;
const INTEGER_8 = 0xfe;

/** Is given each element; it is valid during the call only. Returns false to refuse it. */
export type ElementVisitor = (value: ElementValue) => boolean;

/** One element, as `readElement` leaves it. */
class ZiplistElement {
  readonly value = new ElementValue();
  /** What it says of the length of the one before. */
  previousLength = 0;
  end = 0;
  private readonly integer = new Int64();

  /** Reads the element at `position`, which must lie wholly before `limit`. False if there is none such. */
  read(bytes: Buffer, position: number, limit: number): boolean {
    const isLong = bytes[position] === LONG_LENGTH;
    const encodingAt = position + (isLong ? LONG_LENGTH_BYTES : 1);
    if (encodingAt >= limit) return false;
    this.previousLength = isLong ? bytes.readUInt32LE(position + 1) : bytes[position];
    const encoding = bytes[encodingAt];
    return encoding < INTEGER_16
      ? this.readString(bytes, encodingAt, limit)
      : this.readInteger(bytes, encodingAt, limit);
  }

  private readString(bytes: Buffer, at: number, limit: number): boolean {
    const encoding = bytes[at];
    const headBytes = encoding < STRING_14 ? 1 : encoding < STRING_32 ? 2 : 5;
    const start = at + headBytes;
    if (start > limit) return false;
    let length = encoding & 0x3f;
    if (headBytes === 2) length = (length << 8) | bytes[at + 1];
    else if (headBytes === 5) length = bytes.readUInt32BE(at + 1);
    if (length > limit - start) return false;
    this.value.set(bytes, start, length);
    this.end = start + length;
    return true;
  }

  private readInteger(bytes: Buffer, at: number, limit: number): boolean {
    const encoding = bytes[at];
    const size = integerBytes(encoding);
    const start = at + 1;
    if (size === -1 || start + size > limit) return false;
    if (size === 8) {
      this.integer.setWords(bytes.readInt32LE(start + 4), bytes.readInt32LE(start));
      this.value.setInt64(this.integer);
    } else {
      this.value.setInteger(size === 0 ? encoding - SMALLEST : bytes.readIntLE(start, size));
    }
    this.end = start + size;
    return true;
  }
}

/** Bytes of an integer behind its encoding; -1 if that is none of an integer. */
function integerBytes(encoding: number): number {
  if (encoding >= SMALLEST && encoding <= LARGEST) return 0;
  switch (encoding) {
    case INTEGER_8:
      return 1;
    case INTEGER_16:
      return 2;
    case INTEGER_24:
      return 3;
    case INTEGER_32:
      return 4;
    case INTEGER_64:
      return 8;
    default:
      return -1;
  }
}

/**
 * Shows all elements, in their order. Returns their number; -1 as soon as the bytes are found to be no ziplist, or an
 * element was refused.
 */
export function readZiplist(bytes: Buffer, visit: ElementVisitor): number {
  const limit = bytes.length - 1;
  if (limit < HEADER_BYTES || bytes.readUInt32LE(0) !== bytes.length || bytes[limit] !== END) return -1;
  const lastAt = bytes.readUInt32LE(LAST_OFFSET_AT);
  if (lastAt > limit) return -1;
  const element = new ZiplistElement();
  let position = HEADER_BYTES;
  let previous = HEADER_BYTES;
  let count = 0;
  while (bytes[position] !== END) {
    if (!element.read(bytes, position, limit) || element.previousLength !== position - previous) return -1;
    if (!visit(element.value)) return -1;
    previous = position;
    position = element.end;
    count++;
  }
  if (position !== limit || (count > 0 && previous !== lastAt)) return -1;
  const noted = bytes.readUInt16LE(COUNT_AT);
  return noted === UNKNOWN_COUNT || noted === count ? count : -1;
}
