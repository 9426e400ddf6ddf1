/**
 * The stream type as the layers see it that move values about. A stream always lies outside its entry (../rooted.ts).
 */
import { leavesOf } from "../chunk-tree/whole-tree.ts";
import type { DataType } from "../data-type.ts";
import { ROOT_BYTES, ROOTED, rootOf, setRoot } from "../rooted.ts";
import { StreamImage } from "./stream-image.ts";
import { packStream, packStreamInParts } from "./stream-pack.ts";
import { RDB_STREAM_1, RDB_STREAM_2, RDB_STREAM_3 } from "./stream-parse.ts";
import { digestStream, rewriteStream } from "./stream-rewrite.ts";
import { unpackStream } from "./stream-unpack.ts";
import { copyStream, disposeStream, streamBytes } from "./whole-stream.ts";

/** The entry type number: Redis's OBJ_STREAM. */
export const STREAM = 6;
/** The only encoding. */
export const STREAM_ENCODING: number = ROOTED | 2;

export const streamType: DataType = {
  type: STREAM,
  name: "stream",
  encodingName: () => "stream",
  copiedEncoding: (encoding) => encoding,
  rooted: {
    disposeStep: ({ blocks }, root, limit) => disposeStream(blocks, root, limit),
    copy: ({ blocks }, root) => copyStream(blocks, root),
    sizeBytes: ({ blocks }, root, samples) => streamBytes(blocks, root, samples),
  },
  rdbTypes: [RDB_STREAM_1, RDB_STREAM_2, RDB_STREAM_3],
  rdbTypeOf: () => RDB_STREAM_2,
  pack: ({ blocks, entries }, address, arena, compress) =>
    packStream(blocks, rootOf(entries, address), arena, compress),
  packInParts: ({ blocks, entries }, address, sink) =>
    packStreamInParts(blocks, rootOf(entries, address), sink),
  imageBlocks: ({ blocks, entries }, address) => leavesOf(blocks.slabs, rootOf(entries, address)),
  image: ({ blocks, entries }, address) => new StreamImage(blocks, rootOf(entries, address)),
  unpack(_memory, rdbType, packed) {
    const build = unpackStream(packed, rdbType);
    return {
      length: ROOT_BYTES,
      encoding: STREAM_ENCODING,
      fill: ({ blocks, entries }, address) => setRoot(entries, address, build(blocks)),
    };
  },
  rewrite: ({ blocks, entries }, address, key, sink) =>
    rewriteStream(blocks, rootOf(entries, address), key, sink),
  digest: ({ blocks, entries }, address, digest) => digestStream(blocks, rootOf(entries, address), digest),
};
