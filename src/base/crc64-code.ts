/**
 * The loop of CRC-64 as WebAssembly, which has 64-bit integers: some ten times as fast as JavaScript without them. The
 * module is a few dozen instructions, put together here:
 *
 *     update(low, high, at, end):        of the bytes at..end of its memory, beginning with the checksum high:low
 *       while at + 8 <= end: crc = T7[byte 0 of x] ^ T6[byte 1] ... ^ T0[byte 7], where x = crc ^ eight bytes
 *       while at < end:      crc = T0[(crc ^ byte) & 255] ^ (crc >> 8)
 *       puts the checksum at RESULT
 *
 * Memory: the checksum at RESULT, the tables T0..T7 of 256 checksums each from TABLES on, bytes to be summed from DATA
 * on.
 */
import { type WasmMemory, webAssembly } from "./web-assembly.ts";

const RESULT = 0;
const TABLES = 64;
const TABLE_BYTES = 256 * 8;
const DATA = 32 * 1024;
/** Bytes that are summed at a time. */
const DATA_BYTES = 96 * 1024;
const MEMORY_PAGES = 2;

// Instructions, and types as they are encoded.
const [I32, I64, NO_VALUE, FUNCTION] = [0x7f, 0x7e, 0x40, 0x60];
const [BLOCK, LOOP, BRANCH, BRANCH_IF, END] = [0x02, 0x03, 0x0c, 0x0d, 0x0b];
const [GET, SET] = [0x20, 0x21];
const [I32_LOAD_BYTE, I64_LOAD, I64_STORE] = [0x2d, 0x29, 0x37];
const [I32_CONST, I64_CONST] = [0x41, 0x42];
const [I32_ABOVE, I32_NOT_BELOW, I32_ADD, I32_AND, I32_XOR, I32_SHIFT_LEFT] = [
  0x4b, 0x4f, 0x6a, 0x71, 0x73, 0x74,
];
const [I64_OR, I64_XOR, I64_SHIFT_LEFT, I64_SHIFT_RIGHT] = [0x84, 0x85, 0x86, 0x88];
const [I32_FROM_I64, I64_FROM_I32] = [0xa7, 0xad];

// Parameters and the local variable.
const [LOW, HIGH, AT, STOP, CRC] = [0, 1, 2, 3, 4];

/** An unsigned number as WebAssembly has them: seven bits a byte. */
function encoded(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...encoded(value >>> 7)];
}

/** A number of bytes and these. */
function sized(bytes: readonly number[]): number[] {
  return [...encoded(bytes.length), ...bytes];
}

/** Takes an integer from the stack, and puts the entry of a table on it that its lowest byte names. */
function lookUp(table: number): number[] {
  const index = [I32_CONST, 0xff, 0x01, I32_AND, I32_CONST, 3, I32_SHIFT_LEFT];
  return [...index, I64_LOAD, 3, ...encoded(TABLES + table * TABLE_BYTES)];
}

function advance(bytes: number): number[] {
  return [GET, AT, I32_CONST, bytes, I32_ADD, SET, AT];
}

/** Does it again and again, until `isOver` leaves a truth on the stack. */
function until(isOver: readonly number[], body: readonly number[]): number[] {
  return [BLOCK, NO_VALUE, LOOP, NO_VALUE, ...isOver, BRANCH_IF, 1, ...body, BRANCH, 0, END, END];
}

function moduleBytes(): Uint8Array {
  const begin = [GET, HIGH, I64_FROM_I32, I64_CONST, 32, I64_SHIFT_LEFT, GET, LOW, I64_FROM_I32, I64_OR];
  const eightBytes = [GET, CRC, GET, AT, I64_LOAD, 0, 0, I64_XOR, SET, CRC];
  for (let byte = 0; byte < 8; byte++) {
    eightBytes.push(GET, CRC, I64_CONST, byte * 8, I64_SHIFT_RIGHT, I32_FROM_I64, ...lookUp(7 - byte));
    if (byte > 0) eightBytes.push(I64_XOR);
  }
  eightBytes.push(SET, CRC, ...advance(8));
  const oneByte = [GET, CRC, I32_FROM_I64, GET, AT, I32_LOAD_BYTE, 0, 0, I32_XOR, ...lookUp(0)];
  oneByte.push(GET, CRC, I64_CONST, 8, I64_SHIFT_RIGHT, I64_XOR, SET, CRC, ...advance(1));
  const end = [I32_CONST, RESULT, GET, CRC, I64_STORE, 3, 0, END];
  const whileEight = until([GET, AT, I32_CONST, 8, I32_ADD, GET, STOP, I32_ABOVE], eightBytes);
  const whileOne = until([GET, AT, GET, STOP, I32_NOT_BELOW], oneByte);
  const variables = [1, 1, I64];
  const body = [...variables, ...begin, SET, CRC, ...whileEight, ...whileOne, ...end];
  const text = (name: string): number[] => sized([...Buffer.from(name, "latin1")]);
  const section = (id: number, content: readonly number[]): number[] => [id, ...sized(content)];
  return Buffer.concat([
    Buffer.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    Buffer.from(section(1, [1, FUNCTION, ...sized([I32, I32, I32, I32]), 0])),
    Buffer.from(section(3, [1, 0])),
    Buffer.from(section(5, [1, 0, MEMORY_PAGES])),
    Buffer.from(section(7, [2, ...text("memory"), 2, 0, ...text("update"), 0, 0])),
    Buffer.from(section(10, [1, ...sized(body)])),
  ]);
}

/** Sums bytes, 96 KB at a time. */
export class Crc64Code {
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly run: (low: number, high: number, at: number, end: number) => void;

  /** The tables are given as halves: entry i of table k is high[256 k + i] : low[256 k + i]. */
  constructor(lows: Int32Array, highs: Int32Array) {
    const { exports } = new webAssembly.Instance(new webAssembly.Module(moduleBytes()), {});
    const { buffer } = exports["memory"] as WasmMemory;
    this.run = exports["update"] as Crc64Code["run"];
    this.bytes = new Uint8Array(buffer, DATA, DATA_BYTES);
    this.words = new Int32Array(buffer);
    for (let i = 0; i < lows.length; i++) {
      this.words[TABLES / 4 + 2 * i] = lows[i];
      this.words[TABLES / 4 + 2 * i + 1] = highs[i];
    }
  }

  /** Continues a checksum over bytes `start` to `end`: `low` and `high` are the result. */
  update(low: number, high: number, bytes: Uint8Array, start: number, end: number): void {
    this.words[RESULT] = low;
    this.words[RESULT + 1] = high;
    for (let from = start; from < end; from += DATA_BYTES) {
      const to = Math.min(from + DATA_BYTES, end);
      this.bytes.set(bytes.subarray(from, to));
      this.run(this.low, this.high, DATA, DATA + to - from);
    }
  }

  get low(): number {
    return this.words[RESULT];
  }

  get high(): number {
    return this.words[RESULT + 1];
  }
}
