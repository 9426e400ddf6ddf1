/**
 * All leaves of a tree as they are, for an image of the value (data-type.ts): in their order, frozen step by step.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { FrozenRun } from "../../memory/frozen-blocks.ts";
import { BLOCKS_PER_STEP } from "../packed-parts.ts";
import { ChunkTree } from "./chunk-tree.ts";

export class FrozenLeaves {
  /** How many there are. */
  readonly count: number;
  readonly run: FrozenRun;
  private readonly tree: ChunkTree;
  private leaf: number;

  /** `root`: of the tree, which must not change until all leaves are frozen. */
  constructor(blocks: Blocks, root: number) {
    this.tree = new ChunkTree().open(blocks.slabs, root);
    this.count = this.tree.leaves;
    this.run = new FrozenRun(blocks.frozen, this.count);
    this.leaf = this.tree.seekFirst();
  }

  /** Freezes some; true when that was all. */
  freezeStep(): boolean {
    const { run, tree } = this;
    for (let i = 0; i < BLOCKS_PER_STEP && this.leaf !== 0; i++) {
      run.add(this.leaf);
      this.leaf = tree.next();
    }
    return this.leaf === 0;
  }
}
