/**
 * How large a small collection will be that a command makes of its arguments: the entry gets the room at once
 * (Entries.create), instead of being moved each time an element comes.
 */
import { Int64, MAX_INT64_TEXT } from "../base/int64.ts";
import { MAX_ROOM_BYTES } from "../memory/entries.ts";
import type { Request } from "../protocol/request.ts";
import { INTSET_HEADER_BYTES, widthOf } from "../types/intset/intset.ts";
import { ElementValue } from "../types/listpack/element-value.ts";
import { EMPTY_LISTPACK_BYTES } from "../types/listpack/listpack.ts";

/** Elements of an intset, of two bytes, for which there can be room. */
const MAX_MEMBERS = MAX_ROOM_BYTES / 2;

const element = new ElementValue();
const integer = new Int64();

/** Bytes of a listpack of the arguments from `first` on, every `step`th; 0 if it would be no small one. */
export function listpackRoom({ buf, start, len, argc }: Request, first: number, step = 1): number {
  let bytes = EMPTY_LISTPACK_BYTES;
  for (let i = first; i < argc && bytes <= MAX_ROOM_BYTES; i += step)
    bytes += element.set(buf, start[i], len[i]).size;
  return bytes <= MAX_ROOM_BYTES ? bytes : 0;
}

/** Bytes of an intset of the arguments from `first` on; 0 if they are not all integers, or too many. */
export function intsetRoom({ buf, start, len, argc }: Request, first: number): number {
  if (argc - first > MAX_MEMBERS) return 0;
  let width = 0;
  for (let i = first; i < argc; i++) {
    if (len[i] > MAX_INT64_TEXT || !integer.parse(buf, start[i], len[i])) return 0;
    width = Math.max(width, widthOf(integer));
  }
  return INTSET_HEADER_BYTES + (argc - first) * width;
}
