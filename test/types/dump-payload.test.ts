/**
 * DUMP payloads: Redis's bytes, round trips, and refusal of everything that is none, whatever its checksum says and
 * without memory for what it claims.
 */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ByteArena } from "../../src/base/byte-arena.ts";
import { createDump, isDumpIntact, readDump } from "../../src/types/dump-payload.ts";
import { encodingName, encodingOf, fillValue, STRING } from "../../src/types/string/string-value.ts";
import { MODULE_DUMP, plainDump, stringOfDump, withFooter } from "../support/dump-payloads.ts";
import { newValueMemory } from "../support/value-memory.ts";

const FOOTER_BYTES = 10;
const memory = newValueMemory();
const { entries } = memory;
const key = Buffer.from("key");

function dump(value: Uint8Array, compress = true): Buffer {
  const bytes = Buffer.from(value);
  const address = entries.create(STRING, 0, key, 0, key.length, bytes.length);
  fillValue(entries, address, bytes, 0, bytes.length);
  entries.setEncoding(address, encodingOf(bytes, 0, bytes.length));
  const { type, value: packed, footer } = createDump(memory, address, new ByteArena(), compress);
  entries.free(address);
  return Buffer.concat([type, packed, footer]);
}

/** What an entry made from the payload holds, and its encoding; undefined if the payload is refused. */
function restored(payload: Buffer): { bytes: Buffer; encoding: string } | undefined {
  const found = readDump(memory, payload);
  if (found === undefined) return undefined;
  const { dataType, value } = found;
  const address = entries.create(dataType.type, 0, key, 0, key.length, value.length);
  value.fill(memory, address);
  const bytes = Buffer.from(entries.value(address));
  entries.free(address);
  return { bytes, encoding: encodingName(value.encoding) };
}

const values = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((integer) => Buffer.from(String(integer))),
  fc.integer({ min: -70_000, max: 70_000 }).map((integer) => Buffer.from(String(integer))),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 20_000 }))
    .map(([pattern, length]) => Buffer.alloc(length, pattern)),
);

describe("payloads", () => {
  test.each([
    ["bar", "00036261720a00e6be4960ee66fd17"],
    ["10", "00c00a0a00"],
    ["", "00000a00"],
  ])("of %j are Redis's", (text, hex) => {
    const bytes = Buffer.from(hex, "hex");
    const expected = text === "bar" ? bytes : withFooter(bytes.subarray(0, -2));
    expect(dump(Buffer.from(text)).toString("hex")).toBe(expected.toString("hex"));
  });

  test("of any string are intact, and make the same string", () => {
    fc.assert(
      fc.property(values, fc.boolean(), (value, compress) => {
        const payload = dump(value, compress);
        expect(isDumpIntact(payload)).toBe(true);
        const result = restored(payload)!;
        expect(result.bytes.equals(value)).toBe(true);
        expect(result.encoding).toBe(encodingName(encodingOf(value, 0, value.length)));
      }),
    );
  });

  test.each([0, 1, 2 ** 16, 20_000_000])("of %i bytes", (length) => {
    const value = Buffer.alloc(length, "some text, and more of it, ");
    for (const compress of [true, false]) {
      const payload = dump(value, compress);
      expect(isDumpIntact(payload)).toBe(true);
      expect(restored(payload)!.bytes.equals(value)).toBe(true);
    }
  });
});

describe("the footer", () => {
  test.each([
    [0, true],
    [1, true],
    [10, true],
    [11, false],
    [12, false],
    [256, false],
    [0xffff, false],
  ])("of version %i is accepted: %s", (version, isAccepted) => {
    expect(isDumpIntact(withFooter(Buffer.from("000161", "hex"), version))).toBe(isAccepted);
  });

  test("with a checksum of zero is not excused from it", () => {
    const payload = plainDump("text");
    payload.fill(0, payload.length - 8);
    expect(isDumpIntact(payload)).toBe(false);
  });

  test("shows every flipped bit and every cut", () => {
    const payload = dump(Buffer.from("a text of some length, a text of some length"));
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const damaged = Buffer.from(payload);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      expect(isDumpIntact(damaged), `bit ${bit}`).toBe(false);
    }
    for (let length = 0; length < payload.length; length++) {
      expect(isDumpIntact(payload.subarray(0, length)), `${length} bytes`).toBe(false);
    }
  });
});

