/**
 * Sizes and integers as configuration files write them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseInteger, parseMemory } from "../../../src/server/config/numbers.ts";

describe("parseMemory", () => {
  it.each([
    ["0", 0n],
    ["1", 1n],
    ["5b", 5n],
    ["1k", 1000n],
    ["1kb", 1024n],
    ["2M", 2_000_000n],
    ["2Mb", 2_097_152n],
    ["3g", 3_000_000_000n],
    ["3GB", 3_221_225_472n],
    ["007", 7n],
    ["18446744073709551615", 2n ** 64n - 1n],
    ["18446744073709551616", undefined],
    ["99999999999999gb", undefined],
    ["", undefined],
    ["kb", undefined],
    ["-1", undefined],
    ["+1", undefined],
    ["1.5gb", undefined],
    ["1 gb", undefined],
    ["1t", undefined],
    ["1kbb", undefined],
    ["toString", undefined],
    ["1constructor", undefined],
  ])("%j is %s", (text, bytes) => {
    expect(parseMemory(text)).toBe(bytes);
  });
});

describe("parseInteger", () => {
  it.each([
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
    "1.0",
    "0x10",
    "9223372036854775808",
    "-9223372036854775809",
    "1e3",
  ])("refuses %j", (text) => {
    expect(parseInteger(text)).toBeUndefined();
  });

  it("reads every 64-bit number as it is written", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (number) => {
        expect(parseInteger(String(number))).toBe(number);
      }),
    );
  });
});
