/**
 * Reading sparse registers (opcodes: format.ts). A value whose opcodes do not cover exactly 16384 registers is damaged.
 * (Redis 7.0.15 as it was released does not mind a VAL behind the last register when it merges; with the correction
 * for CVE-2025-32023 it does.)
 */
import { integerLength, writeInteger } from "../../../base/numbers.ts";
import type { Registers } from "./dense.ts";
import { HEADER_BYTES, REGISTERS } from "./format.ts";

/** From here on an opcode is XZERO, and from here on VAL. */
export const XZERO = 0x40;
export const VAL = 0x80;

const COMMA = 0x2c;
const COLON = 0x3a;
const BLANK = 0x20;
const ZERO_LETTER = 0x7a;
const XZERO_LETTER = 0x5a;
const VAL_LETTER = 0x76;
/** What the text of every opcode has besides numbers. */
const LETTER_COLON_BLANK = 3;

/** Walks over the opcodes of one value. Holds no bytes, so that one reader can serve all. */
export class SparseReader {
  /** Of the opcode that `next` found: how many registers, and what they hold. */
  run = 0;
  value = 0;
  opcode = 0;
  private at = 0;
  private end = 0;

  /** To the first opcode of the HyperLogLog of `length` bytes at `start`. */
  begin(start: number, length: number): void {
    this.at = start + HEADER_BYTES;
    this.end = start + length;
  }

  /** False behind the last opcode. */
  next(bytes: Buffer): boolean {
    const { at, end } = this;
    if (at >= end) return false;
    const opcode = bytes[at];
    this.opcode = opcode;
    this.at = at + 1;
    if (opcode < XZERO) {
      this.run = opcode + 1;
      this.value = 0;
    } else if (opcode >= VAL) {
      this.run = (opcode & 3) + 1;
      this.value = ((opcode >>> 2) & 31) + 1;
    } else {
      const second = at + 1 < end ? bytes[at + 1] : 0;
      this.run = (((opcode & 63) << 8) | second) + 1;
      this.value = 0;
      this.at = at + 2;
    }
    return true;
  }
}

const reader = new SparseReader();

/** Adds the registers to the histogram; false (and a histogram of no use) if there are not exactly 16384. */
export function countSparse(bytes: Buffer, start: number, length: number, histogram: Int32Array): boolean {
  let index = 0;
  reader.begin(start, length);
  while (index <= REGISTERS && reader.next(bytes)) {
    histogram[reader.value] += reader.run;
    index += reader.run;
  }
  return index === REGISTERS;
}

/** Raises each of `registers` to what it is here; false (with some of them raised) if the opcodes are damaged. */
export function mergeSparse(bytes: Buffer, start: number, length: number, registers: Registers): boolean {
  let index = 0;
  reader.begin(start, length);
  while (reader.next(bytes)) {
    const { value } = reader;
    const end = index + reader.run;
    if (end > REGISTERS) return false;
    if (value === 0) index = end;
    for (; index < end; index++) {
      if (value > registers[index]) registers[index] = value;
    }
  }
  return index === REGISTERS;
}

/** Whether the opcodes are not damaged. */
export function isWhole(bytes: Buffer, start: number, length: number): boolean {
  let index = 0;
  reader.begin(start, length);
  while (index <= REGISTERS && reader.next(bytes)) index += reader.run;
  return index === REGISTERS;
}

/** Length in bytes of what `describeSparse` makes: up to six times that of a foreign string. */
export function describedLength(bytes: Buffer, start: number, length: number): number {
  let sum = 0;
  reader.begin(start, length);
  while (reader.next(bytes)) {
    sum += LETTER_COLON_BLANK + integerLength(reader.run);
    if (reader.value > 0) sum += 1 + integerLength(reader.value);
  }
  return Math.max(0, sum - 1);
}

/** The opcodes as PFDEBUG DECODE shows them: "z:1 Z:65 v:3,2". */
export function describeSparse(bytes: Buffer, start: number, length: number): Buffer {
  const text = Buffer.allocUnsafe(describedLength(bytes, start, length));
  let end = 0;
  reader.begin(start, length);
  while (reader.next(bytes)) {
    const { opcode, run, value } = reader;
    if (end > 0) text[end++] = BLANK;
    text[end++] = value > 0 ? VAL_LETTER : opcode < XZERO ? ZERO_LETTER : XZERO_LETTER;
    text[end++] = COLON;
    if (value > 0) {
      end = writeInteger(text, end, value);
      text[end++] = COMMA;
    }
    end = writeInteger(text, end, run);
  }
  return text;
}
