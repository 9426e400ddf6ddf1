/**
 * Buckets that are read as they were while their table changes (memory/frozen-blocks.ts). A bucket refers to the blocks
 * of long elements, which go their own ways once it is split or joined. So all of a frozen bucket is kept when it is
 * about to change in any way, and from then on the blocks that it refers to are frozen as well.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { BUCKET_HEADER_BYTES, lengthAt, OUTSIDE, referenceAt } from "./bucket.ts";

/** To be called before the bucket with this reference changes, moves, is split, joined or freed. */
export function keepBucket(blocks: Blocks, reference: number, tablePayload: number): void {
  const { frozen } = blocks;
  if (!frozen.isUntouched(reference)) return;
  const start = blocks.start(reference);
  const outside = outsideOf(blocks.buffer(reference), start, blocks.length(reference), tablePayload);
  frozen.beforeChange(reference);
  for (const block of outside) frozen.freeze(block);
}

/** References of the blocks that a bucket of that length refers to. */
export function outsideOf(bytes: Buffer, start: number, length: number, tablePayload: number): number[] {
  const outside: number[] = [];
  const end = start + length;
  for (let at = start + BUCKET_HEADER_BYTES; at < end; at += lengthAt(bytes, at, tablePayload))
    if (bytes[at + 1] === OUTSIDE) outside.push(referenceAt(bytes, at));
  return outside;
}
