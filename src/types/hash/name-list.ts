/**
 * Copies of some names, for use after the bytes that they were read from have changed.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { GrowingBytes } from "../packed-bytes.ts";

const INITIAL_NAMES = 16;

export class NameList {
  /** Number of names. */
  count = 0;
  private readonly bytes = new GrowingBytes();
  private lengths = new Int32Array(INITIAL_NAMES);

  clear(): void {
    this.count = 0;
    this.bytes.resize(0);
  }

  add(buf: Buffer, start: number, length: number): void {
    const { bytes, count } = this;
    const at = bytes.length;
    bytes.resize(at + length);
    copyBytes(buf, start, bytes.buffer, at, length);
    if (count === this.lengths.length) {
      const longer = new Int32Array(2 * count);
      longer.set(this.lengths);
      this.lengths = longer;
    }
    this.lengths[this.count++] = length;
  }

  /** Visits the names in their order; their bytes stay where they are until the next change of the list. */
  forEach(visit: (buf: Buffer, start: number, length: number) => void): void {
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      visit(this.bytes.buffer, at, this.lengths[i]);
      at += this.lengths[i];
    }
  }
}
