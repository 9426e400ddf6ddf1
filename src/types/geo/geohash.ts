/**
 * Positions on earth as Redis keeps them: the scores of sorted sets. Longitude and latitude are each cut into 2^26
 * steps of their range, and the bits of the two step numbers interleaved (G. M. Morton, 1966), those of the longitude
 * in the higher places. So positions close to each other mostly have close scores, and an area is a few ranges of
 * scores.
 *
 * With fewer steps the same describes an area: a `Cell`.
 */

/** The ranges of positions. Near the poles there are none: it is the square that web maps show. */
export const MAX_LONGITUDE = 180;
export const MAX_LATITUDE = 85.05112878;

/** Bits of each step number in a score. */
export const MAX_STEP = 26;

/** Half the bits of a step number: as many as can be interleaved with 32-bit arithmetic. */
const HALF_BITS = 13;
const HALF_MASK = (1 << HALF_BITS) - 1;
const TWO_26 = 2 ** 26;
const TWO_63 = 2 ** 63;
const MAX_SCORE = 2 ** 52;

/** A position, in degrees. */
export interface Position {
  longitude: number;
  latitude: number;
}

/** An area: numbers of 2^step of longitude and latitude each. At the very end of a range the number may be 2^step. */
export interface Cell {
  longitude: number;
  latitude: number;
  step: number;
}

/** The cell that holds a position within the ranges. */
export function cellOf(position: Position, step: number, into: Cell): void {
  into.longitude = stepNumber(position.longitude, MAX_LONGITUDE, step);
  into.latitude = stepNumber(position.latitude, MAX_LATITUDE, step);
  into.step = step;
}

function stepNumber(value: number, max: number, step: number): number {
  return Math.trunc(((value + max) / (max + max)) * 2 ** step);
}

const cell: Cell = { longitude: 0, latitude: 0, step: 0 };

/** The score of a position within the ranges. */
export function scoreOfPosition(position: Position): number {
  cellOf(position, MAX_STEP, cell);
  return interleaved(cell.longitude, cell.latitude, 0);
}

/** The digits of that score: of a position at the end of a range they may be more than a double holds. */
export function scoreDigits(position: Position): string {
  const score = scoreOfPosition(position);
  if (Number.isSafeInteger(score)) return String(score);
  const { longitude, latitude } = cell;
  const low = BigInt(interleavedHalf(longitude & HALF_MASK, latitude & HALF_MASK));
  const high = BigInt(interleavedHalf(longitude >>> HALF_BITS, latitude >>> HALF_BITS));
  return String((high << BigInt(2 * HALF_BITS)) + low);
}

/** The lowest score in a cell. */
export function lowestScore({ longitude, latitude, step }: Cell): number {
  return interleaved(longitude, latitude, 0) * 2 ** (2 * (MAX_STEP - step));
}

/** The lowest score behind a cell. */
export function scoreBehind({ longitude, latitude, step }: Cell): number {
  return interleaved(longitude, latitude, 1) * 2 ** (2 * (MAX_STEP - step));
}

/** Both numbers with their bits interleaved, and `added` to that; rounded as a whole if it exceeds 53 bits. */
function interleaved(longitude: number, latitude: number, added: number): number {
  const low = interleavedHalf(longitude & HALF_MASK, latitude & HALF_MASK) + added;
  return interleavedHalf(longitude >>> HALF_BITS, latitude >>> HALF_BITS) * TWO_26 + low;
}

/** Two numbers of up to 14 bits. */
function interleavedHalf(upper: number, lower: number): number {
  return (spread(upper) << 1) | spread(lower);
}

/** Puts a zero before each bit. */
function spread(bits: number): number {
  let x = bits;
  x = (x | (x << 8)) & 0x00ff_00ff;
  x = (x | (x << 4)) & 0x0f0f_0f0f;
  x = (x | (x << 2)) & 0x3333_3333;
  return (x | (x << 1)) & 0x5555_5555;
}

/** The reverse of `spread`; the bits in between are passed over. */
function gathered(bits: number): number {
  let x = bits & 0x5555_5555;
  x = (x | (x >>> 1)) & 0x3333_3333;
  x = (x | (x >>> 2)) & 0x0f0f_0f0f;
  x = (x | (x >>> 4)) & 0x00ff_00ff;
  return (x | (x >>> 8)) & 0xffff;
}

/** The middle of the smallest cell that a score stands for. Any score stands for one: see `bitsOf`. */
export function positionOfScore(score: number, into: Position): void {
  if (score >= 0 && score < MAX_SCORE) {
    const high = Math.floor(score / TWO_26);
    const low = score - high * TWO_26;
    into.longitude = middleOf(gathered(high >>> 1) * 2 ** HALF_BITS + gathered(low >>> 1), MAX_LONGITUDE);
    into.latitude = middleOf(gathered(high) * 2 ** HALF_BITS + gathered(low), MAX_LATITUDE);
    return;
  }
  const bits = bitsOf(score);
  into.longitude = middleOf(gatheredWide(bits >> 1n), MAX_LONGITUDE);
  into.latitude = middleOf(gatheredWide(bits), MAX_LATITUDE);
}

/** The position of the middle of a step, by its number (of 32 bits). */
function middleOf(number: number, max: number): number {
  const from = -max + (number / TWO_26) * (max + max);
  const to = -max + (((number + 1) >>> 0) / TWO_26) * (max + max);
  return Math.min(Math.max((from + to) / 2, -max), max);
}

/** The 64 bits that a score becomes which GEOADD cannot have made: as x86-64 processors convert it for Redis. */
function bitsOf(score: number): bigint {
  if (score < TWO_63) return BigInt.asUintN(64, score < -TWO_63 ? -(1n << 63n) : BigInt(Math.trunc(score)));
  return score - TWO_63 >= TWO_63 ? 0n : BigInt(score);
}

/** Every second of 64 bits. */
function gatheredWide(bits: bigint): number {
  const low = Number(BigInt.asUintN(32, bits));
  const high = Number(BigInt.asUintN(32, bits >> 32n));
  return gathered(high) * 0x1_0000 + gathered(low);
}

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";
const TEXT_CHARACTERS = 10;
const CHARACTER_BITS = 5;
const STANDARD_MAX_LATITUDE = 90;

/** The position as a standard geohash (G. Niemeyer, geohash.org): 11 characters, the last of which is always "0", as
 * there are no bits for it. */
export function geohashText({ longitude, latitude }: Position): string {
  // Here the latitude goes to the poles.
  const x = stepNumber(longitude, MAX_LONGITUDE, MAX_STEP);
  const y = stepNumber(latitude, STANDARD_MAX_LATITUDE, MAX_STEP);
  let text = "";
  let bit = 2 * MAX_STEP;
  for (let i = 0; i < TEXT_CHARACTERS; i++) {
    let value = 0;
    for (let k = 0; k < CHARACTER_BITS; k++) {
      bit--;
      value = (value << 1) | (((bit % 2 === 1 ? x : y) >>> (bit >>> 1)) & 1);
    }
    text += ALPHABET[value];
  }
  return `${text}0`;
}
