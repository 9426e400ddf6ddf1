/**
 * The hash type as the layers see it that move values about.
 */
import type { CommandSink, DataType } from "../data-type.ts";
import type { ElementView } from "../listpack/element-view.ts";
import { isRooted } from "../rooted.ts";
import { ValueDigest } from "../value-digest.ts";
import { encodingName, HASH } from "./hash-encoding.ts";
import type { HashFields } from "./hash-fields.ts";
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
import {
  findStoredHash,
  RDB_HASH_LISTPACK_TIMED_FIRST,
  RDB_HASH_TIMED_FIRST,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  unpackHash,
} from "./hash-unpacking.ts";
import { NO_TIME } from "./timed-listpack.ts";

/** Fields set by one command of a rewritten log. */
const FIELDS_PER_COMMAND = 64;
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
  *rewrite(memory, address, key, sink) {
    const isLarge = isRooted(memory.entries.head(address));
    const fields = isLarge ? openHash(memory, address) : readHash(memory, address);
    yield* rewriteValues(fields, key, sink);
    if (fields.hasTimes) yield* rewriteTimes(fields, key, sink);
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

function* rewriteValues(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  const { field, value } = fields;
  let args: Buffer[] = [];
  fields.begin();
  while (fields.next()) {
    args.push(copyOf(field), copyOf(value));
    if (args.length < 2 * FIELDS_PER_COMMAND) continue;
    yield sink("HMSET", key, ...args);
    args = [];
  }
  if (args.length > 0) sink("HMSET", key, ...args);
}

function* rewriteTimes(fields: HashFields, key: Buffer, sink: CommandSink): Generator<void, void> {
  let looked = 0;
  fields.begin();
  while (fields.next()) {
    if (fields.time !== NO_TIME) sink("HPEXPIREAT", key, fields.time, "FIELDS", 1, copyOf(fields.field));
    if (++looked % FIELDS_PER_COMMAND === 0) yield;
  }
}

/** The text: an integer's would be overwritten by the next one. */
function copyOf({ buffer, start, length }: ElementView): Buffer {
  return Buffer.from(buffer.subarray(start, start + length));
}
