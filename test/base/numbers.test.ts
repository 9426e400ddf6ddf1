/**
 * Numbers: integers against BigInt over the whole range, doubles against their own round trip, known vectors of C's
 * printf and strtod, and a stock Redis (ZADD reads with strtod, ZSCORE prints with "%.17g").
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  formatDouble,
  formatFixed,
  integerLength,
  leadingInt32,
  parseDouble,
  parseDoubleBytes,
  parseDoubleLeniently,
  parseInt64,
  parseInteger,
  writeInteger,
} from "../../src/base/numbers.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** Parses text that lies between other digits, so that reading beyond its ends shows. */
function within<T>(text: string, parse: (buf: Buffer, start: number, len: number) => T): T {
  return parse(Buffer.from(`9${text}9`, "latin1"), 1, text.length);
}

const NO_INTEGERS = [
  "",
  "-",
  "+1",
  "01",
  "-0",
  "00",
  "-01",
  " 1",
  "1 ",
  "1.0",
  "0x1",
  "1e3",
  "--1",
  "1-",
  "1a",
  "a1",
  "\0",
  "1\0",
  "١",
  ":",
  "1:",
  "1/",
];

describe("leadingInt32", () => {
  it.each([
    ["12", 12],
    [" \t\r\n-12x", -12],
    ["+007", 7],
    ["1.5", 1],
    ["", 0],
    [" ", 0],
    ["-", 0],
    ["x1", 0],
    ["2147483648", -2147483648],
    ["4294967297", 1],
    ["9223372036854775807", -1],
    ["9223372036854775808", -1],
    ["-9223372036854775808", 0],
    ["9".repeat(1000), -1],
  ])("reads %j as C's atoi", (text, value) => {
    expect(within(text, leadingInt32)).toBe(value);
  });
});

describe("parseInteger and parseInt64", () => {
  it("read every integer that a double holds exactly", () => {
    const integers = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -1000, max: 1000 }));
    fc.assert(
      fc.property(integers, (value) => {
        expect(within(String(value), parseInteger)).toBe(value);
        expect(within(String(value), parseInt64)).toBe(BigInt(value));
      }),
    );
  });

  it("read 64 bits exactly, and nothing beyond", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
        const fits = BigInt.asIntN(64, value) === value;
        expect(within(String(value), parseInt64)).toBe(fits ? value : undefined);
        const safe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
        expect(within(String(value), parseInteger)).toBe(safe ? Number(value) : Number.NaN);
      }),
    );
  });

  it.each([2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n, 10n ** 18n, 10n ** 19n])(
    "decide at the edge: %s",
    (edge) => {
      for (const value of [edge, -edge, edge + 1n, -edge - 1n]) {
        const fits = BigInt.asIntN(64, value) === value;
        expect(within(String(value), parseInt64)).toBe(fits ? value : undefined);
        const isSafe = Number.isSafeInteger(Number(value)) && BigInt(Number(value)) === value;
        expect(within(String(value), parseInteger)).toBe(isSafe ? Number(value) : Number.NaN);
      }
    },
  );

  it.each(NO_INTEGERS)("refuse %j", (text) => {
    expect(within(text, parseInteger)).toBeNaN();
    expect(within(text, parseInt64)).toBeUndefined();
  });

  it("accept exactly what is printed like an integer", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("0", "1", "9", "-", "+", " ", "."), maxLength: 6 }),
        (text) => {
          const isCanonical = /^(0|-?[1-9]\d*)$/.test(text);
          expect(within(text, parseInteger)).toBe(isCanonical ? Number(text) : Number.NaN);
        },
      ),
    );
  });
});

describe("writeInteger", () => {
  function check(value: number): void {
    const buf = Buffer.alloc(24, "#");
    const end = writeInteger(buf, 2, value);
    expect(buf.toString("latin1")).toBe(`##${value}`.padEnd(24, "#"));
    expect(end).toBe(2 + String(value).length);
    expect(integerLength(value)).toBe(String(value).length);
  }

  it("writes the digits of any safe integer", () => {
    fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), check));
  });

  it("writes powers of ten and two, multiples of a billion, and their neighbours", () => {
    const middles = [0, 2 ** 31, 2 ** 32, 2 ** 53 - 2];
    for (let power = 1; power < 9e15; power *= 10) middles.push(power);
    for (let factor = 1; factor < 9e6; factor = factor * 3 + 1) middles.push(factor * 1e9);
    middles.push(9_007_199 * 1e9);
    for (const middle of middles) {
      for (const value of [middle - 1, middle, middle + 1]) {
        check(value);
        if (value !== 0) check(-value);
      }
    }
  });
});

