/**
 * The 80-bit numbers of INCRBYFLOAT: known cases, and the same digits as Redis on x86-64 for anything that strtold
 * reads. The comparison with the real server is in test/commands/strings/incrbyfloat.test.ts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatFixed } from "../../../src/base/numbers.ts";
import {
  addLongDoubles,
  formatAsLongDouble,
  formatLongDouble,
  INFINITE,
  type LongDouble,
  NEGATIVE_INFINITE,
  parseLongDouble,
} from "../../../src/types/string/long-double.ts";

function parse(text: string): LongDouble | undefined {
  const bytes = Buffer.from(`<${text}>`, "latin1");
  return parseLongDouble(bytes, 1, bytes.length - 2);
}

/** What INCRBYFLOAT makes of a value and an increment. */
function add(left: string, right: string): string | undefined {
  const sum = addLongDoubles(parse(left)!, parse(right)!);
  return sum === undefined ? undefined : formatLongDouble(sum);
}

function format(text: string): string | undefined {
  return add(text, "0");
}

describe("reading", () => {
  test.each([
    ["0", "0"],
    ["-0", "0"],
    ["+1", "1"],
    ["01", "1"],
    ["1.", "1"],
    [".5", "0.5"],
    ["-.5e1", "-5"],
    ["1E2", "100"],
    ["1e+2", "100"],
    ["1e-2", "0.01"],
    ["0x10", "16"],
    ["0X.8p1", "1"],
    ["-0x1.8P-1", "-0.75"],
    ["0e99999999999999999999", "0"],
    ["0x0p-99999999999999999999", "0"],
    ["18446744073709551615", "18446744073709551615"],
    ["18446744073709551617", "18446744073709551616"], // a tie, to even
    ["18446744073709551619", "18446744073709551620"], // a tie, to even
    ["9223372036854775807", "9223372036854775807"],
    ["3.0e-4951", "0"],
    ["1e-18", "0"],
    ["5e-18", "0"], // just below 5e-18, so down
    ["0.00000000000000001", "0.00000000000000001"],
  ])("%s is %s", (text, expected) => {
    expect(format(text)).toBe(expected);
  });

  test.each([
    "",
    " 1",
    "1 ",
    "1\n",
    "1\0",
    "+",
    "-",
    ".",
    "e1",
    "1e",
    "1e+",
    "--1",
    "1.2.3",
    "1,5",
    "0x",
    "0x.",
    "0x1p",
    "0x1g",
    "1p1",
    "nan",
    "-nan",
    "nan(1)",
    "infi",
    "in",
    "1e4933",
    "-1e4933",
    "1e99999999999999999999",
    "1e-4952",
    "1e-99999999999999999999",
    "0x1p16384",
    "0x1p-16447",
    "0x1p-16446", // half of the smallest number: a tie, to even, so zero
    `1${"0".repeat(5119)}`,
  ])("%j is no number", (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test("infinities are read, in any case, but nothing comes of adding them", () => {
    for (const text of ["inf", "INF", "+inf", "Infinity"]) expect(parse(text)).toBe(INFINITE);
    for (const text of ["-inf", "-INFINITY"]) expect(parse(text)).toBe(NEGATIVE_INFINITE);
    expect(add("inf", "1")).toBeUndefined();
    expect(add("1", "-inf")).toBeUndefined();
    expect(add("inf", "-inf")).toBeUndefined();
  });

  test("the limits of the format", () => {
    const largest = ((1n << 64n) - 1n) << (16384n - 64n);
    expect(format(largest.toString())).toBe(largest.toString());
    // Half a unit above the largest number is rounded to infinity, less than that down.
    const half = 1n << (16383n - 64n);
    expect(parse((largest + half).toString())).toBeUndefined();
    expect(format((largest + half - 1n).toString())).toBe(largest.toString());
    expect(add(largest.toString(), largest.toString())).toBeUndefined();
    expect(add(largest.toString(), `-${largest}`)).toBe("0");
    expect(parse("0x1p-16445")).toEqual({ significand: 1n, exponent: -16445 });
    expect(parse("0x1.8p-16446")).toEqual({ significand: 1n, exponent: -16445 });
    expect(parse("0x1.8p-16445")).toEqual({ significand: 2n, exponent: -16445 }); // a tie, to even
  });

  test("text of 5119 bytes is read, of 5120 not", () => {
    expect(format(`${"0".repeat(5118)}7`)).toBe("7");
    expect(parse(`${"0".repeat(5119)}7`)).toBeUndefined();
  });
});

test("a double is printed with 17 digits behind the point at most", () => {
  const degrees = fc.double({ min: -180, max: 180, noNaN: true });
  fc.assert(
    fc.property(fc.oneof(degrees, fc.double({ noNaN: true, noDefaultInfinity: true })), (value) => {
      const text = formatFixed(value, 17).replace(/\.?0+$/, "");
      expect(formatAsLongDouble(value)).toBe(text === "-0" ? "0" : text);
    }),
  );
});

describe("adding", () => {
  test.each([
    ["3.0", "1.000000000000000005", "4.00000000000000001"],
    ["0.1", "0.2", "0.3"],
    ["10.5", "0.1", "10.6"],
    ["5.0e3", "2.0e2", "5200"],
    ["1", "-1", "0"],
    ["-1e-17", "0", "-0.00000000000000001"],
    ["-1e-30", "0", "0"],
    ["1.23", "17179869184", "17179869185.23000000044703484"],
    ["9223372036854775807", "1", "9223372036854775808"],
    ["18446744073709551615", "1", "18446744073709551616"],
    ["36893488147419103232", "1", "36893488147419103232"],
  ])("%s + %s = %s", (left, right, expected) => {
    expect(add(left, right)).toBe(expected);
  });

  test("is exact wherever 64 bits suffice", () => {
    const integers = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
    fc.assert(
      fc.property(integers, integers, (left, right) => {
        expect(add(left.toString(), right.toString())).toBe((left + right).toString());
      }),
    );
  });

  test("gives the sum of two doubles where that is exact", () => {
    // Few enough bits that JavaScript prints all their decimals.
    const dyadic = fc
      .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 10 }))
      .map(([numerator, power]) => numerator / 2 ** power);
    fc.assert(
      fc.property(dyadic, dyadic, (left, right) => {
        expect(Number(add(String(left), String(right)))).toBe(left + right);
      }),
    );
  });

  test("numbers are kept in canonical form", () => {
    const text = fc.tuple(fc.bigInt(), fc.integer({ min: -5100, max: 5100 })).map(([n, e]) => `${n}e${e}`);
    fc.assert(
      fc.property(text, (number) => {
        const parsed = parse(number);
        if (parsed === undefined || typeof parsed === "string" || parsed.significand === 0n) return;
        const magnitude = parsed.significand < 0n ? -parsed.significand : parsed.significand;
        expect(magnitude < 1n << 64n).toBe(true);
        expect(magnitude >= 1n << 63n || parsed.exponent === -16445).toBe(true);
        expect(parsed.exponent).toBeLessThanOrEqual(16320);
      }),
    );
  });
});
