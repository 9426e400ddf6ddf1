/** Integers around the limits of an intset's widths, and intsets made another way than the code under test does. */
import fc from "fast-check";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
const LIMITS = [0n, 2n ** 15n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n];

const edges = fc
  .tuple(fc.constantFrom(...LIMITS), fc.bigInt({ min: -3n, max: 3n }), fc.boolean())
  .map(([limit, distance, isNegative]) => (isNegative ? -limit : limit) + distance)
  .filter((value) => value >= MIN && value <= MAX);

/** Mostly small ones, so that the width is not always the largest. */
export const members: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 6, arbitrary: fc.bigInt({ min: -40n, max: 40n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n }) },
  { weight: 1, arbitrary: edges },
  { weight: 1, arbitrary: fc.bigInt({ min: MIN, max: MAX }) },
);

export function widthOf(member: bigint): number {
  return [2, 4, 8].find((bytes) => BigInt.asIntN(8 * bytes, member) === member) ?? 0;
}

/** The intset of these members, which may be in any order, in this width or the larger one that they need. */
export function intsetOf(members: Iterable<bigint>, width = 2): Buffer {
  const sorted = [...members].sort((a, b) => (a < b ? -1 : Number(a > b)));
  const bytes = Math.max(width, ...sorted.map(widthOf));
  const header = Buffer.alloc(8);
  header.writeUInt32LE(bytes, 0);
  header.writeUInt32LE(sorted.length, 4);
  const contents = sorted.map((member) => {
    const all = Buffer.alloc(8);
    all.writeBigInt64LE(member);
    return all.subarray(0, bytes);
  });
  return Buffer.concat([header, ...contents]);
}
