/**
 * Walks over the entries of a stream from one id to another, in either direction. Nothing is allocated. While it is
 * under way, entries may not be added or removed; groups may change. For more than one stream at a time use several
 * objects.
 *
 *     range.begin(blocks, root, start, end, isReverse);
 *     while (range.next()) range.entries.id, ...            see node-entries.ts
 */
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import type { LeafOrder } from "../chunk-tree/tree-path.ts";
import { NodeEntries } from "./node-entries.ts";
import { StreamId } from "./stream-id.ts";
import { readNodeId, StreamNode } from "./stream-node.ts";

/** Orders nodes by their ids; `sought` is what is sought. */
export class NodeOrder implements LeafOrder {
  readonly sought: StreamId = new StreamId();
  blocks!: Blocks;
  private readonly nodeId = new StreamId();

  compareFirst(leaf: number): number {
    const { blocks, nodeId } = this;
    readNodeId(blocks.buffer(leaf), blocks.start(leaf), nodeId);
    return nodeId.compare(this.sought);
  }
}

export class StreamRange {
  readonly tree: ChunkTree = new ChunkTree();
  readonly node: StreamNode = new StreamNode();
  /** The present entry. */
  readonly entries: NodeEntries = new NodeEntries(this.node);
  /** Whether entries that are marked as deleted are passed over. Set by `begin`; may be changed then. */
  skipsDeleted = true;
  private readonly order = new NodeOrder();
  private readonly start = new StreamId();
  private readonly end = new StreamId();
  private isReverse = false;
  private isBegun = false;
  private blocks!: Blocks;

  /** Begins anew: entries from `start` to `end`, both included; with `isReverse` the last one first. */
  begin(blocks: Blocks, root: number, start: StreamId, end: StreamId, isReverse: boolean): this {
    this.blocks = blocks;
    this.start.set(start);
    this.end.set(end);
    this.isReverse = isReverse;
    this.isBegun = false;
    this.skipsDeleted = true;
    this.order.blocks = blocks;
    this.tree.open(blocks.slabs, root);
    const from = isReverse ? end : start;
    if (isReverse && from.isMax) this.tree.seekLast();
    else if (!isReverse && from.isZero) this.tree.seekFirst();
    else {
      this.order.sought.set(from);
      this.tree.seekBy(this.order);
    }
    return this;
  }

  /** Goes to the next entry of the range; false if there is none. */
  next(): boolean {
    const { entries, tree } = this;
    while (tree.leaf !== 0) {
      this.node.open(this.blocks, tree.leaf);
      let found = this.step();
      while (found) {
        if (!(entries.isDeleted && this.skipsDeleted) && this.hasReachedStart()) return !this.isBeyondEnd();
        found = this.isReverse ? entries.previous() : entries.next();
      }
      this.isBegun = false;
      if (this.isReverse) tree.previous();
      else tree.next();
    }
    return false;
  }

  /** Goes to the node's next entry, or, having just come to the node, its first. */
  private step(): boolean {
    const { entries } = this;
    if (this.isBegun) return this.isReverse ? entries.previous() : entries.next();
    this.isBegun = true;
    return this.isReverse ? entries.last() : entries.first();
  }

  private hasReachedStart(): boolean {
    const { id } = this.entries;
    return this.isReverse ? id.compare(this.end) <= 0 : id.compare(this.start) >= 0;
  }

  private isBeyondEnd(): boolean {
    const { id } = this.entries;
    return this.isReverse ? id.compare(this.start) < 0 : id.compare(this.end) > 0;
  }
}
