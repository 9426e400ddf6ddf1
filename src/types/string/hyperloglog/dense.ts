/**
 * Dense registers: 6 bits each, four in three bytes (layout: format.ts). `start` is where the HyperLogLog begins, with
 * its header. What the codec computes with is `Registers`: a byte for each register.
 */
import { HEADER_BYTES, REGISTERS } from "./format.ts";

/** One byte for each of the 16384 registers. */
export type Registers = Uint8Array;

export function newRegisters(): Registers {
  return new Uint8Array(REGISTERS);
}

/** The same memory as words of four registers each, for `nextSetRegister`. */
export function foursOf(registers: Registers): Int32Array {
  return new Int32Array(registers.buffer, 0, REGISTERS / 4);
}

/**
 * The first register from `from` on that is not 0; REGISTERS if there is none. Passes over four at once that are: in a
 * union of small HyperLogLogs most are.
 */
export function nextSetRegister(registers: Registers, fours: Int32Array, from: number): number {
  for (let k = from; k < REGISTERS; k++) {
    if (registers[k] !== 0) return k;
    if ((k & 3) === 3) while (k + 1 < REGISTERS && fours[(k + 1) >>> 2] === 0) k += 4;
  }
  return REGISTERS;
}

export function denseRegister(bytes: Buffer, start: number, index: number): number {
  const at = start + HEADER_BYTES + 3 * (index >>> 2);
  switch (index & 3) {
    case 0:
      return bytes[at] & 63;
    case 1:
      return (bytes[at] >>> 6) | ((bytes[at + 1] & 15) << 2);
    case 2:
      return (bytes[at + 1] >>> 4) | ((bytes[at + 2] & 3) << 4);
    default:
      return bytes[at + 2] >>> 2;
  }
}

export function setDenseRegister(bytes: Buffer, start: number, index: number, value: number): void {
  const at = start + HEADER_BYTES + 3 * (index >>> 2);
  switch (index & 3) {
    case 0:
      bytes[at] = (bytes[at] & 0xc0) | value;
      return;
    case 1:
      bytes[at] = (bytes[at] & 0x3f) | (value << 6);
      bytes[at + 1] = (bytes[at + 1] & 0xf0) | (value >>> 2);
      return;
    case 2:
      bytes[at + 1] = (bytes[at + 1] & 0x0f) | (value << 4);
      bytes[at + 2] = (bytes[at + 2] & 0xfc) | (value >>> 4);
      return;
    default:
      bytes[at + 2] = (bytes[at + 2] & 0x03) | (value << 2);
  }
}

/** Adds the registers to the histogram. */
export function countDense(bytes: Buffer, start: number, histogram: Int32Array): void {
  let at = start + HEADER_BYTES;
  for (let i = 0; i < REGISTERS; i += 4, at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    histogram[four & 63]++;
    histogram[(four >>> 6) & 63]++;
    histogram[(four >>> 12) & 63]++;
    histogram[four >>> 18]++;
  }
}

/** Raises each of `registers` to what it is here. */
export function mergeDense(bytes: Buffer, start: number, registers: Registers): void {
  let at = start + HEADER_BYTES;
  for (let i = 0; i < REGISTERS; i += 4, at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    // Most are 0 in a HyperLogLog that was made dense early.
    if (four === 0) continue;
    raise(registers, i, four & 63);
    raise(registers, i + 1, (four >>> 6) & 63);
    raise(registers, i + 2, (four >>> 12) & 63);
    raise(registers, i + 3, four >>> 18);
  }
}

/** Writes all registers behind the header at `start`. */
export function packDense(registers: Registers, bytes: Buffer, start: number): void {
  let at = start + HEADER_BYTES;
  for (let i = 0; i < REGISTERS; i += 4, at += 3) {
    const second = registers[i + 1];
    const third = registers[i + 2];
    bytes[at] = registers[i] | (second << 6);
    bytes[at + 1] = (second >>> 2) | (third << 4);
    bytes[at + 2] = (third >>> 4) | (registers[i + 3] << 2);
  }
}

function raise(registers: Registers, index: number, value: number): void {
  if (value > registers[index]) registers[index] = value;
}
