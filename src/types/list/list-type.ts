/**
 * The list type as the layers see it that move values about.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { copyTree, createTree, disposeStep, treeBytes } from "../chunk-tree/whole-tree.ts";
import type { CommandSink, DataType } from "../data-type.ts";
import { ElementView } from "../listpack/element-view.ts";
import { HEADER_BYTES, listpackBytes } from "../listpack/listpack.ts";
import type { ValueDigest } from "../value-digest.ts";
import type { ValueMemory } from "../value-memory.ts";
import { listpackStart } from "./list-chunk.ts";
import {
  findStoredList,
  packList,
  packListInParts,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  unpackList,
} from "./list-codec.ts";
import { HEAD, ListReader } from "./list-reader.ts";
import { LIST } from "./list-value.ts";

/** Elements that one command of a rewritten log appends, as in Redis. */
const ELEMENTS_PER_COMMAND = 64;

const reader = new ListReader();
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
  rewrite,
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
  forEachElement(memory, address, () => into.mix(view.buffer.subarray(view.start, view.start + view.length)));
}

function rewrite(memory: ValueMemory, address: number, key: Buffer, sink: CommandSink): void {
  let elements: Buffer[] = [];
  forEachElement(memory, address, () => {
    elements.push(Buffer.from(view.buffer.subarray(view.start, view.start + view.length)));
    if (elements.length < ELEMENTS_PER_COMMAND) return;
    sink("RPUSH", key, ...elements);
    elements = [];
  });
  if (elements.length > 0) sink("RPUSH", key, ...elements);
}

/** Shows each element in `view`, from the head to the tail. */
function forEachElement(memory: ValueMemory, address: number, visit: () => void): void {
  reader.open(memory, address);
  for (let is = reader.seekEnd(HEAD); is; is = reader.nextChunk()) {
    const { buffer, start } = reader;
    const end = listpackBytes(buffer, start) - 1;
    for (let at = HEADER_BYTES; at < end; at = view.end) {
      view.read(buffer, start, at);
      visit();
    }
  }
}
