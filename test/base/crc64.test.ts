/** CRC-64 against the published check values and against a bit-by-bit computation. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Crc64, crc64 } from "../../src/base/crc64.ts";

/** The definition, one bit at a time, on bigints. */
function slowCrc64(bytes: Uint8Array): Buffer {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(crc);
  return out;
}

test("the check values of the algorithm", () => {
  expect(crc64(Buffer.from("123456789")).readBigUInt64LE()).toBe(0xe9c6d914c4b8d9can);
  expect(crc64(Buffer.alloc(0)).readBigUInt64LE()).toBe(0n);
});

test("agrees with the definition where there are many bytes, in one piece and in two", () => {
  const bytes = Buffer.alloc(200_000 + 13);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 13;
  for (const length of [511, 512, 513, 519, 98_303, 98_304, 98_311, bytes.length - 1]) {
    const expected = slowCrc64(bytes.subarray(1, 1 + length));
    const checksum = new Crc64();
    checksum.update(bytes, 1, 1 + length);
    expect(checksum.digest()).toEqual(expected);
    const half = length >> 1;
    checksum.reset();
    checksum.update(bytes, 1, 1 + half);
    checksum.update(bytes, 1 + half, 1 + length);
    expect(checksum.digest()).toEqual(expected);
  }
});

test("two checksums make up that of both runs of bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      const checksum = new Crc64();
      checksum.update(first);
      checksum.append(crc64(second), second.length);
      expect(checksum.digest()).toEqual(crc64(Buffer.concat([first, second])));
    }),
  );
  const zeros = Buffer.alloc(1_000_003);
  const checksum = new Crc64();
  checksum.update(Buffer.of(1));
  checksum.append(crc64(zeros), zeros.length);
  expect(checksum.digest()).toEqual(crc64(Buffer.concat([Buffer.of(1), zeros])));
});

test("agrees with the definition, however the bytes arrive", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 5 }), (bytes, cuts) => {
      const positions = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
        (a, b) => a - b,
      );
      const checksum = new Crc64();
      let from = 0;
      for (const to of positions) {
        checksum.update(bytes, from, to);
        from = to;
      }
      expect(checksum.digest()).toEqual(slowCrc64(bytes));
      checksum.reset();
      expect(checksum.digest()).toEqual(Buffer.alloc(8));
    }),
  );
});