/** Value and what C's printf("%.17g") prints for it. */
const PRINTED: readonly (readonly [number, string])[] = [
  [0, "0"],
  [-0, "-0"],
  [1, "1"],
  [-42, "-42"],
  [0.1, "0.10000000000000001"],
  [0.5, "0.5"],
  [3.14, "3.1400000000000001"],
  [1e15, "1000000000000000"],
  [1e16, "10000000000000000"],
  [2 ** 56, "72057594037927936"],
  [1e17, "1e+17"],
  [1e22, "1e+22"],
  [123456789012345680000, "1.2345678901234568e+20"],
  [0.0001, "0.0001"],
  [0.00001, "1.0000000000000001e-05"],
  [1e-7, "9.9999999999999995e-08"],
  [1e100, "1e+100"],
  [1.7976931348623157e308, "1.7976931348623157e+308"],
  [5e-324, "4.9406564584124654e-324"],
  // Ties at the 17th digit: C rounds to the even digit, JavaScript up.
  [1125899906842624.25, "1125899906842624.2"],
  [1125899906842624.75, "1125899906842624.8"],
  [-1125899906842625.25, "-1125899906842625.2"],
  [Infinity, "inf"],
  [-Infinity, "-inf"],
  [Number.NaN, "nan"],
];

/** Texts that strtod as used by Redis takes, and those it does not. */
const DOUBLES: readonly (readonly [string, number])[] = [
  ["1", 1],
  ["+1.5", 1.5],
  ["-.5", -0.5],
  ["5.", 5],
  ["1e3", 1000],
  ["1E-2", 0.01],
  ["0e-999", 0],
  ["-0", -0],
  ["00012", 12],
  ["inf", Infinity],
  ["-INF", -Infinity],
  ["+Infinity", Infinity],
  ["0x10", 16],
  ["-0x1.8p1", -3],
  ["0X.8", 0.5],
  ["0x1p-1074", 5e-324],
  ["0x1.fffffffffffff8p0", 2],
  ["0x1.00000000000008p0", 1],
  ["0x0p9999999", 0],
  ["4.9406564584124654e-324", 5e-324],
  ["1.7976931348623157e308", Number.MAX_VALUE],
];
const NO_DOUBLES = [
  "",
  " 1",
  "1 ",
  "1\n",
  "\t1",
  "nan",
  "-nan",
  "NaN(1)",
  "1e",
  "1e+",
  "e1",
  ".",
  "+",
  "--1",
  "1_0",
  "0x",
  "0x.",
  "0x1p",
  "0xg",
  "0b1",
  "1e400",
  "-1e400",
  "1e-400",
  "0x1p-1076",
  "0x1p1024",
  "infin",
  "1,5",
  "1\0",
];

describe("doubles", () => {
  it.each(PRINTED)("prints %d as %s", (value, text) => expect(formatDouble(value)).toBe(text));

  it("prints a text that reads back to the same double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(parseDouble(formatDouble(value))).toBe(value);
      }),
    );
  });

  it.each(DOUBLES)("reads %j", (text, value) => expect(parseDouble(text)).toBe(value));

  it.each(NO_DOUBLES)("refuses %j", (text) => expect(parseDouble(text)).toBeUndefined());

  it("reads bytes as it reads texts", () => {
    const decimal = fc.stringMatching(/^-?[0-9]{0,18}\.?[0-9]{0,18}$/);
    const known = fc.constantFrom(...NO_DOUBLES, ...DOUBLES.map(([text]) => text));
    fc.assert(
      fc.property(fc.oneof(decimal, known), (text) => {
        expect(within(text, parseDoubleBytes)).toBe(parseDouble(text) ?? Number.NaN);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["", 0],
    [" 1", 1],
    ["\t\n\v\f\r -2.5", -2.5],
    ["1 ", Number.NaN],
    [" ", Number.NaN],
    ["1\0 whatever", 1],
    ["\0", 0],
    ["1e400", Infinity],
    ["-1e400", -Infinity],
    ["1e-400", 0],
    ["0x1p1024", Infinity],
    ["-0x1p1024", -Infinity],
    ["0x1p-1076", 0],
    ["inf", Infinity],
    ["nan", Number.NaN],
    ["x", Number.NaN],
    ["0x", Number.NaN],
  ])("leniently reads %j", (text, value) => expect(parseDoubleLeniently(text)).toBe(value));

  it.each([
    [0.125, 2, "0.12"],
    [0.375, 2, "0.38"],
    [-0.375, 1, "-0.4"],
    [2.5, 1, "2.5"],
    [2 ** -18, 17, "0.00000381469726562"],
    [3 * 2 ** -18, 17, "0.00001144409179688"],
    [0.1, 20, "0.10000000000000000555"],
    [1e22, 3, "10000000000000000000000.000"],
    [-1e300, 1, `-${BigInt(1e300)}.0`],
    [0, 6, "0.000000"],
    [-0, 1, "-0.0"],
    [Infinity, 6, "inf"],
    [-Infinity, 6, "-inf"],
  ])("prints %d with %d digits behind the point", (value, digits, text) =>
    expect(formatFixed(value, digits)).toBe(text),
  );

  it("reads a hexadecimal text as its exact value", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 200n }),
        fc.integer({ min: 0, max: 900 }),
        (value, power) => {
          const expected = Number(value * 2n ** BigInt(power));
          const read = parseDouble(`0x${value.toString(16)}p${power}`);
          expect(read).toBe(Number.isFinite(expected) ? expected : undefined);
        },
      ),
    );
  });

  it("refuses a long text in time proportional to its length", () => {
    expect(parseDouble(`${"1".repeat(5_000_000)}x`)).toBeUndefined();
    expect(parseDouble(`0x${"1".repeat(5_000_000)}x`)).toBeUndefined();
  });
});

