/**
 * The set type as the layers see it that move values about.
 */
import type { DataType } from "../data-type.ts";
import { isRooted } from "../rooted.ts";
import { encodingName, SET } from "./set-encoding.ts";
import { packSet, packSetInParts, RDB_SET, RDB_SET_INTSET, rdbTypeOf } from "./set-packing.ts";
import { membersOf, openSet, readSet } from "./set-reader.ts";
import { findStoredSet, RDB_SET_LISTPACK, unpackSet } from "./set-unpacking.ts";

/** Members added by one command of a rewritten log. */
const MEMBERS_PER_COMMAND = 64;

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
  *rewrite(memory, address, key, sink) {
    const isLarge = isRooted(memory.entries.head(address));
    const members = isLarge ? openSet(memory, address) : readSet(memory, address);
    let args: Buffer[] = [];
    members.begin();
    while (members.next()) {
      const { buffer, start, length } = members;
      // A copy, as the text of an integer would be overwritten by the next one.
      args.push(Buffer.from(buffer.subarray(start, start + length)));
      if (args.length < MEMBERS_PER_COMMAND) continue;
      yield sink("SADD", key, ...args);
      args = [];
    }
    if (args.length > 0) sink("SADD", key, ...args);
  },
  digest(memory, address, digest) {
    const members = readSet(memory, address);
    members.begin();
    while (members.next()) {
      const { buffer, start, length } = members;
      digest.xor(buffer.subarray(start, start + length));
    }
  },
};
