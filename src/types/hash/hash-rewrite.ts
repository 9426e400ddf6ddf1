/**
 * The commands that make a hash: see DataType.rewrite.
 */
import type { CommandSink } from "../data-type.ts";
import type { ElementView } from "../listpack/element-view.ts";
import type { HashFields } from "./hash-fields.ts";
import { NO_TIME } from "./timed-listpack.ts";

/** Fields that one command sets, as in Redis. */
const FIELDS_OF_COMMAND = 64;

export class SetCommands {
  private args: Buffer[] = [];
  private readonly key: Buffer;
  private readonly sink: CommandSink;

  constructor(key: Buffer, sink: CommandSink) {
    this.key = key;
    this.sink = sink;
  }

  /** The next field; says whether it completed a command. */
  set(field: Buffer, value: Buffer): boolean {
    this.args.push(field, value);
    if (this.args.length < 2 * FIELDS_OF_COMMAND) return false;
    this.end();
    return true;
  }

  /** What is left. */
  end(): void {
    if (this.args.length > 0) this.sink("HMSET", this.key, ...this.args);
    this.args = [];
  }
}

/** All fields, a command with each step, and then their times. They must not change meanwhile. */
export function* rewriteFields(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  const { field, value } = fields;
  const commands = new SetCommands(key, sink);
  fields.begin();
  while (fields.next()) if (commands.set(copyOf(field), copyOf(value))) yield;
  commands.end();
  if (fields.hasTimes) yield* rewriteTimes(fields, key, sink);
}

function* rewriteTimes(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  let looked = 0;
  fields.begin();
  while (fields.next()) {
    if (fields.time !== NO_TIME) sink("HPEXPIREAT", key, fields.time, "FIELDS", 1, copyOf(fields.field));
    if (++looked % FIELDS_OF_COMMAND === 0) yield;
  }
}

/** The text: an integer's would be overwritten by the next one. */
function copyOf({ buffer, start, length }: ElementView): Buffer {
  return Buffer.from(buffer.subarray(start, start + length));
}
