/**
 * The elements of a large sorted set in their order: a chunk tree (../chunk-tree/) whose leaves are as score-leaf.ts
 * says. One object works on all such trees, one after the other, and keeps a place in the one it is turned to: an
 * element, or where one would have to be put.
 *
 * A leaf that would pass MAX_LEAF_BYTES is split near its middle; at either end of the tree a new leaf is begun
 * instead, so that elements that come in order leave full leaves. Leaves that have become small are joined with a
 * neighbour, but for the first and the last of several: more is taken from there.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import { type BlockPlace, type Blocks, OpenBlock } from "../../memory/blocks.ts";
import type { KeyHash } from "../../memory/key-hash.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import type { LeafOrder } from "../chunk-tree/tree-path.ts";
import type { LookAhead } from "../element-table/look-ahead.ts";
import type { Bound } from "./bounds.ts";
import {
  afterElement,
  compareElement,
  elementBytes,
  FEW_LEAF_BYTES,
  JOINED_LEAF_BYTES,
  MAX_LEAF_BYTES,
  memberLengthAt,
  memberStartAt,
  scoreAt,
  separatorOfLeaf,
  setScoreAt,
  writeElement,
} from "./score-leaf.ts";

/** More elements than a leaf can hold: none is smaller than 9 bytes, and one may come in addition. */
const LEAF_OFFSETS = 128;

const NO_BYTES = Buffer.alloc(0);

export class ScoreTree {
  private readonly blocks: Blocks;
  private readonly tree: ChunkTree;
  private readonly leaf: OpenBlock;
  /** The place: position in the leaf's buffer, and how many elements of the leaf are before it. */
  private position = 0;
  private index = 0;
  private markedPosition = 0;
  private markedIndex = 0;
  private readonly elementOrder: ElementOrder;
  private readonly boundOrder: BoundOrder;
  /** Where the elements of the leaf begin, from its first byte on, up to the place: see `previous`. */
  private readonly offsets = new Int32Array(LEAF_OFFSETS);
  private hasOffsets = false;

  constructor(blocks: Blocks) {
    this.blocks = blocks;
    this.leaf = new OpenBlock(blocks, true, MAX_LEAF_BYTES);
    this.tree = new ChunkTree({ separatorOf: (leaf) => separatorOfLeaf(blocks, leaf) });
    this.elementOrder = new ElementOrder(blocks);
    this.boundOrder = new BoundOrder(blocks);
  }

  /** Turns to a tree, of which `root` is the root. */
  open(root: number): this {
    this.tree.open(this.blocks.slabs, root);
    return this;
  }

  get size(): number {
    return this.tree.size;
  }

  /** The score at the place. */
  get score(): number {
    return scoreAt(this.leaf.buffer, this.position);
  }

  /** What holds the member at the place. */
  get memberBuffer(): Buffer {
    return this.leaf.buffer;
  }

  get memberStart(): number {
    return memberStartAt(this.leaf.buffer, this.position);
  }

  get memberLength(): number {
    return memberLengthAt(this.leaf.buffer, this.position);
  }

  /** Rank of the place. */
  get rank(): number {
    return this.tree.firstIndex() + this.index;
  }

  /** Goes to the element with this rank, which must exist. */
  seek(rank: number): void {
    this.enter(this.tree.seekIndex(rank));
    for (let i = this.tree.within; i > 0; i--) this.step();
  }

  next(): void {
    this.step();
    if (this.position < this.leaf.start + this.leaf.length) return;
    const leaf = this.tree.next();
    if (leaf !== 0) this.enter(leaf);
  }

  previous(): void {
    if (this.index === 0) {
      const leaf = this.tree.previous();
      if (leaf === 0) return;
      this.enter(leaf);
      this.index = this.tree.elements;
    }
    if (!this.hasOffsets) this.noteOffsets();
    this.index--;
    this.position = this.leaf.start + this.offsets[this.index];
  }

  /** Leaves of this tree are walked from their beginning only, so for the way back the beginnings are noted. */
  private noteOffsets(): void {
    const { buffer, start } = this.leaf;
    let position = start;
    for (let i = 0; i < this.index; i++) {
      this.offsets[i] = position - start;
      position = afterElement(buffer, position);
    }
    this.hasOffsets = true;
  }

  private enter(leaf: number): void {
    this.leaf.open(leaf);
    this.position = this.leaf.start;
    this.index = 0;
    this.hasOffsets = false;
  }

  private step(): void {
    this.position = afterElement(this.leaf.buffer, this.position);
    this.index++;
    this.hasOffsets = false;
  }

  /** How many elements are before the bound. */
  countBefore(bound: Bound): number {
    this.boundOrder.bound = bound;
    const found = this.tree.seekBy(this.boundOrder);
    if (found === 0) return 0;
    this.enter(found);
    const { buffer, start, length } = this.leaf;
    const end = start + length;
    while (this.position < end && isBefore(buffer, this.position, bound)) this.step();
    return this.rank;
  }

