/**
 * The hash of elements against its definition in 64-bit integers.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { placeOf, rankOf, registerOf } from "../../../../src/types/string/hyperloglog/element-hash.ts";
import { craftedElement, murmurHash64A } from "./crafted-elements.ts";

/** Register and rank, as the definition has them. */
function expected(element: Uint8Array): [number, number] {
  const hash = murmurHash64A(element);
  const rest = (hash >> 14n) | (1n << 50n);
  let rank = 1;
  while (((rest >> BigInt(rank - 1)) & 1n) === 0n) rank++;
  return [Number(hash & 16383n), rank];
}

function actual(element: Uint8Array, around = 0): [number, number] {
  const bytes = Buffer.alloc(element.length + 2 * around, 0xee);
  bytes.set(element, around);
  const place = placeOf(bytes, around, element.length);
  return [registerOf(place), rankOf(place)];
}

test("elements of all lengths belong where the definition says", () => {
  const element = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(element, fc.nat(9), (bytes, around) => {
      expect(actual(bytes, around)).toEqual(expected(bytes));
    }),
    { numRuns: 5000 },
  );
});

test("words at the edges of their ranges", () => {
  const words = [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffff0000, 0xffffffff];
  for (const low of words) {
    for (const high of words) {
      const element = Buffer.alloc(8);
      element.writeUInt32LE(low, 0);
      element.writeUInt32LE(high, 4);
      expect(actual(element)).toEqual(expected(element));
    }
  }
});

test("every rank there is", () => {
  for (let rank = 1; rank <= 51; rank++) {
    const index = (rank * 321) % 16384;
    expect(actual(craftedElement(index, rank))).toEqual([index, rank]);
    expect(actual(craftedElement(index, rank, 12345n))).toEqual([index, rank]);
  }
});

test.each([
  ["", 5938, 2],
  ["hello", 9216, 1],
  ["The quick brown fox", 13284, 1],
])("%j belongs where stock Redis puts it", (element, index, rank) => {
  expect(actual(Buffer.from(element))).toEqual([index, rank]);
  expect(expected(Buffer.from(element))).toEqual([index, rank]);
});
