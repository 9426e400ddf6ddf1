/** 64-bit integers in two words, against BigInt, at all limits of words, doubles and digits. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Int64 } from "../../src/base/int64.ts";
import { parseInt64 } from "../../src/base/numbers.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
const RUNS = { numRuns: 5000 };

const near = (values: readonly bigint[]) =>
  fc
    .tuple(fc.constantFrom(...values), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
    .map(([value, distance, isNegative]) => (isNegative ? -value : value) + distance);
const powersOfTwo = Array.from({ length: 64 }, (_, i) => 2n ** BigInt(i));
const powersOfTen = Array.from({ length: 20 }, (_, i) => 10n ** BigInt(i));

/** Beyond the range too. */
const anyInteger = fc.oneof(near(powersOfTwo), near(powersOfTen), fc.bigInt({ min: MIN, max: MAX }));
const integer = anyInteger.filter((value) => value >= MIN && value <= MAX);

function of(value: bigint): Int64 {
  const result = new Int64();
  result.setBigInt(value);
  return result;
}

/** Parses the text between other digits, so that reading beyond it shows. */
function parsed(text: string): bigint | undefined {
  const bytes = Buffer.from(`9${text}9`, "latin1");
  const value = new Int64();
  return value.parse(bytes, 1, bytes.length - 2) ? value.toBigInt() : undefined;
}

function written(value: Int64): string {
  const bytes = Buffer.alloc(30, "x");
  const end = value.write(bytes, 3);
  expect(end - 3).toBe(value.textLength);
  expect(bytes.toString("latin1", 0, 3) + bytes.toString("latin1", end)).toMatch(/^x*$/);
  return bytes.toString("latin1", 3, end);
}

describe("a 64-bit integer", () => {
  test("is what it was set to, and prints so", () => {
    fc.assert(
      fc.property(integer, (value) => {
        const words = of(value);
        expect(words.toBigInt()).toBe(value);
        expect([words.high, words.low]).toEqual([words.high | 0, words.low | 0]);
        expect(words.isSafe).toBe(Number.isSafeInteger(Number(value)));
        expect(words.toNumber()).toBe(Number(value));
        expect(written(words)).toBe(String(value));
        if (!words.isSafe) return;
        const other = new Int64();
        other.setNumber(Number(value));
        expect(other).toEqual(words);
      }),
      RUNS,
    );
  });

  test("is read from its own text only", () => {
    fc.assert(
      fc.property(anyInteger, fc.constantFrom("", "0", "+", "-", " ", "."), (value, mark) => {
        const expected = value >= MIN && value <= MAX ? value : undefined;
        expect(parsed(String(value))).toBe(expected);
        for (const text of [`${mark}${value}`, `${value}${mark}`]) {
          const bytes = Buffer.from(text);
          expect(parsed(text), text).toBe(parseInt64(bytes, 0, bytes.length));
        }
      }),
      RUNS,
    );
  });

  test.each([
    "",
    "-",
    "-0",
    "00",
    "01",
    "+1",
    "1:",
    "/1",
    "1234567890123456/",
    "/234567890123456789",
    "1234567890:3456789",
  ])("is not %j", (text) => expect(parsed(text)).toBeUndefined());

  test("is added and subtracted, to the lowest 64 bits", () => {
    const safe = fc.maxSafeInteger();
    fc.assert(
      fc.property(integer, integer, safe, (a, b, more) => {
        const sum = of(a);
        sum.add(more);
        expect(sum.toBigInt()).toBe(BigInt.asIntN(64, a + BigInt(more)));
        const difference = of(a);
        difference.subtract(of(b));
        expect(difference.toBigInt()).toBe(BigInt.asIntN(64, a - b));
      }),
      RUNS,
    );
  });

  test("is compared as integers are", () => {
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        const order = Math.sign(of(a).compare(of(b)));
        expect(order).toBe(a < b ? -1 : Number(a > b));
        expect(of(a).equals(of(b))).toBe(a === b);
        expect(of(a).equals(of(a))).toBe(true);
      }),
      RUNS,
    );
  });
});
