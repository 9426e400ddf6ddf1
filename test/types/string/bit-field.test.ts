/**
 * BITFIELD's arithmetic against bits written out and against BigInt: every width, sign and place, values at the limits
 * of their fields and of doubles.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fitted,
  type Integer,
  integerOf,
  readField,
  settable,
  sumOf,
  writeField,
} from "../../../src/types/string/bit-field.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

const near = (center: bigint) => fc.bigInt({ min: -3n, max: 3n }).map((offset) => center + offset);
const int64 = fc
  .oneof(
    fc.bigInt({ min: MIN, max: MAX }),
    fc.nat({ max: 63 }).chain((power) => near(2n ** BigInt(power))),
    fc.nat({ max: 63 }).chain((power) => near(-(2n ** BigInt(power)))),
  )
  .filter((value) => value >= MIN && value <= MAX);
const field = fc
  .tuple(fc.boolean(), fc.integer({ min: 1, max: 64 }))
  .filter(([isSigned, width]) => isSigned || width < 64)
  .map(([isSigned, width]) => ({ isSigned, width }));

const cut = (value: bigint, width: number, isSigned: boolean) =>
  isSigned ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);

/** The field's bits as text, zeros beyond the end. */
function bitsAt(bytes: Buffer, offset: number, width: number): string {
  const all = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return all.slice(offset, offset + width).padEnd(width, "0");
}

function isCanonical(value: Integer): boolean {
  return typeof value === "number" ? Number.isSafeInteger(value) : !Number.isSafeInteger(Number(value));
}

describe("a field", () => {
  test("is read as the bits that are there", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 24 }),
        field,
        fc.nat({ max: 200 }),
        fc.nat({ max: 9 }),
        (content, { isSigned, width }, offset, at) => {
          const bytes = Buffer.concat([Buffer.alloc(at, 0xff), content, Buffer.alloc(12, 0xff)]);
          const value = readField(bytes, at, at + content.length, offset, width, isSigned);
          const bits = bitsAt(Buffer.from(content), offset, width);
          expect(BigInt(value)).toBe(cut(BigInt(`0b${bits}`), width, isSigned));
          expect(isCanonical(value)).toBe(true);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("keeps what is written, and the bits around it stay", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        field,
        fc.nat({ max: 120 }),
        int64,
        (content, { isSigned, width }, offset, value) => {
          const before = Buffer.from(content);
          const bytes = Buffer.concat([Buffer.from([7, 7, 7]), before]);
          writeField(bytes, 3, offset, width, integerOf(value));
          const after = bytes.subarray(3);
          expect(BigInt(readField(bytes, 3, bytes.length, offset, width, isSigned))).toBe(
            cut(value, width, isSigned),
          );
          expect(bitsAt(after, 0, offset)).toBe(bitsAt(before, 0, offset));
          expect(bitsAt(after, offset + width, 192 - offset - width)).toBe(
            bitsAt(before, offset + width, 192 - offset - width),
          );
          expect([...bytes.subarray(0, 3)]).toEqual([7, 7, 7]);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("lies beyond 2^31 bits as well", () => {
    const offset = 2 ** 31 + 3;
    const bytes = Buffer.alloc(2 ** 28 + 16);
    writeField(bytes, 0, offset, 40, 0x12_3456_789a);
    expect(readField(bytes, 0, bytes.length, offset, 40, false)).toBe(0x12_3456_789a);
    expect(bytes.subarray(2 ** 28, 2 ** 28 + 6).toString("hex")).toBe("02468acf1340");
  });
});

test("sums are exact", () => {
  fc.assert(
    fc.property(int64, int64, (first, second) => {
      const sum = sumOf(integerOf(first), integerOf(second));
      expect(BigInt(sum)).toBe(first + second);
      expect(isCanonical(sum)).toBe(true);
    }),
    { numRuns: 5000 },
  );
});

describe("a value that a field cannot hold", () => {
  const sum = fc.tuple(int64, int64).map(([first, second]) => first + second);

  test("is cut to its bits, to the limit, or refused", () => {
    fc.assert(
      fc.property(fc.oneof(int64, sum), field, (value, { isSigned, width }) => {
        const max = isSigned ? 2n ** BigInt(width - 1) - 1n : 2n ** BigInt(width) - 1n;
        const min = isSigned ? -(2n ** BigInt(width - 1)) : 0n;
        const fits = value >= min && value <= max;
        const limit = value > max ? max : min;
        const given = integerOf(value);
        expect(fitted(given, width, isSigned, "fail")).toBe(fits ? given : undefined);
        const saturated = fitted(given, width, isSigned, "sat")!;
        expect(BigInt(saturated)).toBe(fits ? value : limit);
        const wrapped = fitted(given, width, isSigned, "wrap")!;
        expect(BigInt(wrapped)).toBe(cut(value, width, isSigned));
        expect(isCanonical(saturated) && isCanonical(wrapped)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  test("is taken for a large one if it is negative and the field has no sign, or it is negative beyond measure", () => {
    expect(settable(-1, 8, false)).toBe(2n ** 64n - 1n);
    expect(settable(MIN, 63, false)).toBe(2n ** 63n);
    expect(settable(5, 8, false)).toBe(5);
    expect(settable(-1, 8, true)).toBe(-1);
    expect(settable(MIN, 64, true)).toBe(MIN);
    expect(settable(MIN + 128n, 8, true)).toBe(MIN + 128n);
    expect(settable(MIN + 127n, 8, true)).toBe(2n ** 63n + 127n);
    expect(fitted(settable(MIN, 8, true), 8, true, "sat")).toBe(127);
  });
});
