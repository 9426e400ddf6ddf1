/**
 * Copies of whole entries, whatever their type: what RENAME, MOVE and COPY are made of. An entry's value is a run of
 * bytes that mean the same under any key and in any database, so a copy is made of the type number, the encoding,
 * the expiry and the bytes. A type whose value refers to memory outside its entry hooks in here.
 */
import { dataTypeOf } from "../types/registry.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** A renamed key was used when it was used; what COPY makes is new, and its encoding may tell so. */
export type TransferKind = "moved" | "copied";

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
  kind: TransferKind,
): number {
  const { entries } = keyspace;
  const length = entries.valueLength(address);
  // `add` works with the hash of the last lookup, which was not necessarily this key's.
  to.find(key, keyStart, keyLength);
  const copy = to.add(entries.type(address), key, keyStart, keyLength, length, entries.expireMs(address));
  const from = entries.valueStart(address);
  entries.valueBuffer(address).copy(entries.valueBuffer(copy), entries.valueStart(copy), from, from + length);
  const encoding = entries.encoding(address);
  entries.setEncoding(
    copy,
    kind === "moved" ? encoding : dataTypeOf(entries.type(address)).copiedEncoding(encoding),
  );
  if (kind === "moved") entries.setAccess(copy, entries.access(address));
  return copy;
}
