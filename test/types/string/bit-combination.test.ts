/**
 * BITOP's arithmetic byte by byte against a model: lengths around the size of a block, results that take the place of
 * a source, many sources.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type BitOperation, combineBits } from "../../../src/types/string/bit-combination.ts";

const BLOCK_BYTES = 8192;

/** Lengths from nothing over a few bytes to several blocks. */
const length = fc.oneof(
  fc.nat({ max: 40 }),
  fc.integer({ min: -5, max: 5 }).map((offset) => BLOCK_BYTES + offset),
  fc.nat({ max: 3 * BLOCK_BYTES }),
);
/** Bytes that differ from place to place, at an odd address now and then. */
const source = fc.tuple(length, fc.nat({ max: 255 }), fc.nat({ max: 3 })).map(([size, seed, at]) => {
  const buffer = Buffer.alloc(size + at);
  for (let i = 0; i < size; i++) buffer[at + i] = Math.imul(i + 1, seed * 2 + 77) >>> 3;
  return buffer.subarray(at);
});

function model(operation: BitOperation, sources: readonly Uint8Array[], size: number): Buffer {
  const result = Buffer.alloc(size);
  for (let i = 0; i < size; i++) {
    let byte = sources[0][i] ?? 0;
    for (const other of sources.slice(1)) {
      if (operation === "and") byte &= other[i] ?? 0;
      else if (operation === "or") byte |= other[i] ?? 0;
      else byte ^= other[i] ?? 0;
    }
    result[i] = operation === "not" ? ~byte : byte;
  }
  return result;
}

const operation = fc.constantFrom<BitOperation>("and", "or", "xor", "not");

test("every byte is what the model says", () => {
  fc.assert(
    fc.property(operation, fc.array(source, { minLength: 1, maxLength: 5 }), (name, all) => {
      const sources = name === "not" ? all.slice(0, 1) : all;
      const size = Math.max(...sources.map((each) => each.length));
      const target = Buffer.alloc(size, 0x5a);
      combineBits(name, sources, target);
      expect(target.equals(model(name, sources, size))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("the result may take the place of a source", () => {
  fc.assert(
    fc.property(operation, fc.array(source, { minLength: 1, maxLength: 4 }), fc.nat(), (name, all, pick) => {
      const sources = name === "not" ? all.slice(0, 1) : all;
      const replaced = pick % sources.length;
      const size = Math.max(...sources.map((each) => each.length));
      const expected = model(name, sources, size);
      const target = Buffer.alloc(size, 0x5a);
      target.set(sources[replaced]);
      // Twice, as when a key is named twice.
      const shared = target.subarray(0, sources[replaced].length);
      const again = name === "not" || name === "xor" ? [] : [shared];
      combineBits(name, [...sources.map((each, i) => (i === replaced ? shared : each)), ...again], target);
      expect(target.equals(expected)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a thousand short sources beside a long one are read once", () => {
  let reads = 0;
  const short = Array.from({ length: 1000 }, () => {
    const bytes = Buffer.from([1]);
    const subarray = bytes.subarray.bind(bytes);
    bytes.subarray = (...args) => {
      reads++;
      return subarray(...args);
    };
    return bytes;
  });
  const long = Buffer.alloc(50 * BLOCK_BYTES, 2);
  const target = Buffer.alloc(long.length);
  combineBits("or", [...short, long], target);
  expect(target[0]).toBe(3);
  expect(target.subarray(1).every((byte) => byte === 2)).toBe(true);
  expect(reads).toBe(1000);
});
