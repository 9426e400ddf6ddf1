/**
 * Bitmap commands on their own: what a random comparison meets seldom, or what no other server can be asked.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { bitmapCommands } from "../../../src/commands/bitmaps/index.ts";
import { keysOfRequest } from "../../../src/commands/key-positions.ts";
import { Request } from "../../../src/protocol/request.ts";
import type { Argument, CommandHarness } from "../../support/command-harness.ts";
import { MAX_BULK_BYTES, newBitmapHarness } from "./harness.ts";

const OUT_OF_RANGE = "-ERR bit offset is not an integer or out of range\r\n";
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

let harness: CommandHarness;

beforeEach(() => {
  harness = newBitmapHarness();
});

function run(...args: Argument[]): string {
  return harness.text(...args);
}

describe("SETBIT and GETBIT", () => {
  test("count bits from the highest of the first byte", () => {
    expect(run("SETBIT", "k", 1, 1)).toBe(":0\r\n");
    expect(run("SETBIT", "k", 15, 1)).toBe(":0\r\n");
    expect(run("SETBIT", "k", 15, 1)).toBe(":1\r\n");
    expect(run("GET", "k")).toBe("$2\r\n@\x01\r\n");
    expect(run("GETBIT", "k", 1)).toBe(":1\r\n");
    expect(run("GETBIT", "k", 100)).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual(["SETBIT k 1 1", "SETBIT k 15 1"]);
  });

  test("reach to the last bit that proto-max-bulk-len allows", () => {
    expect(run("SETBIT", "k", 8 * MAX_BULK_BYTES, 0)).toBe(OUT_OF_RANGE);
    expect(run("GETBIT", "k", 8 * MAX_BULK_BYTES)).toBe(OUT_OF_RANGE);
    expect(run("SETBIT", "k", 8 * MAX_BULK_BYTES - 1, 1)).toBe(":0\r\n");
    expect(run("STRLEN", "k")).toBe(`:${MAX_BULK_BYTES}\r\n`);
  });

  test("refuse what no string can hold, whatever the limit is", () => {
    harness = newBitmapHarness(2, Number.POSITIVE_INFINITY);
    const beyond = 8 * (2 ** 31 - 1);
    expect(run("SETBIT", "k", beyond, 1)).toBe(OUT_OF_RANGE);
    expect(run("BITFIELD", "k", "SET", "u8", beyond - 4, "1")).toBe(OUT_OF_RANGE);
    expect(run("BITFIELD", "k", "GET", "u8", beyond)).toBe("*1\r\n:0\r\n");
    expect(run("GETBIT", "k", "9223372036854775807")).toBe(":0\r\n");
    expect(run("GET", "k")).toBe("$-1\r\n");
    expect(run("SETBIT", "k", 8 * MAX_BULK_BYTES, 1)).toBe(":0\r\n");
    expect(run("GETBIT", "k", "9223372036854775807")).toBe(":0\r\n");
  });

  test("make a string of what was an integer, and zeros of what it grows by", () => {
    run("SET", "k", "1");
    expect(run("SETBIT", "k", 6, 1)).toBe(":0\r\n");
    expect(run("GET", "k")).toBe("$1\r\n3\r\n");
    run("SET", "k", "x".repeat(3000));
    run("SET", "k", "x");
    run("SETBIT", "k", 8 * 2999, 0);
    expect(run("BITCOUNT", "k")).toBe(":4\r\n");
    expect(run("STRLEN", "k")).toBe(":3000\r\n");
  });

  test("keep the expiry of a string that moves", () => {
    run("SET", "k", "x", "PXAT", "33000000000000");
    run("SETBIT", "k", 5000, 1);
    run("BITFIELD", "k", "SET", "u8", 100_000, 1);
    const address = harness.db.peek(Buffer.from("k"), 0, 1);
    expect(harness.keyspace.entries.expireMs(address)).toBe(33_000_000_000_000);
  });
});

describe("BITCOUNT and BITPOS", () => {
  test("take ranges in bytes and in bits", () => {
    run("SET", "k", "foobar");
    expect(run("BITCOUNT", "k")).toBe(":26\r\n");
    expect(run("BITCOUNT", "k", 1, 1)).toBe(":6\r\n");
    expect(run("BITCOUNT", "k", 5, 30, "BIT")).toBe(":17\r\n");
    run("SET", "k", Buffer.from([0xff, 0xf0, 0x00]));
    expect(run("BITPOS", "k", 0)).toBe(":12\r\n");
    expect(run("BITPOS", "k", 1, -1)).toBe(":-1\r\n");
    expect(run("BITPOS", "k", 1, 9, -1, "BIT")).toBe(":9\r\n");
  });

  test("find the zeros behind a string unless a range ends it", () => {
    run("SET", "k", Buffer.alloc(5000, 0xff));
    expect(run("BITPOS", "k", 0)).toBe(":40000\r\n");
    expect(run("BITPOS", "k", 0, 7)).toBe(":40000\r\n");
    expect(run("BITPOS", "k", 0, 0, -1)).toBe(":-1\r\n");
    expect(run("BITPOS", "k", 0, 5000)).toBe(":-1\r\n");
    expect(run("BITPOS", "none", 0, "x", "y")).toBe(":0\r\n");
    expect(run("BITPOS", "none", 1)).toBe(":-1\r\n");
  });
});

describe("BITOP", () => {
  test("replaces whatever the target was, its expiry too, and deletes it for an empty result", () => {
    run("SET", "a", "abc");
    run("SET", "target", "long enough", "EX", "100");
    harness.takeEffects();
    expect(run("BITOP", "AND", "target", "a", "a")).toBe(":3\r\n");
    const address = harness.db.peek(Buffer.from("target"), 0, 6);
    expect(harness.keyspace.entries.expireMs(address)).toBe(0);
    expect(run("BITOP", "NOT", "list", "a")).toBe(":3\r\n");
    expect(run("GET", "list")).toBe("$3\r\n\x9e\x9d\x9c\r\n");
    expect(run("BITOP", "OR", "target", "none", "none")).toBe(":0\r\n");
    expect(run("BITOP", "OR", "target", "none")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual([
      "BITOP AND target a a",
      "BITOP NOT list a",
      "BITOP OR target none none",
    ]);
  });

  test("may grow the string that is its source and its target", () => {
    run("SET", "short", "a", "PXAT", "33000000000000");
    run("SET", "long", Buffer.alloc(9000, "b"));
    expect(run("BITOP", "XOR", "short", "short", "long", "short", "short")).toBe(":9000\r\n");
    expect(run("BITOP", "XOR", "short", "short", "long")).toBe(":9000\r\n");
    expect(run("GETRANGE", "short", 0, 1)).toBe("$2\r\na\0\r\n");
    expect(run("BITCOUNT", "short")).toBe(":3\r\n");
  });

  test("leaves everything as it is if one source is no string", () => {
    run("SET", "a", "abc");
    harness.takeEffects();
    expect(run("BITOP", "AND", "a", "a", "list")).toBe(WRONG_TYPE);
    expect(run("GET", "a")).toBe("$3\r\nabc\r\n");
    expect(harness.takeEffects()).toEqual([]);
  });
});

describe("BITFIELD", () => {
  test("does nothing if any of its operations is wrong", () => {
    expect(run("BITFIELD", "k", "SET", "u8", 0, 1, "GET", "u64", 0)).toMatch(/^-ERR Invalid bitfield type/);
    expect(run("BITFIELD", "k", "SET", "u8", 0, 1, "OVERFLOW", "x")).toMatch(/^-ERR Invalid OVERFLOW type/);
    expect(run("BITFIELD", "k", "SET", "u8", 0, 1, "GET")).toBe("-ERR syntax error\r\n");
    expect(run("BITFIELD_RO", "k", "GET", "u8", 0, "SET", "u8", 0, 1)).toMatch(/only supports the GET/);
    expect(run("GET", "k")).toBe("$-1\r\n");
    expect(harness.takeEffects()).toEqual([]);
  });

  test("propagates nothing that only reads or changes nothing", () => {
    run("BITFIELD", "k", "SET", "u8", 0, 200);
    expect(harness.takeEffects().length).toBe(1);
    expect(run("BITFIELD", "k", "GET", "i8", 0, "SET", "u8", 0, 200, "INCRBY", "u8", 0, 0)).toBe(
      "*3\r\n:-56\r\n:200\r\n:200\r\n",
    );
    expect(run("BITFIELD", "none", "GET", "i64", 77)).toBe("*1\r\n:0\r\n");
    expect(run("BITFIELD", "none")).toBe("*0\r\n");
    expect(harness.takeEffects()).toEqual([]);
  });

  test("counts 64 bits exactly", () => {
    expect(run("BITFIELD", "k", "SET", "i64", 3, "9223372036854775807", "INCRBY", "i64", 3, 1)).toBe(
      "*2\r\n:0\r\n:-9223372036854775808\r\n",
    );
    expect(run("BITFIELD", "k", "OVERFLOW", "SAT", "INCRBY", "u63", 4, "9223372036854775807")).toBe(
      "*1\r\n:9223372036854775807\r\n",
    );
    expect(run("BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u63", 4, 1)).toBe("*1\r\n$-1\r\n");
  });
});

test("the keys of BITOP are found around its operation, and BITFIELD tells whether it writes", () => {
  const specOf = (name: string) => bitmapCommands.find((spec) => spec.name === name)!;
  expect(
    keysOfRequest(specOf("bitop"), Request.of(..."bitop and d a b c".split(" ")), 0)?.map(
      ({ position }) => position,
    ),
  ).toEqual([2, 3, 4, 5]);
  const flagsOf = (line: string) => specOf("bitfield").keyFlagsOf!(Request.of(...line.split(" ")), 0);
  expect(flagsOf("bitfield k get u8 0 overflow sat")).toEqual(["RO", "access"]);
  expect(flagsOf("bitfield k get u8 0 set u8 0 1")).toEqual(["RW", "access", "update"]);
  expect(flagsOf("bitfield k nothing")).toEqual(["RW", "access", "update"]);
});
