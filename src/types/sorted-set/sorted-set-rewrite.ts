/**
 * The commands that make a sorted set: see DataType.rewrite.
 */
import { formatDouble } from "../../base/numbers.ts";
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink } from "../data-type.ts";
import type { SortedElements } from "./sorted-set.ts";

/** All elements, a command with each step. They must not change meanwhile. */
export function* rewriteElements(
  elements: SortedElements,
  key: Buffer,
  sink: CommandSink,
): Generator<void, void> {
  const commands = new BatchedCommands("ZADD", key, sink);
  const { size } = elements;
  elements.seek(0);
  for (let i = 0; i < size; i++, elements.next()) {
    const { memberBuffer, memberStart, memberLength, score } = elements;
    const member = Buffer.from(memberBuffer.subarray(memberStart, memberStart + memberLength));
    if (commands.add(formatDouble(score), member)) yield;
  }
  commands.end();
}
