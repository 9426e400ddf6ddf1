/**
 * A list as the commands that make it: see DataType.rewrite.
 */
import type { CommandSink } from "../data-type.ts";
import { ElementView } from "../listpack/element-view.ts";
import { elementsOf, type ListChunks } from "./list-chunks.ts";

/** Elements that one command appends, as in Redis. */
const ELEMENTS_PER_COMMAND = 64;

/** Those of a chunk with each step; the last may be less. */
export function* rewriteChunks(chunks: ListChunks, key: Buffer, sink: CommandSink): Generator<void, void> {
  const shown = new ElementView();
  let elements: Buffer[] = [];
  while (chunks.nextChunk()) {
    for (const { buffer, start, length } of elementsOf(chunks, shown)) {
      elements.push(Buffer.from(buffer.subarray(start, start + length)));
      if (elements.length < ELEMENTS_PER_COMMAND) continue;
      sink("RPUSH", key, ...elements);
      elements = [];
    }
    yield;
  }
  if (elements.length > 0) sink("RPUSH", key, ...elements);
}
