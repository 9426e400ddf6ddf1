/**
 * A key that holds a list, for tests of commands that must refuse it.
 */
import { EntryValue } from "../../src/keyspace/entry-value.ts";
import { firstValueBytes, ListEditor } from "../../src/types/list/list-editor.ts";
import { LIST } from "../../src/types/list/list-value.ts";
import { ElementValue } from "../../src/types/listpack/element-value.ts";
import type { CommandHarness } from "./command-harness.ts";

/** Makes a list of one element, as RPUSH does. */
export function addListKey({ db, keyspace }: CommandHarness, name = "list", expireMs = 0): void {
  const key = Buffer.from(name);
  const element = new ElementValue().set(Buffer.from("a"), 0, 1);
  db.find(key, 0, key.length);
  const address = db.add(LIST, key, 0, key.length, firstValueBytes(element), expireMs);
  new ListEditor().create(keyspace.memory, new EntryValue(keyspace).open(db, address), element);
}
