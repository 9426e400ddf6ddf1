/**
 * INCR and its relatives: exact over all 64 bits, in place while small, with Redis's errors at the edges.
 */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { INT } from "../../../src/types/string/string-value.ts";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";

const OVERFLOW = "-ERR increment or decrement would overflow\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";
const NOT_A_FLOAT = "-ERR value is not a valid float\r\n";
const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

let harness: CommandHarness;

beforeEach(() => {
  harness = new CommandHarness({ commands: stringCommands });
});

function run(...args: Argument[]): string {
  return harness.text(...args);
}

function encoding(key: string): number {
  const bytes = Buffer.from(key);
  return harness.keyspace.entries.encoding(harness.db.peek(bytes, 0, bytes.length));
}

test("any sum within 64 bits is exact, any other is refused and changes nothing", () => {
  const near = (center: bigint) => fc.bigInt({ min: -20n, max: 20n }).map((offset) => center + offset);
  const integer = fc
    .oneof(
      fc.bigInt({ min: MIN, max: MAX }),
      near(0n),
      fc.nat({ max: 18 }).chain((digits) => near(10n ** BigInt(digits))),
      near(2n ** 53n),
      near(-(2n ** 53n)),
      near(MAX),
      near(MIN),
    )
    .filter((value) => value >= MIN && value <= MAX);
  fc.assert(
    fc.property(integer, integer, fc.constantFrom("INCRBY", "DECRBY"), (value, by, name) => {
      run("SET", "k", String(value));
      const sum = name === "INCRBY" ? value + by : value - by;
      const isRefused = sum > MAX || sum < MIN || (name === "DECRBY" && by === MIN);
      const expected = isRefused ? value : sum;
      const reply = run(name, "k", String(by));
      if (isRefused) expect(reply).toMatch(/^-ERR (increment or )?decrement would overflow\r\n$/);
      else expect(reply).toBe(`:${sum}\r\n`);
      expect(run("GET", "k")).toBe(`$${String(expected).length}\r\n${expected}\r\n`);
      expect(encoding("k")).toBe(INT);
    }),
  );
});

describe("counting", () => {
  test("from nothing, over zero and over every change of length", () => {
    expect(run("DECR", "k")).toBe(":-1\r\n");
    for (let value = 0; value <= 1001; value++) expect(run("INCR", "k")).toBe(`:${value}\r\n`);
    for (let value = 1000; value >= -101; value--) expect(run("DECR", "k")).toBe(`:${value}\r\n`);
    expect(run("INCRBY", "new", 0)).toBe(":0\r\n");
    expect(run("DECRBY", "newer", 0)).toBe(":0\r\n");
    expect(run("GET", "newer")).toBe("$1\r\n0\r\n");
    expect(run("DECRBY", "k", "-9223372036854775807")).toBe(":9223372036854775706\r\n");
  });

  test("refuses what only begins like an integer, however short", () => {
    for (const text of ["00", "01", "1a", "a", "", "+1", "-0", " 1", "1 ", "1.0", "000000000", "12345678 "]) {
      run("SET", "k", text);
      expect([text, run("INCR", "k")]).toEqual([text, NOT_AN_INTEGER]);
      expect(run("GET", "k")).toBe(`$${text.length}\r\n${text}\r\n`);
    }
  });

  test("makes an integer of a string that only looks like one", () => {
    run("APPEND", "k", "1");
    run("APPEND", "k", "2");
    expect(encoding("k")).not.toBe(INT);
    expect(run("INCR", "k")).toBe(":13\r\n");
    expect(encoding("k")).toBe(INT);
  });

  test("errors", () => {
    run("SET", "max", String(MAX));
    run("SET", "min", String(MIN));
    expect(run("INCR", "max")).toBe(OVERFLOW);
    expect(run("DECR", "min")).toBe(OVERFLOW);
    expect(run("DECRBY", "max", String(MIN))).toBe("-ERR decrement would overflow\r\n");
    for (const bad of ["", " 1", "1 ", "+1", "01", "-0", "1.0", "9223372036854775808", "x".repeat(1000)]) {
      run("SET", "bad", bad);
      expect(run("INCR", "bad")).toBe(NOT_AN_INTEGER);
      expect(run("INCRBY", "max", bad)).toBe(NOT_AN_INTEGER);
    }
  });
});

describe("INCRBYFLOAT", () => {
  test("adds as Redis does", () => {
    expect(run("INCRBYFLOAT", "k", "10.50")).toBe("$4\r\n10.5\r\n");
    expect(run("INCRBYFLOAT", "k", "0.1")).toBe("$4\r\n10.6\r\n");
    expect(run("INCRBYFLOAT", "k", "-5")).toBe("$3\r\n5.6\r\n");
    expect(run("INCRBYFLOAT", "k", "-5.6")).toBe("$1\r\n0\r\n");
    expect(encoding("k")).not.toBe(INT); // as in Redis: the result is text, whatever it looks like
    expect(run("INCR", "k")).toBe(":1\r\n");
  });

  test("errors", () => {
    run("SET", "k", "1");
    for (const bad of ["abc", "", " 1", "nan", "1e5000", "1\0"])
      expect(run("INCRBYFLOAT", "k", bad)).toBe(NOT_A_FLOAT);
    expect(run("INCRBYFLOAT", "k", "inf")).toBe("-ERR increment would produce NaN or Infinity\r\n");
    run("SET", "k", "abc");
    expect(run("INCRBYFLOAT", "k", "1")).toBe(NOT_A_FLOAT);
  });
});
