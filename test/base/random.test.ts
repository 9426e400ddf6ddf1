/** The random numbers: the generator is the published one, its range is right, and nothing is favoured. */
import { describe, expect, it } from "vitest";
import { type Random, SeededRandom, systemRandom } from "../../src/base/random.ts";

/** sfc32 once more, straight from its definition and in another number type. */
function* sfc32(a: bigint, b: bigint, c: bigint): Generator<bigint> {
  const mask = 0xffff_ffffn;
  for (let counter = 1n; ; counter = (counter + 1n) & mask) {
    const result = (a + b + counter) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = ((((c << 21n) & mask) | (c >> 11n)) + result) & mask;
    yield result;
  }
}

describe("SeededRandom", () => {
  it("gives the numbers of sfc32", () => {
    const seed = 0x12_3456_789a_bcden & ((1n << 53n) - 1n);
    const reference = sfc32(seed & 0xffff_ffffn, seed >> 32n, 77n);
    for (let round = 0; round < 16; round++) reference.next();
    const random = new SeededRandom(Number(seed), 77);
    for (let round = 0; round < 1000; round++) expect(random.next()).toBe(Number(reference.next().value));
  });

  it("repeats itself for a seed, and differs between seeds", () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 8 }, () => random.next());
    };
    expect(draw(5)).toEqual(draw(5));
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => draw(seed)[0]));
    expect(firsts.size).toBe(1000);
    expect(draw(1)).not.toEqual(draw(1 + 2 ** 32));
  });

  it("refuses a limit out of range", () => {
    const random = new SeededRandom(1);
    for (const limit of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN])
      expect(() => random.below(limit)).toThrow(RangeError);
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });
});

describe.each<[string, Random]>([
  ["SeededRandom", new SeededRandom(42)],
  ["systemRandom", systemRandom],
])("%s", (_name, random) => {
  it("makes all results of below equally likely", () => {
    // 60,000 throws of a die: each face 10,000 times, standard deviation 91; eight of those is a one in 10^15 event.
    const counts = Array.from({ length: 6 }, () => 0);
    for (let throws = 0; throws < 60_000; throws++) counts[random.below(6)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(8 * 92);
    // Two thirds of 2^32 as the limit: a plain remainder would give the lower half twice as often.
    const limit = Math.floor((2 ** 32 * 2) / 3);
    let low = 0;
    for (let throws = 0; throws < 60_000; throws++) if (random.below(limit) < limit / 2) low++;
    expect(Math.abs(low - 30_000)).toBeLessThan(8 * 123);
  });

  it("fills buffers of any length, every bit of them", () => {
    for (let length = 0; length < 12; length++) expect(random.bytes(length).length).toBe(length);
    const seen = Buffer.alloc(11);
    const missing = Buffer.alloc(11);
    for (let round = 0; round < 200; round++) {
      const bytes = random.bytes(11);
      bytes.forEach((byte, index) => {
        seen[index] |= byte;
        missing[index] |= ~byte;
      });
    }
    expect(seen).toEqual(Buffer.alloc(11, 0xff));
    expect(missing).toEqual(Buffer.alloc(11, 0xff));
  });
});
