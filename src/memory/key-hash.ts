/**
 * The seeded hash of keys: HalfSipHash-1-3 with a 64-bit key and 32 bits of output (Aumasson and Bernstein's
 * SipHash family, in the 32-bit form that Linux uses for its hash tables). Seeded, because a client that could
 * predict the hash could flood one place of the table. 32-bit arithmetic only, which JavaScript does natively.
 *
 * The hash is also the order of the cold tier's records and the SCAN cursor, so it must never change for a seed.
 */
import { VIEW, type ViewedBuffer } from "../base/byte-copy.ts";

/** The hash for one seed. */
export class KeyHash {
  private readonly k0: number;
  private readonly k1: number;
  // The one hash that is known: see `remember`.
  private knownBuf: Uint8Array | undefined;
  private knownStart = 0;
  private knownLength = 0;
  private knownHash = 0;

  /** @param seed at least 8 random bytes; the first 8 are used. */
  constructor(seed: Uint8Array) {
    this.k0 = word(seed, 0);
    this.k1 = word(seed, 4);
  }

  /** Hash of `length` bytes of `buf` from `start`, as a signed 32-bit integer. */
  of(buf: Uint8Array, start: number, length: number): number {
    if (start === this.knownStart && length === this.knownLength && buf === this.knownBuf)
      return this.knownHash;
    return this.compute(buf, start, length);
  }

  /** Until `forget`, `of` answers `hash` for these bytes, which must not change meanwhile. */
  remember(buf: Uint8Array, start: number, length: number, hash: number): void {
    this.knownBuf = buf;
    this.knownStart = start;
    this.knownLength = length;
    this.knownHash = hash;
  }

  forget(): void {
    this.knownBuf = undefined;
  }

  private compute(buf: Uint8Array, start: number, length: number): number {
    let v0 = this.k0;
    let v1 = this.k1;
    let v2 = this.k0 ^ 0x6c796765;
    let v3 = this.k1 ^ 0x74656462;
    const whole = start + (length & ~3);
    let i = start;
    const view = (buf as ViewedBuffer)[VIEW];
    for (; i < whole; i += 4) {
      const m = view === undefined ? word(buf, i) : view.getInt32(i, true);
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
    }
    let last = length << 24;
    const rest = length & 3;
    if (rest > 0) last |= buf[i];
    if (rest > 1) last |= buf[i + 1] << 8;
    if (rest > 2) last |= buf[i + 2] << 16;
    v3 ^= last;
    // One round for the last block and three to finish; `last` and the final constant go in after the first.
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        v0 ^= last;
        v2 ^= 0xff;
      }
    }
    return v1 ^ v3;
  }
}

function word(bytes: Uint8Array, i: number): number {
  return bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
}
