/**
 * The list type as the layers see it that move values about.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { copyTree, createTree, disposeStep, leavesOf, treeBytes } from "../chunk-tree/whole-tree.ts";
import type { DataType, ValueImage } from "../data-type.ts";
import { ElementView } from "../listpack/element-view.ts";
import { listpackBytes } from "../listpack/listpack.ts";
import { rootOf } from "../rooted.ts";
import type { ValueDigest } from "../value-digest.ts";
import type { ValueMemory } from "../value-memory.ts";
import { listpackStart } from "./list-chunk.ts";
import { ChunkImages, ChunkWalk, elementsOf } from "./list-chunks.ts";
import {
  findStoredList,
  packChunks,
  packList,
  packListInParts,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  unpackList,
} from "./list-codec.ts";
import { rewriteChunks } from "./list-rewrite.ts";
import { LIST } from "./list-value.ts";

const view = new ElementView();

export const listType: DataType = {
  type: LIST,
  name: "list",
  encodingName: () => "quicklist",
  copiedEncoding: (encoding) => encoding,
  rooted: {
    disposeStep({ blocks }, root, limit) {
      const isDone = disposeStep(blocks.slabs, root, limit, (chunk) => blocks.free(chunk));
      if (isDone) blocks.slabs.free(root);
      return isDone;
    },
    copy({ blocks }, root) {
      const copy = createTree(blocks.slabs);
      copyTree(blocks.slabs, root, copy, (chunk) => copyChunk(blocks, chunk));
      return copy;
    },
    sizeBytes,
  },
  rdbTypes: [RDB_LIST, RDB_LIST_ZIPLIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2],
  rdbTypeOf: () => RDB_LIST_QUICKLIST_2,
  pack: packList,
  packInParts: packListInParts,
  unpack: unpackList,
  findStored: findStoredList,
  rewrite: (memory, address, key, sink) => rewriteChunks(new ChunkWalk(memory, address), key, sink),
  imageBlocks: ({ blocks, entries }, address) => leavesOf(blocks.slabs, rootOf(entries, address)),
  image,
  digest,
};

/** A copy of a chunk, without what it has to spare. */
function copyChunk(blocks: Blocks, chunk: number): number {
  const buffer = blocks.buffer(chunk);
  const start = listpackStart(buffer, blocks.start(chunk));
  const length = listpackBytes(buffer, start);
  const copy = blocks.allocate(length);
  copyBytes(buffer, start, blocks.buffer(copy), blocks.start(copy), length);
  return copy;
}

function sizeBytes({ blocks }: ValueMemory, root: number, samples: number): number {
  const tree = new ChunkTree().open(blocks.slabs, root);
  let looked = 0;
  let bytes = 0;
  for (let chunk = tree.seekFirst(); chunk !== 0 && looked < Math.max(1, samples); chunk = tree.next()) {
    bytes += blocks.sizeBytes(chunk);
    looked++;
  }
  const estimated = looked === 0 ? 0 : Math.round((bytes / looked) * tree.leaves);
  return treeBytes(blocks.slabs, root) + estimated;
}

function digest(memory: ValueMemory, address: number, into: ValueDigest): void {
  const chunks = new ChunkWalk(memory, address);
  while (chunks.nextChunk())
    for (const { buffer, start, length } of elementsOf(chunks, view))
      into.mix(buffer.subarray(start, start + length));
}

function image(memory: ValueMemory, address: number): ValueImage {
  const chunks = new ChunkImages(memory.blocks, rootOf(memory.entries, address));
  return {
    freezeStep: () => chunks.freezeStep(),
    packInParts: (sink) => packChunks(memory, chunks, sink),
    rewrite: (key, sink) => rewriteChunks(chunks, key, sink),
  };
}
