/**
 * The record codec: what goes in comes out, and no flipped bit, cut or misplaced value passes for a record.
 */
import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../src/base/byte-arena.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import { recordKey } from "../../src/cold/keys.ts";
import { MAXIMUM_INLINE_KEY_BYTES } from "../../src/cold/limits.ts";
import {
  type ColdRecord,
  decodeRecord,
  encodeRecord,
  keyOf,
  RECORD_MARGINS,
  readableHeader,
  readHeader,
} from "../../src/cold/record.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const keys = fc.oneof(
  bytes(40),
  fc
    .tuple(bytes(20), fc.integer({ min: MAXIMUM_INLINE_KEY_BYTES - 10, max: 3000 }))
    .map(([start, length]) => Buffer.concat([start, Buffer.alloc(length - start.length, 0x6b)])),
);
const payloads = fc.oneof(
  bytes(300),
  fc
    .tuple(
      bytes(10).map((part) => Buffer.concat([part, Buffer.from("p")])),
      fc.integer({ min: 0, max: 500 }),
    )
    .map(([part, count]) => Buffer.alloc(count, part)),
);
const records: fc.Arbitrary<ColdRecord> = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  lru: uint32,
  expireMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  payload: payloads,
});
const references = fc.record({ namespace: uint32, hash: uint32, key: keys });

function isDamaged(key: Buffer, value: Buffer): boolean {
  try {
    decodeRecord(key, value);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).code).toBe("corrupt");
    return true;
  }
}

describe("record", () => {
  test("every record comes back as it was, compressed or not", () => {
    fc.assert(
      fc.property(references, records, fc.nat(2 ** 31), fc.boolean(), (ref, record, generation, compress) => {
        const key = recordKey(ref);
        const value = encodeRecord(key, ref, record, generation, compress);
        const header = readHeader(key, value);
        expect(header.generation).toBe(generation);
        expect(keyOf(key, header)).toEqual(ref.key);
        expect(decodeRecord(key, value)).toEqual(record);
        expect(decodeRecord(key, value, header)).toEqual(record);
      }),
    );
  });

  test("a payload that LZ4 makes smaller is stored smaller", () => {
    const ref = { namespace: 1, hash: 2, key: Buffer.from("k") };
    const record = { type: 0, lru: 0, expireMs: 0, payload: Buffer.alloc(5000, "abc") };
    const key = recordKey(ref);
    expect(encodeRecord(key, ref, record, 1, true).length).toBeLessThan(200);
    expect(encodeRecord(key, ref, record, 1, false).length).toBe(5016);
  });

  test("a payload with margins becomes the same record, without being copied if it stays as it is", () => {
    const arena = new ByteArena(RECORD_MARGINS.before, RECORD_MARGINS.after);
    const copyOf = (payload: Buffer): Buffer => {
      const piece = arena.take(payload.length);
      piece.set(payload);
      return piece;
    };
    fc.assert(
      fc.property(references, records, records, fc.boolean(), (ref, record, other, compress) => {
        const key = recordKey(ref);
        const [neighbours, payload] = [copyOf(other.payload), copyOf(record.payload)];
        const after = copyOf(other.payload);
        const expected = encodeRecord(key, ref, record, 7, compress);
        const value = encodeRecord(key, ref, { ...record, payload, hasMargins: true }, 7, compress);
        expect(value).toEqual(expected);
        const isLong = ref.key.length > MAXIMUM_INLINE_KEY_BYTES;
        const staysAsItIs = !isLong && !readHeader(key, value).isCompressed;
        expect(value.buffer === payload.buffer).toBe(staysAsItIs);
        for (const neighbour of [neighbours, after]) expect(neighbour).toEqual(other.payload);
      }),
    );
  });

  test("long payloads come back, and are compressed if that makes them smaller", () => {
    const ref = { namespace: 1, hash: 2, key: Buffer.from("k") };
    const key = recordKey(ref);
    const MB = 1024 * 1024;
    for (const length of [MB - 1, MB, MB + 1, 3 * MB + 5]) {
      const noise = randomBytes(length);
      const text = Buffer.alloc(length, "some words that come again and again; ");
      const half = Buffer.concat([noise.subarray(0, length / 2), text.subarray(length / 2)]);
      for (const [payload, least, most] of [
        [noise, length, length],
        [text, 0, length / 50],
        [half, length / 2, length * 0.6],
      ] as const) {
        const value = encodeRecord(key, ref, { type: 0, lru: 1, expireMs: 0, payload }, 1, true);
        const stored = value.length - readHeader(key, value).payloadAt - 4;
        expect(stored).toBeGreaterThanOrEqual(Math.floor(least));
        expect(stored).toBeLessThanOrEqual(most);
        expect(decodeRecord(key, value).payload.equals(payload)).toBe(true);
      }
    }
  });

  test("every flipped bit and every cut is noticed, in the value and in its key", () => {
    fc.assert(
      fc.property(references, records, fc.boolean(), (ref, record, compress) => {
        const key = recordKey(ref);
        const value = encodeRecord(key, ref, record, 7, compress);
        for (const target of [value, key]) {
          for (let bit = 0; bit < target.length * 8; bit += target.length > 200 ? 13 : 1) {
            target[bit >> 3] ^= 1 << (bit & 7);
            expect(isDamaged(key, value)).toBe(true);
            target[bit >> 3] ^= 1 << (bit & 7);
          }
        }
        for (let length = 0; length < value.length; length += 1) {
          expect(readableHeader(key, value.subarray(0, length))).toBeUndefined();
        }
        expect(isDamaged(key, value)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  test("a damaged record is named in the message", () => {
    const ref = { namespace: 3, hash: 2, key: Buffer.from('a"\x00b') };
    const key = recordKey(ref);
    expect(() => decodeRecord(key, Buffer.alloc(3))).toThrow(/key "a\\x22\\x00b" in namespace 3 is damaged/);
    const long = recordKey({ ...ref, key: Buffer.alloc(2000) });
    expect(() => decodeRecord(long, Buffer.alloc(30))).toThrow(/a long key with SHA-256 [0-9a-f]{64}/);
  });
});