describe.skipIf(!hasRedisServer)("doubles of a stock Redis", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsredis-numbers-"));
  let server: RedisServer | undefined;
  let redis: Redis;

  beforeAll(async () => {
    // No listpacks: they store a score as its text, and -0 as 0.
    server = await startRedisServer(["--zset-max-listpack-entries", "0"], folder);
    redis = new Redis(server.port, "127.0.0.1");
  });

  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The score of a sorted set as Redis prints it after reading `text`; undefined if it refuses the text. */
  async function score(text: string): Promise<string | undefined> {
    // Afresh: an equal score (0 and -0 are) would leave the old one.
    await redis.del("scores");
    try {
      // Second, because in first place it might be an option, such as NX.
      await redis.zadd("scores", "0", "other", text, "member");
      return (await redis.zscore("scores", "member")) ?? "";
    } catch (error) {
      expect(String(error)).toContain("ERR value is not a valid float");
      return undefined;
    }
  }

  it("are printed alike", async () => {
    const values = fc.oneof(fc.double({ noNaN: true }), fc.float({ noNaN: true }), ties(), dyadics());
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect(formatDouble(value)).toBe(await score(formatDouble(value)));
        expect(formatDouble(value)).toBe(await score(jsText(value)));
      }),
      { numRuns: 500 },
    );
  });

  it("are read alike, and the same texts refused", async () => {
    const characters = fc.constantFrom(...Array.from("0159.eEpPxXinfaINF+- \t\n"));
    const random = fc.string({ unit: characters, maxLength: 7 });
    const decimal = fc.stringMatching(/^[+-]?[0-9]{0,20}\.?[0-9]{0,5}(e[+-]?[0-9]{1,3})?$/);
    const hexadecimal = fc.stringMatching(/^[+-]?0x[0-9a-f]{0,20}\.?[0-9a-f]{0,5}(p[+-]?[0-9]{1,4})?$/);
    const known = fc.constantFrom(...NO_DOUBLES, ...DOUBLES.map(([text]) => text));
    await fc.assert(
      fc.asyncProperty(fc.oneof(random, decimal, hexadecimal, known), async (text) => {
        const value = parseDouble(text);
        expect(value === undefined ? undefined : formatDouble(value)).toBe(await score(text));
      }),
      { numRuns: 1500 },
    );
  });
});

/** Halves, quarters and so on, of which few decimals say all. */
function dyadics(): fc.Arbitrary<number> {
  const power = fc.integer({ min: 0, max: 25 });
  return fc.tuple(fc.integer(), power).map(([numerator, bits]) => numerator / 2 ** bits);
}

/** Doubles whose exact decimal expansion ends in a 5 behind the 17th digit. */
function ties(): fc.Arbitrary<number> {
  return fc.integer({ min: 2 ** 27, max: 2 ** 28 }).map((high) => high * 2 ** 23 + 0.25);
}

function jsText(value: number): string {
  if (Math.abs(value) === Infinity) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
