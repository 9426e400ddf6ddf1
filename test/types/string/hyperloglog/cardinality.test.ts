/**
 * The estimator: known numbers, its error, and registers that no elements make.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../../src/base/random.ts";
import { estimate, newHistogram } from "../../../../src/types/string/hyperloglog/cardinality.ts";
import { newRegisters } from "../../../../src/types/string/hyperloglog/dense.ts";
import { placeOf, rankOf, registerOf } from "../../../../src/types/string/hyperloglog/element-hash.ts";
import { REGISTERS } from "../../../../src/types/string/hyperloglog/format.ts";
import { cardinalityOfUnion } from "../../../../src/types/string/hyperloglog/registers.ts";
import { usualSeed } from "../../../support/seed.ts";

/** Six times the standard error of 16384 registers. */
const TOLERATED = (6 * 1.04) / Math.sqrt(REGISTERS);

function histogramOf(counts: Readonly<Record<number, number>>): Int32Array {
  const histogram = newHistogram();
  for (const [value, count] of Object.entries(counts)) histogram[Number(value)] = count;
  return histogram;
}

test("no elements are none", () => {
  expect(estimate(histogramOf({ 0: REGISTERS }))).toBe(0);
});

test("few elements are counted exactly", () => {
  for (let n = 1; n <= 10; n++) expect(estimate(histogramOf({ 0: REGISTERS - n, 1: n }))).toBe(n);
});

test("registers beyond what elements bring give what stock Redis gives", () => {
  expect(estimate(histogramOf({ 63: REGISTERS }))).toBe(Number.POSITIVE_INFINITY);
  expect(estimate(histogramOf({ 51: REGISTERS }))).toBe(Number.POSITIVE_INFINITY);
  expect(BigInt(estimate(histogramOf({ 30: 1, 63: REGISTERS - 1 })))).toBe(207914267153817536n);
  expect(BigInt(estimate(histogramOf({ 40: 8000, 63: REGISTERS - 8000 })))).toBe(26613026195688644n);
});

test("estimates are as near as the theory promises", () => {
  const seed = usualSeed();
  const random = new SeededRandom(seed);
  const registers = newRegisters();
  let checkpoint = 100;
  for (let n = 1; n <= 300_000; n++) {
    const place = placeOf(random.bytes(12), 0, 12);
    registers[registerOf(place)] = Math.max(registers[registerOf(place)], rankOf(place));
    if (n < checkpoint) continue;
    const error = Math.abs(cardinalityOfUnion(registers) - n);
    expect(error / n, `seed ${seed}, ${n} elements`).toBeLessThan(TOLERATED);
    checkpoint = Math.ceil(checkpoint * 1.5);
  }
});
