/**
 * A snapshot as commands that make its keys: the base of a rewrite with `aof-use-rdb-preamble no`.
 */
import type { FileHandle } from "../base/files.ts";
import { imageOf, LARGE_STRING_BYTES } from "../keyspace/entry-size.ts";
import type { FrozenValue } from "../memory/frozen-value.ts";
import { finishSteps } from "../types/packed-parts.ts";
import { dataTypeOf } from "../types/registry.ts";
import { rootOf } from "../types/rooted.ts";
import { STRING } from "../types/string/string-value.ts";
import { CommandWriter } from "./aof/command-writer.ts";
import { encodeTimestampLine } from "./aof/format.ts";
import {
  SnapshotFile,
  type SnapshotFileOptions,
  type SnapshotFileParts,
  stringParts,
} from "./snapshot-file.ts";

export class CommandSnapshotFile extends SnapshotFile<CommandWriter> {
  constructor(parts: SnapshotFileParts, file: FileHandle, options: SnapshotFileOptions) {
    super(parts, file, options, (sink, isAside) => new CommandWriter(sink, { inBlocks: !isAside }));
  }

  /** The head of the file: its time if `withTime` (aof-timestamp-enabled), and the libraries of functions. */
  appendHead(withTime: boolean): void {
    const { writer } = this;
    const { clock, keyspace } = this.parts;
    writer.appendHeader();
    if (withTime) writer.appendBytes(encodeTimestampLine(Math.floor(clock.nowMs / 1000)));
    for (const source of keyspace.functions.sources()) writer.appendCommand("FUNCTION", "LOAD", source);
  }

  /** Appends the commands that make a live entry to what `targetOf` gave; see RdbSnapshotFile.appendEntry. */
  appendEntry(target: CommandWriter, address: number, mayBePartial: boolean): boolean {
    const { entries, memory } = this.parts.keyspace;
    const dataType = dataTypeOf(entries.type(address));
    const expireMs = entries.expireMs(address);
    if (dataType.type === STRING) {
      if (entries.valueLength(address) >= LARGE_STRING_BYTES) {
        const key = Buffer.from(entries.key(address));
        const steps = setSteps(target, key, entries.freezeValue(address));
        this.oweString(target, withExpiry(target, steps, key, expireMs));
        return false;
      }
      target.appendCommand("SET", entries.key(address), entries.value(address));
      if (expireMs !== 0) target.appendCommand("PEXPIREAT", entries.key(address), expireMs);
      return false;
    }
    const key = Buffer.from(entries.key(address));
    const image = imageOf(memory, address);
    if (image !== undefined) {
      const steps = image.rewrite(key, (...args) => target.appendCommand(...args));
      const parts = withExpiry(target, steps, key, expireMs);
      return this.owe(target, image, parts, rootOf(entries, address), mayBePartial);
    }
    const steps = dataType.rewrite(memory, address, key, (...args) => target.appendCommand(...args));
    finishSteps(withExpiry(target, steps, key, expireMs));
    return false;
  }
}

/** The command that sets a large string, part by part. */
function* setSteps(target: CommandWriter, key: Buffer, value: FrozenValue): Generator<void, void> {
  target.beginSet(key, value.totalBytes);
  yield* stringParts(value, (...part) => target.appendPart(...part));
}

/** What makes the value, and then its expiry (0 is none). */
function* withExpiry(
  target: CommandWriter,
  steps: Iterator<void, void>,
  key: Buffer,
  expireMs: number,
): Generator<void, void> {
  while (steps.next().done !== true) yield;
  if (expireMs !== 0) target.appendCommand("PEXPIREAT", key, expireMs);
}
