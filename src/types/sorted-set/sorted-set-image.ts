/**
 * A large sorted set as it is when the image is made, to be written while commands change it. The leaves of its tree
 * hold all: they are frozen (memory/frozen-blocks.ts) until they have been read.
 */

import { formatDouble } from "../../base/numbers.ts";
import type { Blocks } from "../../memory/blocks.ts";
import type { FrozenRun } from "../../memory/frozen-blocks.ts";
import { BatchedCommands } from "../batched-commands.ts";
import { FrozenLeaves } from "../chunk-tree/frozen-leaves.ts";
import { treeSize } from "../chunk-tree/whole-tree.ts";
import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { PartMeter } from "../packed-parts.ts";
import { afterElement, memberLengthAt, memberStartAt, scoreAt } from "./score-leaf.ts";

export class SortedSetImage implements ValueImage {
  private readonly size: number;
  private readonly leaves: FrozenLeaves;

  constructor(blocks: Blocks, root: number) {
    this.size = treeSize(blocks.slabs, root);
    this.leaves = new FrozenLeaves(blocks, root);
  }

  freezeStep(): boolean {
    return this.leaves.freezeStep();
  }

  /** From the highest, as Redis does. */
  *packInParts(sink: PartSink): Generator<void, void> {
    const meter = new PartMeter();
    const { run } = this.leaves;
    run.reverse();
    const positions: number[] = [];
    sink.appendLength(this.size);
    while (run.next()) {
      const { buffer } = run;
      positions.length = 0;
      for (const position of positionsIn(run)) positions.push(position);
      for (let i = positions.length - 1; i >= 0; i--) {
        const position = positions[i];
        sink.appendText(buffer, memberStartAt(buffer, position), memberLengthAt(buffer, position));
        sink.appendDouble(scoreAt(buffer, position));
      }
      if (meter.isFull(run.length)) yield;
    }
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const commands = new BatchedCommands("ZADD", key, sink);
    const { run } = this.leaves;
    while (run.next()) {
      const { buffer } = run;
      for (const position of positionsIn(run)) {
        const start = memberStartAt(buffer, position);
        const member = buffer.subarray(start, start + memberLengthAt(buffer, position));
        commands.add(formatDouble(scoreAt(buffer, position)), Buffer.from(member));
      }
      yield;
    }
    commands.end();
  }
}

/** Of the elements in the present leaf. */
function* positionsIn({ buffer, start, length }: FrozenRun): Generator<number, void> {
  for (let position = start; position < start + length; position = afterElement(buffer, position))
    yield position;
}
