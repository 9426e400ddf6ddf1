/**
 * Buckets of an element table: blocks of packed elements, in no order.
 *
 *   bucket   elements(2) element*
 *   element  tag(1) keyLength(1) [payloadLength(1)] key payload
 *          | tag(1) 255 reference(4)
 *   block    keyLength(4) key payload
 *
 * The tag is a byte of the key's hash: most keys that are not the sought one are passed over by it. The payload's
 * length is there only if the table's payloads have lengths of their own. An element whose key and payload are longer
 * than 254 bytes together lies in a block of its own, of which the bucket holds the reference; so buckets stay short.
 * Numbers are little-endian.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { BlockPlace, Blocks } from "../../memory/blocks.ts";
import { VARIABLE_PAYLOAD } from "./table-root.ts";

export const BUCKET_HEADER_BYTES = 2;
/** In place of a key length: the element has a block of its own. */
export const OUTSIDE = 255;
/** Bytes of such an element in its bucket, and from where the reference stands. */
export const OUTSIDE_BYTES = 6;
export const REFERENCE_AT = 2;
/** Bytes before the key in the block. */
export const BLOCK_HEADER_BYTES = 4;
const MAX_INLINE_BYTES = 254;

/** Of the processor's cache. */
const LINE_BYTES = 64;

/** An element's tag consists of this number of bits from the top of its hash. */
export const TAG_SHIFT = 24;

/** Whether an element lies in a block of its own. */
export function isOutside(keyLength: number, payloadLength: number): boolean {
  return keyLength + payloadLength > MAX_INLINE_BYTES;
}

/** Bytes that an element takes in its bucket; `tablePayload` is the table's payload length. */
export function packedLength(keyLength: number, payloadLength: number, tablePayload: number): number {
  if (isOutside(keyLength, payloadLength)) return OUTSIDE_BYTES;
  return (tablePayload === VARIABLE_PAYLOAD ? 3 : 2) + keyLength + payloadLength;
}

/** The same of the packed element at `at`. */
export function lengthAt(bytes: Buffer, at: number, tablePayload: number): number {
  const keyLength = bytes[at + 1];
  if (keyLength === OUTSIDE) return OUTSIDE_BYTES;
  return tablePayload === VARIABLE_PAYLOAD ? 3 + keyLength + bytes[at + 2] : 2 + keyLength + tablePayload;
}

/** Number of elements of the bucket that begins at `start`. */
export function elementsIn(bytes: Buffer, start: number): number {
  return bytes[start] | (bytes[start + 1] << 8);
}

export function setElementsIn(bytes: Buffer, start: number, elements: number): void {
  bytes[start] = elements & 0xff;
  bytes[start + 1] = elements >>> 8;
}

/** The reference in the packed element at `at`, which has a block of its own. */
export function referenceAt(bytes: Buffer, at: number): number {
  return bytes.readInt32LE(at + REFERENCE_AT);
}

/**
 * Reads a bucket cache line by cache line, as none of these reads waits for another: those of one element after the
 * other would. What is returned has no meaning, but must be used.
 */
export function readLines(bytes: Buffer, start: number, end: number): number {
  let seen = 0;
  for (let at = start + LINE_BYTES; at < end; at += LINE_BYTES) seen |= bytes[at];
  return seen;
}

/**
 * Writes an element at this position of its bucket, all but the payload; an element that does not lie there gets its
 * block. Returns where the payload goes; if that is a block, `place` is turned to it.
 */
export function writeElement(
  blocks: Blocks,
  place: BlockPlace,
  at: number,
  hash: number,
  key: Buffer,
  keyStart: number,
  keyLength: number,
  payloadLength: number,
  tablePayload: number,
): number {
  const { buffer } = place;
  buffer[at] = hash >>> TAG_SHIFT;
  if (isOutside(keyLength, payloadLength)) {
    const block = blocks.allocate(BLOCK_HEADER_BYTES + keyLength + payloadLength);
    buffer[at + 1] = OUTSIDE;
    buffer.writeInt32LE(block, at + REFERENCE_AT);
    blocks.locate(block, place);
    place.buffer.writeInt32LE(keyLength, place.start);
    copyBytes(key, keyStart, place.buffer, place.start + BLOCK_HEADER_BYTES, keyLength);
    return place.start + BLOCK_HEADER_BYTES + keyLength;
  }
  const isVariable = tablePayload === VARIABLE_PAYLOAD;
  const start = at + (isVariable ? 3 : 2);
  buffer[at + 1] = keyLength;
  if (isVariable) buffer[at + 2] = payloadLength;
  copyBytes(key, keyStart, buffer, start, keyLength);
  return start + keyLength;
}

/** An element where it lies in memory: valid until its table changes. */
export class TableElement {
  /** Holds the key from `keyStart` on, and the payload from `payloadStart` on. */
  buffer!: Buffer;
  keyStart = 0;
  keyLength = 0;
  payloadStart = 0;
  payloadLength = 0;
  private readonly blocks: Blocks;

  constructor(blocks: Blocks) {
    this.blocks = blocks;
  }

  /** Turns to the packed element at `at`; returns its packed length. */
  read(bytes: Buffer, at: number, tablePayload: number): number {
    const keyLength = bytes[at + 1];
    if (keyLength === OUTSIDE) {
      const { blocks } = this;
      const block = referenceAt(bytes, at);
      this.readOutside(blocks.buffer(block), blocks.start(block), blocks.length(block));
      return OUTSIDE_BYTES;
    }
    const isVariable = tablePayload === VARIABLE_PAYLOAD;
    const keyStart = at + (isVariable ? 3 : 2);
    const payloadLength = isVariable ? bytes[at + 2] : tablePayload;
    this.buffer = bytes;
    this.keyStart = keyStart;
    this.keyLength = keyLength;
    this.payloadStart = keyStart + keyLength;
    this.payloadLength = payloadLength;
    return keyStart - at + keyLength + payloadLength;
  }

  /** Turns to an element that has a block of its own, whose bytes are these. */
  readOutside(bytes: Buffer, start: number, length: number): void {
    this.buffer = bytes;
    this.keyStart = start + BLOCK_HEADER_BYTES;
    this.keyLength = bytes.readInt32LE(start);
    this.payloadStart = this.keyStart + this.keyLength;
    this.payloadLength = length - BLOCK_HEADER_BYTES - this.keyLength;
  }

  /** The key as a view on the element's memory. */
  key(): Buffer {
    return this.buffer.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  /** The payload as a view on the element's memory. */
  payload(): Buffer {
    return this.buffer.subarray(this.payloadStart, this.payloadStart + this.payloadLength);
  }
}
