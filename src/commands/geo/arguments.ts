/**
 * Positions, units and lengths in the arguments of commands.
 */
import { formatFixed } from "../../base/numbers.ts";
import {
  BOX_NEGATIVE,
  HEIGHT_NOT_A_FLOAT,
  invalidPosition,
  RADIUS_NEGATIVE,
  RADIUS_NOT_A_FLOAT,
  UNSUPPORTED_UNIT,
  WIDTH_NOT_A_FLOAT,
} from "../../protocol/errors.ts";
import { MAX_LATITUDE, MAX_LONGITUDE, type Position } from "../../types/geo/geohash.ts";
import type { SearchShape } from "../../types/geo/search-area.ts";
import { doubleOrReply, isWord } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

/** Metres of each unit. */
const UNITS = [
  ["m", 1],
  ["km", 1000],
  ["ft", 0.3048],
  ["mi", 1609.34],
] as const;
const ERROR_DIGITS = 6;

/** Arguments i and i + 1 as longitude and latitude; false after an error reply. */
export function readPosition(ctx: CommandContext, i: number, into: Position): boolean {
  const longitude = doubleOrReply(ctx, i);
  if (Number.isNaN(longitude)) return false;
  const latitude = doubleOrReply(ctx, i + 1);
  if (Number.isNaN(latitude)) return false;
  if (Math.abs(longitude) > MAX_LONGITUDE || Math.abs(latitude) > MAX_LATITUDE) {
    ctx.reply.error(
      invalidPosition(formatFixed(longitude, ERROR_DIGITS), formatFixed(latitude, ERROR_DIGITS)),
    );
    return false;
  }
  into.longitude = longitude;
  into.latitude = latitude;
  return true;
}

/** Metres of the unit that argument i names; NaN after an error reply. */
export function unitOrReply(ctx: CommandContext, i: number): number {
  const unit = UNITS.find(([word]) => isWord(ctx.request, i, word));
  if (unit !== undefined) return unit[1];
  ctx.reply.error(UNSUPPORTED_UNIT);
  return Number.NaN;
}

/** Reads a circle's radius and its unit from arguments i and i + 1; false after an error reply. */
export function readRadius(ctx: CommandContext, i: number, into: SearchShape): boolean {
  const radius = doubleOrReply(ctx, i, RADIUS_NOT_A_FLOAT);
  if (Number.isNaN(radius)) return false;
  if (radius < 0) {
    ctx.reply.error(RADIUS_NEGATIVE);
    return false;
  }
  into.isBox = false;
  into.radius = radius;
  into.unit = unitOrReply(ctx, i + 1);
  return !Number.isNaN(into.unit);
}

/** Reads a box's width, height and unit from three arguments; false after an error reply. */
export function readBox(ctx: CommandContext, i: number, into: SearchShape): boolean {
  const width = doubleOrReply(ctx, i, WIDTH_NOT_A_FLOAT);
  if (Number.isNaN(width)) return false;
  const height = doubleOrReply(ctx, i + 1, HEIGHT_NOT_A_FLOAT);
  if (Number.isNaN(height)) return false;
  if (width < 0 || height < 0) {
    ctx.reply.error(BOX_NEGATIVE);
    return false;
  }
  into.isBox = true;
  into.width = width;
  into.height = height;
  into.unit = unitOrReply(ctx, i + 2);
  return !Number.isNaN(into.unit);
}
