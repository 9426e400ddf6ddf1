/**
 * A sorted set as a plain array, and the comparison of what both forms answer with it.
 */
import { expect } from "vitest";
import { ScoreBound } from "../../../src/types/sorted-set/bounds.ts";
import type { SortedElements } from "../../../src/types/sorted-set/sorted-set.ts";

export interface Element {
  readonly score: number;
  readonly member: Buffer;
}

export class SortedSetModel {
  private readonly scores = new Map<string, number>();
  private sorted: Element[] | undefined;

  set(member: Buffer, score: number): void {
    this.scores.set(member.toString("latin1"), score);
    this.sorted = undefined;
  }

  scoreOf(member: Buffer): number | undefined {
    return this.scores.get(member.toString("latin1"));
  }

  remove(member: Buffer): boolean {
    this.sorted = undefined;
    return this.scores.delete(member.toString("latin1"));
  }

  removeRange(first: number, count: number): void {
    for (const { member } of this.elements.slice(first, first + count)) this.remove(member);
  }

  /** In order. */
  get elements(): readonly Element[] {
    this.sorted ??= [...this.scores]
      .map(([member, score]) => ({ score, member: Buffer.from(member, "latin1") }))
      .sort((a, b) => a.score - b.score || a.member.compare(b.member));
    return this.sorted;
  }
}

/** The element at the place, as a copy. */
export function elementAt(elements: SortedElements): Element {
  const { score, memberBuffer, memberStart, memberLength } = elements;
  return { score, member: Buffer.from(memberBuffer.subarray(memberStart, memberStart + memberLength)) };
}

const bound = new ScoreBound();

function countBefore(elements: readonly Element[], score: number, includesEqual: boolean): number {
  return elements.filter((each) => each.score < score || (includesEqual && each.score === score)).length;
}

/** All elements in their order, or from the last to the first. */
export function elementsOf(elements: SortedElements, backwards = false): Element[] {
  const { size } = elements;
  const result: Element[] = [];
  for (let i = 0; i < size; i++) {
    if (i === 0) elements.seek(backwards ? size - 1 : 0);
    else if (backwards) elements.previous();
    else elements.next();
    result.push(elementAt(elements));
  }
  return result;
}

/** Expects that a set answers what the model says, in all ways. */
export function expectSame(elements: SortedElements, model: SortedSetModel, label: string): void {
  const expected = model.elements;
  expect(elements.size, label).toBe(expected.length);
  expect(elementsOf(elements), label).toEqual(expected);
  expect(elementsOf(elements, true), label).toEqual([...expected].reverse());
  // One comparison for many answers: the matchers of the test take longer than what they test.
  const wanted: unknown[] = [];
  const answers: unknown[] = [];
  const step = Math.max(1, Math.floor(expected.length / 30));
  for (let rank = 0; rank < expected.length; rank += step) {
    const { score, member } = expected[rank];
    wanted.push([rank, true, score, expected[rank], countBefore(expected, score, rank % 2 === 0)]);
    const rankOf = elements.rankOf(member, 0, member.length);
    const isFound = elements.find(member, 0, member.length);
    const found = elements.score;
    elements.seek(rank);
    bound.value = score;
    bound.includesEqual = rank % 2 === 0;
    answers.push([rankOf, isFound, found, elementAt(elements), elements.countBefore(bound)]);
  }
  expect(answers, label).toEqual(wanted);
  const absent = Buffer.from("there is no such member");
  expect(elements.find(absent, 0, absent.length), label).toBe(false);
  expect(elements.rankOf(absent, 0, absent.length), label).toBe(-1);
}
