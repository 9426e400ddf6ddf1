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
  for (const { buffer, start, length } of elementsOf(reader, view, memory, address))
    into.mix(buffer.subarray(start, start + length));
}

function* rewrite(
  memory: ValueMemory,
  address: number,
  key: Buffer,
  sink: CommandSink,
): Generator<void, void> {
  let elements: Buffer[] = [];
  // Of its own: other lists may be read between two steps.
  for (const { buffer, start, length } of elementsOf(new ListReader(), new ElementView(), memory, address)) {
    elements.push(Buffer.from(buffer.subarray(start, start + length)));
    if (elements.length < ELEMENTS_PER_COMMAND) continue;
    yield sink("RPUSH", key, ...elements);
    elements = [];
  }
  if (elements.length > 0) sink("RPUSH", key, ...elements);
}

/** Each element in `shown`, from the head to the tail. */
function* elementsOf(
  list: ListReader,
  shown: ElementView,
  memory: ValueMemory,
  address: number,
): Generator<ElementView, void> {
  list.open(memory, address);
  for (let is = list.seekEnd(HEAD); is; is = list.nextChunk()) {
    const { buffer, start } = list;
    const end = listpackBytes(buffer, start) - 1;
    for (let at = HEADER_BYTES; at < end; at = shown.end) {
      shown.read(buffer, start, at);
      yield shown;
    }
  }
}
