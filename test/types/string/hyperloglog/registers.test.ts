/**
 * Registers in both encodings against a plain list of numbers.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  denseRegister,
  newRegisters,
  packDense,
  setDenseRegister,
} from "../../../../src/types/string/hyperloglog/dense.ts";
import {
  countedCardinality,
  DENSE_BYTES,
  EMPTY_BYTES,
  exactCardinality,
  HEADER_BYTES,
  isCounted,
  isHyperLogLog,
  isSparse,
  keepCardinality,
  markUncounted,
  REGISTERS,
  writeEmpty,
} from "../../../../src/types/string/hyperloglog/format.ts";
import { BufferHolder, RegisterWriter } from "../../../../src/types/string/hyperloglog/register-writer.ts";
import {
  cardinalityOf,
  cardinalityOfUnion,
  mergeInto,
} from "../../../../src/types/string/hyperloglog/registers.ts";
import { describeSparse, isWhole } from "../../../../src/types/string/hyperloglog/sparse.ts";
import { CHANGED, DAMAGED, UNCHANGED } from "../../../../src/types/string/hyperloglog/sparse-update.ts";

function emptyHolder(): BufferHolder {
  const empty = Buffer.alloc(EMPTY_BYTES);
  writeEmpty(empty, 0);
  return new BufferHolder(empty);
}

/** A sparse value of these opcodes. */
function sparse(...opcodes: number[]): Buffer {
  return Buffer.concat([emptyHolder().value.subarray(0, HEADER_BYTES), Buffer.from(opcodes)]);
}

function registersOf(value: Buffer): number[] {
  const registers = newRegisters();
  expect(mergeInto(registers, value, 0, value.length)).toBe(true);
  return [...registers];
}

function decoded(value: Buffer): string {
  return describeSparse(value, 0, value.length).toString();
}

/** Registers near each other, so that runs meet, and some anywhere; few different values, so that they join. */
const raises = fc.array(
  fc.record({
    index: fc.oneof(
      fc.nat(40),
      fc.nat(40).map((i) => 16383 - i),
      fc.nat(16383),
      fc.nat(300).map((i) => 700 + i),
    ),
    value: fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 33 }),
    ),
  }),
  { maxLength: 300 },
);

