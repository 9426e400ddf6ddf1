/** Blocks against plain Buffers, over random lengths, across the border between slab objects and huge values. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { Blocks, MAX_SLAB_BLOCK_BYTES, OpenBlock } from "../../src/memory/blocks.ts";
import { HugeValues } from "../../src/memory/huge-values.ts";
import { Slabs } from "../../src/memory/slabs.ts";

interface Modelled {
  reference: number;
  bytes: Buffer;
}

describe("Blocks", () => {
  it.each([false, true])("hold their bytes whatever their lengths become, loosely: %s", (isLoose) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.constantFrom(40, 600, MAX_SLAB_BLOCK_BYTES + 20, 4 * MAX_SLAB_BLOCK_BYTES),
        (seed, longest) => {
          const random = new SeededRandom(seed);
          const slabs = new Slabs();
          const huge = new HugeValues();
          const blocks = new Blocks(slabs, huge);
          const open = new OpenBlock(blocks, isLoose);
          const all: Modelled[] = [];
          for (let i = 0; i < 300; i++) {
            const kind = random.below(4);
            const length = random.below(longest + 1);
            if (kind === 0 || all.length === 0) {
              const reference = isLoose ? blocks.allocateLoosely(length) : blocks.allocate(length);
              all.push({ reference, bytes: random.bytes(length) });
              write(blocks, all[all.length - 1], 0);
            } else if (kind === 1) {
              const [gone] = all.splice(random.below(all.length), 1);
              blocks.free(gone.reference);
            } else {
              const block = all[random.below(all.length)];
              // Mostly by a little, as buckets change.
              const change = kind === 2 ? length : block.bytes.length + random.below(41) - 20;
              resize(blocks, open, block, Math.max(0, change), random);
            }
          }
          for (const { reference, bytes } of all) {
            const start = blocks.start(reference);
            expect(blocks.length(reference)).toBe(bytes.length);
            expect(
              blocks
                .buffer(reference)
                .subarray(start, start + bytes.length)
                .equals(bytes),
            ).toBe(true);
            expect(blocks.sizeBytes(reference)).toBeGreaterThanOrEqual(bytes.length);
          }
          const sum = all.reduce((total, { reference }) => total + blocks.sizeBytes(reference), 0);
          expect(sum).toBe(slabs.allocatedBytes + huge.allocatedBytes);
          for (const { reference } of all) blocks.free(reference);
          expect(slabs.allocatedBytes + huge.allocatedBytes).toBe(0);
        },
      ),
    );
  });

  it("that are resized loosely move seldom, and give back what they no longer need", () => {
    const blocks = new Blocks(new Slabs(), new HugeValues());
    const open = new OpenBlock(blocks, true);
    open.open(blocks.allocateLoosely(100));
    let moves = 0;
    for (let length = 100; length < 1000; length += 10) {
      const before = open.reference;
      open.resize(length);
      if (open.reference !== before) moves++;
    }
    expect(moves).toBeLessThan(15);
    for (let length = 1000; length > 20; length -= 10) {
      open.resize(length);
      expect(blocks.sizeBytes(open.reference)).toBeLessThan(2 * length + 32);
    }
  });
});

function resize(
  blocks: Blocks,
  open: OpenBlock,
  block: Modelled,
  length: number,
  random: SeededRandom,
): void {
  open.open(block.reference);
  open.resize(length);
  const kept = Math.min(length, block.bytes.length);
  expect(open.buffer.subarray(open.start, open.start + kept).equals(block.bytes.subarray(0, kept))).toBe(
    true,
  );
  block.reference = open.reference;
  block.bytes = Buffer.concat([block.bytes.subarray(0, kept), random.bytes(length - kept)]);
  write(blocks, block, kept);
}

/** Writes the block's bytes from `from` on. */
function write(blocks: Blocks, { reference, bytes }: Modelled, from: number): void {
  bytes.copy(blocks.buffer(reference), blocks.start(reference) + from, from);
}
