/**
 * Large sorted sets ("skiplist" to clients): the elements in order in a tree (score-tree.ts), and beside it a table
 * (../element-table/) of all members and their scores. One object works on all of them, one after the other.
 *
 * A set is known by the address of its root, a slab object: the words of the tree's root, and then one with the
 * table's. Both always hold the same members with the same scores.
 */
import { copyBytes, viewOf } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ROOT_WORDS, wordAt, wordsOf } from "../chunk-tree/layout.ts";
import { clearTree, copyTree, disposeStep, treeBytes } from "../chunk-tree/whole-tree.ts";
import { ElementTable } from "../element-table/element-table.ts";
import { ElementWalk } from "../element-table/element-walk.ts";
import type { FoundElements } from "../element-table/found-elements.ts";
import { LookAhead } from "../element-table/look-ahead.ts";
import type { NotedElements } from "../element-table/table-builder.ts";
import type { ValueMemory } from "../value-memory.ts";
import type { Bound } from "./bounds.ts";
import { showInOrder } from "./score-order.ts";
import { ScoreTree } from "./score-tree.ts";
import { ScoreTreeBuilder } from "./score-tree-builder.ts";
import type { ElementVisitor, SortedElements } from "./sorted-set.ts";
import { SCORE_BYTES, scoreIn, setScoreIn } from "./table-score.ts";

/** Word of the root: the table's. */
const TABLE = ROOT_WORDS;
const ROOT_BYTES = (ROOT_WORDS + 1) * 4;
/** So few elements are put in order one after the other. */
const FEW_ELEMENTS = 32;
/** No address. */
const NO_QUEUE = 0;
/** More than there can be in a leaf. */
const MANY = 1 << 10;

