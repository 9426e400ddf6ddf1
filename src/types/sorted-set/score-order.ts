/**
 * Puts the members of a table of scores into the order of a sorted set.
 */
import { compareBytes } from "../../base/byte-copy.ts";
import { numberKeys, sortedOrder, textKeys } from "../../base/sorted-order.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ElementPlaces } from "../element-table/element-places.ts";
import type { ElementWalk } from "../element-table/element-walk.ts";
import type { ElementVisitor } from "./sorted-set.ts";
import { scoreIn } from "./table-score.ts";

/**
 * Shows all elements in order.
 * @param walk at the table's beginning
 * @param size how many elements that has
 */
export function showInOrder(blocks: Blocks, walk: ElementWalk, size: number, visit: ElementVisitor): void {
  const places = new ElementPlaces(blocks, size);
  const scores = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    walk.next();
    places.set(i, walk.reference, walk.at);
    scores[i] = scoreIn(walk.element);
  }
  const order = sortedOrder(size, [...numberKeys(scores), ...textKeys(places)], false, (i, k) => {
    if (scores[i] !== scores[k]) return scores[i] < scores[k] ? -1 : 1;
    const { buffer, keyStart, keyLength } = places.open(i);
    const other = places.open(k);
    return compareBytes(buffer, keyStart, keyLength, other.buffer, other.keyStart, other.keyLength);
  });
  for (let i = 0; i < size; i++) {
    const { buffer, keyStart, keyLength } = places.open(order[i]);
    visit(scores[order[i]], buffer, keyStart, keyLength);
  }
}
