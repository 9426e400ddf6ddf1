/** The allocator: no two live objects overlap, and memory comes back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newSharedNumber } from "../../src/memory/shared-number.ts";
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

  it("takes over what another thread has allocated, under the addresses that it has there", () => {
    const slabs = new Slabs();
    const own = slabs.allocate(48);
    const shared = newSharedNumber();
    slabs.shareNumbers(shared);
    const others = new Slabs(shared);
    const addresses = Array.from({ length: 200_000 }, (_, i) => others.allocate(16 + (i % 7) * 16));
    for (const [i, address] of addresses.entries()) wordsAt(others, address)[0] = i;
    // While both go on, neither gets a number of the other.
    for (let i = 0; i < 100_000; i++) slabs.allocate(64);
    const freed = addresses.filter((_, i) => i % 3 === 0);
    for (const address of freed) others.free(address);
    const kept = [...addresses.entries()].filter(([i]) => i % 3 !== 0);

    const before = slabs.allocatedBytes;
    const { allocatedBytes } = others;
    const handed = others.handOver();
    const part = structuredClone(handed, { transfer: [...handed.memory] });
    slabs.attach(part);
    const isAllThere = () => kept.every(([i, address]) => wordsAt(slabs, address)[0] === i);
    expect(isAllThere()).toBe(true);
    expect(slabs.allocatedBytes).toBe(before);
    slabs.adopt(part);
    expect(slabs.allocatedBytes).toBe(before + allocatedBytes);
    slabs.unshareNumbers();

    // What was free is used before new memory is taken.
    const reserved = slabs.reservedBytes;
    const known = new Set(kept.map(([, address]) => address).concat(own));
    for (let i = 0; i < freed.length; i++) known.add(slabs.allocate(16 + ((i * 3) % 7) * 16));
    expect(known.size).toBe(addresses.length + 1);
    expect(slabs.reservedBytes).toBe(reserved);
    expect(isAllThere()).toBe(true);
  });

  it("uses the numbers of slabs that were given up", () => {
    const slabs = new Slabs();
    const first = slabs.allocate(16);
    const shared = newSharedNumber();
    slabs.shareNumbers(shared);
    const others = new Slabs(shared);
    for (let i = 0; i < 2000; i++) others.allocate(8192);
    const part = others.handOver();
    slabs.attach(part);
    slabs.detach(part);
    slabs.unshareNumbers();
    slabs.free(first);
    expect(slabs.allocatedBytes).toBe(0);
    expect(slabs.reservedBytes).toBe(4 << 20);
    for (let i = 0; i < 2000; i++) slabs.allocate(8192);
    expect(slabs.bytes.length).toBe(Math.max(...part.numbers) + 1);
  });
});

/** The words of the slab from the object on. */
function wordsAt(slabs: Slabs, address: number): Int32Array {
  return slabs.words[address >>> SLAB_SHIFT].subarray((address & SLAB_MASK) << 2);
}
