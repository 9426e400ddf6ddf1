/**
 * The quick way through the entries of an RDB file, for who loads them: as long as they lie in the window as a whole,
 * it says where their parts are, without a promise, a record or a view for each. Whatever is unusual (the end of the
 * window, other opcodes and layouts, damage) is left to the reader, which finds the source where the entry begins.
 */
import { writeInteger } from "../../base/numbers.ts";
import { decodeString } from "../../types/rdb-encoding.ts";
import {
  OPCODE_EXPIRE_MS,
  OPCODE_EXPIRE_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_IDLE,
  OPCODE_RECORD_BELOW,
  SHARED_TYPE_MAX,
  TYPE_STRING,
} from "./format.ts";
import type { RdbSource } from "./source.ts";
import { trySkipValue } from "./value-skipper.ts";

const TWO_32 = 0x1_0000_0000;
/** No attribute is longer than a length of 64 bits. */
const ATTRIBUTE_MAX_BYTES = 9;
/** The first byte of the text of an integer of 8, 16 and 32 bits. */
const INTEGER_8 = 0xc0;
const INTEGER_32 = 0xc2;
const INTEGER_TEXT_BYTES = 12;

/** Where the parts of an entry are, until the window moves on or another entry is scanned into it. */
export class EntryPlace {
  /** Texts of integers that are key or value. */
  readonly keyText: Buffer = Buffer.alloc(INTEGER_TEXT_BYTES);
  readonly valueText: Buffer = Buffer.alloc(INTEGER_TEXT_BYTES);
  db = 0;
  /** The value's type number in the file. */
  type = TYPE_STRING;
  key!: Buffer;
  keyStart = 0;
  keyLength = 0;
  /** Of a string its bytes; of other types the payload, as DUMP would carry it. */
  value!: Buffer;
  valueStart = 0;
  valueLength = 0;
  /** Unix milliseconds; 0 if it does not expire. */
  expireMs = 0;
  /** -1 if it is not told. */
  idleSeconds = -1;
  frequency = -1;
  hasRecordBelow = false;
}

export class EntryScan {
  private readonly source: RdbSource;
  private readonly loadableTypes: ReadonlySet<number>;
  private readonly hasPrivateOpcodes: boolean;
  private readonly withoutParts: boolean;
  // Of the string scanned last.
  private bytes!: Buffer;
  private start = 0;
  private length = 0;

  /** @param withoutParts entries are only passed over */
  constructor(
    source: RdbSource,
    loadableTypes: ReadonlySet<number>,
    hasPrivateOpcodes: boolean,
    withoutParts: boolean,
  ) {
    this.source = source;
    this.loadableTypes = loadableTypes;
    this.hasPrivateOpcodes = hasPrivateOpcodes;
    this.withoutParts = withoutParts;
  }

  /** Scans the next entry. False, with the source where it was, if it is for the reader. */
  next(place: EntryPlace): boolean {
    const { window } = this.source;
    const begin = window.next;
    try {
      if (this.scan(place)) return true;
    } catch {
      // The reader says what is wrong, and where.
    }
    window.next = begin;
    return false;
  }

  private scan(place: EntryPlace): boolean {
    place.expireMs = 0;
    place.idleSeconds = -1;
    place.frequency = -1;
    place.hasRecordBelow = false;
    const type = this.takeAttributes(place);
    if (type !== TYPE_STRING && !(type <= SHARED_TYPE_MAX && this.loadableTypes.has(type))) return false;
    if (this.withoutParts) return this.source.trySkipString() && trySkipValue(this.source, type);
    place.type = type;
    if (!this.takeString(place.keyText)) return false;
    place.key = this.bytes;
    place.keyStart = this.start;
    place.keyLength = this.length;
    if (type === TYPE_STRING) {
      if (!this.takeString(place.valueText)) return false;
      place.value = this.bytes;
      place.valueStart = this.start;
      place.valueLength = this.length;
      return true;
    }
    const { window } = this.source;
    place.value = window.buffer;
    place.valueStart = window.next;
    if (!trySkipValue(this.source, type)) return false;
    place.valueLength = window.next - place.valueStart;
    return true;
  }

  /** What stands before an entry; returns its type, or an opcode that is not for entries. */
  private takeAttributes(place: EntryPlace): number {
    const { window } = this.source;
    const { buffer, end } = window;
    for (;;) {
      if (window.next >= end) return END_OF_WINDOW;
      const opcode = buffer[window.next++];
      if (opcode <= SHARED_TYPE_MAX) return opcode;
      const at = window.next;
      if (end - at < ATTRIBUTE_MAX_BYTES) return END_OF_WINDOW;
      if (opcode === OPCODE_EXPIRE_MS) {
        place.expireMs = buffer.readInt32LE(at + 4) * TWO_32 + buffer.readUInt32LE(at);
        window.next = at + 8;
        // 0 has a meaning of its own.
        if (place.expireMs <= 0) return END_OF_WINDOW;
      } else if (opcode === OPCODE_EXPIRE_SECONDS) {
        place.expireMs = buffer.readInt32LE(at) * 1000;
        window.next = at + 4;
        if (place.expireMs <= 0) return END_OF_WINDOW;
      } else if (opcode === OPCODE_FREQUENCY) place.frequency = buffer[window.next++];
      else if (opcode === OPCODE_IDLE) place.idleSeconds = this.source.tryLength();
      else if (opcode === OPCODE_RECORD_BELOW && this.hasPrivateOpcodes) place.hasRecordBelow = true;
      else return opcode;
    }
  }

  /** Scans a string; the text of an integer goes to `text`. */
  private takeString(text: Buffer): boolean {
    const { window } = this.source;
    const { buffer, end, next } = window;
    if (next === end) return false;
    const first = buffer[next];
    let start = next + 1;
    let length = first;
    if (first >= 0x40) {
      if (first < 0x80 && start < end) length = ((first & 0x3f) << 8) | buffer[start++];
      else if (first >= INTEGER_8 && first <= INTEGER_32) return this.takeInteger(text, 1 << (first & 3));
      else return this.takeRareString();
    }
    if (end - start < length) return false;
    window.next = start + length;
    this.bytes = buffer;
    this.start = start;
    this.length = length;
    return true;
  }

  private takeInteger(text: Buffer, size: number): boolean {
    const { window } = this.source;
    const start = window.next + 1;
    if (window.end - start < size) return false;
    window.next = start + size;
    this.bytes = text;
    this.start = 0;
    this.length = writeInteger(text, 0, window.buffer.readIntLE(start, size));
    return true;
  }

  /** Compressed ones and very long ones. */
  private takeRareString(): boolean {
    const bytes = decodeString(this.source.window);
    if (bytes === undefined) return false;
    this.bytes = bytes;
    this.start = 0;
    this.length = bytes.length;
    return true;
  }
}

/** No type, and no opcode. */
const END_OF_WINDOW = 256;
