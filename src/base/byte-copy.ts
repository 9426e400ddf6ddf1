/**
 * Copying a few dozen bytes between buffers, which every GET and SET does. A call of Buffer.copy or TypedArray.set
 * costs 60 ns before the first byte, a loop 1 to 2 ns a byte; through a DataView, whose accesses the compiler
 * turns into plain loads and stores at any alignment, eight bytes go in each step of a loop: 64 bytes in 24 ns, where
 * four in each took 35 (measured with Node 20.20). What is left at the end is no loop of its own: the last step goes
 * back, and copies some bytes once more.
 *
 * So the buffers that bytes pass through carry a DataView of themselves, put there by `withView`. Buffers without one
 * work too, only slower.
 */

/** Under which a buffer carries its view. A symbol: of a name that is a string, V8's compiler, in its own thread, does
 * not look whether it is the index of an element. So with one buffer without a view each look became a call. */
export const VIEW: unique symbol = Symbol("view");

/** A buffer that may carry a view of its own bytes. */
export interface ViewedBuffer extends Uint8Array {
  [VIEW]?: DataView;
}

/** From this length on the native copy is faster. */
const NATIVE_COPY_FROM = 192;
/** The same within one buffer: that takes no object of the part to be copied. */
const NATIVE_COPY_WITHIN_FROM = 80;

/** Gives the buffer a view of its bytes for `copyBytes`, and returns it. */
export function withView(buffer: Buffer): Buffer {
  (buffer as ViewedBuffer)[VIEW] = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  return buffer;
}

/** The view that a buffer carries, or else a new one of its bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return (bytes as ViewedBuffer)[VIEW] ?? new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether `length` bytes of both are the same. */
export function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  const left = (a as ViewedBuffer)[VIEW];
  const right = (b as ViewedBuffer)[VIEW];
  let i = 0;
  if (left !== undefined && right !== undefined) {
    const words = length & ~3;
    for (; i < words; i += 4) {
      if (left.getInt32(aStart + i, true) !== right.getInt32(bStart + i, true)) return false;
    }
  }
  for (; i < length; i++) {
    if (a[aStart + i] !== b[bStart + i]) return false;
  }
  return true;
}

/**
 * Negative, 0 or positive, as the first bytes are before, equal to or after the second: unsigned, and of two of which
 * one begins with the other the shorter is before (C's memcmp, then the lengths).
 */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const shorter = aLength < bLength ? aLength : bLength;
  const left = (a as ViewedBuffer)[VIEW];
  const right = (b as ViewedBuffer)[VIEW];
  let i = 0;
  if (left !== undefined && right !== undefined) {
    const words = shorter & ~3;
    for (; i < words; i += 4) {
      const x = left.getInt32(aStart + i);
      const y = right.getInt32(bStart + i);
      if (x !== y) return x >>> 0 < y >>> 0 ? -1 : 1;
    }
  }
  for (; i < shorter; i++) {
    if (a[aStart + i] !== b[bStart + i]) return a[aStart + i] - b[bStart + i];
  }
  return aLength - bLength;
}

/** Copies `length` bytes of `source` from `start` on to `target` at `to`. They must not overlap. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  // Blocks that grow together lie in one slab mostly.
  if (length >= NATIVE_COPY_WITHIN_FROM && source === target) {
    target.copyWithin(to, start, start + length);
    return;
  }
  if (length >= NATIVE_COPY_FROM) {
    target.set(source.subarray(start, start + length), to);
    return;
  }
  const from = (source as ViewedBuffer)[VIEW];
  const into = (target as ViewedBuffer)[VIEW];
  if (from === undefined || into === undefined || length < 4) {
    for (let i = 0; i < length; i++) target[to + i] = source[start + i];
    return;
  }
  if (length < 8) {
    copyWord(from, start, into, to);
    copyWord(from, start + length - 4, into, to + length - 4);
    return;
  }
  const last = length - 8;
  for (let i = 0; i < last; i += 8) copyTwoWords(from, start + i, into, to + i);
  copyTwoWords(from, start + last, into, to + last);
}

function copyWord(from: DataView, start: number, into: DataView, to: number): void {
  into.setInt32(to, from.getInt32(start, true), true);
}

/** Copies eight bytes; they may overlap. */
export function copyTwoWords(from: DataView, start: number, into: DataView, to: number): void {
  const first = from.getInt32(start, true);
  const second = from.getInt32(start + 4, true);
  into.setInt32(to, first, true);
  into.setInt32(to + 4, second, true);
}
