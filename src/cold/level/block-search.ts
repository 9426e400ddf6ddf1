/**
 * Finds where a block of a table ends if nothing says it: where the checksum of all bytes up to there follows. The
 * checksum is carried on byte by byte, so it is made here, in JavaScript: a call of the native one takes as long as a
 * hundred bytes.
 */
import type { FileHandle } from "../../base/files.ts";
import { masked } from "./log-file.ts";

const CHUNK_BYTES = 256 * 1024;
/** Behind a block: its type, and a masked CRC-32C of both. */
export const TRAILER_BYTES = 5;
/** The type of a block that is not compressed: none of ours is. */
export const PLAIN = 0;
/** CRC-32C, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

function carryOn(checksum: number, byte: number): number {
  return TABLE[(checksum ^ byte) & 0xff] ^ (checksum >>> 8);
}

/** The length, without its trailer, of the block that begins at `start` of a file of `size` bytes; undefined if none
 * does that is intact. */
export async function findBlockLength(
  file: FileHandle,
  start: number,
  size: number,
): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES + TRAILER_BYTES - 1);
  let checksum = -1;
  for (let at = start; at + TRAILER_BYTES <= size; at += CHUNK_BYTES) {
    const count = await file.read(buffer.subarray(0, Math.min(buffer.length, size - at)), at);
    for (let i = 0; i < CHUNK_BYTES && i + TRAILER_BYTES <= count; i++) {
      const byte = buffer[i];
      const next = carryOn(checksum, byte);
      if (byte === PLAIN && buffer.readUInt32LE(i + 1) === masked(~next)) return at + i - start;
      checksum = next;
    }
  }
  return undefined;
}
