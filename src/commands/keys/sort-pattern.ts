/**
 * Patterns of SORT's BY and GET: "weight_*" names a string for each element, "object_*->field" a field of a hash, and
 * "#" the element itself.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { GrowingBytes } from "../../types/packed-bytes.ts";

const ASTERISK = 0x2a;
const ARROW = Buffer.from("->");
const ELEMENT = Buffer.from("#");

export class SortPattern {
  /** It stands for the element itself. */
  readonly isElement: boolean;
  /** It has an asterisk, in whose place the element goes. Without one it names nothing. */
  readonly hasPlace: boolean;
  /** The field of the hash that the key holds; undefined if it is to hold a string. */
  readonly field: Buffer | undefined;
  /** The key's name that `substitute` made. */
  readonly name = new GrowingBytes();
  private readonly prefix: Buffer;
  private readonly suffix: Buffer;

  constructor(pattern: Buffer) {
    this.isElement = pattern.equals(ELEMENT);
    const place = pattern.indexOf(ASTERISK);
    this.hasPlace = place !== -1;
    const arrow = this.hasPlace ? pattern.indexOf(ARROW, place + 1) : -1;
    const hasField = arrow !== -1 && arrow + ARROW.length < pattern.length;
    this.field = hasField ? Buffer.from(pattern.subarray(arrow + ARROW.length)) : undefined;
    this.prefix = Buffer.from(pattern.subarray(0, Math.max(0, place)));
    this.suffix = Buffer.from(pattern.subarray(place + 1, hasField ? arrow : undefined));
  }

  /** Makes the key's name for an element. */
  substitute(buffer: Buffer, start: number, length: number): void {
    const { name, prefix, suffix } = this;
    name.resize(prefix.length + length + suffix.length);
    copyBytes(prefix, 0, name.buffer, 0, prefix.length);
    copyBytes(buffer, start, name.buffer, prefix.length, length);
    copyBytes(suffix, 0, name.buffer, prefix.length + length, suffix.length);
  }
}
