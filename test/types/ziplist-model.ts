/** Ziplists as Redis made them before 7.0, for tests. */
import { integerOf } from "./listpack/model.ts";

/** An element's encoding and payload, without the length of the one before. */
function encoded(content: Buffer): Buffer {
  const integer = content.length <= 32 ? integerOf(content) : undefined;
  if (integer !== undefined) return encodedInteger(integer);
  const { length } = content;
  if (length <= 0x3f) return Buffer.concat([Buffer.of(length), content]);
  if (length <= 0x3fff) return Buffer.concat([Buffer.of(0x40 | (length >> 8), length & 0xff), content]);
  const head = Buffer.alloc(5, 0x80);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, content]);
}

function encodedInteger(integer: bigint): Buffer {
  if (integer >= 0n && integer <= 12n) return Buffer.of(0xf1 + Number(integer));
  for (const [head, bytes] of [
    [0xfe, 1],
    [0xc0, 2],
    [0xf0, 3],
    [0xd0, 4],
    [0xe0, 8],
  ]) {
    if (BigInt.asIntN(8 * bytes, integer) !== integer) continue;
    const all = Buffer.alloc(8);
    all.writeBigInt64LE(integer);
    return Buffer.concat([Buffer.of(head), all.subarray(0, bytes)]);
  }
  throw new Error(`${integer} has more than 64 bits`);
}

/** `wide`: lengths of elements before take five bytes, as they may where one would do. */
export function ziplistOf(contents: readonly Buffer[], wide = false): Buffer {
  let previous = 0;
  let last = 10;
  let position = 10;
  const elements = contents.map((content) => {
    const length = Buffer.alloc(previous < 254 && !wide ? 1 : 5);
    if (length.length === 1) length[0] = previous;
    else {
      length[0] = 0xfe;
      length.writeUInt32LE(previous, 1);
    }
    const element = Buffer.concat([length, encoded(content)]);
    last = position;
    position += element.length;
    previous = element.length;
    return element;
  });
  const header = Buffer.alloc(10);
  header.writeUInt32LE(position + 1, 0);
  header.writeUInt32LE(last, 4);
  header.writeUInt16LE(Math.min(contents.length, 0xffff), 8);
  return Buffer.concat([header, ...elements, Buffer.of(0xff)]);
}
