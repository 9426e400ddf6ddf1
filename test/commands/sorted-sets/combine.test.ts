/** Unions, intersections and differences of sorted sets and sets, large ones too, against JavaScript's Maps. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatDouble } from "../../../src/base/numbers.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { usualSeed } from "../../support/seed.ts";
import { itemsOf } from "../sets/harness.ts";
import { newSortedSetHarness } from "./harness.ts";

type Scores = ReadonlyMap<string, number>;

const KEYS = ["a", "b", "c", "d", "e"];
const WEIGHTS = [0, 1, 2, -0.5, Infinity];
const AGGREGATES: Record<string, (a: number, b: number) => number> = {
  SUM: (a, b) => orZero(a + b),
  MIN: (a, b) => (b < a ? b : a),
  MAX: (a, b) => (b > a ? b : a),
};

function orZero(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}

function pick<T>(random: SeededRandom, values: readonly T[]): T {
  return values[random.below(values.length)];
}

/** Sorted sets and sets of very different sizes, with many members in common; many of their scores are the same. */
function fill(harness: CommandHarness, random: SeededRandom): Map<string, Scores> {
  const all = new Map<string, Scores>();
  const range = 1 + random.below(1500);
  const scores = pick(random, [[1], [1, 2, 3, -4], [0.5, -Infinity, Infinity, 0, 2 ** 53]]);
  for (const key of KEYS) {
    const isSet = random.below(4) === 0;
    const size = pick(random, [0, 1, 5, 130, 600]);
    const elements = new Map<string, number>();
    for (let i = 0; i < size; i++) {
      const member = `${isSet && range % 2 === 0 ? "" : "member:"}${random.below(range)}`;
      elements.set(member, isSet ? 1 : pick(random, scores) + random.below(3));
    }
    all.set(key, elements);
    if (elements.size === 0) continue;
    if (isSet) harness.run("SADD", key, ...elements.keys());
    else
      harness.run("ZADD", key, ...[...elements].flatMap(([member, score]) => [formatDouble(score), member]));
  }
  harness.takeEffects();
  return all;
}

/** The result, in order, as ZRANGE with WITHSCORES answers it, but for -0. */
function expectedItems(result: Map<string, number>): string[] {
  const compare = (a: [string, number], b: [string, number]): number =>
    a[1] === b[1] ? Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])) : a[1] < b[1] ? -1 : 1;
  return [...result].sort(compare).flatMap(([member, score]) => [member, formatDouble(score + 0)]);
}

function combine(
  operation: string,
  operands: Scores[],
  weights: number[],
  aggregate: string,
): Map<string, number> {
  const result = new Map<string, number>();
  if (operation === "DIFF") {
    const [first, ...others] = operands;
    for (const [member, score] of first)
      if (!others.some((other) => other.has(member))) result.set(member, score);
    return result;
  }
  // What Redis adds up first is the smallest.
  const order = operands.map((_, i) => i).sort((a, b) => operands[a].size - operands[b].size);
  for (const i of order) {
    for (const [member, score] of operands[i]) {
      const isEverywhere = operands.every((operand) => operand.has(member));
      if (operation === "INTER" && !isEverywhere) continue;
      const weighed = score * weights[i];
      const before = result.get(member);
      if (before === undefined) result.set(member, orZero(weighed));
      // Only a union takes account of it if this is no number.
      else
        result.set(member, AGGREGATES[aggregate](before, operation === "UNION" ? orZero(weighed) : weighed));
    }
  }
  return result;
}

/** With 0 for -0. */
function withoutSign(items: string[]): string[] {
  return items.map((item) => (item === "-0" ? "0" : item));
}

it("are those of mathematics, answered, counted or stored, into one of their operands too", () => {
  const property = fc.property(
    fc.integer({ min: 1 }),
    fc.constantFrom("INTER", "UNION", "DIFF"),
    fc.array(fc.constantFrom(...KEYS, "none"), { minLength: 1, maxLength: 6 }),
    fc.constantFrom(...KEYS, "new"),
    fc.constantFrom(...Object.keys(AGGREGATES)),
    (seed, operation, keys, destination, aggregate) => {
      const random = new SeededRandom(seed);
      const harness = newSortedSetHarness();
      const operands = fill(harness, random);
      const isDiff = operation === "DIFF";
      const weights = keys.map(() => (isDiff || random.below(2) === 0 ? 1 : pick(random, WEIGHTS)));
      const options = isDiff ? [] : ["WEIGHTS", ...weights.map(formatDouble), "AGGREGATE", aggregate];
      const named = keys.map((key) => operands.get(key) ?? new Map<string, number>());
      const result = combine(operation, named, weights, aggregate);
      const expected = expectedItems(result);
      const answered = harness.run(`Z${operation}`, keys.length, ...keys, ...options, "WITHSCORES");
      expect(withoutSign(itemsOf(answered))).toEqual(expected);
      if (operation === "INTER") {
        expect(harness.text("ZINTERCARD", keys.length, ...keys)).toBe(`:${result.size}\r\n`);
        const limited = harness.text("ZINTERCARD", keys.length, ...keys, "LIMIT", 3);
        expect(limited).toBe(`:${Math.min(3, result.size)}\r\n`);
      }
      const stored = harness.text(`Z${operation}STORE`, destination, keys.length, ...keys, ...options);
      expect(stored).toBe(`:${result.size}\r\n`);
      const range = itemsOf(harness.run("ZRANGE", destination, 0, -1, "WITHSCORES"));
      expect(withoutSign(range)).toEqual(expected);
      for (let i = 0; i < Math.min(range.length, 40); i += 2)
        expect(itemsOf(harness.run("ZSCORE", destination, range[i]))).toEqual([range[i + 1]]);
    },
  );
  fc.assert(property, { numRuns: 150, seed: usualSeed() });
});
