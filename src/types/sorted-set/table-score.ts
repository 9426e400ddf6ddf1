/**
 * Scores as they lie in the table of a large sorted set: the payload of each member, 8 bytes of a double.
 */
import { viewOf } from "../../base/byte-copy.ts";
import type { TableElement } from "../element-table/bucket.ts";

/** Bytes of each payload. */
export const SCORE_BYTES = 8;

/** The score of the member that `element` is. */
export function scoreIn(element: TableElement): number {
  return viewOf(element.buffer).getFloat64(element.payloadStart, true);
}

/** Changes it. */
export function setScoreIn(element: TableElement, score: number): void {
  viewOf(element.buffer).setFloat64(element.payloadStart, score, true);
}
