/**
 * A snapshot as commands that make its keys: the base of a rewrite with `aof-use-rdb-preamble no`.
 */
import type { FileHandle } from "../base/files.ts";
import { dataTypeOf } from "../types/registry.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import { STRING } from "../types/string/string-value.ts";
import { CommandWriter } from "./aof/command-writer.ts";
import { encodeTimestampLine } from "./aof/format.ts";
import {
  LARGE_STRING_BYTES,
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
    const isString = dataType.type === STRING;
    if (isString && entries.valueLength(address) < LARGE_STRING_BYTES) {
      target.appendCommand("SET", entries.key(address), entries.value(address));
      const expireMs = entries.expireMs(address);
      if (expireMs !== 0) target.appendCommand("PEXPIREAT", entries.key(address), expireMs);
      return false;
    }
    const key = Buffer.from(entries.key(address));
    const isOutside = isRooted(entries.head(address));
    const image = isOutside ? dataType.image?.(memory, address) : undefined;
    const expireMs = entries.expireMs(address);
    if (image !== undefined) {
      const steps = image.rewrite(key, (...args) => target.appendCommand(...args));
      const parts = withExpiry(target, steps, key, expireMs);
      return this.owe(target, image, parts, rootOf(entries, address), mayBePartial);
    }
    const steps = isString
      ? this.setParts(target, address, key)
      : dataType.rewrite(memory, address, key, (...args) => target.appendCommand(...args));
    const parts = withExpiry(target, steps, key, expireMs);
    return this.begin(target, parts, mayBePartial && (isString || isOutside));
  }

  private *setParts(target: CommandWriter, address: number, key: Buffer): Generator<void, void> {
    const { entries } = this.parts.keyspace;
    target.beginSet(key, entries.valueLength(address));
    yield* stringParts(entries, address, (...part) => target.appendPart(...part));
  }
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
