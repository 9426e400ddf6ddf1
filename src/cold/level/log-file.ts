/**
 * LevelDB's log format, which its write-ahead logs and its MANIFEST share: blocks of 32 KB of
 *
 *   checksum u32   masked CRC-32C of type and data
 *   length   u16
 *   type     u8    1 a whole record, 2 its first part, 3 a part in between, 4 its last part
 *   data
 *
 * Integers are little-endian; fewer than 7 bytes at the end of a block are padding. LevelDB itself passes over
 * what is damaged without a word.
 */
import { crc32c } from "../../base/checksum.ts";

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/** What a log holds. */
export interface LogContents {
  readonly records: readonly Buffer[];
  /** Places that cannot be read, other than an end that was being written when the process died. */
  readonly damage: readonly { readonly offset: number; readonly reason: string }[];
}

/** A CRC as LevelDB stores it, since it may be of data that holds CRCs itself. */
export function masked(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}

function maskedChecksum(bytes: Buffer): number {
  return masked(crc32c(bytes));
}

/** Reads a whole log. */
export function readLog(bytes: Buffer): LogContents {
  const records: Buffer[] = [];
  const damage: { offset: number; reason: string }[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const blockEnd = Math.min(bytes.length, at - (at % BLOCK_BYTES) + BLOCK_BYTES);
    if (blockEnd - at < HEADER_BYTES) {
      at = blockEnd;
      continue;
    }
    const length = bytes.readUInt16LE(at + 4);
    const type = bytes[at + 6];
    const end = at + HEADER_BYTES + length;
    // Room that was taken ahead.
    if (type === 0 && length === 0) {
      at = blockEnd;
      continue;
    }
    const isIntact =
      end <= blockEnd &&
      bytes.readUInt32LE(at) === maskedChecksum(bytes.subarray(at + HEADER_BYTES - 1, end));
    if (!isIntact) {
      if (blockEnd < bytes.length || isFollowed(bytes, end, blockEnd))
        damage.push({ offset: at, reason: "a record's checksum does not match" });
      parts = [];
      at = blockEnd;
      continue;
    }
    const data = bytes.subarray(at + HEADER_BYTES, end);
    if (type === FULL) records.push(data);
    if (type === FIRST) parts = [data];
    else if ((type === MIDDLE || type === LAST) && parts.length > 0) parts.push(data);
    if (type === LAST && parts.length > 1) records.push(Buffer.concat(parts));
    if (type === FULL || type === LAST) parts = [];
    at = end;
  }
  return { records, damage };
}

/** Whether an intact record stands behind one that is not: then the end is not where the process died. */
function isFollowed(bytes: Buffer, from: number, blockEnd: number): boolean {
  if (from + HEADER_BYTES > blockEnd) return false;
  const end = from + HEADER_BYTES + bytes.readUInt16LE(from + 4);
  if (end > blockEnd) return false;
  return bytes.readUInt32LE(from) === maskedChecksum(bytes.subarray(from + HEADER_BYTES - 1, end));
}

/** Takes numbers and texts out of a record. Throws RangeError where it ends too early. */
export class RecordBytes {
  readonly #bytes: Buffer;
  next: number;

  constructor(bytes: Buffer, start = 0) {
    this.#bytes = bytes;
    this.next = start;
  }

  get isAtEnd(): boolean {
    return this.next >= this.#bytes.length;
  }

  byte(): number {
    if (this.isAtEnd) throw new RangeError("it is cut off");
    return this.#bytes[this.next++];
  }

  /** A number, seven bits a byte, the lowest first. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** A length and so many bytes: a view. */
  text(): Buffer {
    const length = this.number();
    return this.take(length);
  }

  take(length: number): Buffer {
    this.skip(length);
    return this.#bytes.subarray(this.next - length, this.next);
  }

  skip(length: number): void {
    if (this.next + length > this.#bytes.length) throw new RangeError("it is cut off");
    this.next += length;
  }
}

/** A change of a key, as a write-ahead log or a table holds it. */
export interface LevelEntry {
  readonly key: Buffer;
  readonly sequence: number;
  /** undefined: it was deleted. */
  readonly value: Buffer | undefined;
  /** From a damaged block: the sequence cannot be trusted. */
  readonly isWithoutSequence?: boolean;
  /** Just before it something is damaged, which may have been a newer entry of the same key. */
  readonly isAfterDamage?: boolean;
}

const BATCH_HEADER_BYTES = 12;

/** The changes of a batch of a write-ahead log: sequence u64, count u32, then type (1 put, 0 delete), key and
 * value. */
export function readBatch(record: Buffer): LevelEntry[] {
  const entries: LevelEntry[] = [];
  if (record.length < BATCH_HEADER_BYTES) throw new RangeError("it is cut off");
  let sequence = Number(record.readBigUInt64LE(0));
  const bytes = new RecordBytes(record, BATCH_HEADER_BYTES);
  while (!bytes.isAtEnd) {
    const isPut = bytes.byte() === 1;
    const key = bytes.text();
    entries.push({ key, sequence, value: isPut ? bytes.text() : undefined });
    sequence++;
  }
  return entries;
}
