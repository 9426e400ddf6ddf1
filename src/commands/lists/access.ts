/**
 * What the commands of lists share. Handlers run one at a time, so one object of each kind serves them all.
 */
import { EntryValue } from "../../keyspace/entry-value.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { firstValueBytes, ListEditor } from "../../types/list/list-editor.ts";
import { HEAD, ListReader, TAIL } from "../../types/list/list-reader.ts";
import { LARGE, LIST } from "../../types/list/list-value.ts";
import { ElementValue } from "../../types/listpack/element-value.ts";
import { isWord } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

const reader = new ListReader();
const editor = new ListEditor();
const element = new ElementValue();
let entry: EntryValue | undefined;
let entryOwner: Keyspace | undefined;

export function isList(ctx: CommandContext, address: number): boolean {
  return ctx.keyspace.entries.type(address) === LIST;
}

/** The list at `address`, to be read. */
export function readList(ctx: CommandContext, address: number): ListReader {
  return reader.open(ctx.keyspace.memory, address);
}

/** The list at `address`, to be read and changed. Database.beforeWrite comes before the first change. */
export function editList(ctx: CommandContext, address: number): ListEditor {
  const { entries, memory } = ctx.keyspace;
  if (entries.encoding(address) === LARGE) return editor.editLarge(memory, address);
  return editor.editInline(memory, openEntry(ctx, address));
}

/** Makes a list of one element under the key in argument `i`, which was looked up last and is absent. `room`: see
 * Database.add. */
export function addList(ctx: CommandContext, i: number, value: ElementValue, room = 0): ListEditor {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.add(LIST, buf, start[i], len[i], firstValueBytes(value), 0, room);
  return editor.create(ctx.keyspace.memory, openEntry(ctx, address), value);
}

function openEntry(ctx: CommandContext, address: number): EntryValue {
  if (entry === undefined || entryOwner !== ctx.keyspace) {
    entryOwner = ctx.keyspace;
    entry = new EntryValue(ctx.keyspace);
  }
  return entry.open(ctx.db, address);
}

/** Argument i as an element; valid until the next call. */
export function elementAt(ctx: CommandContext, i: number): ElementValue {
  const { buf, start, len } = ctx.request;
  return element.set(buf, start[i], len[i]);
}

/** The end that argument i names (LEFT, RIGHT); -1 if it names none. */
export function endAt(ctx: CommandContext, i: number): number {
  if (isWord(ctx.request, i, "left")) return HEAD;
  return isWord(ctx.request, i, "right") ? TAIL : -1;
}
