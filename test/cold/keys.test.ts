/**
 * Keys of the store: order, and that no two things ever share one.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  dataFrom,
  expiryKey,
  expiryOf,
  expiryStart,
  HASH_SPACE,
  hashOf,
  hashRange,
  indexedRecordKey,
  inlineKeyOf,
  isDigestKey,
  isRecordKey,
  markerKey,
  markersFrom,
  namespaceOf,
  numberOf,
  recordKey,
  undoFrom,
  undoKey,
  WHOLE_RANGE,
} from "../../src/cold/keys.ts";
import { MAXIMUM_INLINE_KEY_BYTES } from "../../src/cold/limits.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 2 });
const times = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const numbers = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const references = fc.record({
  namespace: uint32,
  hash: uint32,
  key: fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array)),
});

function isWithin(key: Buffer, range: { from: Buffer; to: Buffer }): boolean {
  return Buffer.compare(range.from, key) <= 0 && Buffer.compare(key, range.to) < 0;
}

describe("keys", () => {
  test("a record key gives back its parts and lies in its ranges only", () => {
    fc.assert(
      fc.property(references, uint32, (ref, other) => {
        const key = recordKey(ref);
        expect(isRecordKey(key)).toBe(true);
        expect([namespaceOf(key), hashOf(key), inlineKeyOf(key)]).toEqual([ref.namespace, ref.hash, ref.key]);
        expect(isWithin(key, hashRange(ref.namespace, 0, HASH_SPACE))).toBe(true);
        expect(isWithin(key, hashRange(ref.namespace, ref.hash, ref.hash + 1))).toBe(true);
        expect(isWithin(key, hashRange(ref.namespace, other, HASH_SPACE))).toBe(ref.hash >= other);
        expect(isWithin(key, hashRange(ref.namespace, 0, other))).toBe(ref.hash < other);
        expect(isWithin(key, dataFrom(other))).toBe(ref.namespace >= other);
        expect(isWithin(key, WHOLE_RANGE)).toBe(true);
      }),
    );
  });

  test("records are in the order of namespace, then hash", () => {
    fc.assert(
      fc.property(references, references, (a, b) => {
        const order = a.namespace - b.namespace || a.hash - b.hash || Buffer.compare(a.key, b.key);
        expect(Buffer.compare(recordKey(a), recordKey(b))).toBe(Math.sign(order));
      }),
    );
  });

  test("a short key never looks like the digest of a long one", () => {
    const long = recordKey({ namespace: 1, hash: 2, key: Buffer.alloc(MAXIMUM_INLINE_KEY_BYTES + 1, "x") });
    const digest = inlineKeyOf(long);
    expect(isDigestKey(long)).toBe(true);
    expect(long.length).toBe(42);
    const short = recordKey({ namespace: 1, hash: 2, key: digest });
    expect(short.equals(long)).toBe(false);
    expect(isDigestKey(short)).toBe(false);
    expect(isDigestKey(recordKey({ namespace: 1, hash: 2, key: Buffer.alloc(1000, 0xff) }))).toBe(false);
  });

  test("expiry entries are in the order of time and lead back to their record", () => {
    fc.assert(
      fc.property(references, times, times, (ref, one, other) => {
        const key = recordKey(ref);
        const entry = expiryKey(one, key);
        expect(expiryOf(entry)).toBe(one);
        expect(indexedRecordKey(entry)).toEqual(key);
        expect(Buffer.compare(expiryStart(other), entry) < 0).toBe(other <= one);
      }),
    );
  });

  test("numbers keep their order", () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        for (const [keyOf, from] of [
          [undoKey, undoFrom],
          [markerKey, markersFrom],
        ] as const) {
          expect(numberOf(keyOf(a))).toBe(a);
          expect(Buffer.compare(keyOf(a), keyOf(b))).toBe(Math.sign(a - b));
          expect(isWithin(keyOf(a), from(b))).toBe(a >= b);
        }
      }),
    );
  });
});
