/**
 * Listpacks for tests: values of all encodings, and a listpack made another way than the code under test does, with
 * BigInt and whole Buffers.
 */
import fc from "fast-check";

const EDGES_BITS = [0, 6, 7, 12, 13, 15, 16, 23, 24, 31, 32, 47, 53, 63].map(BigInt);
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
const STRING_EDGES = [0, 1, 62, 63, 64, 65, 123, 125, 126, 127, 128, 4093, 4094, 4095, 4096, 4097];
const LONG_STRING_EDGES = [16_376, 16_377, 16_378, 16_379, 65_536];

/** Integers around the limits of all encodings, and others. */
const integers: fc.Arbitrary<bigint> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EDGES_BITS), fc.bigInt({ min: -2n, max: 2n }), fc.boolean())
    .map(([bits, distance, isNegative]) => (isNegative ? -(2n ** bits) : 2n ** bits) + distance)
    .filter((value) => value >= MIN_INT64 && value <= MAX_INT64),
  fc.bigInt({ min: MIN_INT64, max: MAX_INT64 }),
  fc.bigInt({ min: 0n, max: 130n }),
);

/** Texts that are nearly integers. */
const NEAR_INTEGERS =
  "|-|-0|00|01|+1|1 | 1|1.0|1e3|0x10|9223372036854775808|-9223372036854775809|18446744073709551616|" +
  "99999999999999999999|-00000000000000000001|12345678901234567a|1234567890123456/";
const nearIntegers = fc.constantFrom(...NEAR_INTEGERS.split("|"));

const strings = (edges: readonly number[]) =>
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.constantFrom(...edges), fc.constantFrom(0x61, 0x31, 0xff, 0))
      .map(([length, byte]) => Buffer.alloc(length, byte)),
  );

export const integerTexts: fc.Arbitrary<Buffer> = integers.map((value) => Buffer.from(String(value)));

/** What a listpack can hold, mostly small. */
export const contents: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: integerTexts },
  { weight: 1, arbitrary: nearIntegers.map((text) => Buffer.from(text)) },
  { weight: 4, arbitrary: strings(STRING_EDGES) },
  { weight: 1, arbitrary: strings(LONG_STRING_EDGES) },
);

/** The integer as which these bytes are stored. */
export function integerOf(content: Buffer): bigint | undefined {
  const text = content.toString("latin1");
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN_INT64 && value <= MAX_INT64 ? value : undefined;
}

function encoded(content: Buffer): Buffer {
  const integer = integerOf(content);
  if (integer === undefined) return encodedString(content);
  if (integer >= 0n && integer < 128n) return Buffer.of(Number(integer));
  if (integer >= -4096n && integer < 4096n) {
    const bits = Number(BigInt.asUintN(13, integer));
    return Buffer.of(0xc0 | (bits >> 8), bits & 0xff);
  }
  for (const [head, bytes] of [
    [0xf1, 2],
    [0xf2, 3],
    [0xf3, 4],
    [0xf4, 8],
  ]) {
    if (BigInt.asIntN(8 * bytes, integer) !== integer) continue;
    const all = Buffer.alloc(8);
    all.writeBigInt64LE(integer);
    return Buffer.concat([Buffer.of(head), all.subarray(0, bytes)]);
  }
  throw new Error(`${integer} has more than 64 bits`);
}

function encodedString(content: Buffer): Buffer {
  const { length } = content;
  if (length < 64) return Buffer.concat([Buffer.of(0x80 | length), content]);
  if (length < 4096) return Buffer.concat([Buffer.of(0xe0 | (length >> 8), length & 0xff), content]);
  const head = Buffer.alloc(5, 0xf0);
  head.writeUInt32LE(length, 1);
  return Buffer.concat([head, content]);
}

/** A whole element. */
export function element(content: Buffer): Buffer {
  const front = encoded(content);
  const limits = [128, 16_383, 2_097_151, 268_435_455, Infinity];
  const back = Buffer.alloc(1 + limits.findIndex((limit) => front.length < limit));
  for (let i = 0; i < back.length; i++) {
    const bits = Math.floor(front.length / 128 ** (back.length - 1 - i)) % 128;
    back[i] = i === 0 ? bits : bits | 0x80;
  }
  return Buffer.concat([front, back]);
}

/** The listpack of these values. */
export function listpackOf(values: readonly Buffer[]): Buffer {
  const elements = Buffer.concat(values.map(element));
  const header = Buffer.alloc(6);
  header.writeUInt32LE(elements.length + 7);
  header.writeUInt16LE(Math.min(values.length, 65_535), 4);
  return Buffer.concat([header, elements, Buffer.of(0xff)]);
}

/** The bytes from `start` on in a larger buffer, among others that must not be looked at. */
export function placed(bytes: Uint8Array, start: number, around = 0xaa): Buffer {
  const buffer = Buffer.alloc(start + bytes.length + 9, around);
  buffer.set(bytes, start);
  return buffer;
}
