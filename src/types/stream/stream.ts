/**
 * A stream: nodes of entries (stream-node.ts) in the order of their ids, what is remembered of entries that were there,
 * and consumer groups. One object works on all streams, one after the other: `open` turns it to one, and copies what is
 * small into its fields; methods that change the stream write them back.
 *
 *     root    [the root of the nodes' tree, 4][entries][last id: 4][first id: 4][greatest deleted id: 4]
 *             [entries added: 2][groups: the address of a tree's root, or 0]
 *
 * Words of 32 bits. The tree counts for each node all its entries, the deleted ones too. Groups are in
 * consumer-group.ts.
 */
import { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { SLAB_MASK, SLAB_SHIFT, type Slabs } from "../../memory/slabs.ts";
import { ROOT_WORDS } from "../chunk-tree/layout.ts";
import { clearTree, createTree } from "../chunk-tree/whole-tree.ts";
import { NamedObjects } from "./named-objects.ts";
import { ID_WORDS, StreamId } from "./stream-id.ts";
import type { EntrySource, NodeLimits } from "./stream-node.ts";
import { NodeOrder, StreamRange } from "./stream-range.ts";

const LENGTH: number = ROOT_WORDS;
const LAST_ID: number = LENGTH + 1;
const FIRST_ID: number = LAST_ID + ID_WORDS;
const MAX_DELETED_ID: number = FIRST_ID + ID_WORDS;
const ENTRIES_ADDED: number = MAX_DELETED_ID + ID_WORDS;
const GROUPS: number = ENTRIES_ADDED + 2;
export const STREAM_WORDS: number = GROUPS + 1;

const MIN_ID: StreamId = new StreamId().setMin();
const MAX_ID: StreamId = new StreamId().setMax();

/** The root of a stream without entries. */
export function createStream(slabs: Slabs): number {
  const root = slabs.allocate(STREAM_WORDS * 4);
  clearTree(slabs, root);
  const w = (root & SLAB_MASK) << 2;
  slabs.words[root >>> SLAB_SHIFT].fill(0, w, w + STREAM_WORDS);
  return root;
}

/** The address of the root of a stream's groups; 0 if it never had any. */
export function groupsOf(slabs: Slabs, root: number): number {
  return slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + GROUPS];
}

export function setGroups(slabs: Slabs, root: number, groups: number): void {
  slabs.words[root >>> SLAB_SHIFT][((root & SLAB_MASK) << 2) + GROUPS] = groups;
}

export class Stream {
  root = 0;
  /** Number of entries. */
  length = 0;
  /** The greatest id ever added, or set; 0-0 at the beginning. */
  readonly lastId: StreamId = new StreamId();
  /** The id of the first entry; 0-0 if there is none. */
  readonly firstId: StreamId = new StreamId();
  /** The greatest id of those that XDEL removed; 0-0 if there is none. */
  readonly maxDeletedId: StreamId = new StreamId();
  /** How many entries were ever added. */
  readonly entriesAdded: Int64 = new Int64();
  /** The groups by name, after `openGroups`. */
  readonly groups: NamedObjects = new NamedObjects();
  private blocks!: Blocks;
  private readonly range = new StreamRange();
  private readonly order = new NodeOrder();
  private readonly scratchId = new StreamId();

  open(blocks: Blocks, root: number): this {
    this.blocks = blocks;
    this.root = root;
    const words = blocks.slabs.words[root >>> SLAB_SHIFT];
    const w = (root & SLAB_MASK) << 2;
    this.length = words[w + LENGTH] >>> 0;
    this.lastId.readWords(words, w + LAST_ID);
    this.firstId.readWords(words, w + FIRST_ID);
    this.maxDeletedId.readWords(words, w + MAX_DELETED_ID);
    this.entriesAdded.setWords(words[w + ENTRIES_ADDED], words[w + ENTRIES_ADDED + 1]);
    return this;
  }

  /** Writes the fields back. */
  store(): void {
    const { root } = this;
    const words = this.blocks.slabs.words[root >>> SLAB_SHIFT];
    const w = (root & SLAB_MASK) << 2;
    words[w + LENGTH] = this.length;
    this.lastId.writeWords(words, w + LAST_ID);
    this.firstId.writeWords(words, w + FIRST_ID);
    this.maxDeletedId.writeWords(words, w + MAX_DELETED_ID);
    words[w + ENTRIES_ADDED] = this.entriesAdded.high;
    words[w + ENTRIES_ADDED + 1] = this.entriesAdded.low;
  }

