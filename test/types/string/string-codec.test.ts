/**
 * The packed form of strings: round trips, Redis's own forms, and refusal of everything that is none.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { lzfCompress } from "../../../src/base/lzf.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { Entries } from "../../../src/memory/entries.ts";
import { HugeValues } from "../../../src/memory/huge-values.ts";
import { Slabs } from "../../../src/memory/slabs.ts";
import { packString, unpackString } from "../../../src/types/string/string-codec.ts";
import { EMBSTR, encodingOf, fillValue, INT, RAW, STRING } from "../../../src/types/string/string-value.ts";

const entries = new Entries(new Slabs(), new HugeValues());

function pack(bytes: Buffer, encoding = encodingOf(bytes, 0, bytes.length), compress = false): Buffer {
  const address = entries.create(STRING, 0, Buffer.from("key"), 0, 3, bytes.length);
  fillValue(entries, address, bytes, 0, bytes.length);
  entries.setEncoding(address, encoding);
  const packed = packString(entries, address, new ByteArena(), compress);
  entries.free(address);
  return packed;
}

function refusal(packed: Buffer): string {
  try {
    unpackString(packed);
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).code).toBe("corrupt");
    return (error as StorageError).message;
  }
  throw new Error("was not refused");
}

describe("packing", () => {
  test.each([
    ["", "00"],
    ["a", "0161"],
    ["0", "c000"],
    ["-128", "c080"],
    ["127", "c07f"],
    ["128", "c18000"],
    ["-32768", "c10080"],
    ["32768", "c200800000"],
    ["-2147483648", "c200000080"],
    ["2147483647", "c2ffffff7f"],
    ["2147483648", "0a32313437343833363438"],
    ["007", "03303037"],
    ["-0", "022d30"],
  ])("%j is %s", (text, hex) => {
    expect(pack(Buffer.from(text)).toString("hex")).toBe(hex);
  });

  test("lengths take one, two or five bytes", () => {
    expect(pack(Buffer.alloc(63, "x")).subarray(0, 2).toString("hex")).toBe("3f78");
    expect(pack(Buffer.alloc(64, "x")).subarray(0, 3).toString("hex")).toBe("404078");
    expect(pack(Buffer.alloc(16383, "x")).subarray(0, 3).toString("hex")).toBe("7fff78");
    expect(pack(Buffer.alloc(16384, "x")).subarray(0, 6).toString("hex")).toBe("800000400078");
  });

  test("what was packed comes back with its encoding", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((integer) => Buffer.from(String(integer))),
      fc.integer({ min: -70000, max: 70000 }).map((integer) => Buffer.from(String(integer))),
      fc.integer({ min: 0, max: 70000 }).map((length) => Buffer.alloc(length, "pattern")),
    );
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.boolean(), (value, grew, compress) => {
        const encoding = grew ? RAW : encodingOf(value, 0, value.length);
        const unpacked = unpackString(pack(value, encoding, compress), encoding);
        expect(unpacked.bytes.equals(value)).toBe(true);
        expect(unpacked.encoding).toBe(encoding);
      }),
    );
  });

  test("without a known encoding a string gets the one that SET gives", () => {
    expect(unpackString(pack(Buffer.from("12"), RAW)).encoding).toBe(INT);
    expect(unpackString(pack(Buffer.from("12a"), RAW)).encoding).toBe(EMBSTR);
    expect(unpackString(pack(Buffer.alloc(45, "x"), RAW)).encoding).toBe(RAW);
  });

  test("an encoding that the bytes cannot have is not believed", () => {
    expect(unpackString(pack(Buffer.from("abc")), INT).encoding).toBe(EMBSTR);
    expect(unpackString(pack(Buffer.alloc(45, "x")), EMBSTR).encoding).toBe(RAW);
    expect(unpackString(pack(Buffer.from("5")), 7).encoding).toBe(INT);
    expect(unpackString(pack(Buffer.from("5")), EMBSTR).encoding).toBe(EMBSTR);
  });
});

describe("compression", () => {
  test("is for strings over 20 bytes that it shortens by four", () => {
    const compressed = (text: string) => pack(Buffer.from(text), undefined, true)[0] === 0xc3;
    expect(compressed("a".repeat(20))).toBe(false);
    expect(compressed("a".repeat(21))).toBe(true);
    expect(compressed("abcdefghijklmnopqrstuvwxyz0123456789")).toBe(false);
    expect(pack(Buffer.alloc(1000, "a"), undefined, false)).toHaveLength(1002);
    expect(pack(Buffer.alloc(1000, "a"), undefined, true).length).toBeLessThan(40);
  });
});

describe("forms that are only read", () => {
  test("LZF", () => {
    const value = Buffer.alloc(1000, "abcdefgh");
    const compressed = Buffer.alloc(1000);
    const length = lzfCompress(value, 0, value.length, compressed, 0, compressed.length);
    const header = Buffer.from([0xc3, length, 0x40 | (1000 >> 8), 1000 & 0xff]);
    const packed = Buffer.concat([header, compressed.subarray(0, length)]);
    expect(unpackString(packed).bytes.equals(value)).toBe(true);
    for (let cut = 0; cut < packed.length; cut++) refusal(packed.subarray(0, cut));
    packed[3]++;
    expect(refusal(packed)).toMatch(/damaged/);
  });

  test("a length of 64 bits", () => {
    expect(unpackString(Buffer.from("81000000000000000161", "hex")).bytes.toString()).toBe("a");
    refusal(Buffer.from("81ffffffffffffffff61", "hex"));
  });
});

describe("damage", () => {
  test.each([
    "",
    "01",
    "016162",
    "40",
    "4001",
    "80",
    "8000000001",
    "81",
    "c0",
    "c00000",
    "c1",
    "c100",
    "c2000000",
  ])("%j is refused", (hex) => {
    refusal(Buffer.from(hex, "hex"));
  });

  test.each(["820000000161", "bf0000000161", "c4", "ff00", "c3c00100"])("%j is refused", (hex) => {
    refusal(Buffer.from(hex, "hex"));
  });

  test("arbitrary bytes are a string, or refused as damaged", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const packed = Buffer.from(array);
        try {
          unpackString(packed);
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError);
        }
      }),
    );
  });
});
