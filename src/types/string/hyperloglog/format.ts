/**
 * How a HyperLogLog lies in its string. It is Redis's format, byte for byte: GET shows it, and dumps and append-only
 * files carry it between servers. A HyperLogLog has 16384 registers; each holds the highest rank seen among the
 * elements that belong to it (element-hash.ts), 0 if there were none.
 *
 *   0   "HYLL"
 *   4   encoding: 0 dense, 1 sparse
 *   5   three unused bytes, kept as they are
 *   8   cardinality as it was last counted, 64 bits, little endian; while its highest bit is set the registers have
 *       changed since, and the rest means nothing
 *   16  registers
 *
 * Dense: 12288 bytes, 6 bits for each register. Register 0 is the low 6 bits of the first byte, register 1 its high 2
 * bits and the low 4 of the next, and so on: four registers take three bytes.
 *
 * Sparse: runs of equal registers, in order, 16384 registers in all.
 *
 *   00nnnnnn           ZERO   n + 1 registers (1 to 64) hold 0
 *   01nnnnnn nnnnnnnn  XZERO  n + 1 registers (1 to 16384) hold 0; the high bits come first
 *   1vvvvvnn           VAL    n + 1 registers (1 to 4) hold v + 1 (1 to 32)
 *
 * Anybody can SET a string that looks like this and is not: whoever reads the registers must be ready for every byte.
 * An XZERO whose second byte is cut off is read as if that were 0, as Redis does.
 */
export const REGISTERS = 16384;
export const HEADER_BYTES = 16;
export const DENSE_BYTES: number = HEADER_BYTES + (REGISTERS * 6) / 8;
/** Header and one opcode. */
export const EMPTY_BYTES: number = HEADER_BYTES + 2;
/** The largest number that 6 bits hold. Ranks of elements are up to 51; only foreign strings have more. */
export const REGISTER_MAX = 63;

export const DENSE = 0;
export const SPARSE = 1;

const ENCODING_AT = 4;
const CARDINALITY_AT = 8;
const TOP_BYTE_AT = 15;
const CHANGED_BIT = 0x80;
const TWO_31 = 0x8000_0000;
const TWO_32 = 0x1_0000_0000;
const EMPTY = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", "latin1");

/** Whether a string passes for a HyperLogLog. Sparse registers are not checked: their readers find out. */
export function isHyperLogLog(bytes: Buffer, start: number, length: number): boolean {
  if (length < HEADER_BYTES) return false;
  for (let i = 0; i < ENCODING_AT; i++) {
    if (bytes[start + i] !== EMPTY[i]) return false;
  }
  const encoding = bytes[start + ENCODING_AT];
  return encoding === SPARSE || (encoding === DENSE && length === DENSE_BYTES);
}

export function isSparse(bytes: Buffer, start: number): boolean {
  return bytes[start + ENCODING_AT] === SPARSE;
}

export function setEncoding(bytes: Buffer, start: number, encoding: number): void {
  bytes[start + ENCODING_AT] = encoding;
}

/** Writes the EMPTY_BYTES of a HyperLogLog without elements: sparse, and counted. */
export function writeEmpty(bytes: Buffer, start: number): void {
  for (let i = 0; i < EMPTY_BYTES; i++) bytes[start + i] = EMPTY[i];
}

/** Whether the header holds the cardinality of the registers as they are. */
export function isCounted(bytes: Buffer, start: number): boolean {
  return (bytes[start + TOP_BYTE_AT] & CHANGED_BIT) === 0;
}

/** Notes that the registers have changed. */
export function markUncounted(bytes: Buffer, start: number): void {
  bytes[start + TOP_BYTE_AT] |= CHANGED_BIT;
}

/** The cardinality in the header: exact up to 2^53, and of a larger one (which only a foreign string has) too much of
 * it to be taken for a safe integer. */
export function countedCardinality(bytes: Buffer, start: number): number {
  const at = start + CARDINALITY_AT;
  return bytes.readUInt32LE(at + 4) * TWO_32 + bytes.readUInt32LE(at);
}

/** All 64 bits of the cardinality in the header, as a signed integer. */
export function exactCardinality(bytes: Buffer, start: number): bigint {
  return bytes.readBigInt64LE(start + CARDINALITY_AT);
}

/** Keeps a cardinality in the header. One that 63 bits do not hold becomes 2^63, which counts as changed: so it comes
 * out of the conversion to an integer that Redis relies on. */
export function keepCardinality(bytes: Buffer, start: number, cardinality: number): void {
  const at = start + CARDINALITY_AT;
  const high = Math.min(Math.floor(cardinality / TWO_32), TWO_31);
  bytes.writeUInt32LE(high === TWO_31 ? 0 : cardinality - high * TWO_32, at);
  bytes.writeUInt32LE(high, at + 4);
}
