/**
 * The elements that SORT works on: copies of their bytes in one buffer, since the values they come from may be
 * replaced by the result; weights as doubles or as further bytes. No object per element, and none that is made for
 * few elements: memory for an array takes longer to get, and to give back, than to sort what a short list has.
 */
import { compareBytes, copyBytes } from "../../base/byte-copy.ts";
import { grown } from "../../base/grown-array.ts";
import { KEPT_ELEMENTS, type Texts } from "../../base/sorted-order.ts";
import { GrowingBytes } from "../../types/packed-bytes.ts";

/** In place of a length: there are no bytes. */
const ABSENT = -1;
const NUL = 0;

/** Byte strings one after the other, some of which may be absent. */
export class ByteVector implements Texts {
  length = 0;
  /** Whether each counts up to its first NUL only. */
  endsAtNul = false;
  private readonly bytes = new GrowingBytes();
  private starts = new Float64Array(KEPT_ELEMENTS);
  private lengths = new Int32Array(KEPT_ELEMENTS);

  /** For other elements; keeps memory for a few. */
  clear(): void {
    this.length = 0;
    this.endsAtNul = false;
    this.bytes.clear();
    if (this.starts.length === KEPT_ELEMENTS) return;
    this.starts = new Float64Array(KEPT_ELEMENTS);
    this.lengths = new Int32Array(KEPT_ELEMENTS);
  }

  get buffer(): Buffer {
    return this.bytes.buffer;
  }

  push(buffer: Buffer, start: number, length: number): void {
    const { bytes } = this;
    const to = bytes.length;
    bytes.resize(to + length);
    copyBytes(buffer, start, bytes.buffer, to, length);
    this.note(to, length);
  }

  pushAbsent(): void {
    this.note(this.bytes.length, ABSENT);
  }

  isAbsent(i: number): boolean {
    return this.lengths[i] === ABSENT;
  }

  bufferOf(): Buffer {
    return this.bytes.buffer;
  }

  startOf(i: number): number {
    return this.starts[i];
  }

  /** 0 if it is absent. */
  lengthOf(i: number): number {
    return Math.max(0, this.lengths[i]);
  }

  /** From now on they are compared as C compares texts. */
  compareAsTexts(): void {
    this.endsAtNul = this.bytes.bytes().includes(NUL);
  }

  /** The order of two of them as C's memcmp and lengths give it; absent ones come first. */
  compare(i: number, k: number): number {
    if (this.isAbsent(i) || this.isAbsent(k)) return Number(this.isAbsent(k)) - Number(this.isAbsent(i));
    const { buffer, starts } = this;
    return compareBytes(buffer, starts[i], this.comparedLength(i), buffer, starts[k], this.comparedLength(k));
  }

  private comparedLength(i: number): number {
    if (!this.endsAtNul) return this.lengths[i];
    const start = this.starts[i];
    const length = this.buffer.subarray(start, start + this.lengths[i]).indexOf(NUL);
    return length === -1 ? this.lengths[i] : length;
  }

  private note(start: number, length: number): void {
    if (this.length === this.starts.length) {
      this.starts = grown(this.starts, new Float64Array(2 * this.length));
      this.lengths = grown(this.lengths, new Int32Array(2 * this.length));
    }
    this.starts[this.length] = start;
    this.lengths[this.length++] = length;
  }
}
