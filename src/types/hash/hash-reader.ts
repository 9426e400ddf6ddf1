/**
 * Reading the hash of an entry, for code that only reads: packing, digests, rewrites. Commands have theirs
 * (HashEntry): a snapshot may pack a hash that a command is working on.
 */
import { StoredCollection } from "../stored-collection.ts";
import type { ValueMemory } from "../value-memory.ts";
import { HashFields } from "./hash-fields.ts";

const stored = new StoredCollection();
let fields: HashFields | undefined;

/** The fields of the hash at `address`, until the next call. They must not be changed. */
export function readHash(memory: ValueMemory, address: number): HashFields {
  fields = fieldsOf(memory);
  return fields.open(stored.open(memory.entries, address));
}

/** As `readHash`, for callers that go on reading while other hashes are read. */
export function openHash(memory: ValueMemory, address: number): HashFields {
  return new HashFields(memory).open(new StoredCollection().open(memory.entries, address));
}

/** What works on hashes in that memory, for code that reads or makes one outside of commands. */
export function fieldsOf(memory: ValueMemory): HashFields {
  if (fields?.memory !== memory) fields = new HashFields(memory);
  return fields;
}
