/**
 * Zipmaps, in which Redis before 2.6 kept small hashes: only read. Nothing about the bytes is taken for granted.
 *
 *     [number of fields: 1][field]...[0xff]
 *     field = [length][name][length][free: 1][value][free bytes]
 *
 * A length is one byte up to 253, or 254 and 4 bytes, little-endian. The number of fields is 254 if it is not told.
 */
const END = 0xff;
const LONG_LENGTH = 254;
const LONG_LENGTH_BYTES = 5;

/** Is given each name and each value, by turns, as `length` bytes from `start` on. */
export type StringVisitor = (start: number, length: number) => void;

/** Shows all names and values, in their order. Returns the number of fields; -1 as soon as the bytes are found to be no
 * zipmap. */
export function readZipmap(bytes: Buffer, visit: StringVisitor): number {
  const end = bytes.length - 1;
  if (end < 1 || bytes[end] !== END) return -1;
  let at = 1;
  let fields = 0;
  while (bytes[at] !== END) {
    const name = at + lengthBytes(bytes, at);
    const nameLength = lengthAt(bytes, at, end);
    const valueAt = name + nameLength;
    if (nameLength < 0 || valueAt >= end) return -1;
    const value = valueAt + lengthBytes(bytes, valueAt) + 1;
    const valueLength = lengthAt(bytes, valueAt, end);
    if (valueLength < 0 || value > end) return -1;
    at = value + valueLength + bytes[value - 1];
    if (at > end) return -1;
    visit(name, nameLength);
    visit(value, valueLength);
    fields++;
  }
  const noted = bytes[0];
  return at === end && (noted === LONG_LENGTH || noted === fields) ? fields : -1;
}

function lengthBytes(bytes: Buffer, at: number): number {
  return bytes[at] < LONG_LENGTH ? 1 : LONG_LENGTH_BYTES;
}

/** The length at `at`; -1 if it does not lie wholly before `end`. */
function lengthAt(bytes: Buffer, at: number, end: number): number {
  if (bytes[at] < LONG_LENGTH) return bytes[at];
  return bytes[at] === LONG_LENGTH && at + LONG_LENGTH_BYTES <= end ? bytes.readUInt32LE(at + 1) : -1;
}
