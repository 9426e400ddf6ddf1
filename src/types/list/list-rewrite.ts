/**
 * A list as the commands that make it: see DataType.rewrite.
 */
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink } from "../data-type.ts";
import { ElementView } from "../listpack/element-view.ts";
import { elementsOf, type ListChunks } from "./list-chunks.ts";

/** Those of a chunk with each step; the last may be less. */
export function* rewriteChunks(chunks: ListChunks, key: Buffer, sink: CommandSink): Generator<void, void> {
  const shown = new ElementView();
  const commands = new BatchedCommands("RPUSH", key, sink);
  while (chunks.nextChunk()) {
    for (const { buffer, start, length } of elementsOf(chunks, shown))
      commands.add(Buffer.from(buffer.subarray(start, start + length)));
    yield;
  }
  commands.end();
}
