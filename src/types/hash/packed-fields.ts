/**
 * Walks through the fields of a packed table (hash-packing.ts, types 4 and 24; hash-unpacking.ts, type 22) where they
 * lie.
 */
import { decodePlainLength, type RdbBytes, RdbLength } from "../rdb-encoding.ts";
import { RdbString } from "../rdb-string.ts";
import { NO_TIME } from "./timed-listpack.ts";

const TIME_BYTES = 8;
const TWO_32 = 0x1_0000_0000;
/** A name and a value take at least two bytes. */
const FIELD_MIN_BYTES = 2;

export class PackedFields {
  /** Number of fields, as the bytes say; -1 if there is no room for that many. */
  readonly count: number;
  /** Of the present field. */
  readonly name = new RdbString();
  readonly value = new RdbString();
  time = NO_TIME;
  /** Where its name lies. */
  position = 0;
  private readonly isTimed: boolean;
  private readonly earliest: number;
  private readonly length = new RdbLength();
  private readonly bytes: RdbBytes;
  private readonly first: number;
  private left = 0;

  /**
   * @param isTimed whether times stand before names; relative to the earliest one, which comes first, if `isRelative`
   * @throws RdbEncodingError
   */
  constructor(packed: Buffer, isTimed: boolean, isRelative = isTimed) {
    this.isTimed = isTimed;
    this.bytes = { buffer: packed, next: 0, end: packed.length };
    // So that the least that can stand there, 1, is the time 1.
    this.earliest = isRelative ? this.readEarliest() : 1;
    const isThere = decodePlainLength(this.bytes, this.length);
    this.first = this.bytes.next;
    const { value } = this.length;
    this.count = isThere && value <= (packed.length - this.first) / FIELD_MIN_BYTES ? value : -1;
    this.begin();
  }

  private readEarliest(): number {
    const { bytes } = this;
    if (bytes.end < TIME_BYTES) return NO_TIME;
    bytes.next = TIME_BYTES;
    return bytes.buffer.readUInt32LE(0) + bytes.buffer.readUInt32LE(4) * TWO_32;
  }

  /** Goes to before the first field. */
  begin(): void {
    this.bytes.next = this.first;
    this.left = this.count;
  }

  /** Whether all fields were read, and nothing follows them. */
  get isAtEnd(): boolean {
    return this.left === 0 && this.bytes.next === this.bytes.end;
  }

  /**
   * Turns to the next field. False at the end, and if the bytes end before it does.
   * @throws RdbEncodingError
   */
  next(): boolean {
    const { bytes } = this;
    if (this.left <= 0 || (this.isTimed && !this.readTime())) return false;
    this.position = bytes.next;
    if (!this.name.read(bytes) || !this.value.read(bytes)) return false;
    this.left--;
    return true;
  }

  /** Reads name and value of the field whose name lies at `position`. */
  readAt(position: number): void {
    this.bytes.next = position;
    this.name.read(this.bytes);
    this.value.read(this.bytes);
  }

  private readTime(): boolean {
    if (!decodePlainLength(this.bytes, this.length)) return false;
    this.time = this.length.value === 0 ? NO_TIME : this.earliest + this.length.value - 1;
    return true;
  }
}
