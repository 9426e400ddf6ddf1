/**
 * Names of keys whose records a dump passes over, until the walk has gone by their hashes. They lie in one buffer for
 * each of the 256 parts of hash space, which is given up as a whole.
 */
import { KeyList } from "../keyspace/key-list.ts";

/** A hash without these bits is the number of its part. */
const PART_BITS = 24;

/** Some keys, found by their hash. */
class Part {
  private readonly keys = new KeyList();
  /** Positions in the list; several keys may share a hash. */
  private readonly positions = new Map<number, number | number[]>();

  add(hash: number, source: Buffer, start: number, length: number): void {
    const position = this.keys.add(source, start, length);
    const present = this.positions.get(hash);
    if (present === undefined) this.positions.set(hash, position);
    else if (typeof present === "number") this.positions.set(hash, [present, position]);
    else present.push(position);
  }

  has(hash: number, source: Buffer, start: number, length: number): boolean {
    const found = this.positions.get(hash);
    if (found === undefined) return false;
    if (typeof found === "number") return this.keys.isAt(found, source, start, length);
    return found.some((position) => this.keys.isAt(position, source, start, length));
  }
}

export class ShadowedKeys {
  private readonly parts = new Map<number, Part>();

  /** `hash` is unsigned. */
  add(hash: number, source: Buffer, start: number, length: number): void {
    const number = hash >>> PART_BITS;
    let part = this.parts.get(number);
    if (part === undefined) {
      part = new Part();
      this.parts.set(number, part);
    }
    part.add(hash, source, start, length);
  }

  has(hash: number, source: Buffer, start: number, length: number): boolean {
    return this.parts.get(hash >>> PART_BITS)?.has(hash, source, start, length) ?? false;
  }

  /** Hashes below `end` are asked for no more. */
  forgetBelow(end: number): void {
    for (const number of this.parts.keys())
      if ((number + 1) * 2 ** PART_BITS <= end) this.parts.delete(number);
  }
}
