/**
 * The commands that make a sorted set: see DataType.rewrite.
 */
import { formatDouble } from "../../base/numbers.ts";
import type { CommandSink } from "../data-type.ts";
import type { SortedElements } from "./sorted-set.ts";

/** Elements that one command adds, as in Redis. */
const ELEMENTS_OF_COMMAND = 64;

export class AddCommands {
  private args: (string | Buffer)[] = [];
  private readonly key: Buffer;
  private readonly sink: CommandSink;

  constructor(key: Buffer, sink: CommandSink) {
    this.key = key;
    this.sink = sink;
  }

  /** The next element, whose bytes are copied; says whether it completed a command. */
  add(score: number, buffer: Buffer, start: number, length: number): boolean {
    this.args.push(formatDouble(score), Buffer.from(buffer.subarray(start, start + length)));
    if (this.args.length < 2 * ELEMENTS_OF_COMMAND) return false;
    this.end();
    return true;
  }

  /** What is left. */
  end(): void {
    if (this.args.length > 0) this.sink("ZADD", this.key, ...this.args);
    this.args = [];
  }
}

/** All elements, a command with each step. They must not change meanwhile. */
export function* rewriteElements(
  elements: SortedElements,
  key: Buffer,
  sink: CommandSink,
): Generator<void, void> {
  const commands = new AddCommands(key, sink);
  const { size } = elements;
  elements.seek(0);
  for (let i = 0; i < size; i++, elements.next()) {
    const { memberBuffer, memberStart, memberLength, score } = elements;
    if (commands.add(score, memberBuffer, memberStart, memberLength)) yield;
  }
  commands.end();
}
