/**
 * Searching by position: a circle or a box around a point, and the cells that may hold what lies in it. The cells are
 * the one around the centre, so large that the shape reaches no further than its eight neighbours, and those of these
 * that the shape reaches. Cells, and their order, are Redis's, since they decide which members an unsorted search finds
 * first.
 */
import { distance, EARTH_RADIUS, latitudeDistance, toDegrees, toRadians } from "./distance.ts";
import {
  type Cell,
  cellOf,
  lowestScore,
  MAX_LATITUDE,
  MAX_LONGITUDE,
  MAX_STEP,
  type Position,
  scoreBehind,
} from "./geohash.ts";

/** Redis's half of the circumference of the earth, in metres. */
const HALF_CIRCUMFERENCE = 20037726.37;

/** What is searched. */
export class SearchShape {
  readonly center: Position = { longitude: 0, latitude: 0 };
  isBox = false;
  /** Metres of the unit in which the lengths are given. */
  unit = 1;
  /** Of a circle. */
  radius = 0;
  /** Of a box. */
  width = 0;
  height = 0;

  /** Metres from the centre to a position if it lies in the shape, else -1. */
  distanceWithin({ longitude, latitude }: Position): number {
    const { center } = this;
    if (this.isBox) {
      if (latitudeDistance(latitude, center.latitude) > (this.height * this.unit) / 2) return -1;
      if (distance(longitude, latitude, center.longitude, latitude) > (this.width * this.unit) / 2) return -1;
    }
    const metres = distance(center.longitude, center.latitude, longitude, latitude);
    return !this.isBox && metres > this.radius * this.unit ? -1 : metres;
  }
}

/** The two ends of the scores of one cell: the second belongs to the next one. */
export interface ScoreInterval {
  readonly from: number;
  readonly to: number;
}

/** Directions of the cells, in the order in which they are searched: east and north, -1 for west and south. */
const DIRECTIONS = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

/** The scores to look through, in this order, for what lies in the shape. */
export function intervalsOf(shape: SearchShape): ScoreInterval[] {
  const bounds = boundsOf(shape);
  const center: Cell = { longitude: 0, latitude: 0, step: 0 };
  let step = stepFor(shape);
  cellOf(shape.center, step, center);
  if (step > 1 && isBeyondNeighbours(center, bounds)) cellOf(shape.center, --step, center);
  const intervals: ScoreInterval[] = [];
  let last: Cell | undefined;
  for (const [east, north] of DIRECTIONS) {
    if (step >= 2 && isNeedless(center, bounds, east, north)) continue;
    const cell = neighbour(center, east, north);
    // Where the cells are so large that they go round the earth, neighbours may be the same. (Redis does not notice
    // that if the one before was the first.)
    if (last !== undefined && last.longitude === cell.longitude && last.latitude === cell.latitude) continue;
    if (east !== 0 || north !== 0) last = cell;
    intervals.push({ from: lowestScore(cell), to: scoreBehind(cell) });
  }
  return intervals;
}

interface Bounds {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** A box of degrees around the shape, measured where its meridians are closest to one another. */
function boundsOf(shape: SearchShape): Bounds {
  const { longitude, latitude } = shape.center;
  const height = shape.unit * (shape.isBox ? shape.height / 2 : shape.radius);
  const width = shape.unit * (shape.isBox ? shape.width / 2 : shape.radius);
  const up = toDegrees(height / EARTH_RADIUS);
  const edge = latitude < 0 ? latitude - up : latitude + up;
  const aside = toDegrees(width / EARTH_RADIUS / Math.cos(toRadians(edge)));
  return {
    west: longitude - aside,
    east: longitude + aside,
    south: latitude - up,
    north: latitude + up,
  };
}

/** The number of steps whose cells are about as large as the shape. */
function stepFor(shape: SearchShape): number {
  const { width, height } = shape;
  const reach = shape.isBox
    ? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2))
    : shape.radius;
  let metres = reach * shape.unit;
  if (metres === 0) return MAX_STEP;
  let step = 1;
  for (; metres < HALF_CIRCUMFERENCE; step++) metres *= 2;
  step -= 2;
  // Towards the poles meridians come closer.
  const latitude = Math.abs(shape.center.latitude);
  if (latitude > 66) step--;
  if (latitude > 80) step--;
  return Math.min(Math.max(step, 1), MAX_STEP);
}

/** Whether the bounds reach further than the cells around the centre's. */
function isBeyondNeighbours(center: Cell, bounds: Bounds): boolean {
  return (
    northOf(neighbour(center, 0, 1)) < bounds.north ||
    southOf(neighbour(center, 0, -1)) > bounds.south ||
    eastOf(neighbour(center, 1, 0)) < bounds.east ||
    westOf(neighbour(center, -1, 0)) > bounds.west
  );
}

/** Whether the bounds do not reach the neighbour in that direction. */
function isNeedless(center: Cell, bounds: Bounds, east: number, north: number): boolean {
  return (
    (north < 0 && southOf(center) < bounds.south) ||
    (north > 0 && northOf(center) > bounds.north) ||
    (east < 0 && westOf(center) < bounds.west) ||
    (east > 0 && eastOf(center) > bounds.east)
  );
}

/** The cell beside another one; behind the end of a range is its beginning. */
function neighbour({ longitude, latitude, step }: Cell, east: number, north: number): Cell {
  const steps = 2 ** step;
  return {
    longitude: east === 0 ? longitude : (longitude + east + steps) % steps,
    latitude: north === 0 ? latitude : (latitude + north + steps) % steps,
    step,
  };
}

function westOf({ longitude, step }: Cell): number {
  return -MAX_LONGITUDE + (longitude / 2 ** step) * (2 * MAX_LONGITUDE);
}

function eastOf({ longitude, step }: Cell): number {
  return -MAX_LONGITUDE + ((longitude + 1) / 2 ** step) * (2 * MAX_LONGITUDE);
}

function southOf({ latitude, step }: Cell): number {
  return -MAX_LATITUDE + (latitude / 2 ** step) * (2 * MAX_LATITUDE);
}

function northOf({ latitude, step }: Cell): number {
  return -MAX_LATITUDE + ((latitude + 1) / 2 ** step) * (2 * MAX_LATITUDE);
}
