/**
 * The string type as the layers see it that move values about.
 */
import { StorageError } from "../../base/storage-error.ts";
import type { DataType } from "../data-type.ts";
import { packString, unpackString } from "./string-codec.ts";
import { copiedEncoding, encodingName, fillValue, MAX_STRING_BYTES, STRING } from "./string-value.ts";

/** RDB_TYPE_STRING. */
const RDB_STRING = 0;

export const stringType: DataType = {
  type: STRING,
  name: "string",
  encodingName,
  copiedEncoding,
  rdbTypes: [RDB_STRING],
  rdbTypeOf: () => RDB_STRING,
  pack: ({ entries }, address, arena, compress) => packString(entries, address, arena, compress),
  unpack(_memory, _rdbType, packed, encoding) {
    const { bytes, encoding: unpackedEncoding } = unpackString(packed, encoding);
    if (bytes.length > MAX_STRING_BYTES)
      throw new StorageError("corrupt", "a packed string is impossibly long");
    return {
      length: bytes.length,
      encoding: unpackedEncoding,
      fill: ({ entries }, address) => fillValue(entries, address, bytes, 0, bytes.length),
    };
  },
  *rewrite({ entries }, address, key, sink) {
    yield sink("SET", key, entries.value(address));
  },
  digest: ({ entries }, address, digest) => digest.mix(entries.value(address)),
};
