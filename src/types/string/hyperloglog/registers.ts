/**
 * What one asks of HyperLogLogs, whatever their encoding: the number of elements, and the union of several.
 */
import { estimate, newHistogram } from "./cardinality.ts";
import { countDense, foursOf, mergeDense, nextSetRegister, type Registers } from "./dense.ts";
import { isSparse, REGISTERS } from "./format.ts";
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
  const fours = foursOf(registers);
  let set = 0;
  for (
    let k = nextSetRegister(registers, fours, 0);
    k < REGISTERS;
    k = nextSetRegister(registers, fours, k + 1)
  ) {
    histogram[registers[k]]++;
    set++;
  }
  histogram[0] = REGISTERS - set;
  return estimate(histogram);
}

/** Raises each of `registers` to what it is in this HyperLogLog; false (with some of them raised) if it is damaged. */
export function mergeInto(registers: Registers, bytes: Buffer, start: number, length: number): boolean {
  if (isSparse(bytes, start)) return mergeSparse(bytes, start, length, registers);
  mergeDense(bytes, start, registers);
  return true;
}
