/**
 * Counting and finding bits against a list of them, at any alignment, in buffers with and without a view.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { withView } from "../../../src/base/byte-copy.ts";
import { countOnes, findBit } from "../../../src/types/string/bits.ts";

/** Long runs of one kind, so that words are skipped, with a few other bytes between them. */
const bitmap = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 9 }),
      fc
        .tuple(fc.constantFrom(0, 0xff), fc.nat({ max: 40 }))
        .map(([byte, length]) => new Uint8Array(length).fill(byte)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));

/** The bitmap in a larger buffer, from byte `at` on, among bytes that must not be looked at. */
function placed(bytes: Buffer, at: number, around: number, hasView: boolean): Buffer {
  const buffer = Buffer.alloc(at + bytes.length + 7, around);
  bytes.copy(buffer, at);
  return hasView ? withView(buffer) : buffer;
}

const bitsOf = (bytes: Buffer) =>
  [...bytes].flatMap((byte) => byte.toString(2).padStart(8, "0").split("").map(Number));

const range = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
);
const place = fc.record({ at: fc.nat({ max: 9 }), around: fc.constantFrom(0, 0xff), hasView: fc.boolean() });

test("ones are counted in any range", () => {
  fc.assert(
    fc.property(bitmap, range, place, (bytes, [from, to], { at, around, hasView }) => {
      const bits = bitsOf(bytes);
      const [first, end] = [from, to].map((share) => Math.round(share * bits.length));
      const expected = bits.slice(first, end).filter((bit) => bit === 1).length;
      expect(countOnes(placed(bytes, at, around, hasView), at, first, end)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test("the first one and the first zero are found in any range", () => {
  fc.assert(
    fc.property(
      bitmap,
      range,
      place,
      fc.constantFrom(0, 1),
      (bytes, [from, to], { at, around, hasView }, bit) => {
        const bits = bitsOf(bytes);
        const [first, end] = [from, to].map((share) => Math.round(share * bits.length));
        const found = bits.findIndex((each, i) => i >= first && i < end && each === bit);
        expect(findBit(placed(bytes, at, around, hasView), at, first, end, bit as 0 | 1)).toBe(found);
      },
    ),
    { numRuns: 2000 },
  );
});

test("words full of ones are counted whole", () => {
  for (let length = 0; length < 70; length++) {
    expect(countOnes(Buffer.alloc(length, 0xff), 0, 0, 8 * length)).toBe(8 * length);
  }
});
