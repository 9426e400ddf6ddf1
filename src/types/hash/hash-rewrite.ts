/**
 * The commands that make a hash: see DataType.rewrite.
 */
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink } from "../data-type.ts";
import type { ElementView } from "../listpack/element-view.ts";
import type { HashFields } from "./hash-fields.ts";
import { NO_TIME } from "./timed-listpack.ts";

/** Fields of which the times are looked at in one step. */
const FIELDS_PER_STEP = 64;

/** All fields, a command with each step, and then their times. They must not change meanwhile. */
export function* rewriteFields(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  const { field, value } = fields;
  const commands = new BatchedCommands("HMSET", key, sink);
  fields.begin();
  while (fields.next()) if (commands.add(copyOf(field), copyOf(value))) yield;
  commands.end();
  if (fields.hasTimes) yield* rewriteTimes(fields, key, sink);
}

function* rewriteTimes(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  let looked = 0;
  fields.begin();
  while (fields.next()) {
    if (fields.time !== NO_TIME) sink("HPEXPIREAT", key, fields.time, "FIELDS", 1, copyOf(fields.field));
    if (++looked % FIELDS_PER_STEP === 0) yield;
  }
}

/** The text: an integer's would be overwritten by the next one. */
function copyOf({ buffer, start, length }: ElementView): Buffer {
  return Buffer.from(buffer.subarray(start, start + length));
}
