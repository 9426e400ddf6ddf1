/**
 * The order that SORT gives to elements by keys and comparisons is the one that comparisons alone give.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { numberKeys, sortedOrder, textKeys } from "../../../src/commands/keys/sort-order.ts";
import { ByteVector, naturalOrder } from "../../../src/commands/keys/sort-vector.ts";
import { usualSeed } from "../../support/seed.ts";

const RUNS = { numRuns: 1000, seed: usualSeed() };

/** The same without keys. */
function comparedOrder(
  length: number,
  isDescending: boolean,
  compare: (i: number, k: number) => number,
): number[] {
  return [...naturalOrder(length).subarray(0, length)].sort((i, k) =>
    isDescending ? compare(k, i) : compare(i, k),
  );
}

function vectorOf(texts: readonly (Buffer | undefined)[]): ByteVector {
  const vector = new ByteVector();
  for (const text of texts) {
    if (text === undefined) vector.pushAbsent();
    else vector.push(text, 0, text.length);
  }
  return vector;
}

describe("the order of", () => {
  test("numbers", () => {
    const number = fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(-0, 0, 1e300, 1e300 * (1 + 2 ** -40), -1 - 2 ** -45, -1, Infinity, -Infinity),
    );
    fc.assert(
      fc.property(fc.array(number, { maxLength: 50 }), fc.boolean(), (array, isDescending) => {
        const numbers = Float64Array.from(array);
        const compare = (i: number, k: number): number => numbers[i] - numbers[k] || 0;
        const keysOf = (): Float64Array => numberKeys(numbers, numbers.length);
        const order = sortedOrder(numbers.length, keysOf, isDescending, compare).slice(0, numbers.length);
        expect([...order]).toEqual(comparedOrder(numbers.length, isDescending, compare));
      }),
      RUNS,
    );
  });

  test.each([1024, 1025, 1500, 2048, 3000])(
    "%d numbers: one sort leaves room for 1024 to the next",
    (count) => {
      const random = new SeededRandom(usualSeed());
      const numbers = Float64Array.from({ length: count }, () => random.below(1000));
      const compare = (i: number, k: number): number => numbers[i] - numbers[k] || i - k;
      const keysOf = (): Float64Array => numberKeys(numbers, numbers.length);
      for (const isDescending of [false, true]) {
        const order = sortedOrder(numbers.length, keysOf, isDescending, compare).slice(0, numbers.length);
        expect([...order]).toEqual(comparedOrder(numbers.length, isDescending, compare));
      }
    },
  );

  test("byte strings, as a whole or up to their first NUL", () => {
    const byte = fc.constantFrom(0, 0, 1, 0x61, 0x62, 0x7f, 0x80, 0xff);
    const text = fc.array(byte, { maxLength: 8 }).map((bytes) => Buffer.from(bytes));
    const prefix = fc.constantFrom("", "user:", "a\0b");
    const texts = fc.array(fc.option(text, { nil: undefined, freq: 8 }), { maxLength: 50 });
    fc.assert(
      fc.property(prefix, texts, fc.boolean(), fc.boolean(), (begin, array, isDescending, areTexts) => {
        const whole = array.map((end) => end && Buffer.concat([Buffer.from(begin), end]));
        const vector = vectorOf(whole);
        if (areTexts) vector.compareAsTexts();
        const counted = whole.map((bytes) => (areTexts ? bytes?.subarray(0, nulIn(bytes)) : bytes));
        const compare = (i: number, k: number): number => {
          const [left, right] = [counted[i], counted[k]];
          if (left === undefined || right === undefined)
            return Number(left !== undefined) - Number(right !== undefined);
          return Buffer.compare(left, right);
        };
        const compareHere = (i: number, k: number): number => vector.compare(i, k);
        const found = sortedOrder(vector.length, () => textKeys(vector), isDescending, compareHere);
        const order = found.slice(0, vector.length);
        expect([...order]).toEqual(comparedOrder(whole.length, isDescending, compare));
      }),
      RUNS,
    );
  });
});

function nulIn(bytes: Buffer): number {
  const at = bytes.indexOf(0);
  return at === -1 ? bytes.length : at;
}
