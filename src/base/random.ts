/**
 * Random numbers as the rest of the code sees them. Injected, so that a test can repeat a run from its seed.
 *
 * The generator is sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand): 128 bits of state of which 32
 * are a counter, so that no seed can fall into a short cycle. It is quick enough to be asked several times per
 * command (sampling for eviction, SRANDMEMBER), and it is no secret: whoever needs bytes that nobody can guess
 * takes `systemRandom.bytes`.
 */
import { randomBytes } from "node:crypto";

/** Range of `next`: 2^32. */
const RANGE = 0x1_0000_0000;

/** The first outputs still resemble the seed; after this many they do not. */
const WARM_UP_ROUNDS = 16;

export interface Random {
  /** A number from 0 to 2^32 - 1. */
  next(): number;
  /** A number from 0 to `limit` - 1, all equally likely; `limit` is from 1 to 2^32. */
  below(limit: number): number;
  /** `length` random bytes in a new buffer. */
  bytes(length: number): Buffer;
}

/** The same numbers for the same seed, on every machine. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` may be any integer a number holds exactly; `third` adds more bits for whoever has them. */
  constructor(seed: number, third = 0) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / RANGE) | 0;
    this.#c = third | 0;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.next();
  }

  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  below(limit: number): number {
    if (!Number.isInteger(limit) || limit < 1 || limit > RANGE) {
      throw new RangeError(`limit must be an integer from 1 to 2^32, not ${limit}`);
    }
    // Numbers past the last whole multiple of `limit` are thrown away: they would make small results likelier.
    const fair = RANGE - (RANGE % limit);
    let number = this.next();
    while (number >= fair) number = this.next();
    return number % limit;
  }

  bytes(length: number): Buffer {
    const target = Buffer.allocUnsafe(length);
    let offset = 0;
    for (; offset + 4 <= length; offset += 4) target.writeUInt32LE(this.next(), offset);
    if (offset < length) {
      let rest = this.next();
      for (; offset < length; offset++, rest >>>= 8) target[offset] = rest & 0xff;
    }
    return target;
  }
}

class SystemRandom implements Random {
  readonly #sampling: SeededRandom;

  constructor() {
    const seed = randomBytes(12);
    this.#sampling = new SeededRandom(seed.readUIntLE(0, 6), seed.readUInt32LE(8));
  }

  next(): number {
    return this.#sampling.next();
  }

  below(limit: number): number {
    return this.#sampling.below(limit);
  }

  bytes(length: number): Buffer {
    return randomBytes(length);
  }
}

/** Numbers nobody chose: `next` and `below` from a generator seeded once by the system, `bytes` from the system
 * itself, fit for seeds, run ids and anything that must not be guessed. */
export const systemRandom: Random = new SystemRandom();
