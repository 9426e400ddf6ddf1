/**
 * Distances on a sphere by the haversine formula, with Redis's radius of the earth. Sine, cosine and arc sine are those
 * of the JavaScript engine: now and then their last bit is another than that of C's.
 */

/** Redis's value, in metres. */
export const EARTH_RADIUS = 6372797.560856;

const RADIANS = Math.PI / 180;

export function toRadians(degrees: number): number {
  return degrees * RADIANS;
}

export function toDegrees(radians: number): number {
  return radians / RADIANS;
}

/** Metres between two positions given in degrees. */
export function distance(
  longitude: number,
  latitude: number,
  otherLongitude: number,
  otherLatitude: number,
): number {
  const v = Math.sin((toRadians(otherLongitude) - toRadians(longitude)) / 2);
  if (v === 0) return latitudeDistance(latitude, otherLatitude);
  const from = toRadians(latitude);
  const to = toRadians(otherLatitude);
  const u = Math.sin((to - from) / 2);
  const a = u * u + Math.cos(from) * Math.cos(to) * v * v;
  // Between opposite points of the earth rounding may exceed 1, and then there would be no distance.
  return 2 * EARTH_RADIUS * Math.asin(Math.min(Math.sqrt(a), 1));
}

/** Metres between two latitudes on one meridian. */
export function latitudeDistance(latitude: number, otherLatitude: number): number {
  return EARTH_RADIUS * Math.abs(toRadians(otherLatitude) - toRadians(latitude));
}

const FRACTION_DIGITS = 4;
const FRACTION = 10 ** FRACTION_DIGITS;

/** A distance in the unit that the client asked for, with four digits behind the point. */
export function distanceText(value: number): string {
  const scaled = value * FRACTION;
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  // Half is rounded to even, as C's llrint does.
  const isUp = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
  const digits = String(isUp ? floor + 1 : floor).padStart(FRACTION_DIGITS + 1, "0");
  return `${digits.slice(0, -FRACTION_DIGITS)}.${digits.slice(-FRACTION_DIGITS)}`;
}
