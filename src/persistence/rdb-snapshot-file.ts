/**
 * A snapshot as an RDB file: a dump, or a base of a rewrite.
 */
import { ByteArena } from "../base/byte-arena.ts";
import { REDIS_VERSION } from "../base/compatibility.ts";
import type { FileHandle } from "../base/files.ts";
import { dataTypeOf } from "../types/registry.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import { STRING } from "../types/string/string-value.ts";
import { AUX_USED_MEMORY, TYPE_STRING } from "./rdb/format.ts";
import { RdbWriter } from "./rdb/writer.ts";
import {
  LARGE_STRING_BYTES,
  SnapshotFile,
  type SnapshotFileOptions,
  type SnapshotFileParts,
  stringParts,
} from "./snapshot-file.ts";

export interface RdbSnapshotOptions extends SnapshotFileOptions {
  readonly compress: boolean;
  readonly checksum: boolean;
}

export class RdbSnapshotFile extends SnapshotFile<RdbWriter> {
  private readonly arena = new ByteArena();
  private readonly compress: boolean;

  constructor(parts: SnapshotFileParts, file: FileHandle, options: RdbSnapshotOptions) {
    const { checksum, compress } = options;
    super(
      parts,
      file,
      options,
      (sink, isAside) => new RdbWriter(sink, { compress, checksum: checksum && !isAside }),
    );
    this.compress = compress;
  }

  /** The head of the file. */
  appendHead(isBase: boolean, version?: number): void {
    const { writer } = this;
    const { clock, keyspace } = this.parts;
    writer.appendHeader(version);
    writer.appendAux("redis-ver", REDIS_VERSION);
    writer.appendAux("redis-bits", "64");
    writer.appendAux("ctime", String(Math.floor(clock.nowMs / 1000)));
    writer.appendAux(AUX_USED_MEMORY, String(keyspace.usedBytes));
    writer.appendAux("aof-base", isBase ? "1" : "0");
  }

  /**
   * Appends type, key and value of a live entry to what `targetOf` gave. With `mayBePartial`, and if it is large, only
   * a part of it: then true, and `more` appends the rest.
   */
  appendEntry(target: RdbWriter, address: number, mayBePartial: boolean): boolean {
    const { entries, memory } = this.parts.keyspace;
    const head = entries.head(address);
    const dataType = dataTypeOf(entries.type(address));
    const key = entries.keyBuffer(address);
    const keyStart = entries.keyStart(address);
    const keyLength = entries.keyLength(address);
    if (dataType.type === STRING) {
      const length = entries.valueLength(address);
      if (length >= LARGE_STRING_BYTES) {
        // Not compressed: LZF knows no parts.
        target.appendEntryHead(TYPE_STRING, key, keyStart, keyLength);
        target.appendLength(length);
        const parts = stringParts(entries, address, (...part) => target.appendBytes(...part));
        return this.begin(target, parts, mayBePartial);
      }
      const value = entries.valueBuffer(address);
      target.appendString(key, keyStart, keyLength, value, entries.valueStart(address), length);
      return false;
    }
    const type = dataType.rdbTypeOf(memory, address);
    if (isRooted(head)) {
      const image = dataType.image?.(memory, address);
      if (image !== undefined) {
        target.appendEntryHead(type, key, keyStart, keyLength);
        return this.owe(target, image, image.packInParts(target), rootOf(entries, address), mayBePartial);
      }
      const valueParts = dataType.packInParts?.(memory, address, target);
      if (valueParts !== undefined) {
        target.appendEntryHead(type, key, keyStart, keyLength);
        return this.begin(target, valueParts, mayBePartial);
      }
    }
    const { arena } = this;
    arena.reset();
    const payload = dataType.pack(memory, address, arena, this.compress);
    target.appendPayload(type, key, keyStart, keyLength, payload);
    return false;
  }
}
