/**
 * How positions are answered.
 */
import { formatFixed } from "../../base/numbers.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Position } from "../../types/geo/geohash.ts";

/** Digits behind the point, without zeros at the end. */
const COORDINATE_DIGITS = 17;

export function replyPosition(reply: ReplyWriter, { longitude, latitude }: Position): Outcome {
  reply.array(2);
  replyCoordinate(reply, longitude);
  replyCoordinate(reply, latitude);
  return DONE;
}

function replyCoordinate(reply: ReplyWriter, degrees: number): void {
  const text = formatFixed(degrees, COORDINATE_DIGITS).replace(/\.?0+$/, "");
  reply.doubleText(text === "-0" ? "0" : text);
}
