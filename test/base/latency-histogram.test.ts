/**
 * The histogram of durations: cells no wider than 1/128 of the value, percentiles and levels as of the sorted list.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyHistogram } from "../../src/base/latency-histogram.ts";

const SECOND_NS = 1e9;

function histogramOf(durations: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const duration of durations) histogram.record(duration, 1);
  return histogram;
}

test("a percentile is what a sorted list says, rounded up by less than a hundredth", () => {
  const durations = fc.array(fc.integer({ min: 1, max: SECOND_NS }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 100, noNaN: true }), (all, percent) => {
      const sorted = [...all].sort((a, b) => a - b);
      const rank = Math.max(1, Math.floor((percent / 100) * all.length + 0.5));
      const found = histogramOf(all).percentile(percent);
      const exact = sorted[rank - 1];
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 127));
    }),
  );
});

test("levels count all durations that do not exceed them, up to all there are", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: SECOND_NS }), { maxLength: 200 }), (all) => {
      const levels = histogramOf(all).levels();
      expect(levels.at(-1)?.[1] ?? 0).toBe(all.length);
      for (const [i, [microseconds, count]] of levels.entries()) {
        expect(count).toBeGreaterThan(levels[i - 1]?.[1] ?? 0);
        const endNs = microseconds * 1000;
        expect(all.filter((duration) => duration < endNs).length).toBeLessThanOrEqual(count);
        expect(all.filter((duration) => duration < endNs + 1000).length).toBeGreaterThanOrEqual(count);
      }
    }),
  );
});

test("the levels are those of Redis", () => {
  const durations = [500, 1000, 2000, 15_000, 30_000, 33_000, 500_000, 700_000_000];
  expect(histogramOf(durations).levels()).toEqual([
    [1, 2],
    [2, 3],
    [16, 4],
    [33, 6],
    [528, 7],
    [1_073_741, 8],
  ]);
});

test("what is longer than a second counts as a second, what is shorter than a nanosecond as one", () => {
  const histogram = histogramOf([0, 10 * SECOND_NS]);
  expect(histogram.percentile(50)).toBe(1);
  expect(histogram.percentile(100)).toBe(1_002_438_655);
  histogram.record(0, 98);
  expect(histogram.total).toBe(100);
  expect(histogram.percentile(99)).toBe(1);
});
