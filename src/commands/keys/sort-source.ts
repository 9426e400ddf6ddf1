/**
 * The elements of what SORT sorts: a list, a set or a sorted set, from first to last or the other way round.
 */
import type { SortedSetEntry } from "../../keyspace/sorted-sets.ts";
import { ListReader } from "../../types/list/list-reader.ts";
import { LIST } from "../../types/list/list-value.ts";
import { ElementView } from "../../types/listpack/element-view.ts";
import { END } from "../../types/listpack/encoding.ts";
import { SET } from "../../types/set/set-encoding.ts";
import { readSet } from "../../types/set/set-reader.ts";
import { SORTED_SET } from "../../types/sorted-set/sorted-set.ts";
import type { CommandContext } from "../context.ts";
import { sortedSetTools } from "../sorted-set-access.ts";
import type { ByteVector } from "./sort-vector.ts";

const list = new ListReader();
const view = new ElementView();

/** Whether there is anything to sort in values of this entry type. */
export function isSortable(type: number): boolean {
  return type === LIST || type === SET || type === SORTED_SET;
}

/** Whether the elements of this entry type have an order of their own. */
export function isOrdered(type: number): boolean {
  return type !== SET;
}

/** Of a sorted set Redis always sorts the large form, and leaves it so. Returns the address, which may be another. */
export function prepareSource(ctx: CommandContext, address: number): number {
  if (ctx.keyspace.entries.type(address) !== SORTED_SET) return address;
  return sortedSet(ctx, address).makeLarge();
}

/** How many elements the value at `address` has. */
export function elementCount(ctx: CommandContext, address: number): number {
  const { memory, entries } = ctx.keyspace;
  const type = entries.type(address);
  if (type === LIST) return list.open(memory, address).size;
  if (type === SET) return readSet(memory, address).size;
  return sortedSet(ctx, address).elements.size;
}

function sortedSet({ db, keyspace }: CommandContext, address: number): SortedSetEntry {
  return sortedSetTools(keyspace).entry.open(db, address);
}

/** Appends `count` elements from index `first` on; of a set, which has no order, they must be all. */
export function loadElements(
  ctx: CommandContext,
  address: number,
  first: number,
  count: number,
  into: ByteVector,
): void {
  const type = ctx.keyspace.entries.type(address);
  if (type === LIST) loadList(ctx, address, first, count, into);
  else if (type === SET) loadSet(ctx, address, into);
  else loadSortedSet(ctx, address, first, count, into);
}

function loadList(
  ctx: CommandContext,
  address: number,
  first: number,
  count: number,
  into: ByteVector,
): void {
  let left = count;
  list.open(ctx.keyspace.memory, address);
  for (let is = list.seek(first); is && left > 0; is = list.nextChunk()) {
    const { buffer, start } = list;
    for (let at = list.at; left > 0 && buffer[start + at] !== END; at = view.end, left--) {
      view.read(buffer, start, at);
      into.push(view.buffer, view.start, view.length);
    }
  }
}

function loadSet(ctx: CommandContext, address: number, into: ByteVector): void {
  const set = readSet(ctx.keyspace.memory, address);
  set.begin();
  while (set.next()) into.push(set.buffer, set.start, set.length);
}

function loadSortedSet(
  ctx: CommandContext,
  address: number,
  first: number,
  count: number,
  into: ByteVector,
): void {
  const { elements } = sortedSet(ctx, address);
  for (let i = 0; i < count; i++) {
    if (i === 0) elements.seek(first);
    else elements.next();
    into.push(elements.memberBuffer, elements.memberStart, elements.memberLength);
  }
}
