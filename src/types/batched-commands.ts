/**
 * The commands that make a collection, of so many elements each as Redis's have in a rewritten append-only file: see
 * DataType.rewrite.
 */
import type { CommandSink } from "./data-type.ts";

const ELEMENTS_PER_COMMAND = 64;

export class BatchedCommands {
  private elements = 0;
  private args: (string | Buffer)[] = [];
  private readonly name: string;
  private readonly key: Buffer;
  private readonly sink: CommandSink;

  constructor(name: string, key: Buffer, sink: CommandSink) {
    this.name = name;
    this.key = key;
    this.sink = sink;
  }

  /** The arguments for the next element; says whether it completed a command. */
  add(...args: readonly (string | Buffer)[]): boolean {
    this.args.push(...args);
    if (++this.elements < ELEMENTS_PER_COMMAND) return false;
    this.end();
    return true;
  }

  /** What is left. */
  end(): void {
    if (this.elements > 0) this.sink(this.name, this.key, ...this.args);
    this.elements = 0;
    this.args = [];
  }
}
