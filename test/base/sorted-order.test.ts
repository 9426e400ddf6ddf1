/**
 * The order that is found by keys and comparisons is the one that comparisons alone give.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import {
  type Comparison,
  type KeysOf,
  numberKeys,
  sortedOrder,
  textKeys,
} from "../../src/base/sorted-order.ts";
import { ByteVector } from "../../src/commands/keys/sort-vector.ts";
import { usualSeed } from "../support/seed.ts";

const RUNS = { numRuns: 1000, seed: usualSeed() };

/** Both ways, up and down: the order found by keys and `compare` is what `expected` alone makes. */
function expectOrder(
  length: number,
  keys: readonly KeysOf[],
  compare: Comparison,
  expected: Comparison = compare,
): void {
  for (const isDescending of [false, true]) {
    const found = [...sortedOrder(length, keys, isDescending, compare).subarray(0, length)];
    const directed: Comparison = isDescending ? (i, k) => expected(k, i) : expected;
    expect(found).toEqual(Array.from({ length }, (_, i) => i).sort(directed));
  }
}

function expectNumbersInOrder(numbers: Float64Array): void {
  expectOrder(numbers.length, numberKeys(numbers), (i, k) => numbers[i] - numbers[k] || 0);
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
    const property = fc.property(fc.array(number, { maxLength: 50 }), (numbers) =>
      expectNumbersInOrder(Float64Array.from(numbers)),
    );
    fc.assert(property, RUNS);
  });

  test.each([1024, 1025, 1500, 2048, 3000])(
    "%d numbers: one sort leaves room for 1024 to the next",
    (length) => {
      const random = new SeededRandom(usualSeed());
      expectNumbersInOrder(Float64Array.from({ length }, () => random.below(1000)));
    },
  );

  test("numbers, and texts where numbers are the same", () => {
    const random = new SeededRandom(usualSeed());
    for (const length of [17, 100, 1000, 5000]) {
      // Close together, so that they differ in their last bits only.
      const numbers = Float64Array.from(
        { length },
        () => 2 ** 40 + random.below(Math.ceil(length / 10)) * 2 ** -12,
      );
      const texts = vectorOf(Array.from(numbers, () => Buffer.from(`member:${random.below(length)}`)));
      expectOrder(
        length,
        [...numberKeys(numbers), ...textKeys(texts)],
        (i, k) => numbers[i] - numbers[k] || texts.compare(i, k),
      );
    }
  });

  test("byte strings, as a whole or up to their first NUL", () => {
    const byte = fc.constantFrom(0, 0, 1, 0x61, 0x62, 0x7f, 0x80, 0xff);
    const text = fc.array(byte, { maxLength: 8 }).map((bytes) => Buffer.from(bytes));
    const prefix = fc.constantFrom("", "user:", "a\0b");
    const texts = fc.array(fc.option(text, { nil: undefined, freq: 8 }), { maxLength: 50 });
    fc.assert(
      fc.property(prefix, texts, fc.boolean(), (begin, array, areTexts) => {
        const whole = array.map((end) => end && Buffer.concat([Buffer.from(begin), end]));
        const vector = vectorOf(whole);
        if (areTexts) vector.compareAsTexts();
        const counted = whole.map((bytes) => (areTexts ? bytes?.subarray(0, nulIn(bytes)) : bytes));
        const compare: Comparison = (i, k) => {
          const [left, right] = [counted[i], counted[k]];
          if (left === undefined || right === undefined)
            return Number(left !== undefined) - Number(right !== undefined);
          return Buffer.compare(left, right);
        };
        expectOrder(vector.length, textKeys(vector), (i, k) => vector.compare(i, k), compare);
      }),
      RUNS,
    );
  });
});

function nulIn(bytes: Buffer): number {
  const at = bytes.indexOf(0);
  return at === -1 ? bytes.length : at;
}
