/**
 * The leaves of a large sorted set: blocks of elements in order, one after the other.
 *
 *   element  score(8, a double) length(1) member
 *          | score(8) 255 length(4) member        of members of 255 bytes or more
 *
 * Numbers are little-endian. A leaf has no header: its block's length is that of its elements, and how many they are
 * the tree knows. Positions are those in the buffer.
 */
import { compareBytes, copyBytes, viewOf } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";

/** A leaf with more bytes is split, unless it has only one element. (With the block's header it is an object of 1
 * KB.) */
export const MAX_LEAF_BYTES = 1020;
/** A leaf with fewer bytes looks for a neighbour to be joined with... */
export const FEW_LEAF_BYTES = 255;
/** ...and they are joined if both have no more than these. */
export const JOINED_LEAF_BYTES = 765;

const SCORE_BYTES = 8;
/** In place of a length: the length follows. */
const LONG = 255;
const SHORT_HEADER_BYTES = SCORE_BYTES + 1;
const LONG_HEADER_BYTES = SCORE_BYTES + 5;

/** Bytes that an element takes. */
export function elementBytes(memberLength: number): number {
  return (memberLength < LONG ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES) + memberLength;
}

/** Writes an element at this position of the buffer. */
export function writeElement(
  bytes: Buffer,
  position: number,
  score: number,
  buffer: Buffer,
  start: number,
  length: number,
): void {
  setScoreAt(bytes, position, score);
  let at = position + SCORE_BYTES;
  if (length < LONG) {
    bytes[at++] = length;
  } else {
    bytes[at] = LONG;
    bytes.writeUInt32LE(length, at + 1);
    at = position + LONG_HEADER_BYTES;
  }
  copyBytes(buffer, start, bytes, at, length);
}

/** What tells a leaf from those before it: its first score. */
export function separatorOfLeaf(blocks: Blocks, leaf: number): number {
  return scoreAt(blocks.buffer(leaf), blocks.start(leaf));
}

export function scoreAt(bytes: Buffer, position: number): number {
  return viewOf(bytes).getFloat64(position, true);
}

export function setScoreAt(bytes: Buffer, position: number, score: number): void {
  viewOf(bytes).setFloat64(position, score, true);
}

export function memberLengthAt(bytes: Buffer, position: number): number {
  const length = bytes[position + SCORE_BYTES];
  return length < LONG ? length : bytes.readUInt32LE(position + SHORT_HEADER_BYTES);
}

/** Position of the member of the element at `position`. */
export function memberStartAt(bytes: Buffer, position: number): number {
  return position + (bytes[position + SCORE_BYTES] < LONG ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES);
}

/** Position after the element. */
export function afterElement(bytes: Buffer, position: number): number {
  const length = bytes[position + SCORE_BYTES];
  if (length < LONG) return position + SHORT_HEADER_BYTES + length;
  return position + LONG_HEADER_BYTES + bytes.readUInt32LE(position + SHORT_HEADER_BYTES);
}

/** Negative, 0 or positive, as the element at `position` is before, equal to or after that with this score and
 * member. */
export function compareElement(
  bytes: Buffer,
  position: number,
  score: number,
  buffer: Buffer,
  start: number,
  length: number,
): number {
  const other = scoreAt(bytes, position);
  if (other !== score) return other < score ? -1 : 1;
  const memberStart = memberStartAt(bytes, position);
  return compareBytes(bytes, memberStart, memberLengthAt(bytes, position), buffer, start, length);
}
