/**
 * How positions are answered.
 */
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Position } from "../../types/geo/geohash.ts";
import { formatAsLongDouble } from "../../types/string/long-double.ts";

export function replyPosition(reply: ReplyWriter, { longitude, latitude }: Position): Outcome {
  reply.array(2);
  reply.doubleText(formatAsLongDouble(longitude));
  reply.doubleText(formatAsLongDouble(latitude));
  return DONE;
}
