/**
 * CRC-64 as RDB files and DUMP payloads use it: polynomial 0xad93d23594c935a9 (Jones), reflected in and out, start 0,
 * no final inversion; the check value of "123456789" is e9c6d914c4b8d9ca.
 *
 * JavaScript has no fast 64-bit integers, so a checksum is two 32-bit halves, and eight bytes are taken at a time
 * (slicing by 8): table k holds the effect of a byte that stands k bytes before the end of the group. Of many bytes it
 * is computed by the same tables in WebAssembly (crc64-code.ts).
 */
import { viewOf } from "./byte-copy.ts";
import { Crc64Code } from "./crc64-code.ts";

const POLYNOMIAL_HIGH = 0x95ac9329; // the polynomial with its bits reversed
const POLYNOMIAL_LOW = 0xac4bc9b5;
const SLICES = 8;
/** From so many bytes on they are copied to WebAssembly. */
const MANY_BYTES = 512;

const LOW = new Int32Array(SLICES * 256);
const HIGH = new Int32Array(SLICES * 256);

for (let byte = 0; byte < 256; byte++) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry === 1) {
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
  }
  LOW[byte] = low;
  HIGH[byte] = high;
}
for (let index = 256; index < SLICES * 256; index++) {
  const low = LOW[index - 256];
  const high = HIGH[index - 256];
  LOW[index] = ((low >>> 8) | (high << 24)) ^ LOW[low & 0xff];
  HIGH[index] = (high >>> 8) ^ HIGH[low & 0xff];
}

let code: Crc64Code | undefined;

/** A checksum in the making. */
export class Crc64 {
  #low = 0;
  #high = 0;

  /** Back to the start. */
  reset(): void {
    this.#low = 0;
    this.#high = 0;
  }

  /** Continues over bytes `start` to `end` (exclusive). */
  update(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (end - start < MANY_BYTES) {
      this.#updateByFew(bytes, start, end);
      return;
    }
    code ??= new Crc64Code(LOW, HIGH);
    code.update(this.#low, this.#high, bytes, start, end);
    this.#low = code.low;
    this.#high = code.high;
  }

  /** Continues over bytes whose own checksum, as `digest` returns it, is known. */
  append(checksum: Uint8Array, length: number): void {
    const present = (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
    const both = times(present, powerOfX(8 * length)) ^ viewOf(checksum).getBigUint64(0, true);
    this.#low = Number(BigInt.asIntN(32, both));
    this.#high = Number(BigInt.asIntN(32, both >> 32n));
  }

  #updateByFew(bytes: Uint8Array, start: number, end: number): void {
    let low = this.#low;
    let high = this.#high;
    let i = start;
    for (; i + SLICES <= end; i += SLICES) {
      const a = 1792 + ((low ^ bytes[i]) & 0xff);
      const b = 1536 + (((low >>> 8) ^ bytes[i + 1]) & 0xff);
      const c = 1280 + (((low >>> 16) ^ bytes[i + 2]) & 0xff);
      const d = 1024 + (((low >>> 24) ^ bytes[i + 3]) & 0xff);
      const e = 768 + ((high ^ bytes[i + 4]) & 0xff);
      const f = 512 + (((high >>> 8) ^ bytes[i + 5]) & 0xff);
      const g = 256 + (((high >>> 16) ^ bytes[i + 6]) & 0xff);
      const h = ((high >>> 24) ^ bytes[i + 7]) & 0xff;
      low = LOW[a] ^ LOW[b] ^ LOW[c] ^ LOW[d] ^ LOW[e] ^ LOW[f] ^ LOW[g] ^ LOW[h];
      high = HIGH[a] ^ HIGH[b] ^ HIGH[c] ^ HIGH[d] ^ HIGH[e] ^ HIGH[f] ^ HIGH[g] ^ HIGH[h];
    }
    for (; i < end; i++) {
      const index = (low ^ bytes[i]) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ LOW[index];
      high = (high >>> 8) ^ HIGH[index];
    }
    this.#low = low;
    this.#high = high;
  }

  /** The checksum of everything so far, as files store it: 8 bytes, least significant first. */
  digest(): Buffer {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeInt32LE(this.#low, 0);
    bytes.writeInt32LE(this.#high, 4);
    return bytes;
  }
}

// Checksums as polynomials modulo the one above: bit 63 is the coefficient of x^0, bit 0 that of x^63.
const POLYNOMIAL = (BigInt(POLYNOMIAL_HIGH) << 32n) | BigInt(POLYNOMIAL_LOW);
const ONE = 1n << 63n;
const X = 1n << 62n;

function times(a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = ONE; bit > 0n; bit >>= 1n) {
    if ((a & bit) !== 0n) product ^= shifted;
    shifted = (shifted & 1n) === 0n ? shifted >> 1n : (shifted >> 1n) ^ POLYNOMIAL;
  }
  return product;
}

/** What a checksum is multiplied with by so many bits that follow. */
function powerOfX(exponent: number): bigint {
  let power = ONE;
  let square = X;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = times(power, square);
    square = times(square, square);
  }
  return power;
}

/** The checksum of `bytes`, 8 bytes, least significant first. */
export function crc64(bytes: Uint8Array): Buffer {
  const checksum = new Crc64();
  checksum.update(bytes);
  return checksum.digest();
}
