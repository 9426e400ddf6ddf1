/**
 * Several sorted sets made one: union, intersection and difference, by element. Scores of equal members are weighted
 * and aggregated; where that makes no number (infinity by 0, or minus infinity), the score is 0.
 */
import type { TreeSortedSet } from "../../types/sorted-set/tree-sorted-set.ts";
import type { Operand } from "./operands.ts";

export type Aggregate = "sum" | "min" | "max";

/** Puts the union of the operands into `into`, which is empty. */
export function unite(operands: readonly Operand[], aggregate: Aggregate, into: TreeSortedSet): void {
  for (const operand of bySize(operands)) {
    const { weight } = operand;
    operand.begin();
    while (operand.next()) {
      const score = weigh(operand.score, weight);
      const { memberBuffer, memberStart, memberLength } = operand;
      if (into.find(memberBuffer, memberStart, memberLength))
        into.changeTally(aggregated(into.score, score, aggregate));
      else into.tally(score);
    }
  }
  into.arrange();
}

/**
 * Shows `visit` each element of the intersection, until it returns false. The member's bytes must be used at once.
 */
export function intersect(
  operands: readonly Operand[],
  aggregate: Aggregate,
  visit: (score: number, buffer: Buffer, start: number, length: number) => boolean,
): void {
  const [smallest, ...others] = bySize(operands);
  smallest.begin();
  while (smallest.next()) {
    const { memberBuffer, memberStart, memberLength } = smallest;
    let score = weigh(smallest.score, smallest.weight);
    const isInAll = others.every((other) => {
      const found = other.scoreOf(memberBuffer, memberStart, memberLength);
      if (Number.isNaN(found)) return false;
      score = aggregated(score, found * other.weight, aggregate);
      return true;
    });
    if (isInAll && !visit(score, memberBuffer, memberStart, memberLength)) return;
  }
}

/** Puts those elements of the first operand that are in no other one into `into`, which is empty. */
export function subtract(operands: readonly Operand[], into: TreeSortedSet): void {
  const [first, ...others] = operands;
  if (others.some((other) => other.address === first.address)) return;
  let total = 0;
  for (const operand of operands) total += operand.size;
  // Looking up each element of the first in all others costs less than going through them all, or the other way round.
  if ((first.size * operands.length) / 2 <= total) subtractByLookup(first, others, into);
  else subtractByRemoval(first, others, into);
}

function subtractByLookup(first: Operand, others: readonly Operand[], into: TreeSortedSet): void {
  // Larger ones first: they are likelier to have it.
  const sorted = bySize(others).reverse();
  first.begin();
  while (first.next()) {
    const { memberBuffer, memberStart, memberLength } = first;
    const isElsewhere = sorted.some(
      (other) => !Number.isNaN(other.scoreOf(memberBuffer, memberStart, memberLength)),
    );
    if (!isElsewhere) into.insert(first.score, memberBuffer, memberStart, memberLength);
  }
}

function subtractByRemoval(first: Operand, others: readonly Operand[], into: TreeSortedSet): void {
  first.begin();
  while (first.next()) {
    into.find(first.memberBuffer, first.memberStart, first.memberLength);
    into.tally(first.score);
  }
  for (const other of others) {
    other.begin();
    while (into.tallied > 0 && other.next()) {
      if (into.find(other.memberBuffer, other.memberStart, other.memberLength)) into.removeTallied();
    }
  }
  into.arrange();
}

/** From the smallest to the largest; this order decides how sums are rounded. */
function bySize(operands: readonly Operand[]): Operand[] {
  return [...operands].sort((a, b) => a.size - b.size);
}

function weigh(score: number, weight: number): number {
  const product = score * weight;
  return Number.isNaN(product) ? 0 : product;
}

function aggregated(score: number, other: number, aggregate: Aggregate): number {
  if (aggregate === "min") return other < score ? other : score;
  if (aggregate === "max") return other > score ? other : score;
  const sum = score + other;
  return Number.isNaN(sum) ? 0 : sum;
}