  /** Number of nodes. */
  get nodes(): number {
    return this.range.tree.open(this.blocks.slabs, this.root).leaves;
  }

  /** Turns `groups` to the stream's groups; undefined if there never were any. */
  openGroups(): NamedObjects | undefined {
    const groups = groupsOf(this.blocks.slabs, this.root);
    return groups === 0 ? undefined : this.groups.openIn(this.blocks, groups);
  }

  /** As `openGroups`, but makes room for groups. */
  openOrCreateGroups(): NamedObjects {
    const { blocks, root } = this;
    const { slabs } = blocks;
    if (groupsOf(slabs, root) === 0) setGroups(slabs, root, createTree(slabs));
    return this.groups.openIn(blocks, groupsOf(slabs, root));
  }

  /** Begins to walk over entries, with a walker of the caller's. */
  walk(range: StreamRange, start: StreamId = MIN_ID, end: StreamId = MAX_ID, isReverse = false): StreamRange {
    return range.begin(this.blocks, this.root, start, end, isReverse);
  }

  /**
   * Adds an entry. Its id must be greater than `lastId`. `bytes` is how many its fields and values have together, at
   * most MAX_ENTRY_BYTES.
   */
  append(
    id: StreamId,
    source: EntrySource,
    first: number,
    pairs: number,
    bytes: number,
    limits: NodeLimits,
  ): void {
    const { blocks, range } = this;
    const tree = range.tree.open(blocks.slabs, this.root);
    const leaf = tree.seekLast();
    const { node } = range;
    if (leaf !== 0) {
      node.open(blocks, leaf);
      node.readMaster();
    }
    if (leaf === 0 || node.isFull(bytes, limits)) {
      if (leaf !== 0) {
        node.fit();
        if (node.reference !== leaf) tree.replaceLeaf(node.reference);
      }
      this.addNode(id, source, first, pairs);
    } else {
      node.append(id, source, first, pairs);
      if (node.reference !== leaf) tree.replaceLeaf(node.reference);
      tree.add(1);
    }
    this.length++;
    this.entriesAdded.add(1);
    this.lastId.set(id);
    if (this.length === 1) this.firstId.set(id);
    this.store();
  }

  /** Adds a node, at the end. Only if the last id was set below ids of deleted entries it belongs somewhere else. */
  private addNode(id: StreamId, source: EntrySource, first: number, pairs: number): void {
    const { blocks, order } = this;
    const { node, tree } = this.range;
    if (tree.leaf !== 0) {
      order.blocks = blocks;
      order.sought.set(id);
      if (order.compareFirst(tree.leaf) >= 0) {
        const leaf = tree.seekBy(order);
        const difference = order.compareFirst(leaf);
        if (difference === 0) {
          // There is a node with this id, without a live entry of it: the entry must go there.
          node.open(blocks, leaf);
          node.readMaster();
          node.append(id, source, first, pairs);
          if (node.reference !== leaf) tree.replaceLeaf(node.reference);
          tree.add(1);
          return;
        }
        if (difference < 0) tree.insertAfter(node.create(blocks, id, source, first, pairs), 1);
        else tree.insertBefore(node.create(blocks, id, source, first, pairs), 1);
        return;
      }
    }
    tree.append(node.create(blocks, id, source, first, pairs), 1);
  }

  /** The id of the last entry; false if there is none. */
  readLastLiveId(id: StreamId): boolean {
    const { range } = this;
    if (!this.walk(range, MIN_ID, MAX_ID, true).next()) return false;
    id.set(range.entries.id);
    return true;
  }

  /** The id of the first entry; with `withDeleted` of the first that is still in a node. The greatest if there is
   * none. */
  readFirstId(id: StreamId, withDeleted: boolean): void {
    const { range } = this;
    this.walk(range).skipsDeleted = !withDeleted;
    if (range.next()) id.set(range.entries.id);
    else id.setMax();
  }

  /** Seeks an entry, for `removeFound`. Says whether there is one with this id. */
  find(id: StreamId): boolean {
    return this.walk(this.range, id, id).next();
  }

