/**
 * The elements of a packed sorted set (types 5 and 3 of sorted-set-packing.ts), looked through as a whole: what a set
 * is made from. Throws what element-reader.ts throws.
 */
import { compareBytes } from "../../base/byte-copy.ts";
import { distinctPositions } from "../distinct-positions.ts";
import { NotedElements } from "../element-table/table-builder.ts";
import type { ValueMemory } from "../value-memory.ts";
import { corrupt, ElementReader } from "./element-reader.ts";
import type { ElementVisitor } from "./sorted-set.ts";
import { SCORE_BYTES } from "./sorted-set-packing.ts";

/** A member and a score take at least two bytes. */
const ELEMENT_MIN_BYTES = 2;

export class PackedElements {
  readonly size: number;
  /** Of the members: bytes of the longest one, and what a table of them is made for. */
  longest = 0;
  readonly noted: NotedElements;
  private readonly reader: ElementReader;
  /** Reads the same bytes, to compare an element with the reader's. */
  private readonly other: ElementReader;
  private readonly positions: Int32Array;
  private readonly scores: Float64Array;
  /** How the elements follow each other. Redis writes the last one first. */
  private isAscending = true;
  private isDescending = true;

  constructor(packed: Buffer, hasTextScores: boolean) {
    this.reader = new ElementReader(packed, hasTextScores);
    this.other = new ElementReader(packed, hasTextScores);
    const { size, position } = this.reader;
    if (size === 0) throw corrupt("it has no elements");
    if (size > (packed.length - position) / ELEMENT_MIN_BYTES) throw corrupt("it is cut off");
    this.size = size;
    this.noted = new NotedElements(size, SCORE_BYTES);
    this.positions = new Int32Array(size);
    this.scores = new Float64Array(size);
  }

  /** Reads all, and looks for a member that comes twice if the bytes come `fromOutside`. */
  check(memory: ValueMemory, fromOutside: boolean): void {
    const { noted, positions, reader, scores, size } = this;
    const { member } = reader;
    const members = distinctPositions(fromOutside ? size : 0);
    const isSame = (position: number): boolean => this.compareMember(position) === 0;
    for (let i = 0; i < size; i++) {
      const { position } = reader;
      reader.read();
      const hash = memory.keyHash.of(member.buffer, member.start, member.length);
      if (fromOutside && !members.add(hash, position, isSame)) throw corrupt("a member comes twice");
      noted.add(hash, member.length, SCORE_BYTES);
      positions[i] = position;
      scores[i] = reader.score;
      if (member.length > this.longest) this.longest = member.length;
      if (i > 0) this.noteOrder(i);
    }
    if (!reader.isAtEnd) throw corrupt("bytes follow it");
  }

  /** Shows all elements as they come. */
  forEach(show: ElementVisitor): void {
    const { reader, positions, size } = this;
    const { member } = reader;
    reader.position = positions[0];
    for (let i = 0; i < size; i++) {
      reader.read();
      show(reader.score, member.buffer, member.start, member.length);
    }
  }

  /** Shows all elements in the order of a sorted set. */
  forEachInOrder(show: ElementVisitor): void {
    const { reader, size } = this;
    const { member } = reader;
    const positions = this.inOrder();
    for (let i = 0; i < size; i++) {
      reader.position = positions[i];
      reader.read();
      show(reader.score, member.buffer, member.start, member.length);
    }
  }

  private inOrder(): Int32Array {
    const { isAscending, isDescending, positions, reader, scores, size } = this;
    if (isAscending) return positions;
    if (isDescending) return Int32Array.from(positions).reverse();
    const order = Int32Array.from({ length: size }, (_, i) => i).sort((a, b) => {
      if (scores[a] !== scores[b]) return scores[a] - scores[b];
      reader.position = positions[b];
      reader.read();
      return this.compareMember(positions[a]);
    });
    return order.map((i) => positions[i]);
  }

  /** Takes account of the element with this index, which was just read. */
  private noteOrder(index: number): void {
    const { scores, positions } = this;
    let order = scores[index - 1] - scores[index];
    // Infinities of the same sign have no difference.
    if (scores[index - 1] === scores[index]) order = this.compareMember(positions[index - 1]);
    if (order > 0) this.isAscending = false;
    else this.isDescending = false;
  }

  /** Less than, equal to or greater than 0, as the member at the position is to the one that was read last. */
  private compareMember(position: number): number {
    const { member } = this.reader;
    const { other } = this;
    other.position = position;
    other.read();
    const { buffer, start, length } = other.member;
    return compareBytes(buffer, start, length, member.buffer, member.start, member.length);
  }
}
