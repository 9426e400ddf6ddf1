/**
 * What of HyperLogLogs cannot be compared with stock Redis, or must be seen without one.
 */
import { expect, test } from "vitest";
import { DAMAGED_HYPERLOGLOG, NOT_A_HYPERLOGLOG } from "../../../src/protocol/errors.ts";
import { craftedElement } from "../../types/string/hyperloglog/crafted-elements.ts";
import { newHyperLogLogHarness } from "./harness.ts";

const EMPTY = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x7f\xff";

test("PFADD, PFCOUNT and what they propagate", () => {
  const harness = newHyperLogLogHarness();
  expect(harness.text("PFADD", "k")).toBe(":1\r\n");
  expect(harness.text("GET", "k")).toBe(`$18\r\n${EMPTY}\r\n`);
  expect(harness.text("PFADD", "k")).toBe(":0\r\n");
  expect(harness.text("PFADD", "k", "a", "b", "c")).toBe(":1\r\n");
  expect(harness.text("PFADD", "k", "b")).toBe(":0\r\n");
  expect(harness.text("PFCOUNT", "k")).toBe(":3\r\n");
  expect(harness.text("PFCOUNT", "k")).toBe(":3\r\n");
  expect(harness.text("PFCOUNT", "k", "none")).toBe(":3\r\n");
  expect(harness.text("PFCOUNT", "none")).toBe(":0\r\n");
  // What is counted is kept in the value: the first PFCOUNT has to be repeated, the others change nothing.
  expect(harness.takeEffects()).toEqual(["PFADD k", "PFADD k a b c", "PFCOUNT k"]);
});

test("a PFADD that fails has changed nothing, whatever it had added by then", () => {
  const harness = newHyperLogLogHarness();
  // 200 registers; and 16385, with which it cannot become dense.
  const short = Buffer.from(`${EMPTY.slice(0, 15)}\0\x40\xc7`, "latin1");
  const long = Buffer.from(`${EMPTY.slice(0, 15)}\0\x7f\xff\0`, "latin1");
  const [low, high] = [craftedElement(5, 2), craftedElement(9000, 2)];
  const tooLarge = craftedElement(7, 40);
  for (const [value, elements] of [
    [short, [low, high]],
    [short, [high]],
    [long, [low, tooLarge]],
    [long, [tooLarge]],
  ] as const) {
    harness.run("SET", "k", value);
    harness.takeEffects();
    expect(harness.text("PFADD", "k", ...elements)).toBe(`-${DAMAGED_HYPERLOGLOG}\r\n`);
    expect(harness.run("GET", "k").includes(value)).toBe(true);
    expect(harness.takeEffects()).toEqual([]);
  }
  harness.run("SET", "k", short);
  expect(harness.text("PFADD", "k", low, craftedElement(199, 3))).toBe(":1\r\n");
  expect(harness.text("PFDEBUG", "DECODE", "k")).toContain("z:5 v:2,1 Z:193 v:3,1");
});

test("strings that are no HyperLogLogs stay as they are", () => {
  const harness = newHyperLogLogHarness();
  for (const value of ["", "text", "123456", EMPTY.slice(0, 15), `hYLL${EMPTY.slice(4)}`]) {
    harness.run("SET", "k", Buffer.from(value, "latin1"));
    harness.takeEffects();
    for (const request of [
      "PFADD k a",
      "PFCOUNT k",
      "PFCOUNT none k",
      "PFMERGE to k",
      "PFMERGE k",
      "PFDEBUG DECODE k",
    ])
      expect(harness.text(...request.split(" "))).toBe(`-${NOT_A_HYPERLOGLOG}\r\n`);
    expect(harness.text("GET", "k")).toContain(value);
    expect(harness.takeEffects()).toEqual([]);
  }
  expect(harness.text("GET", "to")).toBe("$-1\r\n");
});

test("an expiry stays", () => {
  const harness = newHyperLogLogHarness();
  harness.run("PFADD", "k", "a");
  const at = harness.clock.nowMs + 1000;
  harness.run("GETEX", "k", "PXAT", at);
  harness.run("PFADD", "k", ...Array.from({ length: 3000 }, (_, i) => String(i)));
  expect(harness.text("PFDEBUG", "ENCODING", "k")).toBe("+dense\r\n");
  harness.run("PFMERGE", "k");
  harness.clock.advance(999);
  expect(harness.text("PFCOUNT", "k")).toMatch(/^:(29|30)\d\d\r\n$/);
  harness.clock.advance(1);
  expect(harness.text("PFCOUNT", "k")).toBe(":0\r\n");
});

test("PFSELFTEST finds nothing wrong", () => {
  expect(newHyperLogLogHarness().text("PFSELFTEST")).toBe("+OK\r\n");
});
