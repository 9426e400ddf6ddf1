/** Gaps made and closed in bytes, against the same done with arrays. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { GrowingBytes, splice } from "../../src/types/packed-bytes.ts";
import { MovingBytes } from "./moving-bytes.ts";

test.each([
  ["grow", () => new GrowingBytes(1)],
  ["move", () => new MovingBytes()],
])("a gap keeps what lies around it in bytes that %s", (_, create) => {
  const edit = fc.record({
    at: fc.nat(200),
    removed: fc.nat(80),
    inserted: fc.uint8Array({ maxLength: 80 }),
  });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 20 }), (edits) => {
      const packed = create();
      let model: number[] = [];
      for (const { at, removed, inserted } of edits) {
        const offset = Math.min(at, model.length);
        const count = Math.min(removed, model.length - offset);
        splice(packed, offset, count, inserted.length);
        packed.buffer.set(inserted, packed.start + offset);
        model = [...model.slice(0, offset), ...inserted, ...model.slice(offset + count)];
        expect([...packed.bytes()]).toEqual(model);
      }
    }),
  );
});

test("memory grows seldom", () => {
  const packed = new GrowingBytes();
  const buffers = new Set<Buffer>();
  for (let length = 0; length < 10_000; length++) {
    packed.resize(length);
    buffers.add(packed.buffer);
  }
  expect(buffers.size).toBeLessThan(10);
});