describe("what is refused though its checksum is right", () => {
  test.each([
    ["nothing at all", ""],
    ["a type alone", "00"],
    ["a length beyond the end", "00056162"],
    ["a length that reaches into the footer", "0005616263"],
    ["a string that ends before the footer", "0002616263"],
    ["a length of 64 bits", "0081ffffffffffffffff61"],
    ["an unknown length", "00820000000161"],
    ["an unknown encoding", "00c461"],
    ["an integer that is cut off", "00c261"],
    ["LZF of another length", "00c3020200610a"],
    ["LZF that refers to bytes before the first", "00c30202200a"],
    ["LZF that is cut off", "00c30101e0"],
    ["LZF that claims a terabyte", "00c3058100000100000000000061e00000"],
    ["LZF whose length is a string encoding", "00c3c00100"],
    ["the end mark of a file", "ff"],
    ["a module", "0781000000000000000000"],
    ["an unknown type", "63000000"],
  ])("%s", (_, hex) => {
    const payload = withFooter(Buffer.from(hex, "hex"));
    expect(isDumpIntact(payload)).toBe(true);
    expect(readDump(memory, payload)).toBeUndefined();
  });

  test("a type that is not known here", () => {
    expect(isDumpIntact(MODULE_DUMP)).toBe(true);
    expect(readDump(memory, MODULE_DUMP)).toBeUndefined();
  });
});

describe("fuzzing with right checksums", () => {
  /** Bodies that are nearly right: a good one with bits flipped, bytes cut, inserted or overwritten. */
  const nearlyRight = fc
    .tuple(
      values,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(3), fc.nat(40_000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    .map(([value, compress, changes]) => {
      let body = Buffer.from(dump(value, compress).subarray(0, -FOOTER_BYTES));
      for (const [kind, place, byte] of changes) {
        // Half of the changes hit the first bytes, where lengths stand.
        const at = (place % 2 === 0 ? place >> 1 : (place >> 1) % 12) % (body.length + 1);
        if (kind === 0 && at < body.length) body[at] ^= 1 << (byte & 7);
        else if (kind === 1) body = body.subarray(0, at);
        else if (kind === 2) body = Buffer.concat([body.subarray(0, at), Buffer.of(byte), body.subarray(at)]);
        else if (at < body.length) body[at] = byte;
      }
      return body;
    });
  const bodies = fc.oneof(
    nearlyRight,
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.of(0), bytes])),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.of(0, 0xc3), bytes])),
  );

  test("a payload is a value that is the same after another round, or refused", () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(bodies, (body) => {
        const payload = withFooter(body);
        expect(isDumpIntact(payload)).toBe(true);
        const result = restored(payload);
        if (result === undefined) {
          refused++;
          return;
        }
        accepted++;
        expect(stringOfDump(payload).equals(result.bytes)).toBe(true);
        expect(restored(dump(result.bytes))).toEqual(result);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(500);
  });

  test("a refused payload allocates nothing of the size it claims", () => {
    let largestAccepted = 0;
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    const allocateSlow = vi.spyOn(Buffer, "allocUnsafeSlow");
    try {
      fc.assert(
        fc.property(bodies, (body) => {
          const payload = withFooter(body);
          allocate.mockClear();
          allocateSlow.mockClear();
          const isRefused = readDump(memory, payload) === undefined;
          const sizes = [...allocate.mock.calls, ...allocateSlow.mock.calls].map(([size]) => size);
          const largest = Math.max(0, ...sizes);
          // What is decompressed before more bytes are found behind it is 88 times as long at most.
          if (isRefused) expect(largest).toBeLessThanOrEqual(payload.length * 88);
          else largestAccepted = Math.max(largestAccepted, largest);
        }),
        { numRuns: 3000 },
      );
    } finally {
      allocate.mockRestore();
      allocateSlow.mockRestore();
    }
    // Allocations were seen at all.
    expect(largestAccepted).toBeGreaterThan(1000);
  });
});
