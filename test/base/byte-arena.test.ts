/**
 * Pieces of scratch memory: each is its taker's own with the margins around it, whatever other pieces come and go.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteArena } from "../../src/base/byte-arena.ts";

const BEFORE = 20;
const AFTER = 4;
const MB = 1024 * 1024;

const sizes = fc.oneof(
  fc.nat(2000),
  fc.nat(300_000),
  fc.integer({ min: MB - BEFORE - AFTER - 2, max: MB - BEFORE - AFTER + 2 }),
  fc.integer({ min: MB, max: 3 * MB }),
);

/** The piece and what belongs to it around. */
function around(piece: Buffer): Buffer {
  return Buffer.from(piece.buffer, piece.byteOffset - BEFORE, BEFORE + piece.length + AFTER);
}

test("no piece or margin overlaps another, until all are given up", () => {
  const arena = new ByteArena(BEFORE, AFTER);
  fc.assert(
    fc.property(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 12 }), (steps) => {
      const pieces: Buffer[] = [];
      steps.forEach(([size, givesUp], i) => {
        const piece = arena.take(size);
        expect(piece.length).toBe(size);
        around(piece).fill(i + 1);
        if (givesUp && arena.isLarge(piece)) {
          arena.giveUp(piece);
          arena.giveUp(piece);
          expect(piece.length).toBe(0);
        }
        pieces.push(piece);
      });
      pieces.forEach((piece, i) => {
        if (piece.length === 0) return;
        const whole = around(piece);
        expect(whole.equals(Buffer.alloc(whole.length, i + 1))).toBe(true);
      });
      arena.reset();
      for (const [i, [size]] of steps.entries()) if (size > MB) expect(pieces[i].length).toBe(0);
    }),
    { numRuns: 60 },
  );
});
