/**
 * Removing equal elements from a listpack in one pass: what is kept moves once, however many are removed.
 */
import type { ElementValue } from "../listpack/element-value.ts";
import { END } from "../listpack/encoding.ts";
import { endOffset, HEADER_BYTES, headerCount, offsetAfter, writeHeader } from "../listpack/listpack.ts";
import { findElement } from "../listpack/search.ts";
import type { PackedBytes } from "../packed-bytes.ts";

/**
 * Removes up to `limit` elements equal to `value`: the first ones, or with `fromTail` the last ones. Returns how many.
 * The listpack must have fewer than 65535 elements.
 */
export function removeEqualElements(
  list: PackedBytes,
  value: ElementValue,
  limit: number,
  fromTail: boolean,
): number {
  const { buffer, start } = list;
  let at = findElement(buffer, start, value, HEADER_BYTES, 0);
  if (at === -1) return 0;
  if (fromTail) {
    for (let kept = countEqual(list, value, at) - limit; kept > 0; kept--)
      at = findElement(buffer, start, value, offsetAfter(buffer, start, at), 0);
  }
  const end = endOffset(buffer, start);
  let removed = 0;
  let to = at;
  while (at !== -1) {
    const after = offsetAfter(buffer, start, at);
    removed++;
    at = removed < limit ? findElement(buffer, start, value, after, 0) : -1;
    const until = at === -1 ? end : at;
    buffer.copyWithin(start + to, start + after, start + until);
    to += until - after;
  }
  buffer[start + to] = END;
  writeHeader(buffer, start, to + 1, headerCount(buffer, start) - removed);
  list.resize(to + 1);
  return removed;
}

/** How many elements are equal, from the one at `from` on, which is. */
function countEqual({ buffer, start }: PackedBytes, value: ElementValue, from: number): number {
  let count = 0;
  for (let at = from; at !== -1; at = findElement(buffer, start, value, offsetAfter(buffer, start, at), 0))
    count++;
  return count;
}
