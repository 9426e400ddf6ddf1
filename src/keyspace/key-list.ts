/**
 * Many keys without an object for each: in one buffer, one after the other, each behind its length (4 bytes,
 * little-endian). A position is the place of such a length.
 */
import { copyBytes, withView } from "../base/byte-copy.ts";

const EMPTY = Buffer.alloc(0);
const INITIAL_BYTES = 1024;
const LENGTH_BYTES = 4;
const MOST_KEPT_BYTES = 64 * 1024;

export class KeyList {
  /** How many keys. */
  count = 0;
  private bytes: Buffer = EMPTY;
  private end = 0;

  /** Begins anew, in the same memory unless it is large. */
  clear(): this {
    if (this.bytes.length > MOST_KEPT_BYTES) this.bytes = EMPTY;
    this.count = 0;
    this.end = 0;
    return this;
  }

  /** Copies a key, `length` bytes of `source` from `start`, to the end of the list. Returns its position. */
  add(source: Buffer, start: number, length: number): number {
    const position = this.end;
    const end = position + LENGTH_BYTES + length;
    if (end > this.bytes.length) this.grow(end);
    this.bytes.writeUInt32LE(length, position);
    copyBytes(source, start, this.bytes, position + LENGTH_BYTES, length);
    this.end = end;
    this.count++;
    return position;
  }

  /** Shows all keys in the order in which they were added: `length` bytes of `source` from `start`. */
  forEach(visit: (source: Buffer, start: number, length: number) => void): void {
    for (let position = 0; position < this.end; ) {
      const start = position + LENGTH_BYTES;
      const length = this.bytes.readUInt32LE(position);
      visit(this.bytes, start, length);
      position = start + length;
    }
  }

  /** Whether the key at `position` is this one. */
  isAt(position: number, source: Buffer, start: number, length: number): boolean {
    if (this.bytes.readUInt32LE(position) !== length) return false;
    const from = position + LENGTH_BYTES;
    return this.bytes.compare(source, start, start + length, from, from + length) === 0;
  }

  private grow(needed: number): void {
    const larger = withView(Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, 2 * this.bytes.length, needed)));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }
}

/** Keys that can be asked for, with their hashes. */
export class HashedKeys {
  private readonly keys = new KeyList();
  /** Unsigned, ascending; with the positions of their keys. */
  private readonly hashes: number[] = [];
  private readonly positions: number[] = [];

  /** To be called in the order of the (unsigned) hashes. */
  add(hash: number, source: Buffer, start: number, length: number): void {
    this.hashes.push(hash);
    this.positions.push(this.keys.add(source, start, length));
  }

  has(hash: number, source: Buffer, start: number, length: number): boolean {
    const { hashes } = this;
    let from = 0;
    let to = hashes.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (hashes[middle] < hash) from = middle + 1;
      else to = middle;
    }
    for (; from < hashes.length && hashes[from] === hash; from++) {
      if (this.keys.isAt(this.positions[from], source, start, length)) return true;
    }
    return false;
  }
}
