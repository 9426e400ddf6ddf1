/**
 * Searching by position: the scores that are looked through hold all that lies in the shape, and what was found is
 * sorted as far as it was asked for.
 */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { FoundPositions } from "../../../src/types/geo/found-positions.ts";
import { scoreOfPosition } from "../../../src/types/geo/geohash.ts";
import { intervalsOf, SearchShape } from "../../../src/types/geo/search-area.ts";
import { usualSeed } from "../../support/seed.ts";

const SHAPES = 2000;
const POINTS = 40;
/** Degrees of a metre along a meridian. */
const DEGREES = 1 / 111_000;

describe("the scores to look through", () => {
  test("hold what lies in the shape, and are not many", () => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const real = (from: number, to: number) => from + ((to - from) * random.next()) / 2 ** 32;
    let inside = 0;
    for (let i = 0; i < SHAPES; i++) {
      const shape = new SearchShape();
      shape.isBox = i % 2 === 0;
      shape.unit = [1, 1000, 0.3048][random.below(3)];
      // Not round the earth: there Redis, too, looks only so far.
      const reach = 10 ** real(0, 5.5);
      shape.radius = reach / shape.unit;
      shape.width = (2 * reach) / shape.unit;
      shape.height = (real(0.1, 2) * reach) / shape.unit;
      shape.center.longitude = real(-150, 150);
      shape.center.latitude = real(-65, 65);
      const intervals = intervalsOf(shape);
      expect(intervals.length).toBeLessThanOrEqual(9);
      for (let k = 0; k < POINTS; k++) {
        const position = {
          longitude: shape.center.longitude + real(-2.5, 2.5) * reach * DEGREES,
          latitude: shape.center.latitude + real(-1, 1) * reach * DEGREES,
        };
        if (shape.distanceWithin(position) < 0) continue;
        inside++;
        const score = scoreOfPosition(position);
        const isCovered = intervals.some(({ from, to }) => from <= score && score < to);
        expect(isCovered, `seed ${seed}, shape ${i}: ${JSON.stringify([shape, position])}`).toBe(true);
      }
    }
    expect(inside).toBeGreaterThan(SHAPES * 10);
  });

  test("come once each where cells go round the earth", () => {
    const shape = new SearchShape();
    shape.radius = 6_000_000;
    const intervals = intervalsOf(shape);
    // Only the first, the cell around the centre, may come again: see intervalsOf.
    const later = intervals.slice(1).map(({ from }) => from);
    for (const [i, from] of later.entries()) if (i > 0) expect(from).not.toBe(later[i - 1]);
  });
});

describe("what was found", () => {
  test("is sorted as far as it is wanted", () => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const found = new FoundPositions();
    for (let i = 0; i < 400; i++) {
      const count = 1 + random.below(i % 10 === 0 ? 3000 : 100);
      const range = 1 + random.below(2 * count);
      const distances = Array.from({ length: count }, () => random.below(range) / 8);
      found.clear();
      for (const [rank, distance] of distances.entries()) found.add(rank, distance);
      const wanted = 1 + random.below(count);
      const isDescending = i % 2 === 0;
      found.sort(isDescending, wanted);
      const sorted = [...distances].sort((a, b) => (isDescending ? b - a : a - b)).slice(0, wanted);
      const places = Array.from({ length: wanted }, (_, place) => place);
      const label = `seed ${seed}, ${i}`;
      expect(
        places.map((place) => found.distanceAt(place)),
        label,
      ).toEqual(sorted);
      for (const place of places) expect(distances[found.rankAt(place)]).toBe(found.distanceAt(place));
      expect(new Set(places.map((place) => found.rankAt(place))).size, label).toBe(wanted);
    }
  });

  test("stays in its order where distances are equal and all are wanted", () => {
    const found = new FoundPositions();
    for (let rank = 0; rank < 500; rank++) found.add(rank, rank % 3);
    found.sort(false, 500);
    const ranks = Array.from({ length: 500 }, (_, place) => found.rankAt(place));
    expect(ranks).toEqual([...ranks].sort((a, b) => (a % 3) - (b % 3) || a - b));
  });
});