export class TreeSortedSet implements SortedElements {
  readonly isSmall = false;
  private readonly blocks: Blocks;
  private readonly memory: ValueMemory;
  private readonly tree: ScoreTree;
  private readonly table: ElementTable;
  private readonly walk: ElementWalk;
  private readonly treeBuilder: ScoreTreeBuilder;
  private root = 0;
  tableRoot = 0;
  private readonly ahead: LookAhead;
  /** The table of the set from whose beginning was removed last: where that goes on, more of it will be. */
  private queue = NO_QUEUE;
  /** Whether the place is the element that the table has found, and not one of the tree. */
  private isFound = false;

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.blocks = memory.blocks;
    this.tree = new ScoreTree(memory.blocks);
    this.table = new ElementTable(memory.blocks, memory.keyHash);
    this.ahead = new LookAhead(memory.blocks.slabs);
    this.walk = new ElementWalk(memory.blocks);
    this.treeBuilder = new ScoreTreeBuilder(memory.blocks);
  }

  /** Turns to the set with this root. */
  open(root: number): this {
    this.root = root;
    this.tree.open(root);
    this.tableRoot = wordsOf(this.blocks.slabs, root)[wordAt(root) + TABLE];
    return this;
  }

  /** Makes an empty set, and turns to it. Returns its root. */
  create(): number {
    const { slabs } = this.blocks;
    const table = this.table.create(SCORE_BYTES);
    const root = slabs.allocate(ROOT_BYTES);
    clearTree(slabs, root);
    wordsOf(slabs, root)[wordAt(root) + TABLE] = table;
    this.open(root);
    return root;
  }

  /** Prepares the set, which must be empty, for that number of elements. */
  reserve(elements: number): void {
    this.table.reserve(this.tableRoot, elements);
  }

  // An empty set can also be made of elements that were noted: `beginBuild`; of all of them in the order in which they
  // were noted, `build`; and in the order of a sorted set, `beginOrder`, `order` of each, and `endOrder`.

  beginBuild(noted: NotedElements): void {
    this.table.builder.begin(this.tableRoot, noted);
  }

  build(score: number, buffer: Buffer, start: number, length: number): void {
    const { builder } = this.table;
    builder.add(buffer, start, length, SCORE_BYTES);
    viewOf(builder.buffer).setFloat64(builder.payloadStart, score, true);
  }

  beginOrder(): void {
    this.treeBuilder.begin(this.root);
  }

  order(score: number, buffer: Buffer, start: number, length: number): void {
    this.treeBuilder.add(score, buffer, start, length);
  }

  endOrder(): void {
    this.treeBuilder.end();
    this.open(this.root);
  }

  get size(): number {
    return this.tree.size;
  }

  get memberBuffer(): Buffer {
    return this.tree.memberBuffer;
  }

  get memberStart(): number {
    return this.tree.memberStart;
  }

  get memberLength(): number {
    return this.tree.memberLength;
  }

  get score(): number {
    if (!this.isFound) return this.tree.score;
    return scoreIn(this.table.element);
  }

  find(buffer: Buffer, start: number, length: number): boolean {
    this.isFound = this.table.find(this.tableRoot, buffer, start, length);
    return this.isFound;
  }

  rankOf(buffer: Buffer, start: number, length: number): number {
    if (!this.find(buffer, start, length)) return -1;
    this.tree.locate(this.score, buffer, start, length);
    return this.tree.rank;
  }

  seek(rank: number): void {
    this.isFound = false;
    this.tree.seek(rank);
  }

  next(): void {
    this.tree.next();
  }

  previous(): void {
    this.tree.previous();
  }

  countBefore(bound: Bound): number {
    this.isFound = false;
    return this.tree.countBefore(bound);
  }

  /** Adds an element that there is not yet; its bytes must not be this set's own. */
  insert(score: number, buffer: Buffer, start: number, length: number): void {
    this.table.find(this.tableRoot, buffer, start, length);
    this.insertNotFound(score, buffer, start, length);
  }

  insertNotFound(score: number, buffer: Buffer, start: number, length: number): void {
    this.tally(score);
    this.tree.insert(score, buffer, start, length);
  }

  // A set can also be made in two steps. First the table only: scores are computed in it by `tally`, `changeTally` and
  // `removeTallied`, each after a `find`, or by `tallyNew`; or `tallyFound` makes it at once. Then `arrange` puts the
  // elements in order.

  /** Notes all of these elements, each with the score of the same number; none was noted before. */
  tallyFound(found: FoundElements, scores: readonly number[]): void {
    this.beginBuild(found.noted);
    for (let i = 0; i < found.count; i++) {
      const { buffer, keyStart, keyLength } = found.open(i);
      this.build(scores[i], buffer, keyStart, keyLength);
    }
  }

  /** Notes a member that was not noted before, and its score. */
  tallyNew(score: number, buffer: Buffer, start: number, length: number): void {
    this.table.find(this.tableRoot, buffer, start, length);
    this.tally(score);
  }

  /** Notes a member that was not found, and its score. */
  tally(score: number): void {
    this.table.add(SCORE_BYTES);
    this.changeTally(score);
  }

  /** Notes another score of the member that was found. */
  changeTally(score: number): void {
    setScoreIn(this.table.element, score);
  }

  changeScore(score: number, buffer: Buffer, start: number, length: number): void {
    const before = this.score;
    this.changeTally(score);
    this.tree.locate(before, buffer, start, length);
    if (this.tree.rescore(score)) return;
    this.tree.removeHere(1);
    this.tree.insert(score, buffer, start, length);
  }

  removeFound(buffer: Buffer, start: number, length: number): void {
    this.tree.locate(this.score, buffer, start, length);
    this.table.remove();
    this.tree.removeHere(1);
  }

  removeRange(first: number, count: number): void {
    const { tree, table, tableRoot, ahead } = this;
    const isQueue = first === 0 && this.queue === tableRoot;
    this.queue = first === 0 ? tableRoot : NO_QUEUE;
    for (let left = count; left > 0; ) {
      tree.seek(first);
      const here = Math.min(left, tree.remainingInLeaf);
      tree.mark();
      for (let i = 0; i < here; i++) {
        if (ahead.isWanted(tableRoot)) this.lookAhead(isQueue ? MANY : here - i);
        if (table.findAhead(tableRoot, ahead, tree.memberBuffer, tree.memberStart, tree.memberLength))
          table.remove();
        if (i + 1 < here) tree.next();
      }
      tree.goBack();
      tree.removeHere(here);
      left -= here;
    }
  }

  /** Prepares for that number of removals, from the place on. */
  private lookAhead(count: number): void {
    if (count === 1) return;
    const { ahead } = this;
    ahead.clear();
    this.tree.noteMembers(ahead, this.memory.keyHash, count);
    ahead.load(this.tableRoot);
  }

  /** Shows all elements, in no order. */
  forEach(visit: ElementVisitor): void {
    const { walk } = this;
    walk.begin(this.tableRoot);
    while (walk.next()) {
      const { buffer, keyStart, keyLength } = walk.element;
      visit(scoreIn(walk.element), buffer, keyStart, keyLength);
    }
  }

  scan(cursor: number, count: number, visit: ElementVisitor): number {
    return this.walk.scan(this.tableRoot, cursor, count, this.memory.keyHash, (element) => {
      const { buffer, keyStart, keyLength } = element;
      visit(scoreIn(element), buffer, keyStart, keyLength);
    });
  }

  /** Forgets the member that was found. */
  removeTallied(): void {
    this.table.remove();
  }

  /** Number of members noted. */
  get tallied(): number {
    return this.table.size(this.tableRoot);
  }

  /** Puts all members that were noted into their order. */
  arrange(): void {
    const { blocks, tallied, walk } = this;
    if (tallied <= FEW_ELEMENTS) {
      this.forEach((score, buffer, start, length) => this.tree.insert(score, buffer, start, length));
      return;
    }
    walk.begin(this.tableRoot);
    this.beginOrder();
    showInOrder(blocks, walk, tallied, (score, buffer, start, length) => {
      this.order(score, buffer, start, length);
    });
    this.endOrder();
  }

  /** Frees about `limit` blocks of the set with this root; true when all is freed. */
  disposeStep(root: number, limit: number): boolean {
    const { blocks } = this;
    const { slabs } = blocks;
    if (!disposeStep(slabs, root, limit, (leaf) => blocks.free(leaf))) return false;
    if (!this.table.disposeStep(wordsOf(slabs, root)[wordAt(root) + TABLE], limit)) return false;
    slabs.free(root);
    return true;
  }

  /** The root of a copy. */
  copy(from: number): number {
    const { blocks } = this;
    const { slabs } = blocks;
    const table = this.table.copy(wordsOf(slabs, from)[wordAt(from) + TABLE]);
    const root = slabs.allocate(ROOT_BYTES);
    clearTree(slabs, root);
    wordsOf(slabs, root)[wordAt(root) + TABLE] = table;
    copyTree(slabs, from, root, (leaf) => {
      const length = blocks.length(leaf);
      const copy = blocks.allocate(length);
      copyBytes(blocks.buffer(leaf), blocks.start(leaf), blocks.buffer(copy), blocks.start(copy), length);
      return copy;
    });
    return root;
  }

  /** Bytes of memory that the set takes, by the sizes of about `samples` elements (0: all). */
  sizeBytes(root: number, samples: number): number {
    const { slabs } = this.blocks;
    const table = this.table.sizeBytes(wordsOf(slabs, root)[wordAt(root) + TABLE], samples);
    return table + treeBytes(slabs, root) + this.tree.open(root).leafBytes(samples);
  }
}
