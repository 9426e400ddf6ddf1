/** LZF: round trips, limits, and refusal of everything that is not LZF. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { withView } from "../../src/base/byte-copy.ts";
import { lzfCompress, lzfDecompress } from "../../src/base/lzf.ts";

function compress(input: Uint8Array, limit = input.length): Buffer | undefined {
  const output = Buffer.alloc(limit + 16, 0xee);
  const size = lzfCompress(input, 0, input.length, output, 8, limit);
  // Nothing outside the room given is touched.
  expect(output.subarray(0, 8).every((byte) => byte === 0xee)).toBe(true);
  expect(output.subarray(8 + limit).every((byte) => byte === 0xee)).toBe(true);
  return size === 0 ? undefined : Buffer.from(output.subarray(8, 8 + size));
}

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 200 })), {
    maxLength: 30,
  })
  .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));

describe("lzf", () => {
  test("what was compressed comes back", () => {
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 3000 })), (input) => {
        const packed = compress(input, input.length * 2 + 8);
        if (input.length < 4) expect(packed).toBeUndefined();
        else expect(lzfDecompress(packed!, input.length)).toEqual(Buffer.from(input));
      }),
    );
  });

  test("compresses part of a buffer that lies within another one", () => {
    const whole = Buffer.from(`abc${"seven times ".repeat(7)}xyz`);
    const part = whole.subarray(3, -3);
    const output = Buffer.alloc(200);
    for (const [input, start] of [
      [whole, 3],
      [part, 0],
      [whole.subarray(1), 2],
    ] as const) {
      const size = lzfCompress(input, start, part.length, output, 10, 100);
      expect(lzfDecompress(output, part.length, 10, 10 + size)).toEqual(part);
    }
  });

  test("never exceeds the room it was given", () => {
    fc.assert(
      fc.property(repetitive, fc.nat(400), (input, limit) => {
        const packed = compress(input, limit);
        if (packed !== undefined) expect(lzfDecompress(packed, input.length)).toEqual(Buffer.from(input));
      }),
    );
  });

  test("matches far away, long ones, and a range inside a larger buffer", () => {
    const input = Buffer.concat([
      Buffer.from("0123456789abcdef"),
      Buffer.alloc(8170, "xyzw!"),
      Buffer.from("0123456789abcdef"),
    ]);
    const output = Buffer.alloc(20000);
    const whole = Buffer.concat([Buffer.from("junk"), input, Buffer.from("junk")]);
    const size = lzfCompress(whole, 4, input.length, output, 0, output.length);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(200);
    expect(lzfDecompress(output.subarray(0, size), input.length)).toEqual(input);
  });

  test("between buffers with views the same comes back, and nothing behind it is written", () => {
    const room = (length: number): Buffer => withView(Buffer.alloc(length + 16, 0xee));
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ minLength: 4, maxLength: 3000 })), (input) => {
        const packed = compress(input, input.length * 2 + 8);
        if (packed === undefined) return;
        const end = 5 + packed.length;
        const around = withView(Buffer.concat([Buffer.from("junk!"), packed, Buffer.from("more junk")]));
        const output = lzfDecompress(around, input.length, 5, end, room)!;
        expect(output.subarray(0, input.length)).toEqual(Buffer.from(input));
        expect(output.subarray(input.length)).toEqual(Buffer.alloc(16, 0xee));
      }),
    );
  });

  test("a wrong length is refused", () => {
    const input = Buffer.alloc(500, "abc");
    const packed = compress(input)!;
    for (const length of [0, 1, 499, 501, 1e12]) expect(lzfDecompress(packed, length)).toBeUndefined();
    for (let cut = 0; cut < packed.length; cut++) {
      expect(lzfDecompress(packed.subarray(0, cut), input.length)).toBeUndefined();
    }
  });

  test("arbitrary bytes decompress to the length asked for, or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(300), (bytes, length) => {
        const result = lzfDecompress(bytes, length);
        if (result !== undefined) expect(result.length).toBe(length);
      }),
    );
  });

  test("nothing is allocated for what cannot be decompressed", () => {
    const bomb = Buffer.alloc(300_000, Buffer.from([0xe0, 0xff, 0x00]));
    bomb.set([0x00, 0x61]);
    const length = 1 + Math.floor((bomb.length - 2) / 3) * 264;
    const cut = bomb.subarray(0, bomb.length - 1);
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    try {
      for (const lie of [length - 1, length + 1, 2 ** 31, 1e12]) {
        expect(lzfDecompress(cut, lie)).toBeUndefined();
        expect(lzfDecompress(bomb, lie)).toBeUndefined();
      }
      bomb[0] = 0x20;
      expect(lzfDecompress(bomb, length + 2)).toBeUndefined();
      expect(allocate).not.toHaveBeenCalled();
    } finally {
      allocate.mockRestore();
    }
  });

  test("a reference before the start is refused", () => {
    expect(lzfDecompress(Buffer.from([0x00, 0x61, 0x20, 0x05]), 4)).toBeUndefined();
  });
});