  /** Goes to this element; false if there is none, and then it belongs at the place. */
  locate(score: number, buffer: Buffer, start: number, length: number): boolean {
    const { elementOrder } = this;
    elementOrder.set(score, buffer, start, length);
    const found = this.tree.seekBy(elementOrder);
    if (found === 0) return false;
    this.enter(found);
    const { leaf } = this;
    const end = leaf.start + leaf.length;
    while (this.position < end) {
      const order = compareElement(leaf.buffer, this.position, score, buffer, start, length);
      if (order >= 0) return order === 0;
      this.step();
    }
    return false;
  }

  /** Adds an element that there is not yet. Its bytes must not lie in this tree. */
  insert(score: number, buffer: Buffer, start: number, length: number): void {
    this.locate(score, buffer, start, length);
    const size = elementBytes(length);
    if (this.tree.leaf === 0 || this.leaf.length + size > MAX_LEAF_BYTES) {
      if (this.beginLeaf(score, buffer, start, length)) return;
      this.split();
    }
    this.openGap(size);
    writeElement(this.leaf.buffer, this.position, score, buffer, start, length);
    this.tree.add(1);
  }

  /** If the element at the place can stay where it is with another score, gives it that score; else says so. */
  rescore(score: number): boolean {
    const { leaf, position, index } = this;
    const memberStart = this.memberStart;
    const { memberLength } = this;
    const after = memberStart + memberLength;
    if (after < leaf.start + leaf.length) {
      if (compareElement(leaf.buffer, after, score, leaf.buffer, memberStart, memberLength) < 0) return false;
    } else if (!this.isLastLeaf()) {
      return false;
    }
    if (index > 0) {
      if (!this.hasOffsets) this.noteOffsets();
      const before = leaf.start + this.offsets[index - 1];
      if (compareElement(leaf.buffer, before, score, leaf.buffer, memberStart, memberLength) > 0)
        return false;
    } else if (this.tree.firstIndex() > 0) {
      return false;
    }
    this.keepLeaf();
    setScoreAt(leaf.buffer, position, score);
    return true;
  }

  /** Keeps the place in mind, so that `goBack` finds it without seeking while the path stays in the leaf. */
  mark(): void {
    this.markedPosition = this.position;
    this.markedIndex = this.index;
  }

  goBack(): void {
    this.position = this.markedPosition;
    this.index = this.markedIndex;
  }

  /** How many elements of the leaf there are from the place on. */
  get remainingInLeaf(): number {
    return this.tree.elements - this.index;
  }

  /** Notes the next members of the leaf, from the place on, at most that many. */
  noteMembers(ahead: LookAhead, keyHash: KeyHash, count: number): void {
    const { buffer, start, length } = this.leaf;
    const end = start + length;
    let { position } = this;
    for (let i = 0; i < count && position < end; i++) {
      const memberLength = memberLengthAt(buffer, position);
      if (!ahead.hasRoom(memberLength)) return;
      ahead.note(keyHash.of(buffer, memberStartAt(buffer, position), memberLength));
      position = afterElement(buffer, position);
    }
  }

  /** Removes `count` elements from the place on, which must be in one leaf. The place is lost. */
  removeHere(count: number): void {
    const { tree, leaf, position } = this;
    if (count === tree.elements) {
      this.blocks.free(leaf.reference);
      tree.removeLeaf();
      return;
    }
    this.keepLeaf();
    let behind = position;
    for (let i = 0; i < count; i++) behind = afterElement(leaf.buffer, behind);
    leaf.buffer.copyWithin(position, behind, leaf.start + leaf.length);
    const length = leaf.length - (behind - position);
    tree.add(-count);
    // A leaf that ZPOPMIN is emptying would else be moved to less and less memory.
    if (!tree.isInside && tree.leaves > 2 && leaf.length <= MAX_LEAF_BYTES) {
      leaf.shorten(length);
      return;
    }
    this.resizeLeaf(length);
    if (length < FEW_LEAF_BYTES && tree.leaves > 1) this.joinLeaf();
  }

  /** Bytes of memory that all leaves take, by those that hold about `samples` elements (0: all). */
  leafBytes(samples: number): number {
    const { tree, blocks } = this;
    let bytes = 0;
    let looked = 0;
    for (let leaf = tree.seekFirst(); leaf !== 0 && (samples === 0 || looked < samples); leaf = tree.next()) {
      bytes += blocks.sizeBytes(leaf);
      looked += tree.elements;
    }
    return looked === 0 ? 0 : Math.round((bytes * tree.size) / looked);
  }

