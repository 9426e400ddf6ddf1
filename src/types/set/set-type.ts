/**
 * The set type as the layers see it that move values about.
 */
import type { DataType } from "../data-type.ts";
import { bucketsOf } from "../element-table/table-image.ts";
import { TableValueImage } from "../element-table/table-value-image.ts";
import { isRooted, rootOf } from "../rooted.ts";
import { encodingName, SET } from "./set-encoding.ts";
import { packSet, packSetInParts, RDB_SET, RDB_SET_INTSET, rdbTypeOf } from "./set-packing.ts";
import { membersOf, openSet, readSet } from "./set-reader.ts";
import { rewriteMembers } from "./set-rewrite.ts";
import { findStoredSet, RDB_SET_LISTPACK, unpackSet } from "./set-unpacking.ts";

export const setType: DataType = {
  type: SET,
  name: "set",
  encodingName,
  copiedEncoding: (encoding) => encoding,
  rooted: {
    disposeStep: (memory, root, limit) => membersOf(memory).table.disposeStep(root, limit),
    copy: (memory, root) => membersOf(memory).table.copy(root),
    sizeBytes: (memory, root, samples) => membersOf(memory).table.sizeBytes(root, samples),
  },
  rdbTypes: [RDB_SET, RDB_SET_INTSET, RDB_SET_LISTPACK],
  rdbTypeOf,
  pack: packSet,
  packInParts: packSetInParts,
  unpack: unpackSet,
  findStored: findStoredSet,
  rewrite(memory, address, key, sink) {
    const isLarge = isRooted(memory.entries.head(address));
    return rewriteMembers(isLarge ? openSet(memory, address) : readSet(memory, address), key, sink);
  },
  imageBlocks: ({ blocks, entries }, address) => bucketsOf(blocks, rootOf(entries, address)),
  image: ({ blocks, entries }, address) => new TableValueImage(blocks, rootOf(entries, address), "SADD"),
  digest(memory, address, digest) {
    const members = readSet(memory, address);
    members.begin();
    while (members.next()) {
      const { buffer, start, length } = members;
      digest.xor(buffer.subarray(start, start + length));
    }
  },
};
