/**
 * Comparing bytes: as Buffer.compare does, whether the buffers carry views or not.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes, withView } from "../../src/base/byte-copy.ts";

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
