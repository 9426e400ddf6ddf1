/**
 * BITOP's arithmetic: combines strings bit by bit. A string that is shorter than the longest goes on with zeros.
 *
 * Works in blocks: of each source the same few kilobytes are copied to where they can be read as words, whatever
 * their alignment, combined there, and the result is written when all sources of the block were read. So the result
 * may lie where one of the sources does, and no copy of a source is made, however long it is.
 */

export type BitOperation = "and" | "or" | "xor" | "not";

/** Two blocks fit the processor's first cache together. */
const BLOCK_BYTES = 8192;

const result = new Int32Array(BLOCK_BYTES / 4);
const resultBytes = new Uint8Array(result.buffer);
const operand = new Int32Array(BLOCK_BYTES / 4);
const operandBytes = new Uint8Array(operand.buffer);

/**
 * Writes the combination of the sources ("not": the reverse of the only source) to `target`, which is as long as the
 * longest source. It may be the same memory as one of them from its first byte on, else it must not overlap.
 */
export function combineBits(
  operation: BitOperation,
  sources: readonly Uint8Array[],
  target: Uint8Array,
): void {
  let left = sources;
  for (let at = 0; at < target.length; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, target.length - at);
    if (left.some((source) => source.length <= at)) {
      if (operation === "and") {
        target.fill(0, at);
        return;
      }
      // Sources that have ended are not asked again: zeros change nothing.
      left = left.filter((source) => source.length > at);
    }
    load(resultBytes, left[0], at, length);
    if (operation === "not") invert(length);
    for (let i = 1; i < left.length; i++) {
      load(operandBytes, left[i], at, length);
      combineBlock(operation, length);
    }
    target.set(resultBytes.subarray(0, length), at);
  }
}

/** Copies `length` bytes of a source from `at` on to a block, with zeros behind its end. */
function load(block: Uint8Array, source: Uint8Array, at: number, length: number): void {
  const available = Math.min(length, source.length - at);
  block.set(source.subarray(at, at + available));
  if (available < length) block.fill(0, available, length);
}

function invert(length: number): void {
  for (let i = 0; i < length / 4; i++) result[i] = ~result[i];
}

/** Combines the operand with the result, as far as the words reach that hold `length` bytes. */
function combineBlock(operation: BitOperation, length: number): void {
  const words = Math.ceil(length / 4);
  if (operation === "and") for (let i = 0; i < words; i++) result[i] &= operand[i];
  else if (operation === "or") for (let i = 0; i < words; i++) result[i] |= operand[i];
  else for (let i = 0; i < words; i++) result[i] ^= operand[i];
}