  /** Removes the entry that `find` found. `updateFirstId` must follow, if it may have been the first. */
  removeFound(): void {
    const { blocks, range } = this;
    const { node, tree } = range;
    node.markDeleted(range.entries.at);
    if (node.live === 1) {
      const { leaf } = tree;
      tree.removeLeaf();
      blocks.free(leaf);
    } else {
      node.setCounts(node.live - 1, node.deleted + 1);
      if (node.reference !== tree.leaf) tree.replaceLeaf(node.reference);
    }
    this.length--;
    this.store();
  }

  /** Makes `firstId` what it is to be after entries were removed. */
  updateFirstId(): void {
    if (this.length === 0) this.firstId.setMin();
    else this.readFirstId(this.firstId, false);
    this.store();
  }

  /** Removes the first entries until at most `maxLength` are left; whole nodes, and with `isExact` single ones as
   * well. Of whole nodes at most `limit` entries; 0 is no limit. Returns how many. */
  trimToLength(maxLength: number, isExact: boolean, limit: number): number {
    return this.trim(maxLength, undefined, isExact, limit);
  }

  /** As `trimToLength`: the entries whose ids are less than `minId`. */
  trimToId(minId: StreamId, isExact: boolean, limit: number): number {
    return this.trim(0, minId, isExact, limit);
  }

  private trim(maxLength: number, minId: StreamId | undefined, isExact: boolean, limit: number): number {
    const { blocks, range } = this;
    const { node } = range;
    const tree = range.tree.open(blocks.slabs, this.root);
    let removed = 0;
    for (let leaf = tree.seekFirst(); leaf !== 0; leaf = tree.seekFirst()) {
      if (minId === undefined && this.length <= maxLength) break;
      node.open(blocks, leaf);
      node.readMaster();
      const { live } = node;
      if (limit !== 0 && removed + live > limit) break;
      if (minId === undefined ? this.length - live >= maxLength : this.isNodeBefore(minId)) {
        tree.removeLeaf();
        blocks.free(leaf);
        this.length -= live;
        removed += live;
        continue;
      }
      if (isExact) removed += this.trimNode(maxLength, minId);
      break;
    }
    if (removed > 0) this.updateFirstId();
    return removed;
  }

  /** Whether the open node's last entry, be it deleted, comes before the id. */
  private isNodeBefore(minId: StreamId): boolean {
    const { entries } = this.range;
    return entries.last() && entries.id.compare(minId) < 0;
  }

  /** Marks the first entries of the open node as deleted, as far as they are to be removed. Returns how many. */
  private trimNode(maxLength: number, minId: StreamId | undefined): number {
    const { node, entries, tree } = this.range;
    let removed = 0;
    for (let found = entries.first(); found; found = entries.next()) {
      if (minId === undefined ? this.length - removed <= maxLength : entries.id.compare(minId) >= 0) break;
      if (entries.isDeleted) continue;
      node.markDeleted(entries.at);
      removed++;
    }
    node.setCounts(node.live - removed, node.deleted + removed);
    if (node.reference !== tree.leaf) tree.replaceLeaf(node.reference);
    this.length -= removed;
    return removed;
  }

  /** Whether an entry was deleted (by XDEL) whose id is not less than `start` and not less than the first entry's. */
  hasDeletedFrom(start: StreamId): boolean {
    const { maxDeletedId } = this;
    if (this.length === 0 || maxDeletedId.isZero || this.firstId.compare(maxDeletedId) > 0) return false;
    return start.compare(maxDeletedId) <= 0;
  }

  /**
   * How many entries were added up to this id, into `count`, as far as that can be told from what is remembered
   * (Redis's rules); else false.
   */
  countEntriesTo(id: StreamId, count: Int64): boolean {
    const { entriesAdded, maxDeletedId, firstId } = this;
    count.setWords(entriesAdded.high, entriesAdded.low);
    if (entriesAdded.high === 0 && entriesAdded.low === 0) return true;
    const toLast = id.compare(this.lastId);
    if ((this.length === 0 && toLast <= 0) || toLast === 0) return true;
    if (toLast > 0) return false;
    if (!maxDeletedId.isZero && maxDeletedId.compare(firstId) >= 0) return false;
    const toFirst = id.compare(firstId);
    if (toFirst > 0) return false;
    count.add(toFirst === 0 ? 1 - this.length : -this.length);
    return true;
  }

  /** Whether there is an entry with a greater id. */
  hasEntryAfter(id: StreamId): boolean {
    return this.length > 0 && this.readLastLiveId(this.scratchId) && this.scratchId.compare(id) > 0;
  }
}
