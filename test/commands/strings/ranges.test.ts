/**
 * Strings written piece by piece: any size, kept exactly, limited as configured, without copying what is not written.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

const TOO_LONG = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";

function newHarness(protoMaxBulkLength = 512 * 1024 * 1024): CommandHarness {
  return new CommandHarness({ commands: stringCommands, config: { protoMaxBulkLength } });
}

function stored(harness: CommandHarness, key: string): Buffer {
  const reply = harness.run("GET", key);
  return Buffer.from(reply.subarray(reply.indexOf("\r\n") + 2, reply.length - 2));
}

test("pieces written anywhere give what they give in a plain buffer", () => {
  // Lengths around the sizes where a value moves: within its object, to a larger one, out of the slabs (8 KB).
  const length = fc.oneof(fc.nat(40), fc.nat(400), fc.nat(9000), fc.nat(40_000));
  const step = fc.record({
    kind: fc.constantFrom("append", "setrange", "set", "expire", "persist"),
    offset: length,
    piece: length.map((bytes) => Buffer.alloc(bytes, "0123456789abcdefghijklmnopqrstuvwxyz")),
  });
  const key = fc.constantFrom("k", "a somewhat longer key", "long".repeat(300));
  fc.assert(
    fc.property(key, fc.array(step, { maxLength: 20 }), (name, steps) => {
      const harness = newHarness();
      let model = Buffer.alloc(0);
      harness.run("SET", name, "");
      for (const { kind, offset, piece } of steps) {
        if (kind === "append") {
          harness.run("APPEND", name, piece);
          model = Buffer.concat([model, piece]);
        } else if (kind === "set") {
          harness.run("SET", name, piece, "KEEPTTL");
          model = piece;
        } else if (kind === "setrange") {
          const reply = harness.text("SETRANGE", name, offset, piece);
          if (piece.length > 0) {
            const grown = Buffer.alloc(Math.max(model.length, offset + piece.length));
            model.copy(grown);
            piece.copy(grown, offset);
            model = grown;
          }
          expect(reply).toBe(`:${model.length}\r\n`);
        } else {
          harness.run("GETEX", name, ...(kind === "persist" ? ["PERSIST"] : ["EX", "100"]));
        }
        expect(stored(harness, name).equals(model)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

/** The Buffer that holds the value of a large string. */
function bufferOf({ keyspace }: CommandHarness, key: string): Buffer {
  const name = Buffer.from(key);
  return keyspace.entries.valueBuffer(keyspace.databases[0].find(name, 0, name.length));
}

test("a string appended to a thousand times is moved a few times only", () => {
  const harness = newHarness();
  harness.staysInMemoryBecause = "how often it moves there is what is looked at";
  const piece = Buffer.alloc(2000, "x");
  const places = new Set<Buffer>();
  for (let i = 0; i < 1000; i++) {
    harness.run("APPEND", "k", piece);
    places.add(bufferOf(harness, "k"));
  }
  expect(harness.text("STRLEN", "k")).toBe(":2000000\r\n");
  expect(places.size).toBeLessThan(40);
  // Writing within it moves nothing at all.
  const before = bufferOf(harness, "k");
  for (let i = 0; i < 100; i++) harness.run("SETRANGE", "k", i * 20_000, piece);
  expect(bufferOf(harness, "k")).toBe(before);
});

test("a string of many megabytes grows where it is", () => {
  const harness = newHarness();
  harness.staysInMemoryBecause = "where it lies there is what is looked at";
  const megabyte = Buffer.alloc(1 << 20, "m");
  harness.run("SETRANGE", "k", 30 << 20, megabyte);
  const memory = bufferOf(harness, "k").buffer;
  for (let i = 0; i < 10; i++) harness.run("APPEND", "k", megabyte);
  harness.run("SETRANGE", "k", (50 << 20) - 1, "\x01");
  expect(bufferOf(harness, "k").buffer).toBe(memory);
  expect(harness.text("STRLEN", "k")).toBe(`:${50 << 20}\r\n`);
  const value = Buffer.concat([Buffer.alloc(30 << 20), Buffer.alloc(11 << 20, "m"), Buffer.alloc(9 << 20)]);
  value[value.length - 1] = 1;
  expect(stored(harness, "k").equals(value)).toBe(true);
  // Replaced by a short one, it gives its memory back.
  harness.run("SET", "k", "short");
  expect(harness.keyspace.entries.huge.allocatedBytes).toBe(0);
});

describe("the limit", () => {
  test("is the configured one, for APPEND and SETRANGE", () => {
    const harness = newHarness(100);
    harness.run("SET", "k", "x".repeat(90));
    expect(harness.text("APPEND", "k", "y".repeat(11))).toBe(TOO_LONG);
    expect(harness.text("APPEND", "k", "y".repeat(10))).toBe(":100\r\n");
    expect(harness.text("APPEND", "k", "y")).toBe(TOO_LONG);
    expect(harness.text("SETRANGE", "k", 100, "y")).toBe(TOO_LONG);
    expect(harness.text("SETRANGE", "k", 99, "y")).toBe(":100\r\n");
    expect(harness.text("SETRANGE", "new", 100, "y")).toBe(TOO_LONG);
    expect(harness.text("SETRANGE", "k", "9223372036854775807", "y")).toBe(TOO_LONG);
    // Nothing to write is never too long, nor is a new key's first value.
    expect(harness.text("SETRANGE", "k", "9223372036854775807", "")).toBe(":100\r\n");
    expect(harness.text("APPEND", "new", "y".repeat(200))).toBe(":200\r\n");
  });

  test("is two gigabytes even if none is configured", () => {
    const harness = newHarness(Number.POSITIVE_INFINITY);
    expect(harness.text("SETRANGE", "k", 0x7fff_ffff, "y")).toBe(TOO_LONG);
    expect(harness.text("GET", "k")).toBe("$-1\r\n");
  });

  test("for LCS is about the table", () => {
    const harness = newHarness(400);
    harness.run("MSET", "nine", "123456789", "ten", "1234567890");
    expect(harness.text("LCS", "nine", "nine", "LEN")).toBe(":9\r\n");
    expect(harness.text("LCS", "nine", "ten")).toBe(
      "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n",
    );
  });
});

describe("GETRANGE", () => {
  test.each([
    [0, 3, "This"],
    [-3, -1, "ing"],
    [0, -1, "This is a string"],
    [10, 100, "string"],
    [5, 3, ""],
    [100, 200, ""],
    [-100, 3, "This"],
    [-1, -3, ""],
    [-100, -50, "T"],
    ["-9223372036854775808", "-9223372036854775807", "T"],
    ["-9223372036854775807", "-9223372036854775808", ""],
    ["9223372036854775806", "9223372036854775807", ""],
  ])("from %s to %s is %j", (first, last, expected) => {
    const harness = newHarness();
    harness.run("SET", "k", "This is a string");
    for (const name of ["GETRANGE", "SUBSTR"]) {
      expect(harness.text(name, "k", first, last)).toBe(`$${expected.length}\r\n${expected}\r\n`);
    }
  });
});
