/**
 * From registers to the number of different elements: the estimator of Otmar Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (2017, arXiv:1702.01284, algorithm 6), which needs no correction for small or
 * large numbers. It asks only how many registers hold each value.
 *
 * Redis computes it in doubles; so that both get the same number to the last digit, the operations here are the same
 * in the same order.
 */
import { REGISTER_MAX, REGISTERS } from "./format.ts";

/** Bits of the hash that make the rank. */
const Q = 50;
/** 1 / (2 ln 2): the paper's constant for infinitely many registers. */
const ALPHA = 0.7213475204444817;

/** A histogram of registers: how many hold each value. */
export function newHistogram(): Int32Array {
  return new Int32Array(REGISTER_MAX + 1);
}

/** The estimated number of elements, an integer; Infinity if every register is beyond what an element can bring. */
export function estimate(histogram: Int32Array): number {
  let z = REGISTERS * tau((REGISTERS - histogram[Q + 1]) / REGISTERS);
  for (let value = Q; value >= 1; value--) {
    z += histogram[value];
    z *= 0.5;
  }
  z += REGISTERS * sigma(histogram[0] / REGISTERS);
  return Math.round((ALPHA * REGISTERS * REGISTERS) / z);
}

/** What registers that hold 0 contribute; `x` is their share. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let y = 1;
  let z = x;
  for (;;) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (z === before) return z;
  }
}

/** What registers with the highest rank contribute; `x` is the share of all others. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  for (;;) {
    x = Math.sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (z === before) return z / 3;
  }
}
