/**
 * Reads the elements of a packed sorted set one by one (types 5 and 3 of sorted-set-packing.ts). Throws a StorageError
 * "corrupt" at what cannot be one, RdbEncodingError at what is no string.
 */
import { viewOf } from "../../base/byte-copy.ts";
import { parseDoubleLeniently } from "../../base/numbers.ts";
import { StorageError } from "../../base/storage-error.ts";
import { decodePlainLength, type RdbBytes, RdbLength } from "../rdb-encoding.ts";
import { RdbString } from "../rdb-string.ts";
import { SCORE_BYTES } from "./sorted-set-packing.ts";

const NOT_A_NUMBER = 253;
const INFINITE = 254;
const NEGATIVE_INFINITE = 255;

export class ElementReader {
  /** Number of elements that the packed form promises. */
  readonly size: number;
  /** The member that was read last, until the next is read. */
  readonly member = new RdbString();
  score = 0;
  private readonly bytes: RdbBytes;
  private readonly view: DataView;
  private readonly hasTextScores: boolean;

  constructor(packed: Buffer, hasTextScores: boolean) {
    this.bytes = { buffer: packed, next: 0, end: packed.length };
    this.view = viewOf(packed);
    this.hasTextScores = hasTextScores;
    const length = new RdbLength();
    if (!decodePlainLength(this.bytes, length)) throw corrupt("it is cut off");
    this.size = length.value;
  }

  /** Where the next element begins. */
  get position(): number {
    return this.bytes.next;
  }

  set position(position: number) {
    this.bytes.next = position;
  }

  get isAtEnd(): boolean {
    return this.bytes.next === this.bytes.end;
  }

  /** Reads the next element. */
  read(): void {
    if (!this.member.read(this.bytes)) throw corrupt("it is cut off");
    this.score = this.hasTextScores ? this.textScore() : this.view.getFloat64(this.take(SCORE_BYTES), true);
    if (Number.isNaN(this.score)) throw corrupt("a score is no number");
  }

  private textScore(): number {
    const { buffer } = this.bytes;
    const length = buffer[this.take(1)];
    if (length === NOT_A_NUMBER || length === 0) return Number.NaN;
    if (length === INFINITE) return Infinity;
    if (length === NEGATIVE_INFINITE) return -Infinity;
    const start = this.take(length);
    return parseDoubleLeniently(buffer.toString("latin1", start, start + length));
  }

  /** Advances over that number of bytes; returns where they begin. */
  private take(length: number): number {
    const { bytes } = this;
    const start = bytes.next;
    if (bytes.end - start < length) throw corrupt("it is cut off");
    bytes.next = start + length;
    return start;
  }
}

/** What cannot be a sorted set. */
export function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed sorted set is damaged: ${reason}`, { cause });
}
