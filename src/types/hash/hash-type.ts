/**
 * The hash type as the layers see it that move values about.
 */
import type { DataType } from "../data-type.ts";
import { bucketsOf } from "../element-table/table-image.ts";
import { TableValueImage } from "../element-table/table-value-image.ts";
import { isRooted, rootOf } from "../rooted.ts";
import { ValueDigest } from "../value-digest.ts";
import type { ValueMemory } from "../value-memory.ts";
import { encodingName, HASH } from "./hash-encoding.ts";
import {
  packHash,
  packHashInParts,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_TIMED,
  RDB_HASH_TIMED,
  rdbTypeOf,
} from "./hash-packing.ts";
import { fieldsOf, openHash, readHash } from "./hash-reader.ts";
import { rewriteFields } from "./hash-rewrite.ts";
import {
  findStoredHash,
  RDB_HASH_LISTPACK_TIMED_FIRST,
  RDB_HASH_TIMED_FIRST,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  unpackHash,
} from "./hash-unpacking.ts";
import { TimedHashImage } from "./timed-hash-image.ts";
import { NO_TIME } from "./timed-listpack.ts";

/** In the digest of a field that expires. */
const EXPIRES = Buffer.from("!!hexpire!!");

export const hashType: DataType = {
  type: HASH,
  name: "hash",
  encodingName,
  copiedEncoding: (encoding) => encoding,
  rooted: {
    disposeStep: (memory, root, limit) => fieldsOf(memory).table.disposeStep(root, limit),
    copy: (memory, root) => fieldsOf(memory).table.copy(root),
    sizeBytes: (memory, root, samples) => fieldsOf(memory).table.sizeBytes(root, samples),
  },
  rdbTypes: [
    RDB_HASH,
    RDB_HASH_ZIPMAP,
    RDB_HASH_ZIPLIST,
    RDB_HASH_LISTPACK,
    RDB_HASH_TIMED_FIRST,
    RDB_HASH_LISTPACK_TIMED_FIRST,
    RDB_HASH_TIMED,
    RDB_HASH_LISTPACK_TIMED,
  ],
  rdbTypeOf,
  pack: packHash,
  packInParts: packHashInParts,
  unpack: unpackHash,
  findStored: findStoredHash,
  rewrite(memory, address, key, sink) {
    const isLarge = isRooted(memory.entries.head(address));
    return rewriteFields(isLarge ? openHash(memory, address) : readHash(memory, address), key, sink);
  },
  imageBlocks(memory, address) {
    const { fields, times } = tablesOf(memory, address);
    return bucketsOf(memory.blocks, fields) + (times === 0 ? 0 : bucketsOf(memory.blocks, times));
  },
  image(memory, address) {
    const { fields, times } = tablesOf(memory, address);
    return times === 0
      ? new TableValueImage(memory.blocks, fields, "HMSET")
      : new TimedHashImage(memory, fields, times);
  },
  digest(memory, address, digest) {
    const fields = readHash(memory, address);
    const { field, value } = fields;
    fields.begin();
    while (fields.next()) {
      const each = new ValueDigest();
      each.mix(field.buffer.subarray(field.start, field.start + field.length));
      each.mix(value.buffer.subarray(value.start, value.start + value.length));
      if (fields.time !== NO_TIME) each.xor(EXPIRES);
      digest.xorDigest(each);
    }
  },
};

/** The roots of a large hash's tables; that of times is 0 if no field has one. */
function tablesOf(memory: ValueMemory, address: number): { fields: number; times: number } {
  const root = rootOf(memory.entries, address);
  const { table } = fieldsOf(memory);
  const times = table.timesOf(root);
  const hasTimes = times !== 0 && table.times.size(times) > 0;
  return { fields: table.tableOf(root), times: hasTimes ? table.times.tableOf(times) : 0 };
}
