/**
 * Lists: runs of elements in listpacks, as in Redis's quicklist. A small list is one listpack in its entry; a larger
 * one lies outside, and its root is that of a chunk tree (types/chunk-tree) whose leaves are blocks with a listpack
 * each. Both answer to the name "quicklist", as all lists of Redis 7.0 do.
 *
 *     list-value.ts      what both forms are, how much a chunk holds
 *     list-chunk.ts      a chunk in its block, with room to grow
 *     list-reader.ts     ListReader: seek, walk, search
 *     list-editor.ts     ListEditor: push, remove, insert, replace
 *     list-codec.ts      the packed form; list-type.ts the type's descriptor
 */
import { EMPTY_LISTPACK_BYTES } from "../listpack/listpack.ts";
import { ROOTED } from "../rooted.ts";

/** The entry type of lists. */
export const LIST = 1;
/** Encoding of a list that is a listpack in its entry; a new entry has it. */
export const INLINE = 0;
/** Encoding of a list that is a chunk tree. */
export const LARGE: number = ROOTED;

/** The longest listpack that stays in its entry: an entry is found through the table of keys, so that moving it takes
 * longer than moving a chunk. */
export const INLINE_MAX_BYTES = 1024;

/** The most that a chunk of several elements may hold. Redis's chunks of 16 KB and more do not fit a slab object. */
export const CHUNK_MAX_BYTES = 8192;
/** The least, when it is full by bytes: for list-max-listpack-size -1. */
const CHUNK_MIN_BYTES = 4096;
const MAX_FILL = 32_767;
/** What an element is taken to need beside its bytes: as in Redis, so that chunks end where Redis's nodes do. */
const OVERHEAD_ESTIMATE = 8;
/** Whether a chunk may hold that number of elements in that number of bytes; `fill` is list-max-listpack-size. */
export function fits(bytes: number, elements: number, fill: number): boolean {
  if (fill < 0) return bytes <= (fill === -1 ? CHUNK_MIN_BYTES : CHUNK_MAX_BYTES);
  return bytes <= CHUNK_MAX_BYTES && elements <= Math.min(fill, MAX_FILL);
}

/** Whether a chunk of `elements` in `bytes` may take one more of `length` bytes. */
export function hasRoom(bytes: number, elements: number, length: number, fill: number): boolean {
  return fits(bytes + length + OVERHEAD_ESTIMATE, elements + 1, fill);
}

/** Whether two chunks may become one. */
export function mayJoin(
  bytes: number,
  elements: number,
  otherBytes: number,
  others: number,
  fill: number,
): boolean {
  return fits(bytes + otherBytes - EMPTY_LISTPACK_BYTES, elements + others, fill);
}
