/**
 * Positions and scores: known values of Redis, and that each comes back from the other as exactly as it can.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { distance, distanceText } from "../../../src/types/geo/distance.ts";
import {
  cellOf,
  geohashText,
  lowestScore,
  MAX_LATITUDE,
  MAX_LONGITUDE,
  MAX_STEP,
  type Position,
  positionOfScore,
  scoreBehind,
  scoreDigits,
  scoreOfPosition,
} from "../../../src/types/geo/geohash.ts";

/** Two cities of Redis's documentation. */
const PALERMO: Position = { longitude: 13.361389, latitude: 38.115556 };
const CATANIA: Position = { longitude: 15.087269, latitude: 37.502669 };

/** Without the very end of the ranges, and what is rounded to it: no cell is there. */
const positions = fc
  .record({
    longitude: fc.double({ min: -MAX_LONGITUDE, max: MAX_LONGITUDE, noNaN: true }),
    latitude: fc.double({ min: -MAX_LATITUDE, max: MAX_LATITUDE, noNaN: true }),
  })
  .filter((position) => scoreOfPosition(position) < 4 ** MAX_STEP);

function positionOf(score: number): Position {
  const position = { longitude: 0, latitude: 0 };
  positionOfScore(score, position);
  return position;
}

describe("a score", () => {
  test("is that of Redis", () => {
    expect(scoreOfPosition(PALERMO)).toBe(3479099956230698);
    expect(scoreDigits(CATANIA)).toBe("3479447370796909");
  });

  test("stands for a cell that holds the position", () => {
    fc.assert(
      fc.property(positions, (position) => {
        const found = positionOf(scoreOfPosition(position));
        expect(Math.abs(found.longitude - position.longitude)).toBeLessThan(360 / 2 ** MAX_STEP);
        expect(Math.abs(found.latitude - position.latitude)).toBeLessThan(180 / 2 ** MAX_STEP);
        // The middle of a cell lies in it.
        expect(scoreOfPosition(found)).toBe(scoreOfPosition(position));
      }),
    );
  });

  test("at the very end of the ranges has more bits than a double", () => {
    const end = { longitude: MAX_LONGITUDE, latitude: MAX_LATITUDE - 1e-6 };
    expect(BigInt(scoreDigits(end))).toBeGreaterThan(2n ** 53n);
    expect(Number(scoreDigits(end))).toBe(scoreOfPosition(end));
  });

  test("that is none of a position stands for one all the same", () => {
    const scores = fc.oneof(
      fc.double({ noNaN: true }),
      fc.constantFrom(2 ** 63, -(2 ** 63), 2 ** 64, -1, 1.5),
    );
    fc.assert(
      fc.property(scores, (score) => {
        const { longitude, latitude } = positionOf(score);
        expect(Math.abs(longitude)).toBeLessThanOrEqual(MAX_LONGITUDE);
        expect(Math.abs(latitude)).toBeLessThanOrEqual(MAX_LATITUDE);
      }),
    );
  });

  test("of a position lies in each larger cell around it", () => {
    fc.assert(
      fc.property(positions, fc.integer({ min: 1, max: MAX_STEP }), (position, step) => {
        const cell = { longitude: 0, latitude: 0, step: 0 };
        cellOf(position, step, cell);
        const score = scoreOfPosition(position);
        expect(lowestScore(cell)).toBeLessThanOrEqual(score);
        expect(scoreBehind(cell)).toBeGreaterThan(score);
        expect(scoreBehind(cell) - lowestScore(cell)).toBe(4 ** (MAX_STEP - step));
      }),
    );
  });
});

test("geohash strings are the standard ones", () => {
  expect(geohashText(positionOf(scoreOfPosition(PALERMO)))).toBe("sqc8b49rny0");
  expect(geohashText(positionOf(scoreOfPosition(CATANIA)))).toBe("sqdtr74hyu0");
});

describe("distances", () => {
  const between = (a: Position, b: Position) => distance(a.longitude, a.latitude, b.longitude, b.latitude);

  test("are those of Redis", () => {
    const metres = between(positionOf(scoreOfPosition(PALERMO)), positionOf(scoreOfPosition(CATANIA)));
    expect(distanceText(metres)).toBe("166274.1516");
    expect(distanceText(metres / 1609.34)).toBe("103.3182");
  });

  test("are the same both ways, and never more than half the way round", () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        expect(between(a, b)).toBeCloseTo(between(b, a), 3);
        expect(between(a, b)).toBeLessThan(20_020_735);
        expect(between(a, a)).toBe(0);
      }),
    );
    expect(between({ longitude: 0, latitude: 0 }, { longitude: 180, latitude: 0 })).toBeCloseTo(
      20_020_734,
      0,
    );
  });

  test.each([
    [0, "0.0000"],
    [0.00004, "0.0000"],
    [0.00005, "0.0000"],
    [0.00015, "0.0001"],
    [0.7, "0.7000"],
    [12.34565, "12.3456"],
    [99999.99996, "100000.0000"],
    [20020741.7, "20020741.7000"],
  ])("%d are written as %s", (value, text) => expect(distanceText(value)).toBe(text));
});
