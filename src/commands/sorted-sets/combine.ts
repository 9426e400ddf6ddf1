/**
 * Several sorted sets made one: union, intersection and difference, by element. Scores of equal members are weighted
 * and aggregated; where that makes no number (infinity by 0, or minus infinity), the score is 0.
 */
import type { OperandWalk } from "./operand-walk.ts";
import type { Operand } from "./operands.ts";

export type Aggregate = "sum" | "min" | "max";

/** With more operands than these it costs less to add up all scores than to look up each member in all operands. */
const FEW_UNITED = 3;

/** Makes the result of the union of the operands. */
export function unite(operands: readonly Operand[], aggregate: Aggregate, walk: OperandWalk): void {
  const ordered = bySize(operands).filter(({ size }) => size > 0);
  for (let i = 0; i < ordered.length; i++) {
    if (ordered.length <= FEW_UNITED) takeUnited(ordered, i, aggregate, walk);
    else addUp(ordered[i], aggregate, walk);
  }
}

/** Takes those elements of operand `i` that are in none before it, with their scores in all after it. */
function takeUnited(operands: readonly Operand[], i: number, aggregate: Aggregate, walk: OperandWalk): void {
  const beside = i === 0 ? operands[1] : operands[0];
  walk.begin(operands[i], beside);
  while (walk.next()) {
    let score = weigh(walk.score, operands[i].weight);
    let isTaken = false;
    for (let k = 0; k < operands.length && !isTaken; k++) {
      if (k === i) continue;
      const other = operands[k] === beside ? walk.otherScore : walk.scoreIn(operands[k]);
      if (Number.isNaN(other)) continue;
      isTaken = k < i;
      score = aggregated(score, weigh(other, operands[k].weight), aggregate);
    }
    if (!isTaken) walk.take(score);
  }
}

/** Adds an operand to the scores of those before it. */
function addUp(operand: Operand, aggregate: Aggregate, walk: OperandWalk): void {
  const { result } = walk;
  walk.begin(operand);
  while (walk.next()) {
    const score = weigh(walk.score, operand.weight);
    if (result.find(walk.buffer, walk.start, walk.length))
      result.changeTally(aggregated(result.score, score, aggregate));
    else result.tally(score);
  }
}

/** Shows `visit` the score of each element of the intersection, at which `walk` is, until it returns false. */
export function intersect(
  operands: readonly Operand[],
  aggregate: Aggregate,
  walk: OperandWalk,
  visit: (score: number) => boolean,
): void {
  const [smallest, second, ...others] = bySize(operands);
  walk.begin(smallest, second);
  while (walk.next()) {
    let score = weigh(walk.score, smallest.weight);
    if (second !== undefined) score = inBoth(score, walk.otherScore, second, aggregate);
    for (let k = 0; k < others.length && !Number.isNaN(score); k++)
      score = inBoth(score, walk.scoreIn(others[k]), others[k], aggregate);
    if (!Number.isNaN(score) && !visit(score)) return;
  }
}

/** The score of a member that is in an operand, too: NaN if it is not. */
function inBoth(score: number, found: number, { weight }: Operand, aggregate: Aggregate): number {
  return Number.isNaN(found) ? found : aggregated(score, found * weight, aggregate);
}

/** Makes the result of those elements of the first operand that are in no other one. */
export function subtract(operands: readonly Operand[], walk: OperandWalk): void {
  const [first, ...others] = operands;
  if (others.some((other) => other.address === first.address)) return;
  let total = 0;
  for (const operand of operands) total += operand.size;
  // Looking up each element of the first in all others costs less than going through them all, or the other way round.
  if ((first.size * operands.length) / 2 <= total) takeByLookup(first, others, walk);
  else takeByRemoval(first, others, walk);
}

function takeByLookup(first: Operand, subtracted: readonly Operand[], walk: OperandWalk): void {
  // Larger ones first: they are likelier to have it.
  const [second, ...others] = bySize(subtracted).reverse();
  walk.begin(first, second);
  while (walk.next()) {
    let isElsewhere = second !== undefined && !Number.isNaN(walk.otherScore);
    for (let k = 0; k < others.length && !isElsewhere; k++)
      isElsewhere = !Number.isNaN(walk.scoreIn(others[k]));
    if (!isElsewhere) walk.take(walk.score);
  }
}

function takeByRemoval(first: Operand, others: readonly Operand[], walk: OperandWalk): void {
  const { result } = walk;
  walk.begin(first);
  while (walk.next()) walk.take(walk.score);
  walk.tallyTaken();
  for (const other of others) {
    walk.begin(other);
    while (result.tallied > 0 && walk.next()) {
      if (result.find(walk.buffer, walk.start, walk.length)) result.removeTallied();
    }
  }
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
