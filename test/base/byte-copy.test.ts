/**
 * Copying and comparing bytes: as Buffer does, whether the buffers carry views or not.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes, copyBytes, withView } from "../../src/base/byte-copy.ts";

const bytes = fc.uint8Array({ maxLength: 40 });

test("bytes are ordered as Buffer.compare orders them", () => {
  const pair = fc.tuple(bytes, bytes, fc.nat(20), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(pair, ([left, right, common, leftHasView, rightHasView]) => {
      // Equal beginnings of all lengths, behind bytes that do not count.
      const prefix = Buffer.alloc(common, 0xa5);
      const a = Buffer.concat([Buffer.of(1), prefix, left, Buffer.of(9)]);
      const b = Buffer.concat([Buffer.of(2, 3), prefix, right, Buffer.of(0)]);
      if (leftHasView) withView(a);
      if (rightHasView) withView(b);
      const expected = Buffer.compare(a.subarray(1, -1), b.subarray(2, -1));
      expect(Math.sign(compareBytes(a, 1, a.length - 2, b, 2, b.length - 3))).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test("a copy is the bytes asked for, and no byte beside them", () => {
  for (const [sourceHasView, targetHasView] of [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ]) {
    const source = Buffer.from(Uint8Array.from({ length: 512 }, (_, i) => (i * 167) & 0xff));
    if (sourceHasView) withView(source);
    // All lengths around the steps of each way to copy, at all alignments.
    for (let length = 0; length <= 260; length++) {
      const start = length % 7;
      const to = 1 + (length % 5);
      const target = Buffer.alloc(320, 0xee);
      if (targetHasView) withView(target);
      copyBytes(source, start, target, to, length);
      const expected = Buffer.alloc(320, 0xee);
      source.copy(expected, to, start, start + length);
      expect(target.equals(expected), `${length} bytes`).toBe(true);
    }
  }
});

test("a copy within one buffer", () => {
  for (const length of [3, 8, 20, 79, 80, 191, 192, 250]) {
    const buffer = withView(Buffer.from(Uint8Array.from({ length: 600 }, (_, i) => (i * 31) & 0xff)));
    const expected = Buffer.from(buffer);
    expected.copy(expected, 300, 7, 7 + length);
    copyBytes(buffer, 7, buffer, 300, length);
    expect(buffer.equals(expected)).toBe(true);
  }
});
