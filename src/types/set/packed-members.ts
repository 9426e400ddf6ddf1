/**
 * Walks through the members of packed sets where they lie: one class for each packed form. Bytes may come from outside;
 * what cannot be ends the walk early.
 */
import { withView } from "../../base/byte-copy.ts";
import { Int64, MAX_INT64_TEXT } from "../../base/int64.ts";
import { checkIntset, readMember } from "../intset/intset.ts";
import { ElementView } from "../listpack/element-view.ts";
import { HEADER_BYTES } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { decodePlainLength, type RdbBytes, RdbLength } from "../rdb-encoding.ts";
import { RdbString } from "../rdb-string.ts";

export interface PackedMembers {
  /** Number of members; not more than there is room for. Less than 1 if the bytes cannot be a set. */
  readonly count: number;
  /** The present member. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly length: number;
  /** Tells the place of the present member, for `readAt`. */
  readonly position: number;
  /** Goes to before the first member. */
  begin(): void;
  /** Turns to the next member; false at the end, or where the bytes are damaged. */
  next(): boolean;
  readAt(position: number): void;
  /** Whether all members were read, and nothing follows them. */
  readonly isAtEnd: boolean;
}

/** A number of strings. Reading may throw RdbEncodingError. */
export class StringMembers implements PackedMembers {
  readonly count: number;
  position = 0;
  private readonly bytes: RdbBytes;
  private readonly first: number;
  private readonly member = new RdbString();
  private left = 0;

  constructor(packed: Buffer) {
    const length = new RdbLength();
    this.bytes = { buffer: packed, next: 0, end: packed.length };
    const isThere = decodePlainLength(this.bytes, length);
    this.first = this.bytes.next;
    this.count = isThere && length.value <= packed.length - this.first ? length.value : -1;
    this.begin();
  }

  get buffer(): Buffer {
    return this.member.buffer;
  }

  get start(): number {
    return this.member.start;
  }

  get length(): number {
    return this.member.length;
  }

  begin(): void {
    this.bytes.next = this.first;
    this.left = this.count;
  }

  next(): boolean {
    if (this.left <= 0) return false;
    this.position = this.bytes.next;
    if (!this.member.read(this.bytes)) return false;
    this.left--;
    return true;
  }

  readAt(position: number): void {
    this.bytes.next = position;
    this.member.read(this.bytes);
  }

  get isAtEnd(): boolean {
    return this.left === 0 && this.bytes.next === this.bytes.end;
  }
}

/** A listpack. */
export class ListpackMembers implements PackedMembers {
  readonly count: number;
  position = 0;
  private readonly listpack: Buffer;
  private readonly member = new ElementView();
  private left = 0;

  constructor(listpack: Buffer) {
    this.listpack = listpack;
    this.count = checkListpack(listpack, 0, listpack.length, true);
    this.begin();
  }

  get buffer(): Buffer {
    return this.member.buffer;
  }

  get start(): number {
    return this.member.start;
  }

  get length(): number {
    return this.member.length;
  }

  begin(): void {
    this.member.end = HEADER_BYTES;
    this.left = this.count;
  }

  next(): boolean {
    if (this.left <= 0) return false;
    this.left--;
    this.readAt(this.member.end);
    return true;
  }

  readAt(position: number): void {
    this.position = position;
    this.member.read(this.listpack, 0, position);
  }

  get isAtEnd(): boolean {
    return this.left === 0;
  }
}

/** An intset, whose members are all different because they are in order. */
export class IntsetMembers implements PackedMembers {
  readonly count: number;
  position = -1;
  readonly buffer: Buffer = withView(Buffer.allocUnsafeSlow(MAX_INT64_TEXT));
  readonly start = 0;
  length = 0;
  private readonly intset: Buffer;
  private readonly integer = new Int64();

  constructor(intset: Buffer) {
    this.intset = intset;
    this.count = checkIntset(intset, 0, intset.length, true);
  }

  begin(): void {
    this.position = -1;
  }

  next(): boolean {
    if (this.isAtEnd) return false;
    this.readAt(this.position + 1);
    return true;
  }

  readAt(position: number): void {
    this.position = position;
    readMember(this.intset, 0, position, this.integer);
    this.length = this.integer.write(this.buffer, 0);
  }

  get isAtEnd(): boolean {
    return this.position + 1 >= this.count;
  }
}
