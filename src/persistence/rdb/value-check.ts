/**
 * Whether the values of an RDB file can be loaded: each is decoded by its type's own code, the one that the server
 * loads it with, and nothing of it is kept. Values of modules can only be passed over.
 */

import { StorageError } from "../../base/storage-error.ts";
import { Entries } from "../../memory/entries.ts";
import { HugeValues } from "../../memory/huge-values.ts";
import { KeyHash } from "../../memory/key-hash.ts";
import { Slabs } from "../../memory/slabs.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import { ValueMemory } from "../../types/value-memory.ts";
import type { RdbEntry } from "./reader.ts";

const HASH_SEED = Buffer.alloc(16, "tsredis");

/** Memory that holds one value at a time. */
export function newScratchMemory(): ValueMemory {
  return new ValueMemory(new Entries(new Slabs(), new HugeValues()), new KeyHash(HASH_SEED));
}

/** Why the value cannot be loaded; undefined if it can, or is a module's. */
export function whyNotLoadable(memory: ValueMemory, entry: RdbEntry): string | undefined {
  if (entry.payload === undefined || !LOADABLE_RDB_TYPES.has(entry.type)) return undefined;
  try {
    dataTypeOfRdb(entry.type).unpack(memory, entry.type, entry.payload);
    return undefined;
  } catch (error) {
    if (error instanceof StorageError && error.code === "corrupt") return error.message;
    throw error;
  }
}
