/**
 * The commands that make a set: see DataType.rewrite.
 */
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink } from "../data-type.ts";
import type { SetMembers } from "./set-members.ts";

/** All members, a command with each step. They must not change meanwhile. */
export function* rewriteMembers(members: SetMembers, key: Buffer, sink: CommandSink): Generator<void, void> {
  const commands = new BatchedCommands("SADD", key, sink);
  members.begin();
  while (members.next()) {
    const { buffer, start, length } = members;
    // A copy, as the text of an integer would be overwritten by the next one.
    if (commands.add(Buffer.from(buffer.subarray(start, start + length)))) yield;
  }
  commands.end();
}
