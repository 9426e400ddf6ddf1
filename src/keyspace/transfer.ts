/**
 * Giving whole entries another key or another database, whatever their type: what RENAME, MOVE and COPY are made of.
 * An entry's value is a run of bytes that mean the same under any key and in any database, so the new entry gets the
 * type number, the encoding, the expiry and the bytes. A value that lies outside its entry is handed over when the
 * entry moves, and else copied.
 */
import { dataTypeOf } from "../types/registry.ts";
import { isRooted, rootOf, setRoot } from "../types/rooted.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/**
 * Moves the live entry at `address` of `from` to `key` in `to`, where the key must have no live entry; expiry and
 * access clock go along. Returns the new entry's address.
 */
export function moveEntry(
  keyspace: Keyspace,
  from: Database,
  address: number,
  to: Database,
  key: Buffer,
  keyStart: number,
  keyLength: number,
): number {
  const { entries } = keyspace;
  // Before the value is handed over, since a snapshot must see it under its old key.
  from.beforeWrite(address);
  const moved = addLike(keyspace, address, to, key, keyStart, keyLength);
  to.setEncoding(moved, entries.encoding(address));
  entries.setAccess(moved, entries.access(address));
  if (isRooted(entries.head(address))) setRoot(entries, address, 0);
  from.delete(address);
  return moved;
}

/**
 * Copies the live entry at `address` (of any database) to `key` in `to`, where the key must have no live entry; its
 * expiry goes along. The source stays as it is, and its address stays valid. Returns the new entry's address.
 */
export function copyEntry(
  keyspace: Keyspace,
  address: number,
  to: Database,
  key: Buffer,
  keyStart: number,
  keyLength: number,
): number {
  const { entries, memory } = keyspace;
  const copy = addLike(keyspace, address, to, key, keyStart, keyLength);
  const dataType = dataTypeOf(entries.type(address));
  to.setEncoding(copy, dataType.copiedEncoding(entries.encoding(address)));
  if (isRooted(entries.head(address)))
    setRoot(entries, copy, dataType.rooted!.copy(memory, rootOf(entries, address)));
  return copy;
}

/** A new entry with the type, the expiry and the bytes of another. */
function addLike(
  keyspace: Keyspace,
  address: number,
  to: Database,
  key: Buffer,
  keyStart: number,
  keyLength: number,
): number {
  const { entries } = keyspace;
  const length = entries.valueLength(address);
  // `add` works with the hash of the last lookup, which was not necessarily this key's.
  to.find(key, keyStart, keyLength);
  const added = to.add(entries.type(address), key, keyStart, keyLength, length, entries.expireMs(address));
  const from = entries.valueStart(address);
  entries
    .valueBuffer(address)
    .copy(entries.valueBuffer(added), entries.valueStart(added), from, from + length);
  return added;
}
