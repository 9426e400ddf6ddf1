/** Little-endian integers, against Buffer's own methods. */
import fc from "fast-check";
import { expect, test } from "vitest";
import * as words from "../../src/base/little-endian.ts";

test("integers are read as Buffer reads them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 7, maxLength: 7 }), fc.nat({ max: 3 }), (array, at) => {
      const bytes = Buffer.from(array);
      expect(words.readInt16(bytes, at)).toBe(bytes.readInt16LE(at));
      expect(words.readUint16(bytes, at)).toBe(bytes.readUInt16LE(at));
      expect(words.readInt24(bytes, at)).toBe(bytes.readIntLE(at, 3));
      expect(words.readInt32(bytes, at)).toBe(bytes.readInt32LE(at));
      expect(words.readUint32(bytes, at)).toBe(bytes.readUInt32LE(at));
    }),
  );
});

test("the lowest bits are written, and nothing else", () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 3 }), (value, at) => {
      const [two, four, expected] = [Buffer.alloc(7, 0xaa), Buffer.alloc(7, 0xaa), Buffer.alloc(7, 0xaa)];
      words.writeInt16(two, at, value);
      words.writeInt32(four, at, value);
      expected.writeInt32LE(value, at);
      expect(four.equals(expected)).toBe(true);
      expected.fill(0xaa, at + 2);
      expect(two.equals(expected)).toBe(true);
    }),
  );
});
