/** The allocator: no two live objects overlap, and memory comes back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_OBJECT_BYTES, SLAB_MASK, SLAB_SHIFT, Slabs } from "../../src/memory/slabs.ts";

describe("Slabs", () => {
  it("keeps the bytes of every live object apart from all others", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: MAX_OBJECT_BYTES }), fc.nat()), {
          maxLength: 600,
        }),
        (steps) => {
          const slabs = new Slabs();
          const live: { address: number; size: number; fill: number }[] = [];
          let sum = 0;
          for (const [release, size, pick] of steps) {
            if (release && live.length > 0) {
              const [object] = live.splice(pick % live.length, 1);
              const start = (object.address & SLAB_MASK) << 4;
              const bytes = slabs.bytes[object.address >>> SLAB_SHIFT].subarray(start, start + object.size);
              expect(bytes.every((byte) => byte === object.fill)).toBe(true);
              sum -= slabs.capacity(object.address);
              slabs.free(object.address);
            } else {
              const address = slabs.allocate(size);
              expect(slabs.capacity(address)).toBeGreaterThanOrEqual(size);
              const fill = pick & 0xff;
              const start = (address & SLAB_MASK) << 4;
              slabs.bytes[address >>> SLAB_SHIFT].fill(fill, start, start + size);
              live.push({ address, size, fill });
              sum += slabs.capacity(address);
            }
            expect(slabs.allocatedBytes).toBe(sum);
          }
        },
      ),
      { numRuns: 80 },
    );
  });

  it("gives whole slabs back when they are empty, and uses their addresses again", () => {
    const slabs = new Slabs();
    const addresses: number[] = [];
    for (let i = 0; i < 40_000; i++) addresses.push(slabs.allocate(1024));
    const peak = slabs.reservedBytes;
    for (const address of addresses) slabs.free(address);
    expect(slabs.allocatedBytes).toBe(0);
    expect(slabs.reservedBytes).toBeLessThan(peak / 2);
    const again = new Set<number>();
    for (let i = 0; i < 40_000; i++) again.add(slabs.allocate(512));
    expect(again.size).toBe(40_000);
    expect(slabs.reservedBytes).toBeLessThan(peak);
  });
});