  /** Begins a new leaf with an element at the place, if that is at the end of the tree, or if the leaf at the place
   * cannot be split; says whether it did. */
  private beginLeaf(score: number, buffer: Buffer, start: number, length: number): boolean {
    const { tree, leaf } = this;
    const isAlone = tree.leaf !== 0 && tree.elements === 1;
    const isAfter = this.position === leaf.start + leaf.length && (isAlone || this.isLastLeaf());
    const isBefore = this.index === 0 && (isAlone || tree.firstIndex() === 0);
    if (tree.leaf !== 0 && !isAfter && !isBefore) return false;
    const begun = this.blocks.allocate(elementBytes(length));
    writeElement(this.blocks.buffer(begun), this.blocks.start(begun), score, buffer, start, length);
    if (tree.leaf === 0) tree.append(begun, 1);
    else if (isAfter) tree.insertAfter(begun, 1);
    else tree.insertBefore(begun, 1);
    this.enter(begun);
    return true;
  }

  private isLastLeaf(): boolean {
    return this.tree.firstIndex() + this.tree.elements === this.tree.size;
  }

  /** Splits the leaf between two elements near its middle; the place stays the same. */
  private split(): void {
    const { tree, leaf, blocks } = this;
    const { elements } = tree;
    const offset = this.position - leaf.start;
    const middle = leaf.start + (leaf.length >>> 1);
    let cut = afterElement(leaf.buffer, leaf.start);
    let kept = 1;
    while (kept < elements - 1) {
      const after = afterElement(leaf.buffer, cut);
      if (after - middle > middle - cut) break;
      cut = after;
      kept++;
    }
    const keptBytes = cut - leaf.start;
    const moved = leaf.length - keptBytes;
    const right = blocks.allocate(moved);
    copyBytes(leaf.buffer, cut, blocks.buffer(right), blocks.start(right), moved);
    this.resizeLeaf(keptBytes);
    tree.add(kept - elements);
    tree.insertAfter(right, elements - kept);
    if (this.index > kept) {
      leaf.open(right);
      this.index -= kept;
      this.position = leaf.start + offset - keptBytes;
    } else {
      leaf.open(tree.previous());
      this.position = leaf.start + offset;
    }
  }

  /** Makes room for that number of bytes at the place. */
  private openGap(size: number): void {
    const { leaf } = this;
    const { length } = leaf;
    const offset = this.position - leaf.start;
    this.resizeLeaf(length + size);
    this.position = leaf.start + offset;
    leaf.buffer.copyWithin(this.position + size, this.position, leaf.start + length);
    this.hasOffsets = false;
  }

  /** Before the leaf changes where it is. */
  private keepLeaf(): void {
    const { frozen } = this.blocks;
    if (frozen.count > 0) frozen.beforeChange(this.leaf.reference);
  }

  private resizeLeaf(length: number): void {
    const { leaf, tree } = this;
    this.keepLeaf();
    leaf.resize(length);
    if (leaf.reference !== tree.leaf) tree.replaceLeaf(leaf.reference);
  }

  /** Joins the leaf with the one after it (or before it, if it is the last), if both together are short enough. */
  private joinLeaf(): void {
    const { tree, leaf, blocks } = this;
    let right = tree.next();
    if (right === 0) {
      right = tree.seekLast();
      tree.previous();
      leaf.open(tree.leaf);
      tree.next();
    }
    const added = blocks.length(right);
    const { length } = leaf;
    if (length + added > JOINED_LEAF_BYTES) return;
    const elements = tree.elements;
    if (tree.removeLeaf() === 0) tree.seekLast();
    else tree.previous();
    this.resizeLeaf(length + added);
    copyBytes(blocks.buffer(right), blocks.start(right), leaf.buffer, leaf.start + length, added);
    tree.add(elements);
    blocks.free(right);
  }
}

function isBefore(bytes: Buffer, position: number, bound: Bound): boolean {
  return bound.isAfter(
    scoreAt(bytes, position),
    bytes,
    memberStartAt(bytes, position),
    memberLengthAt(bytes, position),
  );
}

/** Leaves in relation to an element. */
class ElementOrder implements LeafOrder {
  private score = 0;
  private buffer!: Buffer;
  private start = 0;
  private length = 0;
  private readonly blocks: Blocks;
  private readonly place: BlockPlace = { buffer: NO_BYTES, start: 0 };

  constructor(blocks: Blocks) {
    this.blocks = blocks;
  }

  set(score: number, buffer: Buffer, start: number, length: number): void {
    this.score = score;
    this.buffer = buffer;
    this.start = start;
    this.length = length;
  }

  compareFirst(leaf: number): number {
    const { place } = this;
    this.blocks.locate(leaf, place);
    return compareElement(place.buffer, place.start, this.score, this.buffer, this.start, this.length);
  }

  compareSeparator(score: number): number {
    return score - this.score || 0;
  }
}

/** Leaves in relation to a bound. */
class BoundOrder implements LeafOrder {
  bound!: Bound;
  private readonly blocks: Blocks;
  private readonly place: BlockPlace = { buffer: NO_BYTES, start: 0 };

  constructor(blocks: Blocks) {
    this.blocks = blocks;
  }

  compareFirst(leaf: number): number {
    const { place } = this;
    this.blocks.locate(leaf, place);
    return isBefore(place.buffer, place.start, this.bound) ? -1 : 1;
  }

  compareSeparator(score: number): number {
    return this.bound.compareScore(score);
  }
}
