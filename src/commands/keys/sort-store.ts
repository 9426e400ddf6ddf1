/**
 * SORT with STORE: the result as a list.
 */

import { EntryValue } from "../../keyspace/entry-value.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { firstValueBytes, ListEditor } from "../../types/list/list-editor.ts";
import { TAIL } from "../../types/list/list-reader.ts";
import { LIST } from "../../types/list/list-value.ts";
import { ElementValue } from "../../types/listpack/element-value.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import type { ByteVector } from "./sort-vector.ts";

/** Makes a list of `result` under the key in argument `keyAt`, in place of what it holds, or deletes the key if the
 * result is empty; answers how long it is. */
export function storeSorted(ctx: CommandContext, keyAt: number, result: ByteVector): Outcome {
  const { db, effects, reply, request } = ctx;
  const { buf, start, len } = request;
  const existing = db.lookupWrite(buf, start[keyAt], len[keyAt]);
  const isEmpty = result.length === 0;
  if (existing !== 0) {
    if (isEmpty) db.delete(existing);
    else db.replace(existing);
  }
  if (!isEmpty) {
    addList(ctx, keyAt, result);
    notify(ctx, EVENT.list, "sortstore", keyAt);
  } else if (existing !== 0) {
    notify(ctx, EVENT.generic, "del", keyAt);
  }
  if (!isEmpty || existing !== 0) effects.verbatim();
  return reply.integer(result.length);
}

function addList({ db, keyspace, request }: CommandContext, keyAt: number, result: ByteVector): void {
  const { buf, start, len } = request;
  const element = new ElementValue();
  const editor = new ListEditor();
  for (let i = 0; i < result.length; i++) {
    element.set(result.buffer, result.startOf(i), result.lengthOf(i));
    if (i > 0) {
      editor.push(element, TAIL);
      continue;
    }
    db.find(buf, start[keyAt], len[keyAt]);
    const address = db.add(LIST, buf, start[keyAt], len[keyAt], firstValueBytes(element), 0);
    editor.create(keyspace.memory, new EntryValue(keyspace).open(db, address), element);
  }
}
