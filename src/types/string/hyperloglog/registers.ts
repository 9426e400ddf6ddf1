/**
 * What one asks of HyperLogLogs, whatever their encoding: the number of elements, and the union of several.
 */
import { estimate, newHistogram } from "./cardinality.ts";
import { countDense, foursOf, mergeDense, type Registers } from "./dense.ts";
import { isSparse } from "./format.ts";
import { countSparse, mergeSparse } from "./sparse.ts";

const histogram = newHistogram();

/** The estimated number of elements (see cardinality.ts); -1 if the registers are damaged. */
export function cardinalityOf(bytes: Buffer, start: number, length: number): number {
  histogram.fill(0);
  if (!isSparse(bytes, start)) countDense(bytes, start, histogram);
  else if (!countSparse(bytes, start, length, histogram)) return -1;
  return estimate(histogram);
}

/** The estimated number of elements of registers that were merged. */
export function cardinalityOfUnion(registers: Registers): number {
  histogram.fill(0);
  let empty = 0;
  const fours = foursOf(registers);
  for (let i = 0; i < fours.length; i++) {
    if (fours[i] === 0) {
      empty += 4;
      continue;
    }
    for (let k = 4 * i; k < 4 * i + 4; k++) histogram[registers[k]]++;
  }
  histogram[0] += empty;
  return estimate(histogram);
}

/** Raises each of `registers` to what it is in this HyperLogLog; false (with some of them raised) if it is damaged. */
export function mergeInto(registers: Registers, bytes: Buffer, start: number, length: number): boolean {
  if (isSparse(bytes, start)) return mergeSparse(bytes, start, length, registers);
  mergeDense(bytes, start, registers);
  return true;
}
