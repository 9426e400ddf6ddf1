/**
 * Makes the tree of a large sorted set (score-tree.ts) of elements that come in their order: leaves are filled one
 * after the other, and each gets its block once.
 *
 *   builder.begin(root)                                the root of an empty tree
 *   builder.add(score, buffer, start, length)          of each element
 *   builder.end()
 */
import { copyBytes, withView } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { elementBytes, MAX_LEAF_BYTES, separatorOfLeaf, writeElement } from "./score-leaf.ts";

export class ScoreTreeBuilder {
  private readonly blocks: Blocks;
  private readonly tree: ChunkTree;
  /** The leaf that is being filled. */
  private leaf: Buffer = withView(Buffer.allocUnsafeSlow(MAX_LEAF_BYTES));
  private bytes = 0;
  private elements = 0;

  constructor(blocks: Blocks) {
    this.blocks = blocks;
    this.tree = new ChunkTree({ separatorOf: (leaf) => separatorOfLeaf(blocks, leaf) });
  }

  begin(root: number): void {
    this.tree.open(this.blocks.slabs, root);
    this.bytes = 0;
    this.elements = 0;
  }

  add(score: number, buffer: Buffer, start: number, length: number): void {
    const size = elementBytes(length);
    if (this.bytes + size > MAX_LEAF_BYTES) this.end();
    // A longer element has a leaf of its own.
    const isAlone = size > MAX_LEAF_BYTES;
    const { leaf } = this;
    if (isAlone) this.leaf = withView(Buffer.allocUnsafeSlow(size));
    writeElement(this.leaf, this.bytes, score, buffer, start, length);
    this.bytes += size;
    this.elements++;
    if (!isAlone) return;
    this.end();
    this.leaf = leaf;
  }

  /** Puts what was added since the last leaf into one. */
  end(): void {
    const { blocks, bytes } = this;
    if (this.elements === 0) return;
    const leaf = blocks.allocate(bytes);
    copyBytes(this.leaf, 0, blocks.buffer(leaf), blocks.start(leaf), bytes);
    this.tree.append(leaf, this.elements);
    this.bytes = 0;
    this.elements = 0;
  }
}
