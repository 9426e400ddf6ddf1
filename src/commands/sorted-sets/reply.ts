/**
 * How elements of sorted sets are answered: members, or members with scores, which are one flat array in RESP2 and an
 * array of pairs in RESP3.
 */
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import type { CommandContext } from "../context.ts";

/** Answers the header of an array of so many elements. */
export function replyHeader({ reply }: CommandContext, count: number, withScores: boolean): void {
  reply.array(withScores && reply.resp === 2 ? 2 * count : count);
}

/** Answers the element at the place, as a part of such an array. */
export function replyElement(ctx: CommandContext, elements: SortedElements, withScores: boolean): void {
  const { reply } = ctx;
  if (withScores && reply.resp === 3) reply.array(2);
  reply.bulkRange(elements.memberBuffer, elements.memberStart, elements.memberLength);
  if (withScores) reply.double(elements.score);
}

/** Answers `count` elements from rank `first` on: up, or down. */
export function replyElements(
  ctx: CommandContext,
  elements: SortedElements,
  first: number,
  count: number,
  downwards: boolean,
  withScores: boolean,
): Outcome {
  replyHeader(ctx, count, withScores);
  if (count === 0) return DONE;
  elements.seek(first);
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      if (downwards) elements.previous();
      else elements.next();
    }
    replyElement(ctx, elements, withScores);
  }
  return DONE;
}
