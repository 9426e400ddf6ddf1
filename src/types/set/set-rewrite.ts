/**
 * The commands that make a set: see DataType.rewrite.
 */
import type { CommandSink } from "../data-type.ts";
import type { SetMembers } from "./set-members.ts";

/** Members that one command adds, as in Redis. */
const MEMBERS_OF_COMMAND = 64;

export class AddCommands {
  private members: Buffer[] = [];
  private readonly key: Buffer;
  private readonly sink: CommandSink;

  constructor(key: Buffer, sink: CommandSink) {
    this.key = key;
    this.sink = sink;
  }

  /** The next member; says whether it completed a command. */
  add(member: Buffer): boolean {
    this.members.push(member);
    if (this.members.length < MEMBERS_OF_COMMAND) return false;
    this.end();
    return true;
  }

  /** What is left. */
  end(): void {
    if (this.members.length > 0) this.sink("SADD", this.key, ...this.members);
    this.members = [];
  }
}

/** All members, a command with each step. They must not change meanwhile. */
export function* rewriteMembers(members: SetMembers, key: Buffer, sink: CommandSink): Generator<void, void> {
  const commands = new AddCommands(key, sink);
  members.begin();
  while (members.next()) {
    const { buffer, start, length } = members;
    // A copy, as the text of an integer would be overwritten by the next one.
    if (commands.add(Buffer.from(buffer.subarray(start, start + length)))) yield;
  }
  commands.end();
}