describe("raising registers", () => {
  test("gives what a list of numbers gives, sparse, dense, and from one to the other", () => {
    const limit = fc.oneof(fc.constant(0), fc.integer({ min: 16, max: 700 }), fc.constant(1e9));
    fc.assert(
      fc.property(raises, limit, (steps, sparseMaxBytes) => {
        const [model, holder, writer] = [
          Array<number>(REGISTERS).fill(0),
          emptyHolder(),
          new RegisterWriter(),
        ];
        for (const { index, value } of steps) {
          const outcome = writer.raise(holder, index, value, sparseMaxBytes);
          expect(outcome).toBe(value > model[index] ? CHANGED : UNCHANGED);
          model[index] = Math.max(model[index], value);
          if (isSparse(holder.bytes, 0)) expect(isWhole(holder.bytes, 0, holder.length)).toBe(true);
          else expect(holder.length).toBe(DENSE_BYTES);
        }
        expect(registersOf(holder.value)).toEqual(model);
        if (isSparse(holder.bytes, 0) && holder.length > EMPTY_BYTES) {
          expect(holder.length).toBeLessThanOrEqual(sparseMaxBytes);
        }
        const registers = Uint8Array.from(model);
        expect(cardinalityOf(holder.bytes, 0, holder.length)).toBe(cardinalityOfUnion(registers));
      }),
      { numRuns: 300 },
    );
  });

  test("gives the same bytes with and without remembering the place, in rising order", () => {
    fc.assert(
      fc.property(raises, raises, (before, after) => {
        const [remembering, searching] = [emptyHolder(), emptyHolder()];
        const [one, other] = [new RegisterWriter(), new RegisterWriter()];
        for (const { index, value } of before) {
          one.raise(remembering, index, value, 1e9);
          other.raise(searching, index, value, 1e9);
        }
        one.begin();
        for (const { index, value } of after.toSorted((a, b) => a.index - b.index)) {
          one.raise(remembering, index, value, 1e9);
          other.begin();
          other.raise(searching, index, value, 1e9);
          expect(remembering.value.equals(searching.value)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("divides and joins opcodes", () => {
    const holder = emptyHolder();
    const writer = new RegisterWriter();
    const after = (index: number, value: number) => {
      expect(writer.raise(holder, index, value, 3000)).toBe(CHANGED);
      return decoded(holder.value);
    };
    expect(after(1000, 2)).toBe("Z:1000 v:2,1 Z:15383");
    expect(after(1020, 3)).toBe("Z:1000 v:2,1 z:19 v:3,1 Z:15363");
    expect(after(1021, 3)).toBe("Z:1000 v:2,1 z:19 v:3,2 Z:15362");
    expect(after(0, 1)).toBe("v:1,1 Z:999 v:2,1 z:19 v:3,2 Z:15362");
    expect(after(16383, 32)).toBe("v:1,1 Z:999 v:2,1 z:19 v:3,2 Z:15361 v:32,1");
    expect(after(1019, 3)).toBe("v:1,1 Z:999 v:2,1 z:18 v:3,3 Z:15361 v:32,1");
    expect(after(1020, 4)).toBe("v:1,1 Z:999 v:2,1 z:18 v:3,1 v:4,1 v:3,1 Z:15361 v:32,1");
    expect(writer.raise(holder, 1020, 4, 3000)).toBe(UNCHANGED);
    expect(writer.raise(holder, 5, 33, 3000)).toBe(CHANGED);
    expect(isSparse(holder.bytes, 0)).toBe(false);
    expect(denseRegister(holder.bytes, 0, 5)).toBe(33);
    expect(denseRegister(holder.bytes, 0, 1020)).toBe(4);
  });

  test("leaves damaged values as they are", () => {
    // 100 registers only; 16385, the last one in a run of zeros, and in one of another value.
    for (const value of [sparse(0x40, 99), sparse(0x7f, 0xff, 0x00), sparse(0x7f, 0xff, 0x80)]) {
      const holder = new BufferHolder(value);
      const writer = new RegisterWriter();
      expect(writer.raise(holder, 16383, 33, 3000)).toBe(DAMAGED);
      expect(writer.raise(holder, 50, 1, value.length)).toBe(DAMAGED);
      expect(writer.makeDense(holder)).toBe(false);
      expect(holder.value.equals(value)).toBe(true);
    }
    const short = new BufferHolder(sparse(0x40, 99));
    expect(new RegisterWriter().raise(short, 100, 1, 3000)).toBe(DAMAGED);
    expect(new RegisterWriter().raise(short, 99, 1, 3000)).toBe(CHANGED);
    expect(decoded(short.value)).toBe("Z:99 v:1,1");
  });

  test("completes an XZERO that is cut off", () => {
    const holder = new BufferHolder(sparse(0x7f));
    expect(decoded(holder.value)).toBe("Z:16129");
    expect(new RegisterWriter().raise(holder, 7, 2, 3000)).toBe(CHANGED);
    expect(decoded(holder.value)).toBe("z:7 v:2,1 Z:16121");
  });

  test("reads any bytes without leaving them", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(16383),
        fc.integer({ min: 1, max: 51 }),
        (tail, index, value) => {
          const bytes = sparse(...tail);
          const holder = new BufferHolder(bytes);
          const counted = cardinalityOf(bytes, 0, bytes.length);
          expect(counted).toBeGreaterThanOrEqual(-1);
          const outcome = new RegisterWriter().raise(holder, index, value, 3000);
          if (outcome !== CHANGED) expect(holder.value.equals(bytes)).toBe(true);
          else expect(new RegisterWriter().raise(holder, index, value, 3000)).toBe(UNCHANGED);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("dense registers", () => {
  test("keep what is set, and leave their neighbours alone", () => {
    const settings = fc.array(fc.tuple(fc.nat(16383), fc.nat(63)), { maxLength: 200 });
    fc.assert(
      fc.property(settings, (steps) => {
        const bytes = Buffer.alloc(DENSE_BYTES + 1, 0);
        bytes[DENSE_BYTES] = 0xaa;
        const model = newRegisters();
        for (const [index, value] of steps) {
          setDenseRegister(bytes, 0, index, value);
          model[index] = value;
          expect(denseRegister(bytes, 0, index)).toBe(value);
        }
        const packed = Buffer.alloc(DENSE_BYTES + 1, 0);
        packed[DENSE_BYTES] = 0xaa;
        packDense(model, packed, 0);
        expect(packed.equals(bytes)).toBe(true);
        expect(registersOf(bytes)).toEqual([...model]);
        expect(cardinalityOf(bytes, 0, DENSE_BYTES)).toBe(cardinalityOfUnion(model));
      }),
    );
  });

  test("lie from the low bits up", () => {
    const registers = newRegisters();
    registers.set([0b000001, 0b111111, 0b101010, 0b100001]);
    const bytes = Buffer.alloc(DENSE_BYTES);
    packDense(registers, bytes, 0);
    expect([...bytes.subarray(HEADER_BYTES, HEADER_BYTES + 3)]).toEqual([0b11000001, 0b10101111, 0b10000110]);
  });
});

describe("the header", () => {
  test("tells a HyperLogLog from other strings", () => {
    const is = (value: Buffer) => isHyperLogLog(value, 0, value.length);
    const empty = emptyHolder().value;
    expect(is(empty)).toBe(true);
    expect(is(empty.subarray(0, 16))).toBe(true);
    expect(is(empty.subarray(0, 15))).toBe(false);
    for (const [at, byte] of [
      [0, 0x68],
      [3, 0],
      [4, 0],
      [4, 2],
    ]) {
      const other = Buffer.from(empty);
      other[at] = byte;
      expect(is(other)).toBe(false);
    }
    const dense = Buffer.alloc(DENSE_BYTES);
    dense.write("HYLL");
    expect(is(dense)).toBe(true);
    expect(is(dense.subarray(0, DENSE_BYTES - 1))).toBe(false);
    expect(is(Buffer.concat([dense, Buffer.alloc(1)]))).toBe(false);
  });

  test("keeps cardinalities up to 2^63", () => {
    const { bytes } = emptyHolder();
    for (const cardinality of [0, 1, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 62]) {
      keepCardinality(bytes, 0, cardinality);
      expect(isCounted(bytes, 0)).toBe(true);
      expect(countedCardinality(bytes, 0)).toBe(cardinality);
      expect(exactCardinality(bytes, 0)).toBe(BigInt(cardinality));
    }
    keepCardinality(bytes, 0, 5);
    markUncounted(bytes, 0);
    expect(isCounted(bytes, 0)).toBe(false);
    for (const tooMuch of [2 ** 63, 1e30, Number.POSITIVE_INFINITY]) {
      keepCardinality(bytes, 0, tooMuch);
      expect(isCounted(bytes, 0)).toBe(false);
      expect(bytes.toString("hex", 8, 16)).toBe("0000000000000080");
    }
  });
});
