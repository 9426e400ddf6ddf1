/**
 * The sorted set type as the layers see it that move values about.
 */
import { formatDouble } from "../../base/numbers.ts";
import { leavesOf } from "../chunk-tree/whole-tree.ts";
import type { DataType } from "../data-type.ts";
import { FEW_ELEMENTS } from "../packed-parts.ts";
import { rootOf } from "../rooted.ts";
import { ValueDigest } from "../value-digest.ts";
import type { ValueMemory } from "../value-memory.ts";
import { PackedSortedSet } from "./packed-sorted-set.ts";
import { LISTPACK, SKIPLIST, SORTED_SET, type SortedElements } from "./sorted-set.ts";
import { SortedSetImage } from "./sorted-set-image.ts";
import {
  packElements,
  packElementsInParts,
  packListpack,
  RDB_ZSET,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
  RDB_ZSET_ZIPLIST,
} from "./sorted-set-packing.ts";
import { rewriteElements } from "./sorted-set-rewrite.ts";
import { findStoredSortedSet, unpackSortedSet } from "./sorted-set-unpacking.ts";
import { TreeSortedSet } from "./tree-sorted-set.ts";

/** Not those that commands work with: a snapshot looks at a value in the middle of a command. */
const packed = new PackedSortedSet();
const trees = new WeakMap<ValueMemory, TreeSortedSet>();

function treeOf(memory: ValueMemory): TreeSortedSet {
  let tree = trees.get(memory);
  if (tree === undefined) {
    tree = new TreeSortedSet(memory);
    trees.set(memory, tree);
  }
  return tree;
}

/** The elements of the entry at `address`, to be read at once. */
function elementsOf(memory: ValueMemory, address: number): SortedElements {
  const { entries } = memory;
  if (entries.encoding(address) === SKIPLIST) return treeOf(memory).open(rootOf(entries, address));
  return packed.open({
    buffer: entries.valueBuffer(address),
    start: entries.valueStart(address),
    length: entries.valueLength(address),
    resize: () => {
      throw new Error("the elements are only read here");
    },
  });
}

export const sortedSetType: DataType = {
  type: SORTED_SET,
  name: "zset",
  encodingName: (encoding) => (encoding === LISTPACK ? "listpack" : "skiplist"),
  copiedEncoding: (encoding) => encoding,
  rooted: {
    disposeStep: (memory, root, limit) => treeOf(memory).disposeStep(root, limit),
    copy: (memory, root) => treeOf(memory).copy(root),
    sizeBytes: (memory, root, samples) => treeOf(memory).sizeBytes(root, samples),
  },
  rdbTypes: [RDB_ZSET, RDB_ZSET_2, RDB_ZSET_ZIPLIST, RDB_ZSET_LISTPACK],
  rdbTypeOf: ({ entries }, address) =>
    entries.encoding(address) === LISTPACK ? RDB_ZSET_LISTPACK : RDB_ZSET_2,
  pack(memory, address, arena, compress) {
    const { entries } = memory;
    if (entries.encoding(address) === LISTPACK) return packListpack(memory, address, arena, compress);
    return packElements(treeOf(memory).open(rootOf(entries, address)), arena, compress);
  },
  packInParts(memory, address, sink) {
    const root = rootOf(memory.entries, address);
    if (treeOf(memory).open(root).size <= FEW_ELEMENTS) return undefined;
    return packElementsInParts(new TreeSortedSet(memory).open(root), sink);
  },
  imageBlocks: ({ blocks, entries }, address) => leavesOf(blocks.slabs, rootOf(entries, address)),
  image: ({ blocks, entries }, address) => new SortedSetImage(blocks, rootOf(entries, address)),
  unpack: (memory, rdbType, bytes, encoding) =>
    unpackSortedSet(memory, rdbType, bytes, encoding, treeOf(memory)),
  findStored: findStoredSortedSet,
  rewrite(memory, address, key, sink) {
    const { entries } = memory;
    const elements =
      entries.encoding(address) === SKIPLIST
        ? new TreeSortedSet(memory).open(rootOf(entries, address))
        : elementsOf(memory, address);
    return rewriteElements(elements, key, sink);
  },
  digest(memory, address, digest) {
    const elements = elementsOf(memory, address);
    const { size } = elements;
    const ofElement = new ValueDigest();
    elements.seek(0);
    for (let i = 0; i < size; i++, elements.next()) {
      const { memberBuffer, memberStart, memberLength } = elements;
      ofElement.reset();
      ofElement.mix(memberBuffer.subarray(memberStart, memberStart + memberLength));
      ofElement.mix(Buffer.from(formatDouble(elements.score)));
      digest.xorDigest(ofElement);
    }
  },
};
