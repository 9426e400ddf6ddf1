/**
 * From an element to its register and rank: MurmurHash64A (Austin Appleby's MurmurHash2, the variant for 64-bit
 * machines), reading words in little endian, with the seed that all of Redis's HyperLogLogs share. The low 14 bits of
 * the hash are the register, the rank is the number of the lowest bit set among the other 50, counted from 1.
 *
 * JavaScript has no 64-bit integers that cost nothing, so each is two of 32 bits. Nearly all of the work is
 * multiplying by one constant, of which only the low 64 bits are wanted:
 *
 *   (high, low) * (MH, ML) = (upper half of low * ML + low * MH + high * ML, lower half of low * ML)
 *
 * Math.imul gives lower halves; the upper half comes from products of 16-bit parts.
 */
const SEED = 0xadc83b19 | 0;
/** The multiplier 0xc6a4a7935bd1e995: its halves, and those of the lower one. */
const MH = 0xc6a4a793 | 0;
const ML = 0x5bd1e995;
const ML_HIGH = 0x5bd1;
const ML_LOW = 0xe995;
/** xor-shifts go by 47 bits: the high word, shifted by 15, meets the low one. */
const SHIFT = 15;

const REGISTER_BITS = 14;
const REGISTER_MASK = (1 << REGISTER_BITS) - 1;
/** Bits of the low word that are left for the rank. */
const LOW_RANK_BITS = 32 - REGISTER_BITS;
/** The rank of a hash whose other 50 bits are all 0. */
export const RANK_MAX = 51;

/** Where an element belongs, in one number: see `registerOf` and `rankOf`. */
export function placeOf(bytes: Uint8Array, start: number, length: number): number {
  let low = SEED ^ Math.imul(length, ML);
  let high = (upperHalf(length) + Math.imul(length, MH)) | 0;
  const end = start + (length & ~7);
  let product: number;
  for (let at = start; at < end; at += 8) {
    const word = wordAt(bytes, at);
    let wordHigh = (upperHalf(word) + Math.imul(word, MH) + Math.imul(wordAt(bytes, at + 4), ML)) | 0;
    let wordLow = Math.imul(word, ML);
    wordLow ^= wordHigh >>> SHIFT;
    product = upperHalf(wordLow) + Math.imul(wordLow, MH);
    wordHigh = (product + Math.imul(wordHigh, ML)) | 0;
    low ^= Math.imul(wordLow, ML);
    high ^= wordHigh;
    high = (upperHalf(low) + Math.imul(low, MH) + Math.imul(high, ML)) | 0;
    low = Math.imul(low, ML);
  }
  const rest = length & 7;
  if (rest > 0) {
    for (let i = 0; i < rest && i < 4; i++) low ^= bytes[end + i] << (8 * i);
    for (let i = 4; i < rest; i++) high ^= bytes[end + i] << (8 * (i - 4));
    high = (upperHalf(low) + Math.imul(low, MH) + Math.imul(high, ML)) | 0;
    low = Math.imul(low, ML);
  }
  low ^= high >>> SHIFT;
  high = (upperHalf(low) + Math.imul(low, MH) + Math.imul(high, ML)) | 0;
  low = Math.imul(low, ML);
  low ^= high >>> SHIFT;
  return (rank(low, high) << REGISTER_BITS) | (low & REGISTER_MASK);
}

/** The register, from 0 to 16383. */
export function registerOf(place: number): number {
  return place & REGISTER_MASK;
}

/** The rank, from 1 to RANK_MAX. */
export function rankOf(place: number): number {
  return place >>> REGISTER_BITS;
}

/** The upper 32 bits of word * ML, both unsigned; as a number that is right modulo 2^32. */
function upperHalf(word: number): number {
  const wordLow = word & 0xffff;
  const wordHigh = word >>> 16;
  const carry = (Math.imul(wordHigh, ML_LOW) + (Math.imul(wordLow, ML_LOW) >>> 16)) | 0;
  const middle = (Math.imul(wordLow, ML_HIGH) + (carry & 0xffff)) | 0;
  return (Math.imul(wordHigh, ML_HIGH) + (carry >>> 16) + (middle >>> 16)) | 0;
}

function rank(low: number, high: number): number {
  const lowest = low >>> REGISTER_BITS;
  if (lowest !== 0) return trailingZeros(lowest) + 1;
  return high === 0 ? RANK_MAX : LOW_RANK_BITS + trailingZeros(high) + 1;
}

/** Zero bits below the lowest one of a word that has one. */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
