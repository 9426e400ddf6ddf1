/**
 * How the group of hashes and SORT get at hashes: one object for all, as handlers run one at a time.
 */
import { HashEntry } from "../keyspace/hash-entry.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";

let shared: HashEntry | undefined;

export function hashEntry(keyspace: Keyspace): HashEntry {
  if (shared?.keyspace !== keyspace) shared = new HashEntry(keyspace);
  return shared;
}
