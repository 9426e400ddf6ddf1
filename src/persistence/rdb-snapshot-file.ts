/**
 * A snapshot as an RDB file: a dump, or a base of a rewrite.
 */
import { ByteArena } from "../base/byte-arena.ts";
import { REDIS_VERSION } from "../base/compatibility.ts";
import type { FileHandle } from "../base/files.ts";
import { imageOf, LARGE_STRING_BYTES } from "../keyspace/entry-size.ts";
import { dataTypeOf } from "../types/registry.ts";
import { rootOf } from "../types/rooted.ts";
import { STRING } from "../types/string/string-value.ts";
import { AUX_USED_MEMORY, TYPE_STRING } from "./rdb/format.ts";
import { RdbWriter } from "./rdb/writer.ts";
import {
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
   * Appends type, key and value of a live entry to what `targetOf` gave; of a large value there is an image then, which
   * is owed. With `mayBePartial`, and if the image takes more than one step, true: `more` does the other ones.
   */
  appendEntry(target: RdbWriter, address: number, mayBePartial: boolean): boolean {
    const { entries, memory } = this.parts.keyspace;
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
        const value = entries.freezeValue(address);
        this.oweString(
          target,
          stringParts(value, (...part) => target.appendBytes(...part)),
        );
        return false;
      }
      const value = entries.valueBuffer(address);
      target.appendString(key, keyStart, keyLength, value, entries.valueStart(address), length);
      return false;
    }
    const type = dataType.rdbTypeOf(memory, address);
    const image = imageOf(memory, address);
    if (image !== undefined) {
      target.appendEntryHead(type, key, keyStart, keyLength);
      return this.owe(target, image, image.packInParts(target), rootOf(entries, address), mayBePartial);
    }
    const { arena } = this;
    arena.reset();
    const payload = dataType.pack(memory, address, arena, this.compress);
    target.appendPayload(type, key, keyStart, keyLength, payload);
    return false;
  }
}
