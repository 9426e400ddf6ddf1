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
