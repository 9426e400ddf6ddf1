/**
 * A large stream as it is when the image is made, to be written while commands change it. Its nodes are frozen
 * (memory/frozen-blocks.ts) until they have been read; all else, of which there is little unless many entries are
 * pending, is packed at once.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { FrozenLeaves } from "../chunk-tree/frozen-leaves.ts";
import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { PartMeter } from "../packed-parts.ts";
import { NodeEntries } from "./node-entries.ts";
import { StreamNode } from "./stream-node.ts";
import { packNode, packStreamTail } from "./stream-pack.ts";
import { rewriteEntry, rewriteTail } from "./stream-rewrite.ts";

export class StreamImage implements ValueImage {
  private readonly nodes: FrozenLeaves;
  private readonly tail: Buffer;

  constructor(blocks: Blocks, root: number) {
    this.nodes = new FrozenLeaves(blocks, root);
    this.tail = packStreamTail(blocks, root);
  }

  freezeStep(): boolean {
    return this.nodes.freezeStep();
  }

  *packInParts(sink: PartSink): Generator<void, void> {
    const meter = new PartMeter();
    const { tail } = this;
    const { count, run } = this.nodes;
    sink.appendLength(count);
    while (run.next()) {
      packNode(sink, run.buffer, run.start, run.length);
      if (meter.isFull(run.length)) yield;
    }
    sink.appendBytes(tail, 0, tail.length);
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const { run } = this.nodes;
    const node = new StreamNode();
    const entries = new NodeEntries(node);
    while (run.next()) {
      node.openBytes(run.buffer, run.start, run.length);
      for (let found = entries.first(); found; found = entries.next())
        if (!entries.isDeleted) rewriteEntry(entries, key, sink);
      yield;
    }
    yield* rewriteTail(this.tail, key, sink);
  }
}
