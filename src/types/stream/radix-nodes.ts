/**
 * How many nodes the radix tree would have in which Redis keeps the nodes of a stream by their ids: XINFO shows it.
 * Here is no such tree, but its shape follows from the ids: it branches wherever two of them begin to differ.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { ID_BYTES, StreamId } from "./stream-id.ts";
import { readNodeId } from "./stream-node.ts";

/** Of a larger stream only this number of nodes is looked at; the others are assumed to be like them. */
const SAMPLE_NODES = 1000;

const tree = new ChunkTree();
const id = new StreamId();

/** Number of nodes of that tree; of streams with more than SAMPLE_NODES nodes an estimate. */
export function radixNodesOf(blocks: Blocks, root: number): number {
  tree.open(blocks.slabs, root);
  if (tree.leaves === 0) return 1;
  const count = new RadixCount();
  let looked = 0;
  for (let leaf = tree.seekFirst(); leaf !== 0 && looked < SAMPLE_NODES; leaf = tree.next()) {
    readNodeId(blocks.buffer(leaf), blocks.start(leaf), id);
    count.add(id);
    looked++;
  }
  return Math.round(count.total() * (tree.leaves / looked));
}

/** Counts the nodes while ids come in ascending order. */
class RadixCount {
  private nodes = 0;
  private isFirst = true;
  /** Where the path to the last id branches, in bytes from its beginning, ascending. */
  private readonly branches: number[] = [];
  private readonly bytes = Buffer.alloc(ID_BYTES);
  private readonly lastBytes = Buffer.alloc(ID_BYTES);

  add(next: StreamId): void {
    next.writeBytes(this.bytes, 0);
    if (!this.isFirst) this.branchAt(this.commonBytes());
    this.isFirst = false;
    this.bytes.copy(this.lastBytes);
  }

  total(): number {
    const depth = this.closeBelow(-1);
    // The topmost node, and what all ids have in common before it.
    return this.nodes + (depth > 0 ? 2 : 1);
  }

  /** The next id differs from the last one after that number of bytes. */
  private branchAt(depth: number): void {
    const child = this.closeBelow(depth);
    if (this.branches.at(-1) !== depth) this.branches.push(depth);
    this.addChild(depth, child);
  }

  /** Counts what lies below the branches deeper than `depth`, which no further id goes through. Returns the depth of
   * the topmost of them; without any, that of the end of the id. */
  private closeBelow(depth: number): number {
    let child = ID_BYTES;
    for (;;) {
      const branch = this.branches.at(-1);
      if (branch === undefined || branch <= depth) return child;
      this.addChild(branch, child);
      child = branch;
      this.branches.pop();
    }
  }

  /** Counts a node, and one for the bytes between it and the branch above, whose first byte is the branch's. */
  private addChild(branch: number, child: number): void {
    this.nodes += child > branch + 1 ? 2 : 1;
  }

  private commonBytes(): number {
    let i = 0;
    while (i < ID_BYTES && this.lastBytes[i] === this.bytes[i]) i++;
    return i;
  }
}
