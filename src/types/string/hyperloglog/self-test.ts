/**
 * What PFSELFTEST tries: that dense registers keep what is written to them and leave their neighbours alone, that
 * sparse and dense agree, and that estimates are as near as the theory promises. It takes seconds.
 */
import type { Random } from "../../../base/random.ts";
import { denseRegister, newRegisters, setDenseRegister } from "./dense.ts";
import { placeOf, rankOf, registerOf } from "./element-hash.ts";
import { DENSE_BYTES, EMPTY_BYTES, isSparse, REGISTER_MAX, REGISTERS, writeEmpty } from "./format.ts";
import { BufferHolder, RegisterWriter } from "./register-writer.ts";
import { cardinalityOf } from "./registers.ts";

const CYCLES = 1000;
const ELEMENTS = 10_000_000;
/** The standard error of that number of registers. */
const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);
const TOLERATED_ERRORS = 6;

/** Returns what failed, or undefined. `sparseMaxBytes` as in RegisterWriter. */
export function selfTest(random: Random, sparseMaxBytes: number): string | undefined {
  return testRegisters(random) ?? testEstimates(random, sparseMaxBytes);
}

function testRegisters(random: Random): string | undefined {
  const dense = Buffer.alloc(DENSE_BYTES);
  const expected = newRegisters();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    for (let i = 0; i < REGISTERS; i++) {
      expected[i] = random.next() & REGISTER_MAX;
      setDenseRegister(dense, 0, i, expected[i]);
    }
    for (let i = 0; i < REGISTERS; i++) {
      const value = denseRegister(dense, 0, i);
      if (value !== expected[i]) return `Register ${i} should be ${expected[i]} but is ${value}`;
    }
  }
  return undefined;
}

function testEstimates(random: Random, sparseMaxBytes: number): string | undefined {
  const writer = new RegisterWriter();
  const always = new RegisterWriter();
  const holder = emptyHolder();
  const dense = emptyHolder();
  always.makeDense(dense);
  const element = random.bytes(8);
  const seed = element.readUInt32LE(0);
  let checkpoint = 1;
  for (let i = 1; i <= ELEMENTS; i++) {
    element.writeInt32LE(i ^ seed, 0);
    const place = placeOf(element, 0, 8);
    writer.raise(holder, registerOf(place), rankOf(place), sparseMaxBytes);
    always.raise(dense, registerOf(place), rankOf(place), sparseMaxBytes);
    if (i < checkpoint) continue;
    if (i < Math.floor(sparseMaxBytes / 2) && !isSparse(holder.bytes, 0)) return "sparse encoding not used";
    const cardinality = cardinalityOf(dense.bytes, 0, dense.length);
    if (cardinality !== cardinalityOf(holder.bytes, 0, holder.length)) return "dense/sparse disagree";
    const error = Math.abs(i - cardinality);
    // Among ten elements a collision is likelier than the formula says.
    const tolerated = i === 10 ? 1 : Math.ceil(STANDARD_ERROR * TOLERATED_ERRORS * i);
    if (error > tolerated) return `Too big error. card:${i} abserr:${error}`;
    checkpoint *= 10;
  }
  return undefined;
}

function emptyHolder(): BufferHolder {
  const empty = Buffer.alloc(EMPTY_BYTES);
  writeEmpty(empty, 0);
  return new BufferHolder(empty);
}
