/**
 * Elements made to belong to a given register with a given rank: MurmurHash64A with 64-bit integers, and its reverse
 * for elements of eight bytes. Nothing here is shared with the implementation.
 */
const M = 0xc6a4a7935bd1e995n;
const SEED = 0xadc83b19n;
const M_INVERSE = inverse(M);
const RANK_MAX = 51;

/** The hash of an element, by the definition. */
export function murmurHash64A(element: Uint8Array): bigint {
  let hash = SEED ^ wrap(BigInt(element.length) * M);
  const whole = element.length - (element.length % 8);
  const word = (from: number, to: number) =>
    element.subarray(from, to).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  for (let i = 0; i < whole; i += 8) hash = wrap((hash ^ mix(word(i, i + 8))) * M);
  if (whole < element.length) hash = wrap((hash ^ word(whole, element.length)) * M);
  return fold(wrap(fold(hash) * M));
}

/** An element of eight bytes for register `index` (0 to 16383) with rank `rank` (1 to 51); `salt` makes others. */
export function craftedElement(index: number, rank: number, salt = 0n): Buffer {
  const above = rank === RANK_MAX ? 0n : ((salt << 1n) | 1n) << BigInt(rank - 1);
  const hash = BigInt.asUintN(64, (above << 14n) | BigInt(index));
  const mixed = fold(wrap(fold(hash) * M_INVERSE));
  const word = wrap(mixed * M_INVERSE) ^ SEED ^ wrap(8n * M);
  const element = Buffer.alloc(8);
  element.writeBigUInt64LE(wrap(fold(wrap(word * M_INVERSE)) * M_INVERSE));
  return element;
}

function mix(word: bigint): bigint {
  return wrap(fold(wrap(word * M)) * M);
}

/** Its own reverse, as it changes only the low 17 bits. */
function fold(word: bigint): bigint {
  return word ^ (word >> 47n);
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** Of an odd number, modulo 2^64: each step doubles the number of right bits. */
function inverse(odd: bigint): bigint {
  let result = odd;
  for (let step = 0; step < 6; step++) result = wrap(result * (2n - odd * result));
  return result;
}
