/** Edits of listpacks: whatever is done, in whatever order, the bytes are those of a listpack made afresh. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ListpackAppender } from "../../../src/types/listpack/appender.ts";
import * as edits from "../../../src/types/listpack/edits.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import { endOffset, headerCount, seekElement, UNKNOWN_COUNT } from "../../../src/types/listpack/listpack.ts";
import { checkListpack } from "../../../src/types/listpack/validation.ts";
import { GrowingBytes, type PackedBytes } from "../../../src/types/packed-bytes.ts";
import { usualSeed } from "../../support/seed.ts";
import { MovingBytes } from "../moving-bytes.ts";
import { contents, listpackOf } from "./model.ts";

/** A step names a place by a number that is reduced to what there is. */
const steps = fc.record({
  kind: fc.constantFrom(
    "append",
    "prepend",
    "insert",
    "replace",
    "remove",
    "first",
    "last",
    "many",
    "join",
    "split",
  ),
  place: fc.nat(1000),
  count: fc.nat(3),
  values: fc.array(contents, { maxLength: 4 }),
});
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function offsetOf(list: PackedBytes, index: number): number {
  const at = seekElement(list.buffer, list.start, index);
  return at === -1 ? endOffset(list.buffer, list.start) : at;
}

const value = new ElementValue();
const set = (bytes: Buffer) => value.set(bytes, 0, bytes.length);

/** Does the step with the listpack and with the array; returns the array afterwards. */
function doStep(list: MovingBytes, model: readonly Buffer[], step: Step): Buffer[] {
  const { count, values } = step;
  const place = step.place % (model.length + 1);
  const at = offsetOf(list, place);
  const before = model.slice(0, place);
  const after = model.slice(place);
  const first = values.slice(0, 1);
  switch (step.kind) {
    case "append":
      for (const each of first) edits.appendElement(list, set(each));
      return [...model, ...first];
    case "prepend":
      for (const each of first) edits.prependElement(list, set(each));
      return [...first, ...model];
    case "insert": {
      let next = at;
      for (const each of values) next = edits.insertElement(list, next, set(each));
      expect(next).toBe(offsetOf(list, place + values.length));
      return [...before, ...values, ...after];
    }
    case "replace":
      if (after.length === 0 || first.length === 0) return [...model];
      expect(edits.replaceElement(list, at, set(first[0]))).toBe(offsetOf(list, place + 1));
      return [...before, first[0], ...after.slice(1)];
    case "remove":
      expect(edits.removeElements(list, at, count)).toBe(Math.min(count, after.length));
      return [...before, ...after.slice(count)];
    case "first":
      expect(edits.removeFirst(list, count)).toBe(Math.min(count, model.length));
      return model.slice(count);
    case "last":
      expect(edits.removeLast(list, count)).toBe(Math.min(count, model.length));
      return model.slice(0, Math.max(0, model.length - count));
    case "many":
      return appendMany(list, model, step);
    case "join":
      if (step.count % 2 === 0) edits.appendListpack(list, listpackOf(values), 0);
      else edits.prependListpack(list, listpackOf(values), 0);
      return step.count % 2 === 0 ? [...model, ...values] : [...values, ...model];
    case "split":
      return split(list, model, step);
  }
}

function appendMany(list: MovingBytes, model: readonly Buffer[], { values, place }: Step): Buffer[] {
  const appender = new ListpackAppender();
  appender.begin(list, place);
  for (const each of values) appender.add(set(each));
  appender.addInteger(place);
  appender.end();
  return [...model, ...values, Buffer.from(String(place))];
}

function split(list: MovingBytes, model: readonly Buffer[], step: Step): Buffer[] {
  const place = step.place % (model.length + 1);
  const tail = new MovingBytes();
  edits.splitListpack(list, offsetOf(list, place), tail, step.count === 0 ? place : undefined);
  expect(tail.bytes().equals(listpackOf(model.slice(place)))).toBe(true);
  if (step.count < 3) return model.slice(0, place);
  edits.createListpack(list);
  edits.appendListpack(list, tail.buffer, tail.start);
  return model.slice(place);
}

describe("a listpack", () => {
  test("is after any edits as if made afresh", () => {
    fc.assert(
      fc.property(
        fc.array(contents, { maxLength: 10 }),
        fc.array(steps, { maxLength: 30 }),
        (values, all) => {
          const list = new MovingBytes();
          edits.createListpack(list);
          for (const each of values) edits.appendElement(list, set(each));
          let model = values;
          for (const step of all) {
            model = doStep(list, model, step);
            expect(list.bytes().equals(listpackOf(model))).toBe(true);
          }
        },
      ),
      { seed: usualSeed(), numRuns: 300 },
    );
  });

  test("of more elements than its header can tell keeps silent about them", () => {
    const list = new GrowingBytes();
    const appender = new ListpackAppender();
    const noted = () => headerCount(list.buffer, list.start);
    const seven = set(Buffer.from("7"));
    edits.createListpack(list);
    appender.begin(list, 0);
    for (let i = 0; i < UNKNOWN_COUNT - 1; i++) appender.add(seven);
    appender.end();
    expect(noted()).toBe(UNKNOWN_COUNT - 1);
    for (let i = 0; i < 3; i++) edits.prependElement(list, seven);
    expect(noted()).toBe(UNKNOWN_COUNT);
    expect(edits.updateCount(list)).toBe(UNKNOWN_COUNT + 2);
    expect(edits.removeLast(list, 10)).toBe(10);
    // As in Redis: what has become uncertain stays so until somebody counts.
    expect(noted()).toBe(UNKNOWN_COUNT);
    expect(edits.updateCount(list)).toBe(UNKNOWN_COUNT - 8);
    expect(noted()).toBe(UNKNOWN_COUNT - 8);
    expect(checkListpack(list.buffer, list.start, list.length, true)).toBe(UNKNOWN_COUNT - 8);
  });

  test("of so many elements is joined and split by their true number", () => {
    const halves = listpackOf(Array<Buffer>(40_000).fill(Buffer.from("7")));
    const list = new GrowingBytes();
    edits.createListpack(list);
    edits.appendListpack(list, halves, 0);
    edits.prependListpack(list, halves, 0);
    expect(headerCount(list.buffer, list.start)).toBe(UNKNOWN_COUNT);
    expect(checkListpack(list.buffer, list.start, list.length, true)).toBe(80_000);
    const tail = new GrowingBytes();
    edits.splitListpack(list, offsetOf(list, 40_000), tail);
    for (const half of [list, tail]) expect(half.bytes().equals(halves)).toBe(true);
  });
});
